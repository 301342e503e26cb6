"""Who sees and does what with royalties: the two parties alone see figures.

The bureau is told sums over all licences only. An operator sees that a period is late, and its figures only
where one of the two parties has nobody acting for it here.
"""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, system
from marketplace.deals.models import Licence
from marketplace.deals.policies import holder_side, licensee_side

from .models import RoyaltyDefault, RoyaltyPeriod, RoyaltyPlan, RoyaltyPlanChange, RoyaltyStatement


def licence_behind(subject: Any) -> Licence:
    """The licence that a row of this package belongs to."""
    if isinstance(subject, Licence):
        return subject
    if isinstance(subject, RoyaltyPlan | RoyaltyPeriod):
        return subject.licence
    if isinstance(subject, RoyaltyPlanChange):
        return subject.plan.licence
    if isinstance(subject, RoyaltyStatement | RoyaltyDefault):
        return subject.period.licence
    raise TypeError(f"no licence behind {type(subject).__name__}")


def _licensee(actor: Actor, subject: Any) -> bool:
    return licensee_side(actor, licence_behind(subject))


def _holder(actor: Actor, subject: Any) -> bool:
    return holder_side(actor, licence_behind(subject))


def _payee(actor: Actor, subject: Any) -> bool:
    licence = licence_behind(subject)
    return licence.offer is not None and licence.offer.holder_id in actor.holders


def _operator_for_absent(actor: Actor, subject: Any) -> bool:
    licence = licence_behind(subject)
    absent = licence.offer is not None and not (licence.offer.holder.joined and licence.licensee.joined)
    return actor.is_operator and absent


def _proposer(actor: Actor, subject: Any) -> bool:
    return isinstance(subject, RoyaltyPlanChange) and (_licensee if subject.side == "licensee" else _holder)(
        actor, subject
    )


def _answerer(actor: Actor, subject: Any) -> bool:
    """The other side; never the organisation that proposed it, which may have both mandates (CC 168)."""
    if not isinstance(subject, RoyaltyPlanChange) or actor.organisation_id == subject.organisation_id:
        return False
    return (_holder if subject.side == "licensee" else _licensee)(actor, subject)


_PARTIES = (_licensee, _holder, _operator_for_absent)

RULES = {
    "royalty.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "royalty.report": Rule(WRITE, (_licensee,), sees=_PARTIES),
    "royalty.propose_plan": Rule(WRITE, (_licensee, _holder), sees=_PARTIES),
    "royalty.answer_plan": Rule(WRITE, (_answerer,), sees=_PARTIES),
    "royalty.take_plan_back": Rule(WRITE, (_proposer,), sees=_PARTIES),
    "royalty.default": Rule(WRITE, (_payee,), sees=_PARTIES),
    "royalty.supervise": Rule(READ, (bureau,)),
    "royalty.run": Rule(WRITE, (system,)),
}
