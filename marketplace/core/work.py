"""What the worker does for the kernel itself."""

from __future__ import annotations

import datetime as dt

from flask import current_app

from . import checks, retention
from .idempotency import forget_old
from .tasks import Handler, Schedule


def erase_old_personal_data() -> None:
    """Erase the personal data of all domains whose period is over."""
    retention.erase_due(current_app.extensions["marketplace.work"].retentions)


TASKS: dict[str, Handler] = {
    "core.forget_old_keys": forget_old,
    checks.TASK: checks.check_journal,
    retention.TASK: erase_old_personal_data,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("core.forget_old_keys", every=dt.timedelta(hours=6)),
    Schedule(checks.TASK, every=dt.timedelta(days=1)),
    Schedule(retention.TASK, every=dt.timedelta(days=1)),
)
