"""Who sees and keeps the books: the organisation whose book it is; co-owners see their own part.

Neither bureau nor operator sees figures; a person's name is seen by the institution that entered it alone.
"""

from __future__ import annotations

from typing import Any

from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule
from marketplace.listings.models import Patent


def _keeper(actor: Actor, subject: Any) -> bool:
    """Whoever acts as holder for the organisation whose book it is."""
    return isinstance(subject, Organisation) and subject.id in actor.holders


def _owner(actor: Actor, subject: Any) -> bool:
    """Whoever acts for one of a patent's owners."""
    return isinstance(subject, Patent) and any(
        party.organisation_id in actor.holders for party in subject.parties
    )


RULES = {
    "shares.view": Rule(READ, (_keeper,), sees=(_keeper,)),
    "shares.keep": Rule(WRITE, (_keeper,), sees=(_keeper,)),
    "shares.rule": Rule(WRITE, (_owner,), sees=(_owner,)),
    "shares.owned": Rule(READ, (_owner,), sees=(_owner,)),
}
