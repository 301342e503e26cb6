"""The life cycles of a royalty period, of a proposed reading of the terms, and of a notice of default."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition


def _move(action: str, sources: set[str], target: str, permission: str, entry: str) -> Transition:
    return Transition(action, frozenset(sources), target, permission, entry)


# A correction is a later statement: reported stays reported.
PERIOD = Lifecycle(
    "royalty_period",
    "running",
    (
        _move("close", {"running"}, "due", "royalty.run", "royalty.due"),
        _move("overdue", {"due"}, "overdue", "royalty.run", "royalty.overdue"),
        _move("report", {"due", "overdue"}, "reported", "royalty.report", "royalty.reported"),
        _move("correct", {"reported"}, "reported", "royalty.report", "royalty.corrected"),
    ),
)

CHANGE = Lifecycle(
    "royalty_plan_change",
    "proposed",
    (
        _move("accept", {"proposed"}, "accepted", "royalty.answer_plan", "royalty.plan_accepted"),
        _move("decline", {"proposed"}, "declined", "royalty.answer_plan", "royalty.plan_declined"),
        _move("take_back", {"proposed"}, "taken_back", "royalty.take_plan_back", "royalty.plan_taken_back"),
    ),
)

# Nothing acts by itself: the holder gives the notice, and the holder says what came of it.
DEFAULT = Lifecycle(
    "royalty_default",
    "given",
    (
        _move("restore", {"given"}, "restored", "royalty.default", "royalty.default_restored"),
        _move("take_back", {"given"}, "taken_back", "royalty.default", "royalty.default_taken_back"),
        _move("end", {"given"}, "ended", "royalty.default", "royalty.default_ended"),
    ),
)
