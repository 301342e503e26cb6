"""Who sees a dispute, and who may do what in it: its two sides; the bureau and operators look on."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, system
from marketplace.deals import policies as deals

from .models import Dispute
from .parties import matter_of


def licensee_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the licensee of a dispute, or of what one would be about."""
    if isinstance(subject, Dispute):
        return subject.licensee_id in actor.licensees
    return deals.licensee_side(actor, subject)


def holder_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for who declared or owns the patent."""
    return deals.holder_side(actor, matter_of(subject) if isinstance(subject, Dispute) else subject)


def _on(actor: Actor, dispute: Any, side: str | None) -> bool:
    if not isinstance(dispute, Dispute) or side is None:
        return False
    return (holder_side if side == "holder" else licensee_side)(actor, dispute)


def other_side(side: str | None) -> str | None:
    """The side across from one."""
    return {"holder": "licensee", "licensee": "holder"}.get(side or "")


def _opening_side(actor: Actor, dispute: Any) -> bool:
    return isinstance(dispute, Dispute) and _on(actor, dispute, dispute.opened_side)


def _answering_side(actor: Actor, dispute: Any) -> bool:
    """The other side, and never the organisation that opened it, which may have both mandates (CC 168)."""
    return (
        isinstance(dispute, Dispute)
        and _on(actor, dispute, other_side(dispute.opened_side))
        and actor.organisation_id != dispute.opened_by
    )


def _proposing_side(actor: Actor, dispute: Any) -> bool:
    return isinstance(dispute, Dispute) and _on(actor, dispute, dispute.settlement_side)


def _agreeing_side(actor: Actor, dispute: Any) -> bool:
    return (
        isinstance(dispute, Dispute)
        and _on(actor, dispute, other_side(dispute.settlement_side))
        and actor.organisation_id != dispute.settlement_by
    )


_SIDES = (licensee_side, holder_side)
_SEES = (licensee_side, holder_side, bureau)

RULES = {
    "dispute.open": Rule(WRITE, _SIDES, sees=_SEES),
    "dispute.view": Rule(READ, _SEES, sees=_SEES),
    "dispute.act": Rule(WRITE, _SIDES, sees=_SEES),
    "dispute.answer": Rule(WRITE, (_answering_side,), sees=_SEES),
    "dispute.withdraw": Rule(WRITE, (_opening_side,), sees=_SEES),
    "dispute.answer_settlement": Rule(WRITE, (_agreeing_side,), sees=_SEES),
    "dispute.take_settlement_back": Rule(WRITE, (_proposing_side,), sees=_SEES),
    "dispute.supervise": Rule(READ, (bureau,)),
    "dispute.run": Rule(WRITE, (system,)),
}
