"""Who orders a service, who provides it and who sees that: its two sides; staff look on."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, bureau, system

from .models import ServiceOrder


def customer(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the customer."""
    return isinstance(subject, ServiceOrder) and subject.customer_id in actor.licensees


def provider(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder who provides it."""
    return isinstance(subject, ServiceOrder) and subject.provider_id in actor.holders


def answering_provider(actor: Actor, subject: Any) -> bool:
    """The provider, and never the person who ordered, who may have a mandate of both (Civil Code 168)."""
    return provider(actor, subject) and actor.user_id != subject.user_id


_SEES = (customer, provider, bureau)

RULES = {
    "order.place": Rule(WRITE, (acts_for_an_organisation,)),
    "order.view": Rule(READ, _SEES, sees=_SEES),
    "order.cancel": Rule(WRITE, (customer,), sees=_SEES),
    "order.provide": Rule(WRITE, (answering_provider,), sees=_SEES),
    "order.run": Rule(WRITE, (system,)),
}
