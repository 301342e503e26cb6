"""The bureau's list of open duties to withdraw: which offers, since when, for how many days, and why."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.listings import duties

_SIZE = 50
_LAST_PAGE = 10_000


@access("bureau")
def open_duties() -> ResponseReturnValue:
    """The holders who have to withdraw an offer (GL V-11 §2), the longest overdue first."""
    page = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    return render_template(
        "facts/duties.html",
        duties=duties.open_duties(limit=_SIZE, offset=(page - 1) * _SIZE),
        total=duties.count_open_duties(),
        page=page,
        size=_SIZE,
    )


def add_to(blueprint: Blueprint) -> None:
    """Add the list to the bureau's pages."""
    blueprint.add_url_rule("/duties", view_func=open_duties)
