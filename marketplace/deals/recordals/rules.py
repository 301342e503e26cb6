"""When a recordal is spoken of before its last day. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

# Days before the last day (IR 15: three months from effect); no law sets them. A filing takes a unit's seal
# and both sides' papers, so the first word comes a month ahead.
MARKS: Final[Mapping[str, int]] = {"due_3": 3, "due_14": 14, "due_30": 30}


def mark_of(due_on: dt.date, today: dt.date) -> str | None:
    """The nearest mark that a recordal due on `due_on` (inclusive) has reached.

    None before the first one, and once its last day is over.
    """
    left = (due_on - today).days
    if left < 0:
        return None
    return next((mark for mark, days in sorted(MARKS.items(), key=lambda one: one[1]) if left <= days), None)
