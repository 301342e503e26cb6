"""Who may do what with demands."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import (
    READ,
    WRITE,
    Rule,
    acts_for_an_organisation,
    anyone,
    bureau,
    operator,
    system,
)

PUBLIC_STATES = frozenset({"published", "answered"})


def is_public(demand: Any) -> bool:
    """Whether everybody may see the demand."""
    return demand.state in PUBLIC_STATES


def _public(_actor: Actor, demand: Any) -> bool:
    return is_public(demand)


def _owner(actor: Actor, demand: Any) -> bool:
    """The organisation in need, or an agency with its mandate to seek licences."""
    return demand is not None and demand.organisation_id in actor.licensees


def _answered(actor: Actor, demand: Any) -> bool:
    """Who has answered: the talk goes on, and its outcome is told, when the demand is over."""
    return demand is not None and any(one.organisation_id in actor.holders for one in demand.answers)


def _bureau_role(actor: Actor, _subject: Any) -> bool:
    return "bureau" in actor.roles


def _for_it(actor: Actor, demand: Any) -> bool:
    """The bureau, for a demand that it has posted itself."""
    return demand is not None and demand.posted_by == "bureau" and "bureau" in actor.roles


def _demand_owner(actor: Actor, subject: Any) -> bool:
    """Who posted the demand that an answer or an access belongs to."""
    return subject is not None and (_owner(actor, subject.demand) or _for_it(actor, subject.demand))


def _answering(actor: Actor, answer: Any) -> bool:
    """The holder that answers, or an agency with its mandate for a holder's matters."""
    return answer is not None and answer.organisation_id in actor.holders


def _asking(actor: Actor, access: Any) -> bool:
    """Who has asked: the organisation that the access is for, or the agency that asked, under its mandate.

    An agency that has accepted nothing does not read what its client has asked for.
    """
    if access is None:
        return False
    for_client = access.agent_id is not None and access.agent_id == actor.organisation_id
    return access.organisation_id in actor.own or (for_client and access.organisation_id in actor.holders)


def _granted(actor: Actor, access: Any) -> bool:
    """Access counts while the demand is public: a closed one shows its confidential part to nobody else."""
    return _asking(actor, access) and access.state == "granted" and is_public(access.demand)


_SEES = (_public, _owner, bureau, _answered)
_BETWEEN = (_demand_owner, _answering, bureau)
_ACCESS = (_demand_owner, _asking, bureau)

RULES: dict[str, Rule] = {
    "demand.see": Rule(READ, (anyone,), sees=_SEES),
    "demand.post": Rule(WRITE, (acts_for_an_organisation, _bureau_role)),
    "demand.change": Rule(WRITE, (_owner, _for_it, operator), sees=_SEES),
    # What is published reaches others: the address behind it has been shown to be somebody's.
    "demand.publish": Rule(WRITE, (_owner, _for_it, operator), sees=_SEES, proven=True),
    "demand.answer": Rule(WRITE, (acts_for_an_organisation, operator), sees=_SEES),
    "demand.expire": Rule(WRITE, (system,), sees=_SEES),
    "demand.import": Rule(WRITE, (acts_for_an_organisation, _bureau_role, operator)),
    # Neither supervision nor operation needs a firm's secrets.
    "demand.read_confidential": Rule(READ, (_owner, _for_it), sees=_SEES),
    "demand.answers": Rule(READ, (_owner, _for_it, bureau), sees=_SEES),
    "demand.supervise": Rule(READ, (bureau,)),
    "answer.see": Rule(READ, _BETWEEN, sees=_BETWEEN),
    "answer.judge": Rule(WRITE, (_demand_owner,), sees=_BETWEEN),
    "answer.change": Rule(WRITE, (_answering,), sees=_BETWEEN),
    "answer.reply": Rule(WRITE, (_demand_owner, _answering), sees=_BETWEEN),
    "access.ask": Rule(WRITE, (acts_for_an_organisation,), sees=_SEES, proven=True),
    "access.see": Rule(READ, (_demand_owner, _asking), sees=_ACCESS),
    "access.change": Rule(WRITE, (_asking,), sees=_ACCESS),
    "access.decide": Rule(WRITE, (_demand_owner,), sees=_ACCESS),
    "access.read": Rule(READ, (_granted,), sees=_ACCESS),
}
