"""What the worker does for the kernel itself."""

from __future__ import annotations

import datetime as dt

from .idempotency import forget_old
from .tasks import Handler, Schedule

TASKS: dict[str, Handler] = {"core.forget_old_keys": forget_old}
SCHEDULES: tuple[Schedule, ...] = (Schedule("core.forget_old_keys", every=dt.timedelta(hours=6)),)
