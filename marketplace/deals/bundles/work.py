"""What the worker does for bundles."""

from __future__ import annotations

from marketplace.core.tasks import Handler, Schedule

from . import services

TASKS: dict[str, Handler] = {services.TASK: services.go_on}
SCHEDULES: tuple[Schedule, ...] = ()
