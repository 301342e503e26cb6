"""Licences whose patent has ended by its holder's word alone: the operator looks into the register."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.patent_ends import confirm_patent_end, stated_ends

from .operator_frame import blueprint, key_given

_SIZE = 50


@blueprint.get("/patent-ends")
@access("operator")
def patent_ends() -> ResponseReturnValue:
    """The licences that wait, oldest first."""
    rows = stated_ends(current_actor(), after=key_given("after"), limit=_SIZE + 1)
    return render_template(
        "operator/patent_ends.html",
        rows=rows[:_SIZE],
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.post("/patent-ends/<int:licence_id>")
@access("operator")
def end_with_patent(licence_id: int) -> ResponseReturnValue:
    """The register says the same: the licence ends."""
    actor = current_actor()
    with unit_of_work(actor):
        confirm_patent_end(actor, licence_id)
    flash(gettext("The licence has ended with its patent; both parties are told."), "success")
    return redirect(url_for("operator.patent_ends"))
