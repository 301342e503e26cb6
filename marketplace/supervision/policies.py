"""Who may see what waits for the bureau."""

from __future__ import annotations

from marketplace.core.permissions import READ, Rule, bureau

RULES: dict[str, Rule] = {"supervision.items": Rule(READ, (bureau,))}
