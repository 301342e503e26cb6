"""Who may speak of the technology of a notice or a patent."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, operator, system
from marketplace.deals.policies import holder_side, licensee_side
from marketplace.listings.models import Offer

from .models import ExportCheck


def _matter(subject: Any) -> Any:
    return subject.notice if isinstance(subject, ExportCheck) else subject


def licensee(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the licensee of a notice or of its check."""
    return licensee_side(actor, _matter(subject))


def holder(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder who declared, or for a co-owner."""
    return holder_side(actor, _matter(subject))


def owner(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder who declared, or for a co-owner."""
    return isinstance(subject, Offer) and (
        subject.holder_id in actor.holders
        or any(party.organisation_id in actor.holders for party in subject.patent.parties)
    )


_PARTIES = (licensee, holder, bureau)

RULES = {
    "export.answer": Rule(WRITE, (holder, operator), sees=_PARTIES),
    "export.note_licence": Rule(WRITE, (holder, licensee, operator), sees=_PARTIES),
    "export.state_class": Rule(WRITE, (owner, operator)),
    "export.supervise": Rule(READ, (bureau,)),
    "export.run": Rule(WRITE, (system,), sees=_PARTIES),
}
