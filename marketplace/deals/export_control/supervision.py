"""Export checks that wait, for operator and bureau, with the day by which they should have gone on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.deals.lookup import offer_ended_at
from marketplace.deals.models import OPEN_NOTICE, Notice

from . import rules
from .models import ExportCheck

WAITING: Final = sa.and_(
    ExportCheck.state.in_(rules.OPEN),
    sa.or_(Notice.state.in_(OPEN_NOTICE), ExportCheck.ready_at.is_not(None)),
)
"""Checks that somebody still has to do something about; for queries that join `Notice`."""


WAITING_NOTICES: Final = sa.select(ExportCheck.notice_id).join(Notice).where(WAITING)
"""Ids of the notices that they belong to."""


@dataclass(frozen=True)
class Waiting:
    """A check that waits: the day by which it should have gone on, and whether that is over."""

    check: ExportCheck
    due: clock.Deadline
    late: bool


def waiting_of(notice_ids: Collection[int]) -> dict[int, ExportCheck]:
    """The checks that wait among these notices, by the id of the notice."""
    if not notice_ids:
        return {}
    query = sa.select(ExportCheck).join(Notice, ExportCheck.notice_id == Notice.id).where(WAITING)
    rows = db.session.scalars(query.where(ExportCheck.notice_id.in_(notice_ids))).unique()
    return {check.notice_id: check for check in rows}


def waiting_under(offer_id: int) -> list[ExportCheck]:
    """The checks that wait under an offer, oldest first."""
    query = sa.select(ExportCheck).join(Notice, ExportCheck.notice_id == Notice.id).where(WAITING)
    return list(
        db.session.scalars(query.where(Notice.offer_id == offer_id).order_by(ExportCheck.id)).unique()
    )


def is_waiting(check: ExportCheck) -> bool:
    """As `WAITING`, of one."""
    return check.state in rules.OPEN and (check.notice.state in OPEN_NOTICE or check.ready_at is not None)


def due_of(check: ExportCheck) -> clock.Deadline:
    """The day by which an open check should have gone on.

    Nothing happens by itself when it is over, but where the offer has ended: then it is the last one.
    """
    asked = clock.legal_date(check.licensee_at)
    ended_at = offer_ended_at(check.notice.offer)
    if ended_at is not None:
        return rules.last_word(asked, clock.legal_date(ended_at))
    if check.state == "asked" or check.holder_at is None:
        return rules.due(check.state, asked)
    return rules.due(check.state, max(asked, clock.legal_date(check.holder_at)))


def waiting_checks(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[Waiting]:
    """Checks that wait, oldest first.

    Raises:
        Forbidden: the actor is neither operator nor bureau.
    """
    require(actor, "export.supervise")
    query = sa.select(ExportCheck).join(Notice, ExportCheck.notice_id == Notice.id).where(WAITING)
    if after is not None:
        query = query.where(ExportCheck.id > after)
    rows = db.session.scalars(query.order_by(ExportCheck.id).limit(min(limit, 200))).unique()
    found = [(check, due_of(check)) for check in rows]
    return [Waiting(check, due, clock.today() > due.date) for check, due in found]


def count_waiting() -> int:
    """How many of them there are."""
    query = sa.select(sa.func.count()).select_from(ExportCheck).join(Notice).where(WAITING)
    return db.session.scalar(query) or 0
