"""What the worker does for outgoing webhooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule

from . import delivering

_FORGET = "notifications.forget_webhook_log"


def readers() -> Sequence[Reader]:
    """The reader that makes messages; it starts now, as old news is no news."""
    return [Reader("webhooks", inside=delivering.make, start="now")]


TASKS: dict[str, Handler] = {delivering.TASK: delivering.deliver, _FORGET: delivering.forget_old}
SCHEDULES: tuple[Schedule, ...] = (Schedule(_FORGET, every=dt.timedelta(days=1)),)
