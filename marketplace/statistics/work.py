"""What the worker does for this domain."""

from __future__ import annotations

from marketplace.core.tasks import Handler, Schedule

TASKS: dict[str, Handler] = {}
SCHEDULES: tuple[Schedule, ...] = ()
