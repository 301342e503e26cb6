"""What became of recommendations: shown, opened, contacted, licensed; by channel and by month.

A recommendation counts in the month in which it was shown, whatever happened later: each month is a cohort.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.permissions import require
from marketplace.demands.models import RECOMMENDATION_CHANNELS, Recommendation

from .lifecycle import PASS_REASONS

STEPS: Final = ("shown", "opened", "contacted", "licensed", "passed")
"""The steps that are counted; all but the first are shares of it."""

GROUPINGS: Final = ("month", "channel")


@dataclass(frozen=True)
class Group:
    """How many recommendations of a group came how far."""

    key: str
    counts: dict[str, int]

    def share(self, step: str) -> float | None:
        """The part of those shown that came to the step, as a fraction; None where none was shown."""
        return self.counts[step] / self.counts["shown"] if self.counts["shown"] else None


@dataclass(frozen=True)
class Period:
    """From the first to the last legal day, both inclusive."""

    first: dt.date
    last: dt.date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Invalid("period-empty", "The last day lies before the first.")

    @property
    def months(self) -> list[str]:
        """Every month that the period touches, as `2026-11`."""
        found, day = [], self.first.replace(day=1)
        while day <= self.last:
            found.append(f"{day:%Y-%m}")
            day = clock.add_months(day, 1)
        return found

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """Recommendations shown within it."""
        return sa.and_(
            Recommendation.shown_at >= clock.start_of_day_utc(self.first),
            Recommendation.shown_at < clock.start_of_day_utc(self.last + dt.timedelta(days=1)),
        )


def _reached(step: str) -> sa.ColumnElement[bool]:
    column = None if step == "shown" else getattr(Recommendation, f"{step}_at")
    return sa.true() if column is None else column.is_not(None)


def groups(actor: Actor, period: Period, by: str) -> list[Group]:
    """The counts of each month or channel, months in order, channels always all of them; one query.

    Raises:
        Forbidden: the actor is no staff.
    """
    require(actor, "recommendation.supervise")
    steps = [sa.func.count(sa.case((_reached(step), 1))).label(step) for step in STEPS]
    if by == "channel":
        query = sa.select(Recommendation.channel.label("key"), *steps).where(period.condition)
        rows = {row.key: row for row in db.session.execute(query.group_by(Recommendation.channel))}
        return [_group(key, rows.get(key)) for key in RECOMMENDATION_CHANNELS]
    month = _month()
    query = sa.select(month.label("key"), *steps).where(period.condition).group_by(month)
    rows = {row.key: row for row in db.session.execute(query)}
    return [_group(key, rows.get(key)) for key in period.months]


def _group(key: str, row: Any) -> Group:
    return Group(key, {step: getattr(row, step) if row is not None else 0 for step in STEPS})


def _month() -> sa.ColumnElement[str]:
    """The legal month, in Shanghai, of when it was shown."""
    if db.session.get_bind().dialect.name == "postgresql":
        local = sa.func.timezone("Asia/Shanghai", Recommendation.shown_at)
        return sa.func.to_char(local, "YYYY-MM")
    return sa.func.strftime("%Y-%m", Recommendation.shown_at, "+8 hours")


def total(found: Sequence[Group]) -> Group:
    """All groups in one."""
    return Group("all", {step: sum(one.counts[step] for one in found) for step in STEPS})


def passes(actor: Actor, period: Period) -> dict[str, int]:
    """Why firms passed, as counts of each reason, of the recommendations shown in the period."""
    require(actor, "recommendation.supervise")
    query = (
        sa.select(Recommendation.pass_reason, sa.func.count())
        .where(period.condition, Recommendation.passed_at.is_not(None))
        .group_by(Recommendation.pass_reason)
    )
    found = {row[0]: row[1] for row in db.session.execute(query)}
    return {reason: found.get(reason, 0) for reason in PASS_REASONS}


def rows(
    actor: Actor,
    period: Period,
    step: str,
    *,
    month: str | None = None,
    channel: str | None = None,
    first: int = 0,
    size: int = 50,
) -> tuple[list[Recommendation], int]:
    """The recommendations behind a count, newest first, and how many there are.

    Raises:
        Forbidden: the actor is no staff.
        Invalid: `step-unknown`.
    """
    require(actor, "recommendation.supervise")
    if step not in STEPS:
        raise Invalid("step-unknown", "There is no such step.")
    conditions = [period.condition, _reached(step)]
    if month:
        conditions.append(_month() == month)
    if channel:
        conditions.append(Recommendation.channel == channel)
    number = db.session.scalar(sa.select(sa.func.count()).select_from(Recommendation).where(*conditions))
    query = sa.select(Recommendation).where(*conditions).order_by(Recommendation.id.desc())
    return list(db.session.scalars(query.offset(first).limit(size)).unique()), number or 0


# --- for the holder


def passes_of(actor: Actor, offer: object, offer_id: int) -> dict[str, int]:
    """Why firms passed over an offer, for its holder: counts, never who; nothing where nobody did."""
    require(actor, "offer.demands", offer)
    query = (
        sa.select(Recommendation.pass_reason, sa.func.count())
        .where(Recommendation.offer_id == offer_id, Recommendation.passed_at.is_not(None))
        .group_by(Recommendation.pass_reason)
    )
    found = {reason: number for reason, number in db.session.execute(query) if reason is not None}
    return {reason: found[reason] for reason in PASS_REASONS if reason in found}
