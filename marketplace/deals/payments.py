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

from . import ledger, numbers, stripe_gateway
from .bundles.models import BundleTransferItem
from .export_control.holding import refusal_of
from .lifecycle import PAYMENT
from .lookup import find, last_day, lock_notice, lock_payment, offer_ended_at
from .models import OPEN_PAYMENT, Notice, Obligation, Payment, Receipt
from .notices import pay_in_full, release
from .quarantine import quarantine
from .refunds import count_again, give_back_parts, require_refund
from .rules import (
    STRIPE_CEILING_MINOR,
    answer_to_slip_by,
    bank_instant,
    basis_of,
    effective_at,
    makes_the_licence,
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


def next_owed(notice: Notice) -> Obligation | None:
    """The sum that can be paid now: the one that makes the licence, after that the next instalment."""
    if notice.state not in ("served", "paid"):
        return None
    return next((one for one in notice.obligations if one.state == "open"), None)


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


def begin_payment(
    actor: Actor, notice_id: int, channel: str, obligation_id: int | None = None, *, alone: bool = True
) -> Payment:
    """Add an attempt to pay, in the present unit of work; for `stripe`, `open_checkout` has to follow.

    Args:
        actor: the licensee's side.
        notice_id: which.
        channel: `bank` or `stripe`, one that the frozen terms allow.
        obligation_id: which sum; by default the first one that is open.
        alone: it has a checkout of its own, and not one with other notices of a bundle.

    Returns:
        The new attempt; or the open Stripe attempt whose checkout could not be opened so far.

    Raises:
        NotFound: no such notice or obligation, or another party's.
        Invalid: `channel-unknown`.
        Conflict: `notice-not-served`, `notice-closed`, `offer-not-live`, `nothing-due`,
            `channel-not-announced`, `amount-above-channel-limit`, `payment-open` (naming it),
            `instalment-later`.
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
    # What is still owed of a licence that is in effect outlives the offer: later instalments.
    if not (notice.state == "paid" and obligation.state == "open"):
        _require_takeable(notice)
    if obligation.state != "open":
        raise Conflict("nothing-due", "Nothing is due here.")
    if notice.state == "served" and not makes_the_licence(obligation.instalment):
        raise Conflict("instalment-later", "Please pay the first instalment first: it makes the licence.")
    if channel not in channels_of(notice):
        raise Conflict(
            "channel-not-announced",
            "The announced terms do not allow this way of paying.",
            channels=list(channels_of(notice)),
        )
    left = ledger.remaining(obligation)
    if channel == "stripe" and left > STRIPE_CEILING_MINOR:
        raise Conflict(
            "amount-above-channel-limit",
            "Stripe takes at most 999,999.99 yuan in one payment: please pay by bank transfer.",
            limit_minor=STRIPE_CEILING_MINOR,
        )
    attempt = db.session.scalar(
        sa.select(Payment).where(Payment.obligation_id == obligation.id, Payment.state.in_(OPEN_PAYMENT))
    )
    if attempt is not None:
        unopened = attempt.channel == channel == "stripe" and attempt.checkout_session_id is None
        if alone and unopened and not _with_others(attempt):
            return attempt
        raise Conflict(
            "payment-open",
            "A payment is already under way: finish it or cancel it first.",
            payment_id=str(attempt.id),
        )
    return _add(notice, obligation, channel, left)


def _with_others(attempt: Payment) -> bool:
    """Whether an attempt has one checkout together with other notices of a bundle."""
    query = sa.select(BundleTransferItem.payment_id).where(BundleTransferItem.payment_id == attempt.id)
    return db.session.scalar(query) is not None


def _require_takeable(notice: Notice) -> None:
    if notice.state != "served":
        raise Conflict("notice-closed", "This notice is already paid or over.", state=notice.state)
    if offer_ended_at(notice.offer) is not None or not notice.offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")


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


def upload_slip(
    actor: Actor, payment_id: int, content: bytes, filename: str, *, transfer_id: int | None = None
) -> Payment:
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

    # One slip for several notices of a bundle is told of once, by the transfer's own entry.
    about: dict[str, Any] = {} if transfer_id is None else {"transfer_id": transfer_id}
    PAYMENT.execute(actor, payment, "slip", effect=effect, organisation_id=_licensee(payment), **about)
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
    actor: Actor,
    payment_id: int,
    paid_on: dt.date,
    amount_minor: int,
    currency: str = "CNY",
    *,
    again: bool = False,
) -> Payment:
    """The payee states that a transfer has arrived; the licence follows when the whole sum is there.

    Args:
        actor: the payee's side.
        payment_id: which.
        paid_on: the day on which it was paid, in Shanghai.
        amount_minor: what arrived with this transfer, in minor units (分). A part leaves the rest owed, of
            what is too much the surplus has to be returned.
        currency: its ISO 4217 code.
        again: the same sum of the same day has come once more, which is else taken for a repetition.

    Returns:
        The payment: `paid`, `open` while the rest is awaited, or `quarantined` when it came in another
        currency (the operator sees it).

    Raises:
        Invalid: `date-in-future`, `date-too-early` (before the notice), `amount-invalid`.
        Conflict: `not-a-transfer`, `illegal-transition`, `receipt-known`.
    """
    payment = lock_payment(find(actor, "payment.confirm", Payment, payment_id))
    _require_transfer(payment)
    PAYMENT.find("confirm", payment.state)
    require_provable(payment, paid_on, amount_minor)
    if currency.upper() != payment.currency:
        quarantine_payment(
            payment,
            "currency-mismatch",
            expected={"amount_minor": payment.amount_minor, "currency": payment.currency},
            received={
                "amount_minor": amount_minor,
                "currency": currency.upper(),
                "paid_on": paid_on.isoformat(),
            },
        )
        return payment
    if not again and ledger.is_known(payment, amount_minor, paid_on):
        raise Conflict(
            "receipt-known", "The same sum of the same day is on record already: say so if it came twice."
        )
    receive(actor, payment, amount_minor, at=bank_instant(paid_on), paid_on=paid_on, source="payee")
    return payment


def require_provable(payment: Payment, paid_on: dt.date, amount_minor: int) -> None:
    """Raise unless a payee can state that so much was transferred on this day.

    Raises:
        Invalid: `date-in-future`, `date-too-early` (before the notice), `amount-invalid`.
    """
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
    if amount_minor <= 0:
        raise Invalid(
            "amount-invalid",
            "Please give a sum above zero.",
            fields={"amount": ["Please give a sum above zero."]},
        )


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


def receive(
    actor: Actor,
    payment: Payment,
    amount_minor: int,
    *,
    at: dt.datetime,
    source: str,
    paid_on: dt.date | None = None,
    correction_id: int | None = None,
) -> Receipt:
    """Money is proven to have come: it counts, as far as it is owed, and the rest has to go back.

    The licence follows when the sum that makes it is there, as of the last payment. Rows are locked already.

    Args:
        actor: the payee, or the system.
        payment: the attempt by which it came.
        amount_minor: what came, above zero, in the payment's currency.
        at: when it was paid by that proof, which is not when we learned of it.
        source: `payee`, `statement`, `stripe` (the provider's signed word) or `correction`.
        paid_on: the legal date; by default that of `at`.
        correction_id: the correction by which it is entered.
    """
    obligation = payment.obligation
    notice = obligation.notice
    day = paid_on or clock.legal_date(at)
    reason = why_not(obligation, at)
    applied = 0 if reason else min(amount_minor, ledger.remaining(obligation))
    receipt = ledger.add(
        actor,
        payment,
        amount_minor,
        applied,
        at=at,
        paid_on=day,
        source=source,
        correction_id=correction_id,
    )
    complete = reason is None and ledger.remaining(obligation) == 0
    if payment.state == "paid":
        pass  # it came once more
    elif complete or ledger.came_by(payment) >= payment.amount_minor:
        _paid(actor, payment, at=at, day=day, by_payee=source in ("payee", "statement"))
    elif payment.state in OPEN_PAYMENT:
        PAYMENT.execute(
            SYSTEM,
            payment,
            "part",
            organisation_id=notice.licensee_id,
            occurred_on=day,
            amount_minor=amount_minor,
            **_ids(payment),
        )
    else:
        record(
            "payment.part_received",
            payment,
            organisation_id=notice.licensee_id,
            occurred_on=day,
            amount_minor=amount_minor,
            **_ids(payment),
        )
    if amount_minor > applied:
        require_refund(payment, reason or "surplus", amount_minor - applied, receipt=receipt)
    if complete:
        _complete(obligation)
    elif notice.state not in ("served", "paid") or reason in ("offer_ended", "term_over"):
        # What had come before cannot be completed in time any more.
        give_back_parts(notice, reason or "notice_ended")
    return receipt


def why_not(obligation: Obligation, at: dt.datetime) -> str | None:
    """Why money paid at `at` does not count towards an obligation, as a code; None when it does."""
    notice = obligation.notice
    if notice.state == "refused":
        return refusal_of(notice)
    if obligation.state != "open":
        return "second_payment"
    if notice.state == "paid":
        return None  # a later instalment, or a sum that was reversed: the licence is in effect
    if notice.served_at is None:
        return "notice_ended"
    return too_late(
        effective_at(notice.served_at, [at]),
        offer_ended_at=offer_ended_at(notice.offer),
        notice_ended_at=notice.ended_at,
        last_day=last_day(notice.offer),
    )


def _paid(actor: Actor, payment: Payment, *, at: dt.datetime, day: dt.date, by_payee: bool) -> None:
    """The attempt has brought all that it was to bring."""

    def effect() -> None:
        payment.effective_at, payment.paid_on, payment.confirmed_by = at, day, actor.user_id

    PAYMENT.execute(
        actor if by_payee else SYSTEM,
        payment,
        "confirm" if by_payee else "settle",
        effect=effect,
        organisation_id=payment.obligation.notice.licensee_id,
        occurred_on=day,
        **_ids(payment),
    )


def _complete(obligation: Obligation) -> None:
    """The whole sum is there: other attempts are pointless, and the licence may take effect."""
    notice = obligation.notice
    obligation.state, obligation.paid_at = "paid", ledger.proven_at(obligation)
    count_again(obligation)
    others = sa.select(Payment).where(Payment.obligation_id == obligation.id, Payment.state.in_(OPEN_PAYMENT))
    for other in list(db.session.scalars(others)):
        release(other)
    if notice.state == "paid" or notice.served_at is None:
        return
    needed = [one for one in notice.obligations if makes_the_licence(one.instalment)]
    if all(one.state != "open" for one in needed):
        proven = [one.paid_at for one in needed if one.paid_at is not None]
        pay_in_full(notice, effective_at(notice.served_at, proven))


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
    # In the order in which they fall due, which is that of their ids.
    return next((one for one in notice.obligations if one.state == "open"), notice.obligations[0])


def _add(notice: Notice, obligation: Obligation, channel: str, amount_minor: int) -> Payment:
    terms, bank = notice.terms, channel == "bank"
    payment = Payment(
        obligation=obligation,
        channel=channel,
        state=PAYMENT.initial,
        amount_minor=amount_minor,
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
