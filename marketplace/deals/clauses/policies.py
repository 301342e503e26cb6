"""Who may offer further clauses, and who may accept them."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule
from marketplace.deals.export_control.policies import owner
from marketplace.deals.policies import holder_side, licensee_side

RULES = {
    "clause.publish": Rule(WRITE, (owner,)),
    "clause.accept": Rule(WRITE, (licensee_side,), sees=(licensee_side, holder_side)),
}
