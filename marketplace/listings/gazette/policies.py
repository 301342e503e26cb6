"""Who may hand in lists of the gazette."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, operator

RULES: dict[str, Rule] = {"gazette.import": Rule(WRITE, (operator,))}
