"""Who may do what with estimates: they are for those who declare."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, operator


def _patentee(actor: Actor, patent: Any) -> bool:
    """One of the patentees, or an agency with a mandate of one."""
    return patent is not None and any(party.organisation_id in actor.holders for party in patent.parties)


RULES: dict[str, Rule] = {
    "fee.estimate": Rule(READ, (_patentee, operator)),
    "reference_fee.import": Rule(WRITE, (operator,)),
    "annuity_fee.import": Rule(WRITE, (operator,)),
}
