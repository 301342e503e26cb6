"""What counts towards a sum that is owed: the receipts, added up. Nothing here is ever edited.

Amounts in minor units (分).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import record

from .models import Obligation, Payment, Receipt


def standing(obligation: Obligation) -> int:
    """What of the money that came counts towards an obligation."""
    return standings([obligation.id]).get(obligation.id, 0)


def standings(obligations: Collection[int]) -> dict[int, int]:
    """What counts towards each of these obligations, by id; those without any money are left out."""
    if not obligations:
        return {}
    query = (
        sa.select(Receipt.obligation_id, sa.func.sum(Receipt.applied_minor))
        .where(Receipt.obligation_id.in_(obligations))
        .group_by(Receipt.obligation_id)
    )
    return {key: int(total) for key, total in db.session.execute(query)}


def remaining(obligation: Obligation) -> int:
    """What is still to come before an obligation is paid."""
    return obligation.amount_minor - standing(obligation)


def came_by(payment: Payment) -> int:
    """What has come by one attempt to pay, whether it counts or goes back."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Receipt.amount_minor), 0))
    return int(db.session.scalar(query.where(Receipt.payment_id == payment.id)) or 0)


def receipts_of(obligations: Collection[int]) -> list[Receipt]:
    """Every receipt and reversal of these obligations, in the order in which they were entered."""
    if not obligations:
        return []
    query = sa.select(Receipt).where(Receipt.obligation_id.in_(obligations)).order_by(Receipt.id)
    return list(db.session.scalars(query).unique())


def counting(obligation: Obligation) -> list[Receipt]:
    """The receipts that count towards an obligation and were not reversed, oldest first."""
    reversals = sa.select(Receipt.reverses_id).where(Receipt.reverses_id.is_not(None))
    query = (
        sa.select(Receipt)
        .where(
            Receipt.obligation_id == obligation.id, Receipt.applied_minor > 0, Receipt.id.not_in(reversals)
        )
        .order_by(Receipt.id)
    )
    return list(db.session.scalars(query).unique())


def proven_at(obligation: Obligation) -> dt.datetime | None:
    """The instant of the last payment that counts; None when nothing does."""
    return max((one.at for one in counting(obligation)), default=None)


def is_known(payment: Payment, amount_minor: int, paid_on: dt.date) -> bool:
    """Whether the same sum of the same day is on record for this attempt already."""
    query = sa.select(Receipt.id).where(
        Receipt.payment_id == payment.id, Receipt.amount_minor == amount_minor, Receipt.paid_on == paid_on
    )
    return db.session.scalar(query.limit(1)) is not None


def add(
    actor: Actor,
    payment: Payment,
    amount_minor: int,
    applied_minor: int,
    *,
    at: dt.datetime,
    paid_on: dt.date,
    source: str,
    correction_id: int | None = None,
) -> Receipt:
    """Enter money that came, in the present unit of work; the rows are locked."""
    row = Receipt(
        obligation_id=payment.obligation_id,
        payment=payment,
        amount_minor=amount_minor,
        applied_minor=applied_minor,
        currency=payment.currency,
        paid_on=paid_on,
        at=at,
        source=source,
        correction_id=correction_id,
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(
        "receipt.entered",
        row,
        organisation_id=payment.obligation.notice.licensee_id,
        occurred_on=paid_on,
        payment_id=payment.id,
        obligation_id=payment.obligation_id,
        amount_minor=amount_minor,
        applied_minor=applied_minor,
    )
    return row


def reverse(actor: Actor, receipt: Receipt, *, correction_id: int | None = None) -> Receipt:
    """Enter the reversal of a receipt, whole, once; the rows are locked."""
    row = Receipt(
        obligation_id=receipt.obligation_id,
        payment=receipt.payment,
        amount_minor=-receipt.amount_minor,
        applied_minor=-receipt.applied_minor,
        currency=receipt.currency,
        paid_on=receipt.paid_on,
        at=receipt.at,
        source=receipt.source,
        reverses_id=receipt.id,
        correction_id=correction_id,
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(
        "receipt.reversed",
        row,
        organisation_id=receipt.payment.obligation.notice.licensee_id,
        payment_id=receipt.payment_id,
        obligation_id=receipt.obligation_id,
        reverses=receipt.id,
    )
    return row
