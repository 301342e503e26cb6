"""The life of a consent and of a price notice, as tables."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition


def _row(action: str, sources: str, target: str, permission: str, entry: str) -> Transition:
    return Transition(action, frozenset(sources.split()), target, f"consent.{permission}", f"consent.{entry}")


CONSENT = Lifecycle(
    "consent",
    "asked",
    (
        _row("give", "asked", "given", "answer", "given"),
        _row("refuse", "asked", "refused", "answer", "refused"),
        # Whoever holds the single-use link answers; the service has checked it.
        _row("give_by_link", "asked", "given", "answer_by_link", "given"),
        _row("refuse_by_link", "asked", "refused", "answer_by_link", "refused"),
        # The signed paper, handed in by the holder.
        _row("hand_in", "asked", "given", "ask", "handed_in"),
        _row("take_back", "asked", "void", "ask", "taken_back"),
        # Other terms are another declaration: nobody has agreed to it.
        _row("void", "asked given", "void", "ask", "voided"),
    ),
)

PRICE_NOTICE = Lifecycle(
    "price_notice",
    "running",
    (Transition("void", frozenset({"running"}), "void", "price_notice.keep", "price_notice.voided"),),
)
