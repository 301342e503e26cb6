"""Who may see what waits for the bureau."""

from __future__ import annotations

from marketplace.core.permissions import READ, WRITE, Rule, bureau, system

RULES: dict[str, Rule] = {
    # The bureau's work list: every open matter with its due day, the longest overdue first.
    "supervision.items": Rule(READ, (bureau,)),
    # Signals that a licence may be a sham: to look at, to set aside with a reason, to look for anew.
    "signal.see": Rule(READ, (bureau,)),
    "signal.clear": Rule(WRITE, (bureau,)),
    "signal.look": Rule(WRITE, (bureau,)),
    "signal.reopen": Rule(WRITE, (system,)),
}
"""What waits for the bureau is seen by its people and by operators."""
