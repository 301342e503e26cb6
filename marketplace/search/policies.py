"""Who may do what here."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, operator

RULES: dict[str, Rule] = {
    "search.rebuild": Rule(WRITE, (operator,)),
    "search.rollback": Rule(WRITE, (operator,)),
    "synonyms.change": Rule(WRITE, (operator,)),
    "ipc.import": Rule(WRITE, (operator,)),
}
