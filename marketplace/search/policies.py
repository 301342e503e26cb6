"""Who may do what here."""

from __future__ import annotations

from marketplace.core.permissions import Rule

RULES: dict[str, Rule] = {}
