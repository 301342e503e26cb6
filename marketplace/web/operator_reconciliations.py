"""What the nightly comparison with the payment provider found."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.reconcile import report_of, reports

from .operator_frame import blueprint, key_given

_SIZE = 30


@blueprint.get("/reconciliations")
@access("operator")
def reconciliations() -> ResponseReturnValue:
    """The comparisons, newest first, with their counts."""
    rows = reports(current_actor(), before=key_given("before"), limit=_SIZE + 1)
    return render_template(
        "operator/reconciliations.html",
        rows=rows[:_SIZE],
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.get("/reconciliations/<int:report_id>")
@access("operator")
def reconciliation(report_id: int) -> ResponseReturnValue:
    """One comparison with each difference, linked to its payment and its case."""
    report, differences = report_of(current_actor(), report_id)
    return render_template("operator/reconciliation.html", report=report, differences=differences)
