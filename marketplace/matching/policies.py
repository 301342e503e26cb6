"""Who may do what with recommendations: the firm in need, and staff who look."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import (
    READ,
    WRITE,
    Rule,
    acts_for_an_organisation,
    bureau,
    operator,
    system,
)


def _in_need(actor: Actor, recommendation: Any) -> bool:
    return recommendation is not None and recommendation.organisation_id in actor.licensees


def _owner(actor: Actor, demand: Any) -> bool:
    return demand is not None and demand.organisation_id in actor.licensees


def _holder(actor: Actor, offer: Any) -> bool:
    return offer is not None and offer.holder_id in actor.holders


def _own_interest(actor: Actor, interest: Any) -> bool:
    return interest is not None and interest.organisation_id == actor.organisation_id


RULES: dict[str, Rule] = {
    "recommendation.list": Rule(READ, (_owner, bureau), sees=(_owner, bureau)),
    "recommendation.see": Rule(READ, (_in_need, bureau), sees=(_in_need, bureau)),
    "recommendation.mark": Rule(WRITE, (_in_need,), sees=(_in_need, bureau)),
    "recommendation.mine": Rule(READ, (acts_for_an_organisation,)),
    "recommendation.supervise": Rule(READ, (bureau,)),
    # Which needs an offer fits, and why firms passed it over, is for its holder.
    "offer.demands": Rule(READ, (_holder, bureau), sees=(_holder, bureau)),
    "interest.list": Rule(READ, (acts_for_an_organisation,)),
    "interest.change": Rule(WRITE, (acts_for_an_organisation,)),
    "interest.import": Rule(WRITE, (acts_for_an_organisation, operator)),
    "interest.drop": Rule(WRITE, (_own_interest,), sees=(_own_interest,)),
    "recommendation.run": Rule(WRITE, (system,), sees=(_in_need, bureau)),
}
