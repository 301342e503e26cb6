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

_PUBLIC_STATES = frozenset({"published", "answered"})


def is_public(demand: Any) -> bool:
    """Whether everybody may see the demand."""
    return demand.state in _PUBLIC_STATES


def _public(_actor: Actor, demand: Any) -> bool:
    return is_public(demand)


def _owner(actor: Actor, demand: Any) -> bool:
    """The organisation in need, or an agency with its mandate to seek licences."""
    return demand is not None and demand.organisation_id in actor.licensees


_SEES = (_public, _owner, bureau)

RULES: dict[str, Rule] = {
    "demand.see": Rule(READ, (anyone,), sees=_SEES),
    "demand.post": Rule(WRITE, (acts_for_an_organisation,)),
    "demand.change": Rule(WRITE, (_owner, operator), sees=_SEES),
    # What is published reaches others: the address behind it has been shown to be somebody's.
    "demand.publish": Rule(WRITE, (_owner, operator), sees=_SEES, proven=True),
    "demand.answer": Rule(WRITE, (acts_for_an_organisation, operator), sees=_SEES),
    "demand.expire": Rule(WRITE, (system,), sees=_SEES),
    "demand.import": Rule(WRITE, (acts_for_an_organisation, operator)),
}
