"""Who may state a relief of annuities: whoever acts for the patentee."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, acts_for_an_organisation

RULES = {"relief.state": Rule(WRITE, (acts_for_an_organisation,))}
