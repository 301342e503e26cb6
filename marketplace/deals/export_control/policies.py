"""Who may speak of the technology of a notice or a patent."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import WRITE, Rule, bureau, operator
from marketplace.deals.policies import holder_side, licensee_side
from marketplace.listings.models import Offer

_PARTIES = (licensee_side, holder_side, bureau)


def owner(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder who declared, or for a co-owner."""
    return isinstance(subject, Offer) and (
        subject.holder_id in actor.holders
        or any(party.organisation_id in actor.holders for party in subject.patent.parties)
    )


RULES = {
    "export.answer": Rule(WRITE, (holder_side, operator), sees=_PARTIES),
    "export.note_licence": Rule(WRITE, (holder_side, licensee_side, operator), sees=_PARTIES),
    "export.state_class": Rule(WRITE, (owner, operator)),
}
