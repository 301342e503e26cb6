"""What the worker does for this domain."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from . import signals

TASKS: dict[str, Handler] = {signals.TASK: signals.refresh}
SCHEDULES: tuple[Schedule, ...] = (Schedule(signals.TASK, every=dt.timedelta(days=1)),)
