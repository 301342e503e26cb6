"""Who may do what with recommendations: the firm in need, and staff who look."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, system


def _in_need(actor: Actor, recommendation: Any) -> bool:
    return recommendation is not None and recommendation.organisation_id in actor.licensees


def _owner(actor: Actor, demand: Any) -> bool:
    return demand is not None and demand.organisation_id in actor.licensees


RULES: dict[str, Rule] = {
    "recommendation.list": Rule(READ, (_owner, bureau), sees=(_owner, bureau)),
    "recommendation.see": Rule(READ, (_in_need, bureau), sees=(_in_need, bureau)),
    "recommendation.mark": Rule(WRITE, (_in_need,), sees=(_in_need, bureau)),
    "recommendation.run": Rule(WRITE, (system,), sees=(_in_need, bureau)),
}
