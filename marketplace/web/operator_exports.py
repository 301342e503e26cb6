"""Notices that wait for their export check: what operator and bureau look at. Nothing acts by itself."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.export_control.supervision import waiting_checks

from .operator_frame import blueprint, key_given
from .seats import name_of_seat

_SIZE = 50


@blueprint.get("/export-checks")
@access("bureau")
def export_checks() -> ResponseReturnValue:
    """The checks that wait, oldest first, with the day by which they should have gone on."""
    rows = waiting_checks(current_actor(), after=key_given("after"), limit=_SIZE + 1)
    return render_template(
        "operator/export_checks.html",
        rows=rows[:_SIZE],
        seat_name=name_of_seat,
        after=rows[_SIZE - 1].check.id if len(rows) > _SIZE else None,
    )
