"""The home page and the explanation of how open licensing works."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.core.database import db
from marketplace.demands.models import Demand
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.statistics.facts import open_licences

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
    offers, free = db.session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.case((Offer.fee_form == "free", 1)))).where(live)
    ).one()
    demands = sa.select(sa.func.count()).select_from(Demand).where(Demand.state == "published")
    counts = {
        "offers": offers,
        "free": free,
        "licences": open_licences(),
        "demands": db.session.scalar(demands),
    }
    return render_template("home/index.html", newest=newest, counts=counts)


@blueprint.get("/about/law")
@access("public")
def law() -> ResponseReturnValue:
    """How open licensing works, answers to frequent questions, and cautions."""
    return render_template("home/law.html")
