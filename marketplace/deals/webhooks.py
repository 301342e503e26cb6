"""Stripe's webhooks: stored by event id first, then applied from the signed event's own object.

Guards only move forward, so doubles, latecomers and any order give the same result. Amount, currency, mode
and account are compared with what is owed; what differs is quarantined.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.errors import N_, DomainError
from marketplace.core.lazily import Lazily
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work

from . import papers, stripe_gateway
from .bundles import paying
from .bundles.models import BundleTransfer
from .flags import keep_flags
from .lifecycle import PAYMENT
from .lookup import lock_payment
from .models import Payment, Quarantine, StripeEvent
from .payments import quarantine_payment
from .payments import receive as receive_money
from .quarantine import quarantine

if TYPE_CHECKING:
    import stripe
else:
    stripe = Lazily("stripe")

SUCCEEDED: Final = stripe_gateway.SUCCEEDED
FAILED: Final = {"checkout.session.async_payment_failed": "fail", "checkout.session.expired": "expire"}
AFTERWARDS: Final = ("charge.refunded", "refund.", "charge.refund.", "charge.dispute.")


class SignatureRefused(DomainError):
    """The call is not signed by our provider, or is not an event (400)."""


def receive(payload: bytes, signature: str) -> None:
    """Keep a signed event and ask the worker to apply it; opens its own unit of work.

    Args:
        payload: the request's raw body.
        signature: the `Stripe-Signature` header.

    Raises:
        SignatureRefused: `bad-signature`.
    """
    try:
        # It verifies the signature and its age (300 s); a plain dictionary serves better than its object.
        stripe.Webhook.construct_event(payload, signature, papers.settings().stripe_webhook_secret)
        event = json.loads(payload)
        values = {
            "id": event["id"],
            "type": event["type"],
            "account": event.get("account"),
            "created": dt.datetime.fromtimestamp(event["created"], dt.UTC),
            "livemode": bool(event["livemode"]),
            "payload": event,
            "received_at": clock.now(),
            "state": "received",
        }
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
        raise SignatureRefused(
            "bad-signature", N_("This is not an event that our payment provider has signed.")
        ) from error
    with unit_of_work():
        if _insert(values):
            enqueue("deals.apply_event", key=event["id"], event_id=event["id"])


def apply_event(event_id: str) -> None:
    """Apply a stored event, once (a task)."""
    with unit_of_work():
        event = lock(StripeEvent, event_id)
        if event.state != "received":
            return
        if event.livemode != stripe_gateway.livemode():
            event.state, event.outcome = _other_mode(event)
        elif event.type in SUCCEEDED or event.type in FAILED:
            event.state, event.outcome = _apply_session(event)
        elif event.type.startswith(AFTERWARDS):
            event.state, event.outcome = _show_afterwards(event)
        else:
            event.state, event.outcome = "ignored", "not-ours-to-apply"


def _other_mode(event: StripeEvent) -> tuple[str, str]:
    """Test money at a real account, or the reverse: never applied; money and disputes are set aside."""
    if event.type not in SUCCEEDED and not event.type.startswith(AFTERWARDS):
        return "ignored", "livemode-mismatch"
    thing = event.payload["data"]["object"]
    if event.type in SUCCEEDED:
        payment = _payment_of(thing)
    else:
        payment = next(iter(_payments_behind(event, thing)), None)
    if payment is not None and payment.stripe_account != event.account:
        payment = None  # a stranger's event that bears our reference
    _set_aside(event, payment, "livemode-mismatch", {"livemode": stripe_gateway.livemode()})
    return "quarantined", "livemode-mismatch"


def _insert(values: dict[str, Any]) -> bool:
    """Whether the event is new."""
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    statement = insert(StripeEvent).values(**values).on_conflict_do_nothing(index_elements=["id"])
    return db.session.execute(statement.returning(StripeEvent.id)).scalar() is not None


def _apply_session(event: StripeEvent) -> tuple[str, str]:
    """Apply an event about a checkout session. Returns the event's new state and the outcome's code."""
    session = event.payload["data"]["object"]
    money = event.type in SUCCEEDED and session.get("payment_status") == "paid"
    transfer = _transfer_of(session)
    if transfer is not None:
        return _apply_to_several(event, session, transfer, money)
    payment = _payment_of(session)
    if payment is None:
        if not money:
            return "ignored", "unknown-payment"
        _set_aside(event, None, "unknown-payment", {})
        return "quarantined", "unknown-payment"
    payment = lock_payment(payment)
    stranger = _differs(payment, event, session)
    if stranger is not None:
        # Another account may sign events that carry our reference: they must not touch the attempt.
        _set_aside(event, payment, stranger, {"account": payment.stripe_account})
        return "quarantined", stranger
    if payment.state == "paid":
        return "ignored", "already-paid"
    if event.type in FAILED:
        if payment.state != "open":
            return "ignored", f"already-{payment.state}"
        action = FAILED[event.type]
        PAYMENT.execute(
            SYSTEM, payment, action, organisation_id=payment.obligation.notice.licensee_id, event_id=event.id
        )
        return "applied", action
    if not money:
        return "applied", "waiting-for-money"
    received = {"amount_minor": session.get("amount_total"), "currency": str(session.get("currency")).upper()}
    expected = {"amount_minor": payment.amount_minor, "currency": payment.currency}
    for field, reason in (("currency", "currency-mismatch"), ("amount_minor", "amount-mismatch")):
        if received[field] != expected[field]:
            quarantine_payment(payment, reason, expected=expected, received=received, event_id=event.id)
            return "quarantined", reason
    if payment.checkout_session_id is None:
        # Our call's answer was lost, but the session that it made was paid.
        payment.checkout_session_id = session["id"]
    receive_money(SYSTEM, payment, payment.amount_minor, at=event.created, source="stripe")
    _link_waiting(event, [payment])
    return "applied", "paid"


def _apply_to_several(
    event: StripeEvent, session: dict[str, Any], transfer: BundleTransfer, money: bool
) -> tuple[str, str]:
    """Apply an event about a checkout for several notices of a bundle: to all of its attempts or none."""
    attempts = paying.lock_payments(transfer.id)
    transfer = lock(BundleTransfer, transfer.id)
    stranger = _not_of(transfer, event, session)
    if stranger is not None:
        _set_aside(event, attempts[0], stranger, {"account": transfer.stripe_account})
        return "quarantined", stranger
    if all(one.state == "paid" for one in attempts):
        return "ignored", "already-paid"
    if event.type in FAILED:
        still = [one for one in attempts if one.state == "open"]
        if not still:
            return "ignored", "already-over"
        for one in still:
            PAYMENT.execute(
                SYSTEM,
                one,
                FAILED[event.type],
                organisation_id=one.obligation.notice.licensee_id,
                event_id=event.id,
            )
        return "applied", FAILED[event.type]
    if not money:
        return "applied", "waiting-for-money"
    received = {"amount_minor": session.get("amount_total"), "currency": str(session.get("currency")).upper()}
    expected = {"amount_minor": transfer.amount_minor, "currency": transfer.currency}
    for field, reason in (("currency", "currency-mismatch"), ("amount_minor", "amount-mismatch")):
        if received[field] != expected[field]:
            # One sum that does not fit: one case, at the first of its attempts.
            quarantine_payment(attempts[0], reason, expected=expected, received=received, event_id=event.id)
            return "quarantined", reason
    if transfer.checkout_session_id is None:
        # Our call's answer was lost, but the session that it made was paid.
        transfer.checkout_session_id = session["id"]
    for one in attempts:
        one.checkout_session_id = session["id"]
        if one.state != "paid":
            receive_money(SYSTEM, one, one.amount_minor, at=event.created, source="stripe")
    _link_waiting(event, attempts)
    return "applied", "paid"


def _transfer_of(session: dict[str, Any]) -> BundleTransfer | None:
    reference = session.get("client_reference_id")
    by = BundleTransfer.checkout_session_id == session["id"]
    if reference:
        by = sa.or_(by, BundleTransfer.reference == reference)
    query = sa.select(BundleTransfer).where(by, BundleTransfer.channel == "stripe").limit(1)
    return db.session.scalars(query).unique().first()


def _not_of(transfer: BundleTransfer, event: StripeEvent, session: dict[str, Any]) -> str | None:
    """Why an event is not about this checkout, as a code."""
    if event.account != transfer.stripe_account:
        return "account-mismatch"
    if transfer.checkout_session_id is not None and session["id"] != transfer.checkout_session_id:
        return "session-mismatch"
    return None if session.get("client_reference_id") == transfer.reference else "reference-mismatch"


def _payment_of(session: dict[str, Any]) -> Payment | None:
    reference = session.get("client_reference_id")
    if reference:
        found = db.session.scalar(sa.select(Payment).where(Payment.reference == reference))
        if found is not None:
            return found
    return db.session.scalar(sa.select(Payment).where(Payment.checkout_session_id == session["id"]))


def _differs(payment: Payment, event: StripeEvent, session: dict[str, Any]) -> str | None:
    """Why an event is not about this attempt, as a code."""
    if payment.channel != "stripe" or event.account != payment.stripe_account:
        return "account-mismatch"
    if payment.checkout_session_id is not None and session["id"] != payment.checkout_session_id:
        return "session-mismatch"
    if session.get("client_reference_id") != payment.reference:
        return "reference-mismatch"
    return None


def _show_afterwards(event: StripeEvent) -> tuple[str, str]:
    """Refunds and disputes: flagged for both sides and the operator; no licence is ended by them."""
    thing = event.payload["data"]["object"]
    reason = "dispute" if "dispute" in event.type else "refund"
    payments = _locked(_payments_behind(event, thing))
    if not payments:
        # Perhaps the payment's own event is still to come: it links what is waiting.
        _set_aside(event, None, reason, {})
        return "quarantined", reason
    if keep_flags(event, payments):
        # One matter, one case for the operator: at the first payment of its checkout.
        _set_aside(event, payments[0], reason, {})
        return "quarantined", reason
    return "applied", reason


def _locked(payments: Sequence[Payment]) -> list[Payment]:
    """One attempt afresh, or all of a checkout for several notices, with what their settlement touches."""
    if len(payments) < 2:
        return [lock_payment(one) for one in payments]
    transfer = paying.transfer_of(payments[0])
    return paying.lock_payments(transfer.id) if transfer is not None else []


def _link_waiting(event: StripeEvent, payments: Sequence[Payment]) -> None:
    """Refunds and disputes that came before the checkout's own event belong to it, by the payment intent."""
    intent = event.payload["data"]["object"].get("payment_intent")
    if not intent:
        return
    waiting = (
        sa.select(Quarantine)
        .join(StripeEvent, Quarantine.event_id == StripeEvent.id)
        .where(
            Quarantine.payment_id.is_(None),
            Quarantine.reason.in_(("refund", "dispute")),
            StripeEvent.account == event.account,
            StripeEvent.payload["data"]["object"]["payment_intent"].as_string() == intent,
        )
        .order_by(Quarantine.id)
    )
    for case in list(db.session.scalars(waiting)):
        earlier = db.session.get_one(StripeEvent, case.event_id)
        case.payment_id = payments[0].id
        record("quarantine.linked", case, payment_id=payments[0].id)
        keep_flags(earlier, payments)


def _payments_behind(event: StripeEvent, thing: dict[str, Any]) -> list[Payment]:
    """The attempts behind a charge, refund or dispute: by our metadata, else by the payment intent.

    More than one where a checkout pays several notices of a bundle.
    """
    metadata = thing.get("metadata") or {}
    if reference := metadata.get("payment"):
        found = db.session.scalar(
            sa.select(Payment).where(Payment.reference == reference, Payment.stripe_account == event.account)
        )
        if found is not None:
            return [found]
    if reference := metadata.get("bundle_payment"):
        query = sa.select(BundleTransfer).where(
            BundleTransfer.reference == reference, BundleTransfer.stripe_account == event.account
        )
        transfer = db.session.scalars(query).unique().first()
        if transfer is not None:
            return paying.payments_of(transfer)
    intent = thing.get("payment_intent")
    if not intent:
        return []
    session_id = db.session.scalar(
        sa.select(StripeEvent.payload["data"]["object"]["id"].as_string())
        .where(
            StripeEvent.account == event.account,
            StripeEvent.type.in_(SUCCEEDED),
            StripeEvent.payload["data"]["object"]["payment_intent"].as_string() == intent,
        )
        .limit(1)
    )
    if session_id is None:
        return []
    of_session = sa.select(Payment).where(
        Payment.checkout_session_id == session_id, Payment.stripe_account == event.account
    )
    return list(db.session.scalars(of_session.order_by(Payment.id)).unique())


def _set_aside(event: StripeEvent, payment: Payment | None, reason: str, expected: dict[str, Any]) -> None:
    thing = event.payload["data"]["object"]
    quarantine(
        reason,
        payment=payment,
        event_id=event.id,
        expected=expected,
        received={
            "type": event.type,
            "account": event.account,
            "livemode": event.livemode,
            "object": thing.get("id"),
            "amount_minor": thing.get("amount_total", thing.get("amount")),
            "currency": thing.get("currency"),
            "client_reference_id": thing.get("client_reference_id"),
        },
    )
