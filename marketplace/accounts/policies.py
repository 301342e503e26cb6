"""Who may do what with accounts."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, operator, signed_in


def _own_organisation(actor: Actor, organisation: Any) -> bool:
    return organisation is not None and actor.acts_for(organisation.id)


RULES = {
    "organisation.edit": Rule(WRITE, (_own_organisation, operator)),
    "organisation.see_private": Rule(READ, (_own_organisation, operator)),
    "organisation.import": Rule(WRITE, (operator,)),
    "token.create": Rule(WRITE, (signed_in, operator)),
    "account.create": Rule(WRITE, (operator,)),
    "account.administer": Rule(WRITE, (operator,)),
    "dead_letter.see": Rule(READ, (operator,)),
    "dead_letter.resolve": Rule(WRITE, (operator,)),
    "mandate.grant": Rule(WRITE, (_own_organisation, operator)),
}
