"""Who may say which mails go to a person: that person."""

from __future__ import annotations

from marketplace.core.permissions import WRITE, Rule, signed_in

RULES: dict[str, Rule] = {"mail.choose": Rule(WRITE, (signed_in,))}
