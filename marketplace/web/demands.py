"""Firms' demands: the public list, posting one, and its ranked matches with reasons."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.core.database import db
from marketplace.demands.models import Demand

blueprint = Blueprint("demands", __name__, url_prefix="/demands")

_SIZE = 20


@blueprint.get("")
@access("public")
def index() -> ResponseReturnValue:
    """Published demands, newest first."""
    query = sa.select(Demand).where(Demand.state == "published").order_by(Demand.id.desc()).limit(_SIZE + 1)
    after = request.args.get("after", type=int)
    if after is not None:
        query = query.where(Demand.id < after)
    rows = db.session.scalars(query).all()
    return render_template(
        "demands/index.html", demands=rows[:_SIZE], after=rows[_SIZE - 1].id if len(rows) > _SIZE else None
    )


@blueprint.get("/mine")
@access("organisation")
def mine() -> ResponseReturnValue:
    """The demands of one's own organisation, every state."""
    actor = current_actor()
    rows = db.session.scalars(
        sa.select(Demand).where(Demand.organisation_id == actor.organisation_id).order_by(Demand.id.desc())
    ).all()
    return render_template("demands/mine.html", demands=rows)
