"""The life of an export check, as a table: what both parties say decides, and the export licence."""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict
from marketplace.core.lifecycle import Lifecycle, Transition
from marketplace.deals.models import OPEN_NOTICE

from .rules import OPEN

_OPEN = frozenset(OPEN)


def _still_waits(check: Any) -> None:
    """A notice that has ended waits for no answer, save where it was paid in time and nobody knew."""
    if check.notice.state not in OPEN_NOTICE and check.ready_at is None:
        raise Conflict("export-settled", "This export check is settled already.")


def _answered(outcome: str) -> Transition:
    return Transition(
        f"answer_{outcome}", _OPEN, outcome, "export.answer", "export.answered", guard=_still_waits
    )


# What the holder has stated of the patent for everybody, and what the licensee says, settle it at once.
EXPORT_CHECK = Lifecycle(
    "export_check",
    "asked",
    (
        Transition("begin_free", frozenset({"asked"}), "free", "export.run", "export.free_as_stated"),
        Transition(
            "begin_restricted", frozenset({"asked"}), "restricted", "export.run", "export.restricted_as_said"
        ),
        _answered("asked"),
        _answered("free"),
        _answered("restricted"),
        _answered("banned"),
        Transition(
            "license",
            frozenset({"restricted"}),
            "licensed",
            "export.note_licence",
            "export.licensed",
            guard=_still_waits,
        ),
    ),
)
