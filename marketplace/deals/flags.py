"""Refunds and disputes at the provider, as its signed events tell them, in whatever order they come.

They are shown to both sides and to the operator. A licence is a legal fact and is never ended by them.
A checkout that pays several notices has one refund or dispute for all: it is flagged on every payment of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, record

from .lookup import payments_of
from .models import Notice, Payment, PaymentFlag, RefundTask, StripeEvent
from .refunds import told

_OVER: Final = {
    "refund": frozenset({"succeeded", "failed", "canceled"}),
    "dispute": frozenset({"won", "lost", "warning_closed", "prevented"}),
}


def keep_flags(event: StripeEvent, payments: Sequence[Payment]) -> bool:
    """Take an event about a refund or a dispute over.

    Later events win whatever their order of arrival, and of one second the one that ends the matter.

    Args:
        event: of the provider, about a charge, a refund or a dispute.
        payments: all that its checkout pays, at least one; they are locked.

    Returns:
        Whether a person should look into it: the first word of something that nobody here asked for.
    """
    thing = event.payload["data"]["object"]
    meant = _meant(thing, payments)
    told_sum = _sum_of(thing)
    split = told_sum is not None and told_sum == sum(one.amount_minor for one in meant)
    unasked = [
        _keep(
            event,
            one,
            amount_minor=one.amount_minor if split else told_sum,
            checkout_minor=told_sum if len(meant) > 1 else None,
        )
        for one in meant
    ]
    return any(unasked)


def _sum_of(thing: dict[str, Any]) -> int | None:
    found: int | None = thing.get("amount_refunded" if thing.get("object") == "charge" else "amount")
    return found


def _meant(thing: dict[str, Any], payments: Sequence[Payment]) -> Sequence[Payment]:
    """Which payments of a checkout a charge, refund or dispute is about: all, unless we asked for less."""
    if len(payments) == 1 or thing.get("object") == "dispute":
        return payments
    if thing.get("object") == "charge":
        query = sa.select(RefundTask.payment_id, RefundTask.amount_minor).where(
            RefundTask.payment_id.in_([one.id for one in payments]),
            RefundTask.how == "stripe",
            RefundTask.attempts > 0,
        )
        asked = [(row.payment_id, row.amount_minor) for row in db.session.execute(query)]
        # More than was asked for here was returned at the provider, and nobody says for which notice.
        if not asked or (_sum_of(thing) or 0) > sum(amount for _, amount in asked):
            return payments
        ours = {key for key, _ in asked}
    else:
        task = _task_of(thing)
        ours = {task.payment_id} if task is not None else set()
    return [one for one in payments if one.id in ours] or payments


def _keep(
    event: StripeEvent, payment: Payment, *, amount_minor: int | None, checkout_minor: int | None
) -> bool:
    thing = event.payload["data"]["object"]
    kind = "dispute" if thing.get("object") == "dispute" or "dispute" in event.type else "refund"
    whole = thing.get("object") == "charge"
    status = "refunded" if whole else str(thing.get("status") or "unknown")
    flag = db.session.scalar(
        sa.select(PaymentFlag).where(
            PaymentFlag.kind == kind,
            PaymentFlag.provider_id == thing["id"],
            PaymentFlag.payment_id == payment.id,
        )
    )
    first = flag is None
    if flag is None:
        flag = PaymentFlag(
            payment=payment,
            kind=kind,
            provider_id=thing["id"],
            status=status,
            funds_withdrawn=False,
            opened_at=event.created,
            told_at=event.created,
        )
        db.session.add(flag)
    flag.opened_at = min(flag.opened_at, event.created)
    over = _OVER[kind]
    newer = (event.created, status in over) >= (flag.told_at, flag.status in over)
    if first or newer:
        flag.status, flag.told_at, flag.event_id = status, event.created, event.id
        flag.amount_minor, flag.checkout_minor = amount_minor, checkout_minor
        currency = thing.get("currency")
        flag.currency = str(currency).upper() if currency else None
        flag.reason = (thing.get("failure_reason") or thing.get("reason") or "")[:80] or None
        flag.closed_at = event.created if status in over else None
    if event.type.endswith("funds_withdrawn"):
        flag.funds_withdrawn = True
    if event.type.endswith("funds_reinstated") or flag.status == "won":
        flag.funds_withdrawn = False
    db.session.flush()
    record(
        "payment.flagged",
        flag,
        organisation_id=payment.obligation.notice.licensee_id,
        payment_id=payment.id,
        kind=kind,
        status=flag.status,
        first=first,
    )
    ours = False
    if kind == "refund" and not whole:
        task = _task_of(thing)
        if task is not None and task.payment_id == payment.id:
            ours = True
            told(task, flag.provider_id, flag.status)
    elif whole:
        ours = asked_here(payment)
    return first and not ours


def asked_here(payment: Payment) -> bool:
    """Whether the provider was asked from here to return money of this payment."""
    query = sa.select(RefundTask.id).where(
        RefundTask.payment_id == payment.id, RefundTask.how == "stripe", RefundTask.attempts > 0
    )
    return db.session.scalar(query.limit(1)) is not None


def flags_of(payments: Collection[int]) -> list[PaymentFlag]:
    """Refunds and disputes of these payments, oldest first.

    The sum that a charge tells of stands only where no refund is told of by itself.
    """
    if not payments:
        return []
    rows = db.session.scalars(
        sa.select(PaymentFlag).where(PaymentFlag.payment_id.in_(payments)).order_by(PaymentFlag.id)
    ).unique()
    found = list(rows)
    told_singly = {one.payment_id for one in found if one.kind == "refund" and one.status != "refunded"}
    return [one for one in found if one.status != "refunded" or one.payment_id not in told_singly]


def flags_of_notice(notice: Notice | None) -> list[PaymentFlag]:
    """Refunds and disputes of every payment under a notice; nothing for a licence taken elsewhere."""
    return [] if notice is None else flags_of([one.id for one in payments_of(notice)])


def _task_of(thing: dict[str, Any]) -> RefundTask | None:
    """The refund that was asked for from here: by its number, else by our metadata."""
    found = db.session.scalar(
        sa.select(RefundTask.id).where(RefundTask.provider_refund_id == thing["id"]).limit(1)
    )
    key = found if found is not None else (thing.get("metadata") or {}).get("refund")
    if key is None or not str(key).isdecimal() or db.session.get(RefundTask, int(key)) is None:
        return None
    return lock(RefundTask, int(key))
