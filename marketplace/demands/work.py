"""What the worker does for demands: those whose time is over expire, and reminders go out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from .reminders import remind_holders, remind_posters
from .services import expire_due

_BATCH = 500


def _all(act: Callable[[int], int]) -> None:
    """Do it in units of work of at most 500 until nothing is left."""
    done = _BATCH
    while done == _BATCH:
        with unit_of_work():
            done = act(_BATCH)


def expire_demands() -> None:
    """Let every demand expire whose day is past."""
    _all(expire_due)


def remind() -> None:
    """Remind posters whose day is near, and holders who opened a demand and did not answer."""
    _all(remind_posters)
    _all(remind_holders)


TASKS: dict[str, Handler] = {"demands.expire": expire_demands, "demands.remind": remind}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("demands.expire", every=dt.timedelta(hours=1)),
    Schedule("demands.remind", every=dt.timedelta(hours=6)),
)
