"""Who sees and keeps the books: the organisation whose book it is; co-owners see their own part.

Neither bureau nor operator sees figures; a person's name and sums are seen by those who
keep the book of its institution, and by the person itself.
"""

from __future__ import annotations

from typing import Any

from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule
from marketplace.listings.models import Patent

from .models import SharePerson


def _keeper(actor: Actor, subject: Any) -> bool:
    """Whoever acts as holder for the organisation whose book it is, but for members who only look."""
    key = subject.organisation_id if isinstance(subject, SharePerson) else getattr(subject, "id", None)
    return (
        isinstance(subject, Organisation | SharePerson)
        and key in actor.holders
        and "viewer" not in actor.roles
    )


def _oneself(actor: Actor, subject: Any) -> bool:
    """The person, through its own account."""
    return (
        isinstance(subject, SharePerson) and subject.user_id is not None and subject.user_id == actor.user_id
    )


def _owner(actor: Actor, subject: Any) -> bool:
    """Whoever acts for one of a patent's owners."""
    return isinstance(subject, Patent) and any(
        party.organisation_id in actor.holders for party in subject.parties
    )


RULES = {
    "shares.view": Rule(READ, (_keeper,), sees=(_keeper,)),
    "shares.keep": Rule(WRITE, (_keeper,), sees=(_keeper,)),
    "shares.statement": Rule(READ, (_keeper, _oneself), sees=(_keeper, _oneself)),
    "shares.rule": Rule(WRITE, (_owner,), sees=(_owner,)),
    "shares.owned": Rule(READ, (_owner,), sees=(_owner,)),
}
