"""The life of an organisation's identity, and of a clash of codes, as tables."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

IDENTITY = Lifecycle(
    "identity",
    "stated",
    (
        # Confirming again says on what else it rests; doubt takes back what was confirmed by mistake.
        Transition(
            "confirm",
            frozenset({"stated", "confirmed"}),
            "confirmed",
            "organisation.confirm",
            "organisation.confirmed",
        ),
        Transition("doubt", frozenset({"confirmed"}), "stated", "organisation.doubt", "organisation.doubted"),
    ),
    attribute="identity",
)

CLASH = Lifecycle(
    "clash",
    "open",
    (Transition("resolve", frozenset({"open"}), "resolved", "clash.resolve", "organisation.clash_resolved"),),
)
