"""The result of a search as a file: CSV, a spreadsheet or JSON lines, written while it is sent.

Each file says what was asked, up to when changes are in it, and which engine answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, current_app, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access
from marketplace.core import clock
from marketplace.core.errors import NotFound
from marketplace.core.tables import safe_cell
from marketplace.extensions import limiter
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx
from marketplace.search.document import OfferDocument
from marketplace.search.query import WINDOW
from marketplace.search.results import WholeResult, whole

from . import formats, labels
from .downloads import streamed
from .queries import described, given

blueprint = Blueprint("export", __name__, url_prefix="/offers")

ENDINGS: Final = ("csv", "xlsx", "jsonl")


@blueprint.get("/export.<ending>")
@access("public")
@limiter.limit("10 per minute; 60 per hour")
def file(ending: str) -> ResponseReturnValue:
    """All offers that the search of this address finds, 10,000 at most."""
    if ending not in ENDINGS:
        raise NotFound("file-missing", "The file is no longer in the store.")
    asked = given()
    found = whole(asked)
    pieces = {
        "csv": lambda: as_csv(_lines(found, asked)),
        "xlsx": lambda: as_xlsx(_lines(found, asked)),
        "jsonl": lambda: _json_lines(found, asked),
    }[ending]()
    return streamed(pieces, f"offers-{clock.today():%Y%m%d}.{ending}")


def _lines(found: WholeResult, asked: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """What the file is, then a header, then a line for each offer; no cell is ever a formula."""
    first = found.first
    parts = [str(part) for part in described(asked)]
    notes: list[tuple[Any, Any]] = [
        (gettext("Search"), " · ".join(parts) or gettext("All offers")),
        (gettext("Address"), _root() + url_for("offers.search", **_asked(asked))),
        (gettext("Changes included up to"), formats.minute(first.as_of)),
        (gettext("Engine"), first.engine + (gettext(" (stand-by)") if first.degraded else "")),
        (gettext("Offers found"), first.page.total),
    ]
    if found.cut:
        notes.append((gettext("In this file"), WINDOW))
    for name, value in notes:
        yield [safe_cell(name), safe_cell(value)]
    yield [
        safe_cell(text)
        for text in (
            gettext("Patent number"),
            gettext("Number of the declaration"),
            gettext("Title"),
            gettext("Title in English"),
            gettext("Patentees"),
            gettext("District"),
            gettext("Kind of right"),
            gettext("Classification"),
            gettext("Price form"),
            gettext("Fee (yuan)"),
            gettext("Royalty (per cent)"),
            gettext("Announced on"),
            gettext("Open until"),
            gettext("Licences so far"),
            gettext("Address"),
        )
    ]
    for document in found.documents:
        yield [safe_cell(value) for value in _line(document)]


def _line(one: OfferDocument) -> tuple[Any, ...]:
    return (
        one.patent_number or one.publication_number,
        one.declaration_number,
        one.title,
        one.title_en,
        "; ".join(one.owners),
        labels.district(one.district) if one.district else "",
        labels.name("kind", one.kind),
        "; ".join(one.ipc),
        labels.name("fee_form", one.fee_form),
        _yuan(one.fee_minor),
        _plain(one.rate_percent),
        one.announced_on.isoformat(),
        one.term_to.isoformat(),
        one.licences,
        _root() + url_for("offers.show", offer_id=one.id),
    )


def _json_lines(found: WholeResult, asked: Mapping[str, Sequence[str]]) -> Iterator[bytes]:
    """A line about the file, then one for each offer, with codes instead of names."""
    first = found.first
    yield _json(
        {
            "query": _asked(asked),
            "as_of": clock.format_instant(first.as_of),
            "engine": first.engine,
            "degraded": first.degraded,
            "total": first.page.total,
            "at_most": WINDOW,
        }
    )
    for one in found.documents:
        yield _json(
            {
                "id": one.id,
                "patent_number": one.patent_number or one.publication_number,
                "declaration_number": one.declaration_number,
                "title": one.title,
                "title_en": one.title_en or None,
                "owners": list(one.owners),
                "owner_types": list(one.owner_types),
                "district": one.district,
                "kind": one.kind,
                "ipc": list(one.ipc),
                "fee": {
                    "form": one.fee_form,
                    "amount": None
                    if one.fee_minor is None
                    else {"amount_minor": one.fee_minor, "currency": "CNY"},
                    "rate_percent": _plain(one.rate_percent) or None,
                    "rate_base": one.rate_base,
                },
                "announced_on": one.announced_on.isoformat(),
                "term_to": one.term_to.isoformat(),
                "licences": one.licences,
                "url": _root() + url_for("offers.show", offer_id=one.id),
            }
        )


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def _asked(asked: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {name: list(values) for name, values in asked.items() if name not in ("page", "size")}


def _root() -> str:
    root: str = current_app.config["SETTINGS"].public_url
    return root


def _yuan(minor: int | None) -> str:
    return "" if minor is None else f"{minor // 100}.{minor % 100:02}"


def _plain(rate: Any) -> str:
    return "" if rate is None else format(rate.normalize(), "f")
