"""The lives of a demand, of an answer, and of an access to the confidential part, as tables."""

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
    return Transition(action, frozenset(sources.split()), target, permission, entry, guard)


DEMAND = Lifecycle(
    "demand",
    "draft",
    (
        _row("edit", "draft", "draft", "demand.change", "demand.edited"),
        _row("edit", "published", "published", "demand.change", "demand.edited"),
        _row("publish", "draft", "published", "demand.publish", "demand.published", _open_for_answers),
        # Several answers may come to one demand: each is an entry.
        _row("answer", "published answered", "answered", "demand.answer", "demand.answered"),
        _row("extend", "published", "published", "demand.change", "demand.extended"),
        _row("extend", "answered", "answered", "demand.change", "demand.extended"),
        # For whoever follows demands, one that looks again is as good as new.
        _row("reopen", "expired", "published", "demand.publish", "demand.published"),
        # One that has answers that stand goes on where it was.
        _row("resume", "expired", "answered", "demand.publish", "demand.extended"),
        _row("close", "draft published answered expired", "closed", "demand.change", "demand.closed"),
        _row("withdraw", "draft published answered", "closed", "demand.change", "demand.closed"),
        # The day holds whatever has come: answers that wait are still judged and replied to afterwards.
        _row("expire", "published answered", "expired", "demand.expire", "demand.expired"),
    ),
)

ANSWER = Lifecycle(
    "answer",
    "given",
    (
        _row("helpful", "given passed", "helpful", "answer.judge", "demand_answer.helpful"),
        _row("pass", "given helpful", "passed", "answer.judge", "demand_answer.passed"),
        _row("withdraw", "given helpful", "withdrawn", "answer.change", "demand_answer.withdrawn"),
        _row("renew", "withdrawn", "given", "answer.change", "demand_answer.renewed"),
    ),
)

ACCESS = Lifecycle(
    "access",
    "asked",
    (
        _row("grant", "asked refused revoked", "granted", "access.decide", "demand_access.granted"),
        _row("refuse", "asked", "refused", "access.decide", "demand_access.refused"),
        _row("revoke", "granted", "revoked", "access.decide", "demand_access.revoked"),
        _row("take_back", "asked", "taken_back", "access.change", "demand_access.taken_back"),
        _row("ask", "taken_back", "asked", "access.change", "demand_access.asked"),
    ),
)
