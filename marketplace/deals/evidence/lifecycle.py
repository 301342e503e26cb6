"""The life of a time-stamp, as a table: asked for, and there. A failed attempt leaves it asked for."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

TIME_STAMP = Lifecycle(
    "time_stamp",
    "waiting",
    (Transition("stamp", frozenset({"waiting"}), "stamped", "evidence.run", "notice.time_stamped"),),
)
