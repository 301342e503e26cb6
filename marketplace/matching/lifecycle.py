"""What becomes of a recommendation, as a table: shown → opened → contacted, passed or licensed."""

from __future__ import annotations

from typing import Final

from marketplace.core.lifecycle import Lifecycle, Transition

PASS_REASONS: Final = ("off_topic", "too_expensive", "not_mature", "solved", "terms", "other")
"""Why a firm passes: not what is needed, price, not ready for use, solved otherwise, other terms, other."""


def _row(state: str, sources: str, permission: str = "recommendation.mark") -> Transition:
    return Transition(state, frozenset(sources.split()), state, permission, f"recommendation.{state}")


RECOMMENDATION = Lifecycle(
    "recommendation",
    "shown",
    (
        _row("opened", "shown"),
        _row("contacted", "shown opened passed"),
        _row("passed", "shown opened contacted"),
        _row("licensed", "shown opened contacted passed", "recommendation.run"),
    ),
)
