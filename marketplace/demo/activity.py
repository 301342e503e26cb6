"""How often offers were shown and opened in the two years before: invented, the same every time.

The numbers follow from what the catalogue says happened: an offer that was licensed had been shown and
opened before its first notice, and a few offers were never opened, or never even shown.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_WEEK: Final = dt.timedelta(days=7)
_CHANNELS: Final = ("web", "api")
NEVER_SHOWN: Final = 0.04  # share of the offers without a licence
NEVER_OPENED: Final = 0.18


@dataclass(frozen=True)
class Shelf:
    """An offer for as long as it was in force, with what drew visitors to it.

    Attributes:
        offer_id: which.
        declaration: its number, from which the chance numbers follow.
        first: day of the announcement.
        last: last day in force, or today.
        notices: days on which notices were served; visits have to come before them.
        free: whether it costs nothing.
    """

    offer_id: int
    declaration: str
    first: dt.date
    last: dt.date
    notices: tuple[dt.date, ...]
    free: bool


def rows_of(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """The rows of `activity` of one offer: one a week and kind, on a day of that week."""
    chance = random.Random(f"activity of {shelf.declaration}")
    interest = chance.lognormvariate(0.6 if shelf.free else 0.2, 0.5) * (1 + 0.4 * len(shelf.notices))
    fate = chance.random()
    shown = bool(shelf.notices) or fate >= NEVER_SHOWN
    opened = bool(shelf.notices) or fate >= NEVER_OPENED
    begin = shelf.first
    week = 0
    while shown and begin <= shelf.last:
        end = min(begin + _WEEK - dt.timedelta(days=1), shelf.last)
        due = [day for day in shelf.notices if begin <= day <= end]
        # On the first day when a notice follows at once, else on any day of the week.
        day = begin if due or week == 0 else begin + dt.timedelta(days=chance.randint(0, (end - begin).days))
        fresh = 2.5 if week < 4 else 1.0
        seen = int(chance.gammavariate(1.6, 4.0 * interest * fresh)) + (3 if due else 0)
        looked = min(seen, int(chance.gammavariate(1.2, 0.07 * seen + 0.05)) + len(due)) if opened else 0
        first_visit = bool(shelf.notices) and week == 0
        counts = {"shown": max(seen, 2 if first_visit else 0), "opened": max(looked, 1 if first_visit else 0)}
        if looked and chance.random() < 0.03:
            counts["contacted"] = 1
        for kind, count in counts.items():
            if count:
                yield {
                    "day": day,
                    "offer_id": shelf.offer_id,
                    "kind": kind,
                    "channel": _CHANNELS[chance.random() < 0.1],
                    "audience": "visitor" if chance.random() < 0.7 else "member",
                    "count": count,
                }
        begin += _WEEK
        week += 1
