"""Later instalments: the parties are told before a sum falls due, and when its day is over."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, record, unit_of_work

from .lookup import lock_notice
from .models import Notice, Obligation

DAYS_BEFORE: Final = 14  # no law sets it: a unit's internal approval of a transfer takes about so long


def remind() -> None:
    """Tell of sums of licences in effect that fall due soon or are overdue, each once (a schedule)."""
    today = clock.today()
    soon = today + dt.timedelta(days=DAYS_BEFORE)
    waiting = (
        sa.select(Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .where(
            Notice.state == "paid",
            Obligation.state == "open",
            sa.or_(
                sa.and_(Obligation.reminded_at.is_(None), Obligation.due_on <= soon),
                sa.and_(Obligation.overdue_at.is_(None), Obligation.due_on < today),
            ),
        )
        .order_by(Obligation.id)
    )
    for key in list(db.session.scalars(waiting)):
        with unit_of_work():
            lock_notice(db.session.get_one(Obligation, key).notice)
            owed = lock(Obligation, key)
            if owed.state != "open" or owed.due_on is None:
                continue
            if owed.due_on < today:
                owed.overdue_at = owed.reminded_at = clock.now()
            else:
                owed.reminded_at = clock.now()
            record(
                "obligation.overdue" if owed.due_on < today else "obligation.due_soon",
                owed,
                organisation_id=owed.notice.licensee_id,
                notice_id=owed.notice_id,
                offer_id=owed.notice.offer_id,
            )
