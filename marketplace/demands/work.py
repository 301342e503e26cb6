"""What the worker does for demands: those whose time is over expire."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from .services import expire_due

_BATCH = 500


def expire_demands() -> None:
    """Let every demand expire whose day is past, in units of work of at most 500."""
    expired = _BATCH
    while expired == _BATCH:
        with unit_of_work():
            expired = expire_due(_BATCH)


TASKS: dict[str, Handler] = {"demands.expire": expire_demands}
SCHEDULES: tuple[Schedule, ...] = (Schedule("demands.expire", every=dt.timedelta(hours=1)),)
