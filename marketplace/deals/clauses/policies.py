"""Who may offer further clauses, and who may accept them."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import WRITE, Rule
from marketplace.deals.export_control.policies import owner
from marketplace.deals.policies import holder_side, licensee_side

from .models import OfferClause


def publisher(actor: Actor, subject: Any) -> bool:
    """Whoever acts for an owner of the offer, or of the offer that a clause stands beside."""
    return owner(actor, subject.offer if isinstance(subject, OfferClause) else subject)


RULES = {
    "clause.publish": Rule(WRITE, (publisher,)),
    "clause.accept": Rule(WRITE, (licensee_side,), sees=(licensee_side, holder_side)),
}
