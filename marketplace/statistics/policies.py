"""Who may do what here: totals are public, the rows behind them are for the bureau."""

from __future__ import annotations

from marketplace.core.permissions import READ, Rule, anyone, bureau

RULES: dict[str, Rule] = {
    "statistics.totals": Rule(READ, (anyone,)),
    "statistics.rows": Rule(READ, (bureau,)),
}
