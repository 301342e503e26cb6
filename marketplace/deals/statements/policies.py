"""Who may hand in a bank statement, and say what a line of it is."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, operator

from .models import BankLine


def account_holder(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the organisation whose account it is."""
    return isinstance(subject, BankLine) and subject.organisation_id in actor.holders


RULES = {
    "bank_line.import": Rule(WRITE, (acts_for_an_organisation, operator)),
    "bank_line.view": Rule(READ, (account_holder,), sees=(account_holder,)),
    "bank_line.answer": Rule(WRITE, (account_holder,), sees=(account_holder,)),
}
