"""The fee relief for holders of small means, as patentees state it; it competes with the licences' cut."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record

from .models import AnnuityRelief

# Per cent of the annuity that a sole patentee, or several together, need not pay (IR 117, 财税〔2016〕78号).
SOLE: Final = 85
JOINT: Final = 70


@dataclass(frozen=True)
class Relief:
    """What all patentees of a patent have been granted together; days inclusive, None while it goes on."""

    percent: int
    since: dt.date
    until: dt.date | None

    def covers(self, day: dt.date) -> bool:
        """Whether it counts on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Reliefs:
    """The statements of some organisations, by organisation."""

    rows: Mapping[int, AnnuityRelief]

    def of(self, patentees: Sequence[int]) -> Relief | None:
        """The relief of a patent of these patentees: only where each of them has been granted it."""
        found = [self.rows.get(one) for one in patentees]
        stated = [one for one in found if one is not None]
        if not stated or len(stated) < len(found):
            return None
        ends = [one.until for one in stated if one.until is not None]
        percent = SOLE if len(stated) == 1 else JOINT
        return Relief(percent, max(one.since for one in stated), min(ends, default=None))


def reliefs_of(organisations: Collection[int]) -> Reliefs:
    """What these organisations have stated."""
    query = sa.select(AnnuityRelief).where(AnnuityRelief.organisation_id.in_(organisations))
    return Reliefs({one.organisation_id: one for one in db.session.scalars(query)})


def state_relief(actor: Actor, *, since: dt.date, until: dt.date | None = None) -> AnnuityRelief:
    """State the relief that the actor's organisation has been granted; a new statement replaces the old.

    Raises:
        Invalid: `relief-reversed`: it ends before it begins.
    """
    require(actor, "relief.state")
    if until is not None and until < since:
        raise Invalid(
            "relief-reversed",
            "The relief ends before it begins.",
            fields={"until": ["The relief ends before it begins."]},
        )
    query = sa.select(AnnuityRelief).where(AnnuityRelief.organisation_id == actor.organisation_id)
    row = db.session.scalar(query.with_for_update())
    if row is None:
        row = AnnuityRelief(organisation_id=actor.organisation_id, since=since)
        db.session.add(row)
    row.since, row.until, row.user_id, row.stated_at = since, until, actor.user_id, clock.now()
    db.session.flush()
    record(
        "relief.stated",
        row,
        organisation_id=actor.organisation_id,
        since=since.isoformat(),
        until=until.isoformat() if until else None,
    )
    return row
