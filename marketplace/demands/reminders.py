"""Who opened a demand, and reminding: the poster before its day, holders who opened and did not answer."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, record

from .models import Demand, DemandAnswer, DemandOpening
from .policies import PUBLIC_STATES
from .rules import REMIND_HOLDER_AFTER, REMIND_POSTER_DAYS


def is_first_opening(actor: Actor, demand: Demand) -> bool:
    """Whether this is the first time that somebody of the actor's organisation looks at others' demand."""
    organisation_id = actor.organisation_id
    if organisation_id is None or demand.organisation_id in actor.licensees:
        return False
    if demand.state not in PUBLIC_STATES:
        return False
    return not _known(demand.id, organisation_id)


def _known(demand_id: int, organisation_id: int) -> bool:
    query = sa.select(DemandOpening.id).where(
        DemandOpening.demand_id == demand_id, DemandOpening.organisation_id == organisation_id
    )
    return db.session.scalar(query) is not None


def note_opening(actor: Actor, demand_id: int) -> None:
    """Keep that the actor's organisation has opened a demand; in a unit of work."""
    # Two people of one organisation may open it in the same moment: the demand's row makes them wait.
    lock(Demand, demand_id)
    if actor.organisation_id is None or _known(demand_id, actor.organisation_id):
        return
    db.session.add(
        DemandOpening(demand_id=demand_id, organisation_id=actor.organisation_id, opened_at=clock.now())
    )


def remind_posters(limit: int) -> int:
    """Tell the posters whose day is at most three days away, once for each day; returns how many."""
    today = clock.today()
    rows = db.session.scalars(
        sa.select(Demand.id)
        .where(
            Demand.state.in_(PUBLIC_STATES),
            Demand.answer_by >= today,
            Demand.answer_by <= today + dt.timedelta(days=REMIND_POSTER_DAYS),
            # One that was published for a few days only needs no reminder on its first day.
            Demand.published_on < today,
            sa.or_(Demand.reminded_for.is_(None), Demand.reminded_for != Demand.answer_by),
        )
        .order_by(Demand.id)
        .limit(limit)
    ).all()
    for demand_id in rows:
        demand = lock(Demand, demand_id)
        demand.reminded_for = demand.answer_by
        record("demand.day_is_near", demand, organisation_id=demand.organisation_id)
    return len(rows)


def remind_holders(limit: int) -> int:
    """Tell, once, who opened a demand three days ago, or one whose day is near, and has not answered."""
    today = clock.today()
    answered = sa.exists().where(
        DemandAnswer.demand_id == DemandOpening.demand_id,
        DemandAnswer.organisation_id == DemandOpening.organisation_id,
    )
    rows = db.session.scalars(
        sa.select(DemandOpening)
        .join(Demand, Demand.id == DemandOpening.demand_id)
        .where(
            DemandOpening.reminded_at.is_(None),
            Demand.state.in_(PUBLIC_STATES),
            sa.or_(Demand.answer_by.is_(None), Demand.answer_by >= today),
            sa.or_(
                DemandOpening.opened_at <= clock.now() - REMIND_HOLDER_AFTER,
                sa.and_(
                    Demand.answer_by <= today + dt.timedelta(days=1),
                    DemandOpening.opened_at <= clock.now() - dt.timedelta(days=1),
                ),
            ),
            ~answered,
        )
        .order_by(DemandOpening.id)
        .limit(limit)
    ).all()
    for opening in rows:
        opening.reminded_at = clock.now()
        record("demand.opened_unanswered", opening.demand, organisation_id=opening.organisation_id)
    return len(rows)
