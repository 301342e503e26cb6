"""The bureau's page on what would raise the rate: where offers get stuck, why firms pass, what led on."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.matching import hits
from marketplace.statistics import services
from marketplace.statistics.definitions import DEFINITIONS, NOTES

from .bureau_frame import CUTS, day_asked, rows_url, usual_first
from .groups import group_name

STUCK: Final[dict[str, Any]] = {
    "not-opened": _l("Plain titles and a short description of the problem solved get lists opened."),
    "not-noticed": _l(
        "A picture, answered questions and a fee near that of comparable offers lead to notices."
    ),
    "not-paid": _l("Holders who confirm transfers quickly and take cards lose fewer notices."),
}
"""Where offers get stuck, and what usually helps."""


@access("bureau")
def levers() -> ResponseReturnValue:
    """Offers that were shown, opened or noticed and came no further; passes; recommended against not."""
    by = request.args.get("by", "owner_type")
    last = services.question("not-opened", None, day_asked("to"), by).last
    asked = services.question("landmark", day_asked("from") or usual_first(last), last, by)

    def figure(code: str, cut: str | None) -> list[dict[str, Any]]:
        body = services.statistics(
            code, asked.first, asked.last, cut, asked.as_of, rows_url=rows_url, beside=False
        )
        rows: list[dict[str, Any]] = body["rows"]
        return rows

    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for code in STUCK:
        for row in figure(code, by):
            groups.setdefault(row["group"], {})[code] = row
    whole = services.question("landmark", asked.first, asked.last, None, asked.as_of)
    return render_template(
        "bureau/levers.html",
        asked=asked,
        stuck=STUCK,
        whole={code: figure(code, None)[0] for code in STUCK},
        groups=groups,
        found=services.compare(whole, *services.answer(whole), rows_url=rows_url),
        passes=hits.passes(current_actor(), hits.Period(asked.first, asked.last)),
        definitions=DEFINITIONS,
        notes=NOTES,
        cuts=CUTS,
        group_name=group_name,
    )


def add_to(blueprint: Blueprint) -> None:
    """Add the page to the bureau's."""
    blueprint.add_url_rule("/levers", view_func=levers)
