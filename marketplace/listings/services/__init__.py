"""What can be done with patents and offers. Call inside a unit of work where something is changed."""

from __future__ import annotations

from marketplace.listings.duties import due_for_review, review

from .offers import (
    act,
    announced_elsewhere,
    awaiting_verification,
    draft_offer,
    edit_draft,
    get_offer,
    offered,
    own_offers,
    withdrawn_elsewhere,
)
from .patents import (
    eligibility_of,
    enter_patent,
    facts_of,
    find_patent,
    get_patent,
    history_of,
    own_patents,
    set_fact,
    set_facts,
)

__all__ = [
    "act",
    "announced_elsewhere",
    "awaiting_verification",
    "draft_offer",
    "due_for_review",
    "edit_draft",
    "eligibility_of",
    "enter_patent",
    "facts_of",
    "find_patent",
    "get_offer",
    "get_patent",
    "history_of",
    "offered",
    "own_offers",
    "own_patents",
    "review",
    "set_fact",
    "set_facts",
    "withdrawn_elsewhere",
]
