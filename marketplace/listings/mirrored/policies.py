"""Who may bring offers of other platforms."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, operator

RULES: dict[str, Rule] = {"mirrored.import": Rule(WRITE, (operator,))}
