"""What the worker does for the kernel itself."""

from __future__ import annotations

import datetime as dt

from . import checks
from .idempotency import forget_old
from .tasks import Handler, Schedule

TASKS: dict[str, Handler] = {"core.forget_old_keys": forget_old, checks.TASK: checks.check_journal}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("core.forget_old_keys", every=dt.timedelta(hours=6)),
    Schedule(checks.TASK, every=dt.timedelta(days=1)),
)
