"""Money that the holder has to return, and how it does: at the provider, or by a transfer of its own.

The platform never holds the money. What the provider was asked is committed first, with its key; that it has
gone back is the provider's signed word, or the holder's.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.files import checked_upload, keep
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.listings.models import Offer

from . import ledger, stripe_gateway
from .lifecycle import REFUND
from .lookup import find, lock_payment
from .models import Notice, Obligation, Payment, Receipt, RefundTask, StripeEvent

# What had counted and goes back because no licence can come of it any more.
GIVEN_BACK: Final = (
    "offer_ended", "term_over", "notice_ended", "technology_banned", "export_not_cleared",
)  # fmt: skip
WAITING: Final = ("open", "asked")


def require_refund(
    payment: Payment,
    reason: str,
    amount_minor: int,
    *,
    receipt: Receipt | None = None,
    currency: str | None = None,
) -> RefundTask:
    """Money that has no obligation behind it: the holder has to return it.

    Args:
        payment: the attempt that brought it.
        reason: `second_payment`, `surplus`, `offer_ended`, `term_over`, `notice_ended`, `returned`,
            `technology_banned`, `export_not_cleared`.
        amount_minor: how much of it, above zero.
        receipt: with which it came.
        currency: its ISO 4217 code; by default the payment's.
    """
    task = RefundTask(
        payment=payment,
        receipt_id=receipt.id if receipt is not None else None,
        amount_minor=amount_minor,
        currency=currency or payment.currency,
        reason=reason,
        state=REFUND.initial,
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


def give_back_parts(notice: Notice, reason: str) -> None:
    """Parts of sums that can make no licence any more go back; the rows are locked."""
    waiting = {task.receipt_id for task in refunds_of(notice) if task.state in WAITING}
    for obligation in notice.obligations:
        if obligation.state == "open":
            for receipt in ledger.counting(obligation):
                if receipt.id not in waiting:
                    require_refund(receipt.payment, reason, receipt.applied_minor, receipt=receipt)


def give_back(notice: Notice, reason: str) -> None:
    """A notice has ended without a licence: parts and whole sums go back; the rows are locked."""
    give_back_parts(notice, reason)
    for obligation in notice.obligations:
        if obligation.state == "paid":
            obligation.state = "cancelled"
            for receipt in ledger.counting(obligation):
                require_refund(receipt.payment, reason, receipt.applied_minor, receipt=receipt)


def count_again(obligation: Obligation) -> None:
    """What was to go back counts after all, as the rest had come in time."""
    parts = {receipt.id for receipt in ledger.counting(obligation)}
    for task in refunds_of(obligation.notice):
        if task.state == "open" and task.receipt_id in parts and task.reason in GIVEN_BACK:
            REFUND.execute(SYSTEM, task, "drop", organisation_id=obligation.notice.offer.holder_id)


def refunds_of(notice: Notice) -> list[RefundTask]:
    """Every refund under a notice, oldest first."""
    query = (
        sa.select(RefundTask)
        .join(Payment, RefundTask.payment_id == Payment.id)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .where(Obligation.notice_id == notice.id)
        .order_by(RefundTask.id)
    )
    return list(db.session.scalars(query).unique())


def list_refunds(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[RefundTask]:
    """Refunds that wait and that the actor is party to (staff: all), newest first."""
    query = (
        sa.select(RefundTask)
        .join(Payment, RefundTask.payment_id == Payment.id)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(RefundTask.state.in_(WAITING))
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


def get_refund(actor: Actor, refund_id: int) -> RefundTask:
    """One refund.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    return find(actor, "refund.view", RefundTask, refund_id)


def close_refund(
    actor: Actor, refund_id: int, note: str, *, evidence: bytes | None = None, filename: str = ""
) -> RefundTask:
    """Note that the holder has returned the money by a transfer of its own.

    Args:
        actor: the payee's side, or the operator.
        refund_id: which.
        note: how: the transfer's reference.
        evidence: the bank's slip (PDF, PNG or JPEG up to 10 MB), if there is one.

    Raises:
        Invalid: `note-missing`, `file-empty`, `file-too-large`, `file-type`.
        Conflict: `illegal-transition`, when it is returned already or the provider was asked.
    """
    task = _locked(find(actor, "refund.done", RefundTask, refund_id))
    if not note.strip():
        raise Invalid(
            "note-missing", "Please say what was done.", fields={"note": ["Please say what was done."]}
        )
    holder_id = task.payment.obligation.notice.offer.holder_id

    def effect() -> None:
        task.done_at, task.note, task.how = clock.now(), note.strip(), "transfer"
        if evidence is not None:
            kept = keep(
                evidence,
                name=filename,
                content_type=checked_upload(evidence),
                purpose="refund_slip",
                organisation_id=holder_id,
            )
            task.evidence_id = kept.id

    REFUND.execute(actor, task, "done", effect=effect, organisation_id=holder_id, **_ids(task.payment))
    _reverse_part(actor, task)
    return task


def refund_at_provider(actor: Actor, refund_id: int) -> RefundTask:
    """Return the money through the provider, on the holder's own account; opens its own units of work.

    The intent is committed with its key before the call. While the provider does not answer, the task stays
    `asked` and calling again takes the same attempt up; it is done with the provider's signed event, or at
    once when the answer says so.

    Raises:
        as `ask_provider` and `call_provider`.
    """
    with unit_of_work(actor):
        ask_provider(actor, refund_id)
    return call_provider(actor, refund_id)


def ask_provider(actor: Actor, refund_id: int) -> RefundTask:
    """Keep the intent to return the money through the provider, in the present unit of work.

    Raises:
        NotFound, Forbidden: as everywhere.
        Conflict: `refund-not-at-provider` (the money came by transfer), `illegal-transition`.
    """
    task = _locked(find(actor, "refund.at_provider", RefundTask, refund_id))
    if task.payment.channel != "stripe" or intent_of(task.payment) is None:
        raise Conflict(
            "refund-not-at-provider",
            "This money did not come through the provider: please return it by transfer.",
        )
    if task.state == "asked" and task.provider_refund_id is None:
        return task  # our call's answer was lost: the same attempt, with the same key

    def effect() -> None:
        task.how, task.attempts = "stripe", task.attempts + 1
        task.failure = task.provider_refund_id = None

    REFUND.execute(
        actor,
        task,
        "ask",
        effect=effect,
        organisation_id=task.payment.obligation.notice.offer.holder_id,
        **_ids(task.payment),
    )
    return task


def call_provider(actor: Actor, refund_id: int) -> RefundTask:
    """Ask the provider for a refund whose intent is kept, outside a unit of work.

    Raises:
        Conflict: `payment-provider-refused`; the task is open again.
        Unavailable: `payment-provider-unavailable`.
    """
    task = find(actor, "refund.at_provider", RefundTask, refund_id)
    intent = intent_of(task.payment)
    if task.state != "asked" or task.provider_refund_id is not None or intent is None:
        return task
    try:
        answer = stripe_gateway.refund(task, intent)
    except stripe_gateway.Refused as error:
        with unit_of_work(actor):
            refund_failed(_locked(db.session.get_one(RefundTask, refund_id)), error.code)
        raise Conflict(
            "payment-provider-refused",
            "The payment provider does not take this payment: please choose another way of paying.",
            provider_code=error.code,
        ) from error
    with unit_of_work(actor):
        task = _locked(db.session.get_one(RefundTask, refund_id))
        told(task, answer.id, answer.status)
    return task


def told(task: RefundTask, provider_id: str, status: str) -> None:
    """Take over what the provider says of a refund that it was asked for; the rows are locked."""
    if task.state == "asked" and task.provider_refund_id in (None, provider_id):
        task.provider_refund_id = provider_id
    if task.provider_refund_id != provider_id:
        return
    if status == "succeeded" and task.state == "asked":

        def effect() -> None:
            task.done_at = clock.now()

        REFUND.execute(
            SYSTEM,
            task,
            "settle",
            effect=effect,
            organisation_id=task.payment.obligation.notice.offer.holder_id,
            **_ids(task.payment),
        )
        _reverse_part(SYSTEM, task)
    elif status in ("failed", "canceled"):
        refund_failed(task, status)


def refund_failed(task: RefundTask, code: str) -> None:
    """The provider did not return the money: it is the holder's matter again; the rows are locked.

    A refund may still fail after it was said to have succeeded: the payer's bank sends it back.
    """
    if task.state not in ("asked", "done") or task.how != "stripe":
        return

    def effect() -> None:
        task.failure, task.done_at = code[:80], None

    REFUND.execute(
        SYSTEM,
        task,
        "fail",
        effect=effect,
        organisation_id=task.payment.obligation.notice.offer.holder_id,
        **_ids(task.payment),
    )


def intent_of(payment: Payment) -> str | None:
    """The provider's payment intent by its signed event; None when none has told it."""
    thing = StripeEvent.payload["data"]["object"]
    return db.session.scalar(
        sa.select(thing["payment_intent"].as_string())
        .where(
            StripeEvent.account == payment.stripe_account,
            StripeEvent.type.in_(stripe_gateway.SUCCEEDED),
            thing["id"].as_string() == payment.checkout_session_id,
            thing["payment_intent"].as_string().is_not(None),
        )
        .limit(1)
    )


def _reverse_part(actor: Actor, task: RefundTask) -> None:
    """A part that counted and has gone back counts no more."""
    if task.reason not in GIVEN_BACK or task.receipt_id is None:
        return
    receipt = db.session.get_one(Receipt, task.receipt_id)
    known = db.session.scalar(sa.select(Receipt.id).where(Receipt.reverses_id == receipt.id))
    if receipt.applied_minor > 0 and known is None:
        ledger.reverse(actor, receipt)


def _locked(task: RefundTask) -> RefundTask:
    lock_payment(task.payment)
    return lock(RefundTask, task.id)


def _ids(payment: Payment) -> dict[str, Any]:
    notice = payment.obligation.notice
    return {"payment_id": payment.id, "notice_id": notice.id, "offer_id": notice.offer_id}
