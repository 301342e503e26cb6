"""Disputes counted for supervision: how many, over what, where they went and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require

from .models import LIVING, Dispute, DisputeReferral


@dataclass(frozen=True)
class Counts:
    """Figures over all disputes; each dispute is one, however many steps it took.

    Attributes:
        total, living, overdue: all; not over yet; of these unanswered behind the day that was set.
        states, topics, subjects: code → disputes.
        venues: code → disputes that were taken there at least once.
    """

    total: int
    living: int
    overdue: int
    states: Mapping[str, int]
    topics: Mapping[str, int]
    subjects: Mapping[str, int]
    venues: Mapping[str, int]


def counts(actor: Actor) -> Counts:
    """The figures, for the bureau and operators (three statements, whatever there is).

    Raises:
        Forbidden: not staff.
    """
    require(actor, "dispute.supervise")
    rows = db.session.execute(
        sa.select(Dispute.state, Dispute.topic, Dispute.subject, sa.func.count()).group_by(
            Dispute.state, Dispute.topic, Dispute.subject
        )
    ).all()
    states, topics, subjects = Counter[str](), Counter[str](), Counter[str]()
    for state, topic, subject, number in rows:
        states[state] += number
        topics[topic] += number
        subjects[subject] += number
    venues = db.session.execute(
        sa.select(
            DisputeReferral.venue, sa.func.count(sa.distinct(DisputeReferral.dispute_id)).label("number")
        ).group_by(DisputeReferral.venue)
    ).all()
    overdue = db.session.scalar(
        sa.select(sa.func.count()).where(Dispute.state == "open", Dispute.overdue_at.is_not(None))
    )
    return Counts(
        total=states.total(),
        living=sum(states[state] for state in LIVING),
        overdue=overdue or 0,
        states=states,
        topics=topics,
        subjects=subjects,
        venues={row.venue: row.number for row in venues},
    )
