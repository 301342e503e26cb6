"""What the worker does for this domain."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from . import facts

TASKS: dict[str, Handler] = {"statistics.refresh": facts.refresh}
SCHEDULES: tuple[Schedule, ...] = (Schedule("statistics.refresh", every=dt.timedelta(minutes=1)),)
