"""Who may do what with an organisation's webhooks: its administrators, and nobody under a mandate."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, system

from .models import WebhookDelivery, WebhookEndpoint


def _administrator(actor: Actor, subject: Any) -> bool:
    if "administrator" not in actor.roles:
        return False
    if subject is None:
        return actor.organisation_id is not None
    endpoint: WebhookEndpoint = subject.endpoint if isinstance(subject, WebhookDelivery) else subject
    return endpoint.organisation_id == actor.organisation_id


RULES = {
    "webhook.see": Rule(READ, (_administrator,), sees=(_administrator,)),
    "webhook.list": Rule(READ, (_administrator,)),
    "webhook.register": Rule(WRITE, (_administrator,)),
    "webhook.manage": Rule(WRITE, (_administrator,), sees=(_administrator,)),
    "webhook.run": Rule(WRITE, (system,)),
}
