"""What the worker does for reports."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from . import schedules, services

TASKS: dict[str, Handler] = {
    services.WRITE: services.write_files,
    services.MAIL: schedules.mail,
    services.CHECK: services.check_all,
    "reports.make": schedules.make_due,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule(services.CHECK, every=dt.timedelta(days=1)),
    Schedule("reports.make", every=dt.timedelta(minutes=10)),
)
