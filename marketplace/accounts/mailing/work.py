"""What the worker does for mails: what is long past is forgotten."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from .models import OutgoingMail

KEPT: Final = dt.timedelta(days=90)
"""How long it is known which mail went to whom: far longer than a task is tried again."""

_FORGET: Final = "mailing.forget"


def forget() -> None:
    """Delete what is known of mails older than 90 days (a task)."""
    with unit_of_work():
        old = OutgoingMail.asked_at < clock.now() - KEPT
        db.session.execute(sa.delete(OutgoingMail).where(old))


TASKS: dict[str, Handler] = {_FORGET: forget}
SCHEDULES: tuple[Schedule, ...] = (Schedule(_FORGET, every=dt.timedelta(days=1)),)
