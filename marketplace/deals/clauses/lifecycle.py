"""The life of a further clause, as a table. Its text never changes: another wording is another clause."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

CLAUSE = Lifecycle(
    "clause",
    "published",
    (
        Transition(
            "withdraw_clause", frozenset({"published"}), "withdrawn", "clause.publish", "clause.withdrawn"
        ),
    ),
)
