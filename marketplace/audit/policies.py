"""Who may trace a matter: staff any, a party its own."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, bureau

RULES: dict[str, Rule] = {
    # What of a party's own matter it may see is decided entry by entry: `traces`.
    "audit.trace": Rule(READ, (bureau, acts_for_an_organisation)),
    "audit.trace_any": Rule(READ, (bureau,)),
    "audit.export": Rule(WRITE, (bureau,)),
}


def sees_all(actor: Actor, _subject: Any = None) -> bool:
    """Whether the actor supervises."""
    return actor.is_staff
