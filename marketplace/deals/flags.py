"""Refunds and disputes at the provider, as its signed events tell them, in whatever order they come.

They are shown to both sides and to the operator. A licence is a legal fact and is never ended by them.
"""

from __future__ import annotations

from collections.abc import Collection
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


def keep_flag(event: StripeEvent, payment: Payment) -> bool:
    """Take an event about a refund or a dispute over; the payment is locked.

    Later events win whatever their order of arrival, and of one second the one that ends the matter.

    Returns:
        Whether a person should look into it: the first word of something that nobody here asked for.
    """
    thing = event.payload["data"]["object"]
    kind = "dispute" if thing.get("object") == "dispute" or "dispute" in event.type else "refund"
    whole = thing.get("object") == "charge"
    status = "refunded" if whole else str(thing.get("status") or "unknown")
    flag = db.session.scalar(
        sa.select(PaymentFlag).where(PaymentFlag.kind == kind, PaymentFlag.provider_id == thing["id"])
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
        flag.amount_minor = thing.get("amount_refunded" if whole else "amount")
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
