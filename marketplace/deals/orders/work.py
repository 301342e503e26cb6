"""What the worker does for orders."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from .services import remind

_REMIND = "deals.remind_of_orders"

TASKS: dict[str, Handler] = {_REMIND: remind}
SCHEDULES: tuple[Schedule, ...] = (Schedule(_REMIND, every=dt.timedelta(hours=6)),)
