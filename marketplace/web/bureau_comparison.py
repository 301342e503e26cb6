"""The bureau's page that holds two groups of a rate against each other."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.core.errors import Invalid
from marketplace.statistics import services
from marketplace.statistics.definitions import DEFINITIONS, NOTES
from marketplace.statistics.figures import QUICK_DAYS

from .bureau_frame import CUTS, day_asked, rows_url
from .groups import group_name

_USUAL_DAYS = 90


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
    asked = services.question(figure, day_asked("from"), day_asked("to"), by, day_asked("as_of"))
    cells = [cell for cell in services.answer(asked) if cell.days == days]
    by_group = {cell.group: cell for cell in sorted(cells, key=lambda cell: -len(cell.denominator or ()))}
    chosen = [group for group in (given.get("a"), given.get("b")) if group in by_group]
    first, second = (*dict.fromkeys([*chosen, *by_group]), None, None)[:2]
    found = None
    if first is not None and second is not None:
        found = services.compare(asked, by_group[first], by_group[second], rows_url=rows_url)
    return render_template(
        "bureau/compare.html",
        asked=asked,
        definition=DEFINITIONS[figure],
        days=days,
        chosen=(first, second),
        found=found,
        figures={code: DEFINITIONS[code].title for code in services.COMPARABLE},
        cuts=CUTS,
        groups={code: group_name(by, code) for code in by_group},
        quick_days=QUICK_DAYS,
        notes=NOTES,
    )


def add_to(blueprint: Blueprint) -> None:
    """Add the page to the bureau's pages."""
    blueprint.add_url_rule("/compare", view_func=compare)
