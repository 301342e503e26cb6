"""From a journal entry to messages, and each message to its address: with retries, until it is given up.

A delivery's state follows what the network says and is no legal state: like that of a task, it has no table
and no entries in the journal. What the organisation has to know, that an address was stopped, has one.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from flask import current_app

from marketplace.core import clock
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.tasks import enqueue, enqueue_all
from marketplace.core.unit_of_work import lock, unit_of_work

from . import sending, signing
from .events import TEST, Happening, happening, rows_of
from .lifecycle import ENDPOINT
from .models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

TASK: Final = "notifications.deliver_webhook"
_MINUTE, _HOUR = 60, 3600
# The pauses that Standard Webhooks proposes; the last attempt is about three days after the first one.
PAUSES: Final = (
    5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
PATIENCE: Final = dt.timedelta(days=5)
"""How long every message to an endpoint may fail before it is disabled."""

KEPT: Final = dt.timedelta(days=30)
"""How long the log of deliveries goes back."""

_GONE: Final = 410


def make(entries: Sequence[JournalEntry]) -> None:
    """Make the messages of entries, in the present unit of work; only what happens live is told."""
    active = sa.select(WebhookEndpoint).where(WebhookEndpoint.state == "active")
    live = [entry for entry in entries if entry.origin == "live"]
    if not live or db.session.scalar(active.limit(1)) is None:
        return
    held = rows_of(live)
    news = [(entry, told) for entry in live if (told := happening(entry)) is not None]
    del held
    concerned = {organisation_id for _, told in news for organisation_id in told.told}
    active = active.where(WebhookEndpoint.organisation_id.in_(concerned)).order_by(WebhookEndpoint.id)
    endpoints = db.session.scalars(active).all()
    deliveries = [
        _delivery(endpoint, entry, told)
        for entry, told in news
        for endpoint in endpoints
        if endpoint.organisation_id in told.told and _wanted(endpoint, entry, told.event)
    ]
    made = sa.select(WebhookDelivery.message_id)
    made = made.where(WebhookDelivery.message_id.in_([one.message_id for one in deliveries]))
    known = set(db.session.scalars(made))
    deliveries = [one for one in deliveries if one.message_id not in known]
    db.session.add_all(deliveries)
    db.session.flush()
    enqueue_all(TASK, [(str(one.id), {"delivery_id": one.id}) for one in deliveries])


def _wanted(endpoint: WebhookEndpoint, entry: JournalEntry, event: str) -> bool:
    return endpoint.id == entry.subject_id if event == TEST else event in endpoint.events


def _delivery(endpoint: WebhookEndpoint, entry: JournalEntry, told: Happening) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint_id=endpoint.id,
        entry_id=entry.id,
        event=told.event,
        message_id=f"msg_{entry.id}_{endpoint.id}",
        body=told.body,
        state="pending",
        tries=0,
        created_at=clock.now(),
    )


def send_again(delivery: WebhookDelivery) -> None:
    """Have a message sent once more, from the first attempt on; it is locked."""
    delivery.state, delivery.tries, delivery.next_at, delivery.delivered_at = "pending", 0, None, None
    enqueue(TASK, key=str(delivery.id), delivery_id=delivery.id)


def deliver(delivery_id: int) -> None:
    """Send one message (a task; outside a unit of work); a failure is noted and tried again later."""
    delivery = db.session.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.state != "pending":
        return
    endpoint = delivery.endpoint
    if endpoint.state != "active":
        db.session.rollback()
        with unit_of_work():
            lock(WebhookDelivery, delivery_id).state = "failed"
        return
    body = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    nonces = [endpoint.nonce]
    if endpoint.old_nonce is not None and endpoint.old_until is not None and endpoint.old_until > clock.now():
        nonces.append(endpoint.old_nonce)
    secrets = [signing.secret_of(nonce) for nonce in nonces]
    # Receivers compare the time with their own clock, so it is never the set clock of a demonstration.
    headers = signing.headers(secrets, delivery.message_id, int(time.time()), body)
    url, public_only = endpoint.url, current_app.config["SETTINGS"].production
    db.session.rollback()
    outcome = sending.post(
        url, body, {"Content-Type": "application/json", **headers}, public_only=public_only
    )
    with unit_of_work():
        _note(delivery_id, outcome)


def _note(delivery_id: int, outcome: sending.Outcome) -> None:
    now = clock.now()
    endpoint_id = db.session.get_one(WebhookDelivery, delivery_id).endpoint_id
    endpoint = lock(WebhookEndpoint, endpoint_id)
    delivery = lock(WebhookDelivery, delivery_id)
    db.session.add(
        WebhookAttempt(
            delivery_id=delivery.id,
            at=now,
            status=outcome.status,
            error=outcome.error,
            milliseconds=outcome.milliseconds,
        )
    )
    delivery.tries += 1
    if outcome.delivered:
        delivery.state, delivery.delivered_at, delivery.next_at = "delivered", now, None
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or now
    given_up = outcome.status == _GONE or now - endpoint.failing_since > PATIENCE
    if given_up and endpoint.state == "active":

        def effect() -> None:
            endpoint.disabled_at = now

        ENDPOINT.execute(SYSTEM, endpoint, "give_up", effect=effect, organisation_id=endpoint.organisation_id)
    if given_up or delivery.tries > len(PAUSES):
        delivery.state, delivery.next_at = "failed", None
        return
    pause = dt.timedelta(seconds=PAUSES[delivery.tries - 1])
    delivery.next_at = now + pause
    enqueue(TASK, key=str(delivery.id), delay=pause, delivery_id=delivery.id)


def forget_old() -> None:
    """Delete messages and their attempts after their time (a schedule), but none that still waits."""
    with unit_of_work():
        old = sa.select(WebhookDelivery.id).where(
            WebhookDelivery.created_at < clock.now() - KEPT, WebhookDelivery.state != "pending"
        )
        db.session.execute(sa.delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(old)))
        db.session.execute(
            sa.delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)),
            execution_options={"synchronize_session": False},
        )
