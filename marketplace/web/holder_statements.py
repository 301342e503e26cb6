"""What a holder's bank statement left open: lines to answer, and sums of which a part has come."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.statements import services

from .holder_frame import blueprint, party


@blueprint.get("/statement")
@access("organisation")
def statement() -> ResponseReturnValue:
    """Lines that wait for an answer or for the rest of the money, and the way to upload a statement."""
    return render_template(
        "holder/statement.html",
        asked=services.open_lines(party().id),
        parts=services.open_sums(party().id),
    )


@blueprint.post("/statement/<int:line_id>")
@access("organisation")
def answer_line(line_id: int) -> ResponseReturnValue:
    """Say whether a line pays what it seems to pay."""
    actor, ours = current_actor(), request.form.get("ours") == "yes"
    with unit_of_work(actor):
        services.answer(actor, line_id, ours=ours)
    if ours:
        flash(gettext("The payment is confirmed, and the licence follows."), "success")
    else:
        flash(gettext("Put away: it pays nothing here."), "success")
    return redirect(url_for("holder.statement"))
