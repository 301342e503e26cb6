"""Paying what a notice makes due, into the holder's own account, and what follows when money is proven.

The platform never receives, holds or forwards licence money.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.files import checked_upload, keep
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.listings.models import Offer

from . import numbers, stripe_gateway
from .lifecycle import PAYMENT
from .lookup import find, last_day, lock_notice, lock_payment, offer_ended_at
from .models import OPEN_PAYMENT, Notice, Obligation, Payment, RefundTask
from .notices import pay_in_full, release
from .quarantine import quarantine
from .rules import (
    STRIPE_CEILING_MINOR,
    answer_to_slip_by,
    bank_instant,
    basis_of,
    effective_at,
    too_late,
)

log = logging.getLogger(__name__)
CHANNELS: Final = ("bank", "stripe")


def channels_of(notice: Notice) -> tuple[str, ...]:
    """How this notice can be paid: what the announced terms allow and the holder has an account for."""
    terms = notice.terms
    available = {"bank": bool(terms["payee_account"]), "stripe": bool(terms["stripe_account"])}
    announced = terms["channels"] or CHANNELS
    return tuple(channel for channel in CHANNELS if channel in announced and available[channel])


def start_payment(actor: Actor, notice_id: int, channel: str, obligation_id: int | None = None) -> Payment:
    """Start an attempt to pay, and for Stripe open the checkout; opens its own units of work.

    The intent is committed before the provider is called and the answer after it. Calling again after
    `payment-provider-unavailable` takes the same attempt up with the same idempotency key.

    Raises:
        as `begin_payment` and `open_checkout`.
    """
    with unit_of_work(actor):
        payment = begin_payment(actor, notice_id, channel, obligation_id)
    return open_checkout(actor, payment.id) if payment.channel == "stripe" else payment


def begin_payment(actor: Actor, notice_id: int, channel: str, obligation_id: int | None = None) -> Payment:
    """Add an attempt to pay, in the present unit of work; for `stripe`, `open_checkout` has to follow.

    Args:
        actor: the licensee's side.
        notice_id: which.
        channel: `bank` or `stripe`, one that the frozen terms allow.
        obligation_id: which sum; by default the first one that is open.

    Returns:
        The new attempt; or the open Stripe attempt whose checkout could not be opened so far.

    Raises:
        NotFound: no such notice or obligation, or another party's.
        Invalid: `channel-unknown`.
        Conflict: `notice-not-served`, `notice-closed`, `offer-not-live`, `nothing-due`,
            `channel-not-announced`, `amount-above-channel-limit`, `payment-open` (naming it).
    """
    if channel not in CHANNELS:
        raise Invalid(
            "channel-unknown",
            "Pay by bank transfer or by Stripe.",
            fields={"channel": ["Pay by bank transfer or by Stripe."]},
        )
    notice = lock_notice(find(actor, "payment.start", Notice, notice_id))
    if notice.state == "not_served":
        raise Conflict(
            "notice-not-served", "The notice has not reached the holder yet: please pay after that."
        )
    obligation = lock(Obligation, _chosen(notice, obligation_id).id)
    if notice.state != "served":
        raise Conflict("notice-closed", "This notice is already paid or over.", state=notice.state)
    if offer_ended_at(notice.offer) is not None or not notice.offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    if obligation.state != "open":
        raise Conflict("nothing-due", "Nothing is due here.")
    if channel not in channels_of(notice):
        raise Conflict(
            "channel-not-announced",
            "The announced terms do not allow this way of paying.",
            channels=list(channels_of(notice)),
        )
    if channel == "stripe" and obligation.amount_minor > STRIPE_CEILING_MINOR:
        raise Conflict(
            "amount-above-channel-limit",
            "Stripe takes at most 999,999.99 yuan in one payment: please pay by bank transfer.",
            limit_minor=STRIPE_CEILING_MINOR,
        )
    attempt = db.session.scalar(
        sa.select(Payment).where(Payment.obligation_id == obligation.id, Payment.state.in_(OPEN_PAYMENT))
    )
    if attempt is not None:
        if attempt.channel == channel == "stripe" and attempt.checkout_session_id is None:
            return attempt
        raise Conflict(
            "payment-open",
            "A payment is already under way: finish it or cancel it first.",
            payment_id=str(attempt.id),
        )
    return _add(notice, obligation, channel)


def open_checkout(actor: Actor, payment_id: int) -> Payment:
    """Open the provider's checkout for a Stripe attempt, outside a unit of work.

    Raises:
        Unavailable: `payment-provider-unavailable`; the attempt stays and can be taken up again.
        Conflict: `payment-provider-refused`; the attempt has failed, another may be started.
    """
    payment = find(actor, "payment.start", Payment, payment_id)
    if payment.checkout_session_id is not None or payment.state != "open":
        return payment
    try:
        session = stripe_gateway.create_session(payment)
    except stripe_gateway.Refused as error:
        with unit_of_work(actor):
            payment = lock_payment(db.session.get_one(Payment, payment_id))
            if payment.state == "open":
                PAYMENT.execute(SYSTEM, payment, "fail", organisation_id=_licensee(payment), code=error.code)
        raise Conflict(
            "payment-provider-refused",
            "The payment provider does not take this payment: please choose another way of paying.",
            provider_code=error.code,
        ) from error
    with unit_of_work(actor):
        payment = lock_payment(db.session.get_one(Payment, payment_id))
        if payment.checkout_session_id is None:
            payment.checkout_session_id, payment.checkout_url = session.id, session.url
            if payment.state in ("cancelled", "failed", "expired"):
                # Cancelled while the provider was asked: nobody may pay there any more.
                enqueue("deals.expire_session", key=str(payment.id), payment_id=payment.id)
    return payment


def get_payment(actor: Actor, payment_id: int) -> Payment:
    """One attempt to pay.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    return find(actor, "payment.view", Payment, payment_id)


def upload_slip(actor: Actor, payment_id: int, content: bytes, filename: str) -> Payment:
    """Keep the payer's bank slip (PDF, PNG or JPEG up to 10 MB); it proves nothing until the payee confirms.

    Raises:
        Invalid: `file-empty`, `file-too-large`, `file-type`.
        Conflict: `not-a-transfer`, `illegal-transition`.
    """
    payment = lock_payment(find(actor, "payment.upload_slip", Payment, payment_id))
    _require_transfer(payment)
    content_type = checked_upload(content)

    def effect() -> None:
        kept = keep(
            content,
            name=filename,
            content_type=content_type,
            purpose="bank_slip",
            organisation_id=_licensee(payment),
        )
        payment.slip_id = kept.id
        payment.slip_at = payment.slip_at or clock.now()

    PAYMENT.execute(actor, payment, "slip", effect=effect, organisation_id=_licensee(payment))
    return payment


def upload_invoice(actor: Actor, payment_id: int, content: bytes, filename: str) -> Payment:
    """Keep the payee's invoice (发票; PDF, PNG or JPEG up to 10 MB) for the payer; a later one replaces it.

    Who receives the money issues it (Measures for the Administration of Invoices); what the platform shows
    of a payment is no invoice.

    Raises:
        Invalid: `file-empty`, `file-too-large`, `file-type`.
        Conflict: `payment-not-proven`, while it is not paid.
    """
    payment = lock_payment(find(actor, "payment.invoice", Payment, payment_id))
    if payment.state != "paid":
        raise Conflict("payment-not-proven", "An invoice follows a payment that has arrived.")
    kept = keep(
        content,
        name=filename,
        content_type=checked_upload(content),
        purpose="invoice",
        organisation_id=payment.obligation.notice.offer.holder_id,
    )
    payment.invoice_id = kept.id
    record("payment.invoiced", payment, organisation_id=_licensee(payment), **_ids(payment))
    return payment


def escalate_slips() -> None:
    """Remind the payee of slips that wait, and show them to the operator (a task), each once."""
    waiting = sa.select(Payment).where(
        Payment.state == "slip_uploaded", Payment.slip_at.is_not(None), Payment.escalated_at.is_(None)
    )
    today = clock.today()
    for found in list(db.session.scalars(waiting.order_by(Payment.id)).unique()):
        if found.slip_at is None or today <= answer_to_slip_by(clock.legal_date(found.slip_at)).date:
            continue
        with unit_of_work():
            payment = lock_payment(found)
            if payment.state == "slip_uploaded" and payment.escalated_at is None:
                payment.escalated_at = clock.now()
                record("payment.slip_waits", payment, organisation_id=_licensee(payment), **_ids(payment))


def confirm_payment(
    actor: Actor, payment_id: int, paid_on: dt.date, amount_minor: int, currency: str = "CNY"
) -> Payment:
    """The payee states that a transfer has arrived; the licence follows when it is the announced sum.

    Args:
        actor: the payee's side.
        payment_id: which.
        paid_on: the day on which it was paid, in Shanghai.
        amount_minor: what arrived, in minor units (分).
        currency: its ISO 4217 code.

    Returns:
        The payment: `paid`, or `quarantined` when the sum is another one (the operator sees it).

    Raises:
        Invalid: `date-in-future`, `date-too-early` (before the notice).
        Conflict: `not-a-transfer`, `illegal-transition`.
    """
    payment = lock_payment(find(actor, "payment.confirm", Payment, payment_id))
    _require_transfer(payment)
    PAYMENT.find("confirm", payment.state)
    notice = payment.obligation.notice
    if paid_on > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"paid_on": ["This day is still to come."]}
        )
    if paid_on < clock.legal_date(notice.written_at):
        raise Invalid(
            "date-too-early",
            "The notice was not written yet on this day.",
            fields={"paid_on": ["The notice was not written yet on this day."]},
        )
    if (amount_minor, currency.upper()) != (payment.amount_minor, payment.currency):
        quarantine_payment(
            payment,
            "amount-mismatch",
            expected={"amount_minor": payment.amount_minor, "currency": payment.currency},
            received={
                "amount_minor": amount_minor,
                "currency": currency.upper(),
                "paid_on": paid_on.isoformat(),
            },
        )
        return payment
    settle(actor, payment, "confirm", at=bank_instant(paid_on), paid_on=paid_on)
    return payment


def cancel_payment(actor: Actor, payment_id: int) -> Payment:
    """The licensee gives an open attempt up, to pay in another way; a checkout is closed at the provider.

    Raises:
        Conflict: `illegal-transition`, when it is not open any more.
    """
    payment = lock_payment(find(actor, "payment.cancel", Payment, payment_id))
    PAYMENT.execute(actor, payment, "cancel", organisation_id=_licensee(payment))
    if payment.checkout_session_id is not None:
        enqueue("deals.expire_session", key=str(payment.id), payment_id=payment.id)
    return payment


def expire_session(payment_id: int) -> None:
    """Close the checkout of an attempt that was given up (a task)."""
    payment = db.session.get_one(Payment, payment_id)
    if payment.state != "paid":
        stripe_gateway.expire(payment)


def declare_royalty(actor: Actor, notice_id: int, amount_minor: int) -> Obligation:
    """State the first royalty, where by setting a pure royalty takes effect on its first payment.

    Args:
        actor: the licensee's side.
        notice_id: which.
        amount_minor: the sum reckoned by the announced rate, in minor units, above zero.

    Raises:
        Conflict: `nothing-due`, when the terms name a sum or the notice is closed.
        Invalid: `amount-invalid`.
    """
    notice = lock_notice(find(actor, "payment.start", Notice, notice_id))
    if notice.state != "served" or basis_of(notice.terms) != "royalty" or notice.obligations:
        raise Conflict("nothing-due", "Nothing is due here.")
    if amount_minor <= 0:
        raise Invalid(
            "amount-invalid",
            "Please give a sum above zero.",
            fields={"amount": ["Please give a sum above zero."]},
        )
    owed = Obligation(
        kind="royalty", amount_minor=amount_minor, currency=notice.terms["currency"], state="open"
    )
    notice.obligations.append(owed)
    record("obligation.declared", owed, organisation_id=notice.licensee_id, notice_id=notice.id)
    return owed


def settle(
    actor: Actor, payment: Payment, action: str, *, at: dt.datetime, paid_on: dt.date | None = None
) -> None:
    """The right sum is proven: the licence follows, or the money has to go back. Rows are locked already.

    Args:
        actor: the payee, or the system.
        payment: the attempt.
        action: `confirm` by the payee, or `settle` by the provider's signed word.
        at: when it was paid by that proof, which is not when we learned of it.
        paid_on: the legal date; by default that of `at`.
    """
    obligation = payment.obligation
    notice = obligation.notice
    day = paid_on or clock.legal_date(at)

    def effect() -> None:
        payment.effective_at, payment.paid_on, payment.confirmed_by = at, day, actor.user_id

    PAYMENT.execute(
        actor,
        payment,
        action,
        effect=effect,
        organisation_id=notice.licensee_id,
        occurred_on=day,
        **_ids(payment),
    )
    if obligation.state == "paid":
        require_refund(payment, "second_payment")
        return
    if notice.served_at is None:
        require_refund(payment, "notice_ended")
        return
    moment = effective_at(notice.served_at, [at])
    reason = too_late(
        moment,
        offer_ended_at=offer_ended_at(notice.offer),
        notice_ended_at=notice.ended_at,
        last_day=last_day(notice.offer),
    )
    if reason is not None:
        require_refund(payment, reason)
        return
    obligation.state, obligation.paid_at = "paid", at
    others = sa.select(Payment).where(
        Payment.obligation_id == obligation.id, Payment.id != payment.id, Payment.state.in_(OPEN_PAYMENT)
    )
    for other in list(db.session.scalars(others)):
        release(other)
    if all(one.state != "open" for one in notice.obligations):
        proven = [one.paid_at for one in notice.obligations if one.paid_at is not None]
        pay_in_full(notice, effective_at(notice.served_at, proven))


def require_refund(payment: Payment, reason: str) -> RefundTask:
    """Money that has no obligation behind it: the holder has to return it.

    Args:
        payment: the attempt that brought it.
        reason: `second_payment`, `offer_ended`, `term_over` or `notice_ended`.
    """
    task = RefundTask(
        payment=payment,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reason=reason,
        state="open",
        created_at=clock.now(),
    )
    db.session.add(task)
    record(
        "refund.required",
        task,
        organisation_id=payment.obligation.notice.offer.holder_id,
        reason=reason,
        **_ids(payment),
    )
    return task


def list_refunds(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[RefundTask]:
    """Open refunds that the actor is party to (staff: all), newest first."""
    query = (
        sa.select(RefundTask)
        .join(Payment, RefundTask.payment_id == Payment.id)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(RefundTask.state == "open")
        .order_by(RefundTask.id.desc())
        .limit(min(limit, 200))
    )
    if after is not None:
        query = query.where(RefundTask.id < after)
    if not actor.is_staff:
        query = query.where(
            sa.or_(Notice.licensee_id.in_(actor.licensees), Offer.holder_id.in_(actor.holders))
        )
    return list(db.session.scalars(query))


def close_refund(actor: Actor, refund_id: int, note: str) -> RefundTask:
    """Note that the holder has returned the money.

    Args:
        actor: the payee's side, or the operator.
        refund_id: which.
        note: how: a transfer's reference, the provider's refund number.

    Raises:
        Invalid: `note-missing`.
    """
    task = lock(RefundTask, find(actor, "refund.done", RefundTask, refund_id).id)
    if not note.strip():
        raise Invalid(
            "note-missing", "Please say what was done.", fields={"note": ["Please say what was done."]}
        )
    if task.state == "open":
        task.state, task.done_at, task.note = "done", clock.now(), note.strip()
        record("refund.done", task, organisation_id=task.payment.obligation.notice.offer.holder_id)
    return task


def quarantine_payment(
    payment: Payment,
    reason: str,
    *,
    expected: dict[str, Any],
    received: dict[str, Any],
    event_id: str | None = None,
) -> None:
    """Money that does not fit what is owed: the attempt is set aside and the operator sees it."""
    if payment.state not in ("paid", "quarantined"):
        PAYMENT.execute(
            SYSTEM,
            payment,
            "quarantine",
            organisation_id=_licensee(payment),
            reason=reason,
            **_ids(payment),
        )
    quarantine(reason, payment=payment, event_id=event_id, expected=expected, received=received)


def _chosen(notice: Notice, obligation_id: int | None) -> Obligation:
    if obligation_id is not None:
        for one in notice.obligations:
            if one.id == obligation_id:
                return one
        raise NotFound("obligation-not-found", "There is no such sum under this notice.")
    if not notice.obligations:
        raise Conflict("nothing-due", "Nothing is due here.")
    return next((one for one in notice.obligations if one.state == "open"), notice.obligations[0])


def _add(notice: Notice, obligation: Obligation, channel: str) -> Payment:
    terms, bank = notice.terms, channel == "bank"
    payment = Payment(
        obligation=obligation,
        channel=channel,
        state=PAYMENT.initial,
        amount_minor=obligation.amount_minor,
        currency=obligation.currency,
        reference=numbers.new_reference(clock.today()),
        stripe_account=None if bank else terms["stripe_account"],
        account_name=terms["payee_account_name"] if bank else None,
        bank=terms["payee_bank"] if bank else None,
        account=terms["payee_account"] if bank else None,
        created_at=clock.now(),
    )
    db.session.add(payment)
    record(
        "payment.started",
        payment,
        organisation_id=notice.licensee_id,
        channel=channel,
        notice_id=notice.id,
        offer_id=notice.offer_id,
    )
    return payment


def _require_transfer(payment: Payment) -> None:
    if payment.channel != "bank":
        raise Conflict("not-a-transfer", "Only bank transfers are confirmed by hand.")


def _licensee(payment: Payment) -> int:
    return payment.obligation.notice.licensee_id


def _ids(payment: Payment) -> dict[str, Any]:
    notice = payment.obligation.notice
    return {"payment_id": payment.id, "notice_id": notice.id, "offer_id": notice.offer_id}
