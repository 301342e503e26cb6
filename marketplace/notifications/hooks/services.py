"""Endpoints of an organisation's systems: registered, rotated, stopped; and what was sent to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts.links import new_nonce
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .delivering import send_again
from .events import EVENTS, TEST
from .lifecycle import ENDPOINT
from .models import WebhookDelivery, WebhookEndpoint
from .sending import checked
from .signing import secret_of

MOST: Final = 10
"""How many endpoints an organisation may have."""

OVERLAP: Final = dt.timedelta(days=1)
"""How long messages are signed with the old secret too, after a rotation."""


def register(actor: Actor, url: str, events: Collection[str], label: str = "") -> WebhookEndpoint:
    """Register an address; its secret is `secret(endpoint)`, to be shown once.

    Raises:
        Forbidden: not an administrator of an organisation.
        Invalid: `webhook-url`, `webhook-url-private`, `webhook-events`.
        Conflict: `webhooks-too-many`, `webhook-exists`.
    """
    require(actor, "webhook.register")
    url, chosen = checked(url, public_only=public_only()), _checked_events(events)
    lock(Organisation, actor.organisation_id)  # two requests at once do not pass the limit together
    mine = [one for one in endpoints(actor) if one.url == url]
    if mine:
        raise Conflict("webhook-exists", "This address is registered already.")
    if len(endpoints(actor)) >= MOST:
        raise Conflict("webhooks-too-many", "At most %(most)s addresses can be registered.", most=MOST)
    endpoint = WebhookEndpoint(
        organisation_id=actor.organisation_id,
        url=url,
        label=label.strip()[:120],
        events=chosen,
        state=ENDPOINT.initial,
        nonce=new_nonce(),
        created_by=actor.user_id,
        created_at=clock.now(),
    )
    db.session.add(endpoint)
    record("webhook.registered", endpoint)
    return endpoint


def public_only() -> bool:
    """Whether only public addresses are sent to: always in production."""
    production: bool = current_app.config["SETTINGS"].production
    return production


def secret(endpoint: WebhookEndpoint) -> str:
    """The secret of an endpoint, for whoever has just registered or rotated it."""
    return secret_of(endpoint.nonce)


def endpoints(actor: Actor) -> list[WebhookEndpoint]:
    """Those of the organisation that the actor acts for, oldest first; removed ones are left out."""
    require(actor, "webhook.list")
    query = sa.select(WebhookEndpoint).where(
        WebhookEndpoint.organisation_id == actor.organisation_id, WebhookEndpoint.state != "removed"
    )
    return list(db.session.scalars(query.order_by(WebhookEndpoint.id)))


def get(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    """One endpoint.

    Raises:
        NotFound: `webhook-not-found`: there is none, or it is another organisation's.
    """
    endpoint = db.session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.state == "removed":
        raise NotFound("webhook-not-found", "There is no such webhook address.")
    require(actor, "webhook.see", endpoint)
    return endpoint


def choose(actor: Actor, endpoint_id: int, events: Collection[str], label: str = "") -> WebhookEndpoint:
    """Send other events to an endpoint from now on.

    Raises:
        NotFound: `webhook-not-found`. Invalid: `webhook-events`.
    """
    endpoint = _locked(actor, endpoint_id)
    endpoint.events, endpoint.label = _checked_events(events), label.strip()[:120]
    record("webhook.events_chosen", endpoint)
    return endpoint


def rotate(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    """Give an endpoint a new secret; for a day messages are signed with both.

    Raises:
        NotFound: `webhook-not-found`.
    """
    endpoint = _locked(actor, endpoint_id)
    endpoint.old_nonce, endpoint.old_until = endpoint.nonce, clock.now() + OVERLAP
    endpoint.nonce = new_nonce()
    record("webhook.rotated", endpoint)
    return endpoint


def change_state(actor: Actor, endpoint_id: int, action: str) -> WebhookEndpoint:
    """Disable, enable or remove an endpoint.

    Args:
        action: `disable`, `enable` or `remove`; what waits for a disabled one is given up.

    Raises:
        NotFound: `webhook-not-found`. Conflict: `illegal-transition`.
    """
    endpoint = _locked(actor, endpoint_id)

    def effect() -> None:
        endpoint.disabled_at = None if action == "enable" else clock.now()
        endpoint.failing_since = None

    ENDPOINT.execute(actor, endpoint, action, effect=effect)
    return endpoint


def test(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    """Have a test message sent, whatever events are chosen.

    Raises:
        NotFound: `webhook-not-found`. Conflict: `webhook-disabled`.
    """
    endpoint = _locked(actor, endpoint_id)
    _require_active(endpoint)
    record(TEST, endpoint)
    return endpoint


def deliveries(
    actor: Actor, endpoint_id: int, *, after: int | None = None, limit: int = 50
) -> list[WebhookDelivery]:
    """What was sent to an endpoint, newest first, with every attempt.

    Args:
        after: id of the last one of the page before (keyset paging).
        limit: at most this many, 200 at most.
    """
    endpoint = get(actor, endpoint_id)
    query = sa.select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    if after is not None:
        query = query.where(WebhookDelivery.id < after)
    query = query.order_by(WebhookDelivery.id.desc()).limit(min(limit, 200))
    return list(db.session.scalars(query.options(sa.orm.selectinload(WebhookDelivery.attempts))))


def replay(actor: Actor, delivery_id: int) -> WebhookDelivery:
    """Send a message once more, with its id: a receiver that has had it knows it again.

    Raises:
        NotFound: `webhook-delivery-not-found`. Conflict: `webhook-disabled`, `webhook-waiting`.
    """
    row = db.session.get(WebhookDelivery, delivery_id)
    if row is None or row.endpoint.state == "removed":
        raise NotFound("webhook-delivery-not-found", "There is no such message.")
    require(actor, "webhook.manage", row)
    row = lock(WebhookDelivery, delivery_id)
    _require_active(row.endpoint)
    if row.state == "pending":
        raise Conflict("webhook-waiting", "This message is waiting to be sent already.")
    send_again(row)
    record("webhook.replayed", row.endpoint, delivery=row.id)
    return row


def _locked(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    endpoint = lock(WebhookEndpoint, get(actor, endpoint_id).id)
    require(actor, "webhook.manage", endpoint)
    return endpoint


def _require_active(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != "active":
        raise Conflict("webhook-disabled", "Nothing is sent to this address at the moment: enable it first.")


def _checked_events(events: Collection[str]) -> list[str]:
    chosen = [event for event in EVENTS if event in set(events)]
    if not chosen or len(chosen) != len(set(events)):
        message = N_("Please choose at least one event of the list.")
        raise Invalid("webhook-events", message, fields={"events": [message]})
    return chosen
