"""The life of a statement about a negotiated licence. The licence itself is the contract's work, not ours."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

# What the other side has contested it may confirm later; what both have said is taken back by nobody.
STATEMENT = Lifecycle(
    "negotiated",
    "stated",
    (
        Transition(
            "confirm",
            frozenset({"stated", "contested"}),
            "confirmed",
            "negotiated.answer",
            "negotiated.confirmed",
        ),
        Transition(
            "contest", frozenset({"stated"}), "contested", "negotiated.answer", "negotiated.contested"
        ),
        Transition(
            "withdraw",
            frozenset({"stated", "contested"}),
            "withdrawn",
            "negotiated.withdraw",
            "negotiated.withdrawn",
        ),
    ),
)
