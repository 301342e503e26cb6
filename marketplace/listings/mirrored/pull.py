"""Reading another market's `/api/v1/harvest/offers` into the mirrored offers, page by page, resumable.

A page is fetched first and then written in one unit of work together with its cursor: a pull that was killed
goes on behind the last page that was kept, and a page that is read twice changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, Unavailable
from marketplace.core.importing import digest_of
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import unit_of_work

from . import services
from .columns import COLUMNS, web_address
from .models import MirrorSource

HARVEST: Final = "/api/v1/harvest/offers"
SIZE: Final = 100
_SECONDS: Final = 30
_PAUSES: Final = (1, 5, 20)  # seconds before each further attempt
_LONGEST: Final = 120
_FEE: Final = {"fee_form": "form", "rate": "rate_percent", "rate_base": "rate_base"}


def pull(
    actor: Actor,
    address: str,
    name: str,
    *,
    anew: bool = False,
    progress: Callable[[int], None] | None = None,
    pauses: tuple[float, ...] = _PAUSES,
) -> dict[str, int]:
    """Bring the mirrored offers of a market up to date.

    Args:
        address: of the market, such as `https://market.example.org`.
        name: what its offers are called here; the cursor is kept with it.
        anew: read from the beginning, whatever was read before.
        progress: told how many records were read after each page.

    Returns:
        `{"read", "created", "updated", "unchanged", "deleted", "rejected"}`.

    Raises:
        Invalid: `mirror-source-missing`, `mirror-address`.
        Conflict: `mirror-answer`: what answers is no such market.
        Unavailable: `mirror-unavailable`: it does not answer; what was read is kept.
    """
    require(actor, "mirrored.import")
    try:
        base = web_address(address)
    except InvalidValue as error:
        raise Invalid("mirror-address", "Give the full address of the market, with https://.") from error
    base = (base or "").rstrip("/").removesuffix(HARVEST)
    with unit_of_work(actor):
        source = services.source_named(name)
        source.address = base
        source_id, cursor = source.id, None if anew else source.cursor
    done: Counter[str] = Counter(read=0, created=0, updated=0, unchanged=0, deleted=0, rejected=0)
    session = requests.Session()
    while True:
        page = _page(session, base, cursor, pauses)
        records, following = page["records"], page["cursor"]
        with unit_of_work(actor):
            for record in records:
                done[_take(actor, services.source_named(name), record)] += 1
            kept = db.session.get_one(MirrorSource, source_id)
            kept.cursor, kept.read_at = following, clock.now()
        done["read"] += len(records)
        if progress is not None:
            progress(done["read"])
        if not page["more"]:
            return dict(done)
        if following == cursor:
            raise Conflict("mirror-answer", "The market at this address does not answer as it should.")
        cursor = following


def _page(
    session: requests.Session, base: str, cursor: str | None, pauses: tuple[float, ...]
) -> dict[str, Any]:
    query: dict[str, str] = {"size": str(SIZE)} | ({"cursor": cursor} if cursor else {})
    for pause in (*pauses, None):
        wait = pause
        try:
            answer = session.get(base + HARVEST, params=query, timeout=_SECONDS)
        except requests.RequestException as error:
            if wait is None:
                raise _unavailable() from error
        else:
            if answer.status_code == 200:
                return _checked(answer)
            if answer.status_code != 429 and answer.status_code < 500:
                raise Conflict("mirror-answer", "The market at this address does not answer as it should.")
            if wait is None:
                raise _unavailable()
            asked = answer.headers.get("Retry-After", "")
            wait = min(max(wait, int(asked) if asked.isdecimal() else 0), _LONGEST)
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _unavailable() -> Unavailable:
    return Unavailable("mirror-unavailable", "The market does not answer at the moment.")


def _checked(answer: requests.Response) -> dict[str, Any]:
    """The page, if it has the shape of one."""
    try:
        page = answer.json()
    except ValueError as error:
        raise Conflict("mirror-answer", "The market at this address does not answer as it should.") from error
    shaped = (
        isinstance(page, dict)
        and isinstance(page.get("records"), list)
        and isinstance(page.get("cursor"), str)
        and len(page["cursor"]) <= 500
        and isinstance(page.get("more"), bool)
    )
    if not shaped:
        raise Conflict("mirror-answer", "The market at this address does not answer as it should.")
    return dict(page)


def _take(actor: Actor, source: MirrorSource, record: Any) -> str:
    """Write one record: what became of it, as a key of the result."""
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return "rejected"
    if record.get("deleted"):
        return "deleted" if services.end(actor, source, record["id"]) else "unchanged"
    try:
        values = values_of(record)
    except (InvalidValue, TypeError, ValueError):
        return "rejected"
    if any(column.required and values.get(column.name) is None for column in COLUMNS):
        return "rejected"
    return services.take(actor, source, values, digest_of(values))


def values_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's offer as converted columns.

    Raises:
        InvalidValue: a value cannot be one.
    """
    offer = record.get("offer")
    if not isinstance(offer, dict):
        raise InvalidValue("cell-type", str(offer))
    fee = offer.get("fee") or {}
    said: dict[str, Any] = {
        "reference": record["id"],
        "address": record.get("address"),
        **{
            name: offer.get(name)
            for name in (
                "patent_number", "title", "owners", "ipc", "declaration_number", "announced_on",
                "payment_text", "term_to",
            )
        },
        **{column: fee.get(name) for column, name in _FEE.items()},
    }  # fmt: skip
    # Figures of the interface are exact: minor units and per cent, not a spreadsheet's cells.
    rate = said.pop("rate")
    said["rate"] = None if rate is None else f"{rate}%"
    values = {
        column.name: column.convert(said[column.name])
        for column in COLUMNS
        if said.get(column.name) not in (None, [], "")
    }
    amount = fee.get("amount")
    if isinstance(amount, dict) and amount.get("amount_minor") and amount.get("currency") == "CNY":
        values["fee"] = int(amount["amount_minor"])
    return values
