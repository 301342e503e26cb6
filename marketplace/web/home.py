"""The home page and the explanation of how open licensing works."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand
from marketplace.listings.models import IN_FORCE, Offer

blueprint = Blueprint("home", __name__)

_NEWEST = 6


@blueprint.get("/")
@access("public")
def index() -> ResponseReturnValue:
    """What this is, a search, a door for each kind of user, the newest offers, live counts."""
    live = sa.and_(Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
    newest = db.session.scalars(
        sa.select(Offer).where(live).order_by(Offer.announced_on.desc(), Offer.id.desc()).limit(_NEWEST)
    ).all()
    month = clock.add_months(clock.today(), -1)
    counts = {
        "offers": _count(sa.select(sa.func.count()).select_from(Offer).where(live)),
        "free": _count(sa.select(sa.func.count()).select_from(Offer).where(live, Offer.fee_form == "free")),
        "holders": _count(sa.select(sa.func.count(Offer.holder_id.distinct())).where(live)),
        "licences": _count(sa.select(sa.func.count()).select_from(Licence).where(Licence.kind == "open")),
        "licences_month": _count(
            sa.select(sa.func.count())
            .select_from(Licence)
            .where(Licence.kind == "open", Licence.effective_on >= month)
        ),
        "demands": _count(sa.select(sa.func.count()).select_from(Demand).where(Demand.state == "published")),
    }
    return render_template("home/index.html", newest=newest, counts=counts)


def _count(query: sa.Select[Any]) -> int:
    return db.session.scalar(query) or 0


@blueprint.get("/about/law")
@access("public")
def law() -> ResponseReturnValue:
    """How open licensing works, answers to frequent questions, and cautions."""
    return render_template("home/law.html")
