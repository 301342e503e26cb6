"""Two published reports of months that are over."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.statistics.reports import services
from marketplace.statistics.reports.periods import containing

_MONTHS: Final = (dt.date(2026, 8, 1), dt.date(2026, 9, 1))
_ISSUER: Final = "示例知识产权局（演示）"


def publish() -> None:
    """Publish them (own units); the facts must have been computed. Does nothing where a bureau is missing."""
    user_id = db.session.scalar(
        sa.select(User.id).where(User.staff_role == "bureau").order_by(User.id).limit(1)
    )
    db.session.rollback()
    if user_id is None:
        return
    actor = Actor(user_id=user_id, roles=frozenset({"bureau"}))
    for day in _MONTHS:
        prepared = services.prepare(containing("month", day))
        db.session.rollback()
        with unit_of_work(actor, origin="demo"):
            report_id = services.make(actor, prepared, issuer=_ISSUER, public=True).id
        services.write_files(report_id)
        with unit_of_work(actor, origin="demo"):
            services.publish(actor, report_id)
