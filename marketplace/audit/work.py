"""What the worker does for the proof of the journal: it is anchored once a day."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from . import anchors

TASKS: dict[str, Handler] = {anchors.TASK: anchors.anchor_daily}
SCHEDULES: tuple[Schedule, ...] = (Schedule(anchors.TASK, every=dt.timedelta(days=1)),)
