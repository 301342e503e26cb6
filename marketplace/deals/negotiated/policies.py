"""Who states a negotiated licence, who answers and who sees it: its two sides; staff look on."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, bureau
from marketplace.deals import policies as deals

from .models import NegotiatedRecord


def licensee_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the licensee."""
    return isinstance(subject, NegotiatedRecord) and deals.licensee_side(actor, subject.licence)


def holder_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for an owner of the patent."""
    return isinstance(subject, NegotiatedRecord) and deals.holder_side(actor, subject.licence)


def stating_side(actor: Actor, subject: Any) -> bool:
    """The side whose word it is."""
    return isinstance(subject, NegotiatedRecord) and (
        holder_side(actor, subject) if subject.side == "holder" else licensee_side(actor, subject)
    )


def answering_side(actor: Actor, subject: Any) -> bool:
    """The other side, and never the organisation that stated it, which may have both mandates (CC 168)."""
    return (
        isinstance(subject, NegotiatedRecord)
        and (licensee_side(actor, subject) if subject.side == "holder" else holder_side(actor, subject))
        and actor.organisation_id != subject.organisation_id
    )


_SEES = (licensee_side, holder_side, bureau)

RULES = {
    "negotiated.state": Rule(WRITE, (acts_for_an_organisation,)),
    "negotiated.view": Rule(READ, _SEES, sees=_SEES),
    "negotiated.answer": Rule(WRITE, (answering_side,), sees=_SEES),
    "negotiated.withdraw": Rule(WRITE, (stating_side,), sees=_SEES),
}
