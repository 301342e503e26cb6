"""The life of a demand, as a table: draft → published → answered, closed or expired."""

from __future__ import annotations

from typing import Any

from marketplace.core import clock
from marketplace.core.errors import Invalid
from marketplace.core.lifecycle import Lifecycle, Transition

_PAST = "The day by which answers are wanted lies in the past."


def _open_for_answers(demand: Any) -> None:
    if demand.answer_by is not None and demand.answer_by < clock.today():
        raise Invalid(
            "answer-by-past",
            "The day by which answers are wanted lies in the past.",
            fields={"answer_by": [_PAST]},
        )


def _row(
    action: str, sources: str, target: str, permission: str, entry: str, guard: Any = None
) -> Transition:
    return Transition(
        action, frozenset(sources.split()), target, f"demand.{permission}", f"demand.{entry}", guard
    )


DEMAND = Lifecycle(
    "demand",
    "draft",
    (
        _row("edit", "draft", "draft", "change", "edited"),
        _row("edit", "published", "published", "change", "edited"),
        _row("publish", "draft", "published", "publish", "published", _open_for_answers),
        # Several offers may answer one demand: each answer is an entry.
        _row("answer", "published answered", "answered", "answer", "answered"),
        _row("close", "draft published answered", "closed", "change", "closed"),
        _row("expire", "published", "expired", "expire", "expired"),
    ),
)
