"""What the worker does for reports."""

from __future__ import annotations

from marketplace.core.tasks import Handler, Schedule

TASKS: dict[str, Handler] = {}
SCHEDULES: tuple[Schedule, ...] = ()
