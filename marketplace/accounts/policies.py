"""Who may do what with accounts."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, operator


def _member(actor: Actor, organisation: Any) -> bool:
    """Its own people only: a mandate does not reach to its members, its account, or further mandates."""
    return organisation is not None and organisation.id in actor.own


RULES = {
    "organisation.edit": Rule(WRITE, (_member, operator)),
    "organisation.import": Rule(WRITE, (operator,)),
    "organisation.confirm": Rule(WRITE, (bureau,)),
    "organisation.doubt": Rule(WRITE, (operator,)),
    "clash.see": Rule(READ, (bureau,)),
    "clash.resolve": Rule(WRITE, (operator,)),
    "account.create": Rule(WRITE, (operator,)),
    "account.administer": Rule(WRITE, (operator,)),
    "dead_letter.see": Rule(READ, (operator,)),
    "dead_letter.resolve": Rule(WRITE, (operator,)),
    "mandate.grant": Rule(WRITE, (_member, operator)),
}
