"""The bureau's page that holds two groups of a rate against each other."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.core.errors import Invalid
from marketplace.statistics import services
from marketplace.statistics.definitions import DEFINITIONS, GROUPING_TITLES, NOTES
from marketplace.statistics.figures import GROUPINGS, QUICK_DAYS

from .groups import group_name

_CUTS = tuple(by for by in GROUPINGS if by != "month")
_USUAL_DAYS = 90


def _rows_url(parameters: dict[str, str]) -> str:
    return f"{url_for('bureau.rows')}?{urlencode(parameters)}"


def _day(name: str) -> dt.date | None:
    """A day of the address; the dashboard, which links here, has told of unreadable ones already."""
    try:
        return dt.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


@access("bureau")
def compare() -> ResponseReturnValue:
    """Two groups of a rate, and whether they differ by more than chance."""
    given = request.args
    figure = given.get("figure", services.COMPARABLE[0])
    if figure not in services.COMPARABLE:
        raise Invalid("figure-unknown", "There is no such figure.")
    by = given.get("by", "owner_type")
    days = None
    if figure == "quick-licence":
        days = given.get("days", _USUAL_DAYS, type=int)
        days = days if days in QUICK_DAYS else _USUAL_DAYS
    asked = services.question(figure, _day("from"), _day("to"), by, _day("as_of"))
    cells = [cell for cell in services.answer(asked) if cell.days == days]
    groups = [cell.group for cell in sorted(cells, key=lambda cell: -len(cell.denominator or ()))]
    chosen = [group for group in (given.get("a"), given.get("b")) if group in groups]
    first, second = (*dict.fromkeys([*chosen, *groups]), None, None)[:2]
    found = None
    if first is not None and second is not None:
        found = services.compare(asked, (first, second), days, rows_url=_rows_url)
    return render_template(
        "bureau/compare.html",
        asked=asked,
        definition=DEFINITIONS[figure],
        days=days,
        chosen=(first, second),
        found=found,
        figures={code: DEFINITIONS[code].title for code in services.COMPARABLE},
        cuts={code: GROUPING_TITLES[code] for code in _CUTS},
        groups={code: group_name(by, code) for code in groups},
        quick_days=QUICK_DAYS,
        notes=NOTES,
    )


def add_to(blueprint: Blueprint) -> None:
    """Add the page to the bureau's pages."""
    blueprint.add_url_rule("/compare", view_func=compare)
