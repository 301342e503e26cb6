"""For the bureau: demands that nobody has answered, when they were due, and whose they are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require

from .models import Demand, DemandAnswer, DemandOpening
from .rules import due_on

GROUPINGS: Final = ("organisation", "district", "industry", "posted_by")
EXPIRED_DAYS: Final = 180  # demands that ended unanswered are counted for this long


@dataclass(frozen=True)
class Unanswered:
    """A demand without an answer that stands.

    Attributes:
        due_on: the day that the firm named, else ten working days after the publication.
        openings: organisations that have looked at it.
    """

    id: int
    title: str
    title_en: str | None
    state: str
    organisation_id: int
    organisation: str
    organisation_en: str | None
    district: str | None
    industry: str | None
    posted_by: str
    published_on: dt.date
    due_on: dt.date
    openings: int

    @property
    def expired(self) -> bool:
        """Whether it has ended without an answer."""
        return self.state == "expired"

    @property
    def overdue_days(self) -> int:
        """Days since it was due; zero while it is not."""
        return max((clock.today() - self.due_on).days, 0)


@dataclass(frozen=True)
class Group:
    """The unanswered demands of one organisation, district, industry or kind of poster."""

    key: str
    name: str | None
    waiting: int
    overdue: int
    expired: int
    first_due_on: dt.date | None


def unanswered(actor: Actor, *, by: str | None = None, group: str | None = None) -> list[Unanswered]:
    """Demands without an answer: published ones, and those that expired in the last 180 days.

    Args:
        by, group: only those of this group, as `groups` names it; `""` for those that say nothing.

    Returns:
        Those longest overdue first, the expired ones last.

    Raises:
        Forbidden: not the bureau's people.
    """
    require(actor, "demand.supervise")
    stands = sa.exists().where(DemandAnswer.demand_id == Demand.id, DemandAnswer.state != "withdrawn")
    opened = (
        sa.select(DemandOpening.demand_id, sa.func.count().label("number"))
        .group_by(DemandOpening.demand_id)
        .subquery()
    )
    since = clock.today() - dt.timedelta(days=EXPIRED_DAYS)
    query = (
        sa.select(
            Demand.id,
            Demand.title,
            Demand.title_en,
            Demand.state,
            Demand.organisation_id,
            Organisation.name,
            Organisation.name_en,
            Demand.district,
            Demand.industry,
            Demand.posted_by,
            Demand.published_on,
            Demand.answer_by,
            sa.func.coalesce(opened.c.number, 0),
        )
        .join(Organisation, Organisation.id == Demand.organisation_id)
        .outerjoin(opened, opened.c.demand_id == Demand.id)
        .where(
            Demand.published_on.is_not(None),
            sa.or_(
                Demand.state.in_(("published", "answered")),
                sa.and_(Demand.state == "expired", Demand.closed_on >= since),
            ),
            ~stands,
        )
    )
    if by in GROUPINGS and group is not None:
        query = query.where(_in_group(by, group))
    found = [_unanswered(*row) for row in db.session.execute(query)]
    return sorted(found, key=lambda one: (one.expired, one.due_on, one.id))


def _unanswered(*row: Any) -> Unanswered:
    *said, answer_by, openings = row
    names = [one.name for one in fields(Unanswered)]
    return Unanswered(**dict(zip(names, (*said, due_on(said[-1], answer_by), openings), strict=True)))


def _in_group(by: str, group: str) -> sa.ColumnElement[bool]:
    column: Any = {
        "organisation": Demand.organisation_id,
        "district": Demand.district,
        "industry": Demand.industry,
        "posted_by": Demand.posted_by,
    }[by]
    if not group:
        return sa.cast(column, sa.String(32)).is_(None)
    return sa.cast(column, sa.String(32)) == group


def groups(rows: Iterable[Unanswered], by: str) -> Sequence[Group]:
    """The demands counted by one of `GROUPINGS`: most overdue first."""
    attribute = "organisation_id" if by == "organisation" else by
    collected: dict[str, list[Unanswered]] = defaultdict(list)
    for row in rows:
        value = getattr(row, attribute)
        collected["" if value is None else str(value)].append(row)
    counted = [_group(key, members, by) for key, members in collected.items()]
    return sorted(counted, key=lambda one: (-one.overdue, -one.waiting, -one.expired, one.key))


def _group(key: str, members: Sequence[Unanswered], by: str) -> Group:
    waiting = [one for one in members if not one.expired]
    return Group(
        key,
        members[0].organisation if by == "organisation" else None,
        len(waiting),
        sum(one.overdue_days > 0 for one in waiting),
        len(members) - len(waiting),
        min((one.due_on for one in waiting), default=None),
    )


def count_unanswered(actor: Actor) -> int:
    """How many published demands wait for a first answer."""
    require(actor, "demand.supervise")
    stands = sa.exists().where(DemandAnswer.demand_id == Demand.id, DemandAnswer.state != "withdrawn")
    query = sa.select(sa.func.count(Demand.id)).where(Demand.state == "published", ~stands)
    return db.session.scalar(query) or 0
