"""The life of a question, as a table: (unconfirmed →) open → answered → published, or set aside."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition


def _row(action: str, sources: str, target: str, permission: str, entry: str) -> Transition:
    return Transition(
        action, frozenset(sources.split()), target, f"question.{permission}", f"question.{entry}"
    )


QUESTION = Lifecycle(
    "question",
    "unconfirmed",
    (
        _row("confirm", "unconfirmed", "open", "confirm", "confirmed"),
        # A changed answer takes the published one back: what stands on the page is published on purpose.
        _row("answer", "open answered published", "answered", "answer", "answered"),
        _row("publish", "answered published", "published", "publish", "published"),
        _row("unpublish", "published", "answered", "publish", "unpublished"),
        _row("set_aside", "open", "set_aside", "set_aside", "set_aside"),
        _row("expire", "unconfirmed", "set_aside", "expire", "expired"),
    ),
)
