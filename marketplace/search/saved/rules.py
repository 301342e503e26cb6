"""When somebody is told of what a saved search has found: pure functions over a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from marketplace.core import clock

HOUR: Final = 8
"""From when on in the morning, in Shanghai, daily and weekly alerts are sent."""

DAYS: Final[Mapping[str, int]] = {"at_once": 0, "daily": 1, "weekly": 7}
"""Kind of alert → the fewest days from one to the next; `off` is none of them."""


def due(alert: str, last: dt.datetime, now: dt.datetime) -> bool:
    """Whether an alert of this kind is due, if there is something to tell.

    Args:
        alert: one of `models.ALERTS`.
        last: when the last one was made, or the search was saved.
        now: the present instant.
    """
    days = DAYS.get(alert)
    if days is None:
        return False
    if days == 0:
        return True
    passed = (clock.legal_date(now) - clock.legal_date(last)).days
    return passed >= days and now.astimezone(clock.SHANGHAI).hour >= HOUR
