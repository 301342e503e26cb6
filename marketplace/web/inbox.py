"""The inbox of an organisation, and of staff: what happened that concerns them, newest first."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications import services
from marketplace.notifications.texts import render_all

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")

_SIZE = 30


@blueprint.get("")
@access("signed_in")
def index() -> ResponseReturnValue:
    """The messages, a page at a time."""
    rows = services.inbox(current_actor(), after=request.args.get("after", type=int), limit=_SIZE + 1)
    return render_template(
        "inbox/index.html",
        messages=render_all(rows[:_SIZE]),
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.post("/read")
@access("signed_in")
def mark_read() -> ResponseReturnValue:
    """Mark all messages up to the newest one shown as read."""
    actor = current_actor()
    with unit_of_work(actor):
        services.mark_read(actor, up_to=request.form.get("newest", 0, type=int))
    return redirect(url_for("inbox.index"))
