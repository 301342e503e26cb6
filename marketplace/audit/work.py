"""What the worker does for the proof of the journal: it is anchored and checked once a day."""

from __future__ import annotations

import datetime as dt

from marketplace.core import checks
from marketplace.core.tasks import Handler, Schedule, renew

from . import anchors, wholeness


def check_everything() -> None:
    """Check the journal with its anchors and the log of accesses, and record what was found."""
    checks.tell(wholeness.verify(lambda _entries: renew()))


# In place of the kernel's own check, which knows the chain alone: it would call whole what an anchor shows
# to be broken.
TASKS: dict[str, Handler] = {anchors.TASK: anchors.anchor_daily, checks.TASK: check_everything}
SCHEDULES: tuple[Schedule, ...] = (Schedule(anchors.TASK, every=dt.timedelta(days=1)),)
