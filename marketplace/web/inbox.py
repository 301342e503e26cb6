"""The inbox of an organisation: what happened that concerns it, newest first."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications.models import Notification

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")

_SIZE = 30


@blueprint.get("")
@access("organisation")
def index() -> ResponseReturnValue:
    """The messages, a page at a time."""
    actor = current_actor()
    query = (
        sa.select(Notification)
        .where(Notification.organisation_id == actor.organisation_id)
        .order_by(Notification.id.desc())
        .limit(_SIZE + 1)
    )
    after = request.args.get("after", type=int)
    if after is not None:
        query = query.where(Notification.id < after)
    rows = db.session.scalars(query).all()
    return render_template(
        "inbox/index.html",
        messages=rows[:_SIZE],
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.post("/read")
@access("organisation")
def mark_read() -> ResponseReturnValue:
    """Mark all messages up to the newest one shown as read."""
    actor = current_actor()
    newest = request.form.get("newest", 0, type=int)
    with unit_of_work(actor):
        db.session.execute(
            sa.update(Notification)
            .where(
                Notification.organisation_id == actor.organisation_id,
                Notification.read_at.is_(None),
                Notification.id <= newest,
            )
            .values(read_at=clock.now())
        )
    return redirect(url_for("inbox.index"))
