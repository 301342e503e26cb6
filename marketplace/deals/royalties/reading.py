"""Reading royalties: which periods somebody sees, by what is to be done, and how their payment stands."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.permissions import allowed
from marketplace.deals.models import Licence, Obligation
from marketplace.listings.models import Offer, PatentParty

from .models import RoyaltyDefault, RoyaltyPeriod, RoyaltyPlan, RoyaltyPlanChange, RoyaltyStatement

GROUPS: Final = ("due", "overdue", "unpaid", "reported", "running")
PAYMENTS: Final = ("none", "open", "overdue", "paid")


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Licences of which the actor is a party."""
    declared = sa.select(Offer.id).where(Offer.holder_id.in_(actor.holders))
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(actor.holders))
    return sa.or_(
        Licence.licensee_id.in_(actor.licensees),
        Licence.offer_id.in_(declared),
        sa.and_(Licence.offer_id.is_not(None), Licence.patent_id.in_(owned)),
    )


def _owing(late: bool = False) -> sa.ColumnElement[bool]:
    owed = (
        sa.select(RoyaltyStatement.period_id)
        .join(Obligation, RoyaltyStatement.obligation_id == Obligation.id)
        .where(Obligation.state == "open")
    )
    return RoyaltyPeriod.id.in_(owed.where(Obligation.due_on < clock.today()) if late else owed)


def _in_group(group: str) -> sa.ColumnElement[bool]:
    if group == "unpaid":
        return _owing()
    if group == "overdue":
        return sa.or_(RoyaltyPeriod.state == "overdue", _owing(late=True))
    return RoyaltyPeriod.state == group


def periods(
    actor: Actor, *, group: str | None = None, licence_id: int | None = None
) -> sa.Select[RoyaltyPeriod]:
    """Periods of the actor's licences, on either side.

    Args:
        group: one of `GROUPS`; None for all.
        licence_id: of this licence alone.
    """
    query = (
        sa.select(RoyaltyPeriod).join(Licence, RoyaltyPeriod.licence_id == Licence.id).where(visible(actor))
    )
    if group is not None:
        query = query.where(_in_group(group))
    return query if licence_id is None else query.where(RoyaltyPeriod.licence_id == licence_id)


def page(query: sa.Select[RoyaltyPeriod], *, before: int | None, limit: int) -> list[RoyaltyPeriod]:
    """The newest of these periods, from before an id on."""
    if before is not None:
        query = query.where(RoyaltyPeriod.id < before)
    return list(db.session.scalars(query.order_by(RoyaltyPeriod.id.desc()).limit(limit)).unique())


def counts(actor: Actor) -> dict[str, int]:
    """How many periods are in each group."""
    return {
        name: db.session.scalar(sa.select(sa.func.count()).select_from(periods(actor, group=name).subquery()))
        or 0
        for name in GROUPS
    }


def payment_of(period: RoyaltyPeriod) -> str:
    """How payment of a period stands: `none`, `open`, `overdue` or `paid`."""
    owed = [one.obligation for one in period.statements if one.obligation is not None]
    waiting = [one for one in owed if one.state == "open"]
    if any(one.due_on is not None and one.due_on < clock.today() for one in waiting):
        return "overdue"
    if waiting:
        return "open"
    return "paid" if any(one.state == "paid" for one in owed) else "none"


def plan_of(actor: Actor, licence_id: int) -> RoyaltyPlan:
    """How a licence is reported.

    Raises:
        NotFound: it bears no royalty, or it is another party's.
    """
    plan = db.session.scalar(sa.select(RoyaltyPlan).where(RoyaltyPlan.licence_id == licence_id))
    if plan is None or not allowed(actor, "royalty.view", plan).allowed:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return plan


def changes_of(plan: RoyaltyPlan) -> list[RoyaltyPlanChange]:
    """What the parties have proposed to each other, newest first."""
    query = sa.select(RoyaltyPlanChange).where(RoyaltyPlanChange.plan_id == plan.id)
    return list(db.session.scalars(query.order_by(RoyaltyPlanChange.id.desc())).unique())


def defaults_of(period: RoyaltyPeriod) -> list[RoyaltyDefault]:
    """Notices of default of a period, newest first."""
    query = sa.select(RoyaltyDefault).where(RoyaltyDefault.period_id == period.id)
    return list(db.session.scalars(query.order_by(RoyaltyDefault.id.desc())).unique())
