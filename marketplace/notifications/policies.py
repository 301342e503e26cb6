"""Who may do what here."""

from __future__ import annotations

from marketplace.core.permissions import READ, Rule, operator, signed_in

RULES: dict[str, Rule] = {
    # Of one's own mails alone; whoever only looks has mails too.
    "mail_hours.set": Rule(READ, (signed_in,)),
    "mail_log.audit": Rule(READ, (operator,)),
}
