"""The life of a guided task: it ends by itself, or is given up."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

_OPEN = frozenset({"open"})

CHANGE = Lifecycle(
    "change",
    "open",
    (
        Transition("tell", _OPEN, "open", "change.keep", "change.step_told"),
        Transition("redeclare", _OPEN, "open", "change.keep", "change.redeclared"),
        Transition("cancel", _OPEN, "cancelled", "change.keep", "change.cancelled"),
        Transition("end", _OPEN, "done", "change.run", "change.done"),
    ),
)
