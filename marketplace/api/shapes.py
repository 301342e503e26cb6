"""Values of the API: opaque ids, money in minor units, instants in UTC; and the base of its schemas."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma
from flask import current_app, request
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from marketplace.core import clock, convert
from marketplace.core.errors import NotFound
from marketplace.core.fields import Converted
from marketplace.core.money import EXPONENTS, Money

BASE: Final = "/api/v1"
_KEY: Final = re.compile(r"^[1-9][0-9]{0,17}$", re.ASCII)


def key_of(text: str) -> int:
    """The key behind an opaque id.

    Raises:
        NotFound: `not-found`, when it cannot be one.
    """
    if not _KEY.match(text):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return int(text)


def address(path: str) -> str:
    """The full address of a path: of this host, in production of the one that users see."""
    settings = current_app.config["SETTINGS"]
    base: str = settings.public_url if settings.production else request.host_url.rstrip("/")
    return base + path


def money(amount_minor: int | None, currency: str = "CNY") -> dict[str, Any] | None:
    """Minor units (分) as the API shows money."""
    return None if amount_minor is None else Money(amount_minor, currency).as_json()


def fee(
    form: str | None, amount_minor: int | None, rate: Decimal | None, base: str | None, currency: str = "CNY"
) -> dict[str, Any]:
    """An announced fee; the amount of a free offer is zero, that of a pure royalty null.

    Args:
        amount_minor: the fixed or entry fee in 分.
        rate: in per cent.
    """
    if form == "free":
        amount_minor = 0
    elif form in ("royalty_net_sales", "royalty_profit"):
        amount_minor = None
    return {
        "form": form,
        "amount": money(amount_minor, currency),
        # Four decimals at most, which a JSON number writes exactly.
        "rate_percent": None if rate is None else number(rate),
        "rate_base": base,
    }


def number(value: Decimal) -> int | float:
    """A decimal as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


class Id(fields.String):
    """An opaque id: its form may change, so do not reckon with it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **named: Any) -> str | None:
        return None if value is None else str(value)


class Instant(fields.String):
    """An instant in UTC."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {})
        options["metadata"] = {"format": "date-time", **options["metadata"]}
        super().__init__(**options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **named: Any) -> str | None:
        return clock.format_instant(value) if isinstance(value, dt.datetime) else value


class Day(fields.String):
    """A legal date in Shanghai, inclusive."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {})
        options["metadata"] = {"format": "date", **options["metadata"]}
        super().__init__(**options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **named: Any) -> str | None:
        return value.isoformat() if isinstance(value, dt.date) else value


class Amount(ma.Schema):
    """Money: whole minor units (分 for CNY) and a currency."""

    amount_minor = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=10**15))
    currency = fields.String(
        required=True, validate=validate.OneOf(list(EXPONENTS), error=_l("This currency is not dealt in."))
    )


class Fee(ma.Schema):
    """The announced fee."""

    form = fields.String(allow_none=True, metadata={"description": "null while a draft has none"})
    amount = fields.Nested(Amount, allow_none=True, metadata={"description": "the fixed or entry fee"})
    rate_percent = fields.Float(allow_none=True, metadata={"description": "in per cent"})
    rate_base = fields.String(allow_none=True)


def day(*, required: bool = False, **metadata: Any) -> Converted:
    """A legal date in a request."""
    kind = "string" if required else ["string", "null"]
    return Converted(convert.date(), required=required, metadata={"type": kind, "format": "date", **metadata})


def text(maximum: int, *, required: bool = False, lines: bool = True, **metadata: Any) -> Converted:
    """A text in a request, of at most `maximum` characters."""
    kind: Any = "string" if required else ["string", "null"]
    shape: dict[str, Any] = {"type": kind, "maxLength": maximum, **metadata}
    if required:
        shape["minLength"] = 1
    read = convert.text(maximum, lines=lines)

    def only_text(value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise convert.InvalidValue("cell-type", value)
        return read(value)

    return Converted(only_text, required=required, metadata=shape)


def page_of(item: type[ma.Schema], name: str) -> type[ma.Schema]:
    """The schema of one page of a list that is paged by key."""
    return ma.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": Id(
                allow_none=True,
                required=True,
                metadata={"description": "give it as `after` to get the next page; null at the end"},
            ),
        },
        name=name,
    )


class Query(ma.Schema):
    """Parameters of an address; an empty one is as if it were not there."""

    @ma.pre_load
    def _drop_empty(self, data: Mapping[str, Any], **_named: Any) -> dict[str, Any]:
        return {name: data[name] for name in data if data[name] != "" or name not in self.fields}


class After(Query):
    """Where a page begins."""

    after = fields.String(
        validate=validate.Regexp(_KEY, error=_l("This is no id that a page has given as next.")),
        metadata={"description": "`next` of the page before"},
    )
    size = fields.Integer(
        load_default=50,
        validate=validate.Range(min=1, max=100, error=_l("Give a number from 1 to 100.")),
        metadata={"description": "how many at most"},
    )


def page(rows: Sequence[Any], size: int, view: Any) -> Mapping[str, Any]:
    """One page of rows that were asked for with `size` + 1 of them."""
    shown = rows[:size]
    return {
        "items": [view(row) for row in shown],
        "next": str(shown[-1].id) if len(rows) > size else None,
    }
