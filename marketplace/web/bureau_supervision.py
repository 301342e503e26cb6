"""The bureau's work list: every open matter with its due day, the longest overdue first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import NotFound
from marketplace.core.tables import safe_cell
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx
from marketplace.supervision.items import KINDS, Found, Item, items

from . import labels
from .downloads import streamed
from .formats import english

_SIZE: Final = 50
_LAST_PAGE: Final = 10_000
_LARGEST_ID: Final = 2**63 - 1

KIND_NAMES: Final[dict[str, Any]] = {
    "bar": _l("Bars on offers in force"),
    "announcement": _l("Announcements not verified"),
    "demand": _l("Unanswered demands"),
    "recordal": _l("Late recordals"),
    "royalty": _l("Late royalty statements"),
    "payment": _l("Late royalty payments"),
    "dispute": _l("Disputes without an answer"),
}
ACTOR_NAMES: Final[dict[str, Any]] = {
    "holder": _l("The holder"),
    "holders": _l("Holders who can answer"),
    "licensee": _l("The licensee"),
    "operator": _l("The operator"),
    "other_side": _l("The other side"),
}
_PAGES: Final = {
    "bar": ("offers.show", "offer_id"),
    "announcement": ("offers.show", "offer_id"),
    "demand": ("demands.show", "demand_id"),
    "recordal": ("licensing.licence", "licence_id"),
    "royalty": ("licensing.licence", "licence_id"),
    "payment": ("licensing.licence", "licence_id"),
    "dispute": ("disputes.show", "dispute_id"),
}


def _link(item: Item) -> str:
    endpoint, name = _PAGES[item.kind]
    values: dict[str, Any] = {name: item.subject_id}
    return url_for(endpoint, **values)


def _asked() -> dict[str, Any]:
    """What the address asks for; what it cannot mean is not asked."""
    kind = request.args.get("kind", "")
    holder = request.args.get("holder", type=int)
    return {
        "kind": kind if kind in KINDS else None,
        "district": request.args.get("district", "")[:6] or None,
        "organisation_id": holder if holder is not None and 0 < holder <= _LARGEST_ID else None,
    }


def _found(asked: dict[str, Any]) -> Found:
    return items(current_actor(), **asked)


@access("bureau")
def supervision() -> ResponseReturnValue:
    """How many matters of each kind are open; a number opens into its rows."""
    asked = _asked()
    found = _found(asked)
    page = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    address = {
        name: value
        for name, value in (
            ("kind", asked["kind"]),
            ("district", asked["district"]),
            ("holder", asked["organisation_id"]),
        )
        if value
    }
    return render_template(
        "bureau/supervision.html",
        found=found,
        rows=found.items[(page - 1) * _SIZE : page * _SIZE],
        total=len(found.items),
        overdue=sum(one.overdue_days > 0 for one in found.items),
        asked=asked,
        address=address,
        kinds=KIND_NAMES,
        actors=ACTOR_NAMES,
        link=_link,
        english=english(),
        page=page,
        size=_SIZE,
    )


@access("bureau")
def supervision_file(ending: str) -> ResponseReturnValue:
    """The same matters as a list, for a spreadsheet."""
    pieces = {"csv": as_csv, "xlsx": as_xlsx}
    if ending not in pieces:
        raise NotFound("file-missing", "The file is no longer in the store.")
    table = _table(_found(_asked()))
    return streamed(pieces[ending](table), f"supervision-{clock.today():%Y%m%d}.{ending}")


def _table(found: Found) -> Iterator[list[str]]:
    yield [
        safe_cell(text)
        for text in (
            gettext("Matter"),
            gettext("Number"),
            gettext("Title"),
            gettext("Organisation"),
            gettext("District"),
            gettext("Who must act"),
            gettext("Since"),
            gettext("Due on"),
            gettext("Days overdue"),
        )
    ]
    for one in found.items:
        yield [
            safe_cell(value)
            for value in (
                KIND_NAMES[one.kind],
                one.subject_id,
                (one.title_en or one.title) if english() else one.title,
                found.name_of(one, english=english()),
                labels.district(one.district) if one.district else "",
                ACTOR_NAMES[one.must_act],
                one.since,
                one.due_on,
                one.overdue_days,
            )
        ]


def add_to(blueprint: Blueprint) -> None:
    """Add the list to the bureau's pages."""
    blueprint.add_url_rule("/supervision", view_func=supervision)
    blueprint.add_url_rule("/supervision.<ending>", view_func=supervision_file)
