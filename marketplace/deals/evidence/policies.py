"""Who may stamp a notice: the worker alone, with what the authority has signed."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, system

RULES = {"evidence.run": Rule(WRITE, (system,))}
