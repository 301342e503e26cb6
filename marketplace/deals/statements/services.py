"""A line of a holder's bank statement, taken as the whole sum, a part, too much, or a question."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.lifecycle import Lifecycle, Transition
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.lookup import lock_payment
from marketplace.deals.models import OPEN_PAYMENT, Notice, Obligation, Payment
from marketplace.deals.payments import confirm_payment
from marketplace.deals.quarantine import quarantine
from marketplace.listings.models import Offer

from .models import BankLine
from .rules import references, same_name, verdict

# A suggestion is answered by the account's holder; what the reference has decided is not asked about.
LINE: Final = Lifecycle(
    "bank_line",
    "suggested",
    (
        Transition("settle", frozenset({"suggested"}), "settled", "bank_line.answer", "bank_line.accepted"),
        Transition(
            "dismiss", frozenset({"suggested"}), "dismissed", "bank_line.answer", "bank_line.dismissed"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came into an account, as its statement says it; `amount_minor` in 分, above zero."""

    serial: str
    booked_on: dt.date
    amount_minor: int
    payer: str | None
    remark: str | None
    currency: str = "CNY"


def take(actor: Actor, organisation_id: int, credit: Credit) -> BankLine | None:
    """Take one credit of an organisation's statement, in the present unit of work.

    A reference decides; the sum and the payer's name only suggest. Parts are added up, and the licence
    follows on the day of the last one. What does not fit is set aside for the operator, as everywhere.

    Args:
        actor: who acts for the payee.
        organisation_id: whose account it is.

    Returns:
        The line; None when it says nothing of a payment here (nothing is kept of it then), or when its
        serial number is known already.

    Raises:
        Invalid: `references-several`, `date-in-future`, `date-too-early`.
        Unauthenticated, Forbidden: the actor does not act for the payee.
    """
    known = sa.select(BankLine.id).where(
        BankLine.organisation_id == organisation_id, BankLine.serial == credit.serial
    )
    if db.session.scalar(known) is not None:
        return None
    named = _named(organisation_id, credit)
    if named is None:
        likely = _likely(organisation_id, credit)
        return None if likely is None else _keep(organisation_id, credit, likely, "suggested")
    payment = lock_payment(named)
    require(actor, "payment.confirm", payment)
    if payment.state == "paid":
        return _after_payment(organisation_id, credit, payment)
    parts = _parts(payment)
    said = verdict(payment.amount_minor, sum(part.amount_minor for part in parts), credit.amount_minor)
    _check_day(credit, payment)
    line = _keep(organisation_id, credit, payment, said)
    if said == "part":
        record(
            "payment.part_received",
            payment,
            organisation_id=payment.obligation.notice.licensee_id,
            occurred_on=credit.booked_on,
            amount_minor=credit.amount_minor,
        )
        return line
    total = credit.amount_minor + sum(part.amount_minor for part in parts)
    last = max([credit.booked_on, *(part.booked_on for part in parts)])
    confirm_payment(actor, payment.id, last, total, credit.currency)
    if said == "settled":
        for part in parts:
            part.state = "settled"
    return line


def answer(actor: Actor, line_id: int, *, ours: bool) -> BankLine:
    """The holder says whether a suggested line pays what it seems to pay.

    Raises:
        NotFound: there is no such line, or it is another's.
        Conflict: `illegal-transition`; `payment-settled`, as it was paid in the meantime.
    """
    line = db.session.get(BankLine, line_id)
    if line is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "bank_line.answer", line)
    payment = lock_payment(line.payment)
    line = lock(BankLine, line_id)
    if not ours:
        LINE.execute(actor, line, "dismiss", organisation_id=line.organisation_id, payment_id=payment.id)
        return line
    LINE.find("settle", line.state)
    if payment.state == "paid":
        raise Conflict("payment-settled", "This payment has been confirmed already.")
    confirm_payment(actor, payment.id, line.booked_on, line.amount_minor, line.currency)
    LINE.execute(actor, line, "settle", organisation_id=line.organisation_id, payment_id=payment.id)
    return line


def received_in_part(payment: Payment) -> int:
    """What has come of an unpaid payment so far, in 分."""
    return sum(part.amount_minor for part in _parts(payment))


def open_lines(organisation_id: int) -> list[BankLine]:
    """The lines that wait for the holder's answer or for the rest of the money, oldest first."""
    query = (
        sa.select(BankLine)
        .join(Payment, Payment.id == BankLine.payment_id)
        .where(
            BankLine.organisation_id == organisation_id,
            BankLine.state.in_(("suggested", "part")),
            Payment.state != "paid",  # confirmed by hand in the meantime
        )
        .order_by(BankLine.booked_on, BankLine.id)
    )
    return list(db.session.scalars(query).unique())


def _named(organisation_id: int, credit: Credit) -> Payment | None:
    """The payment into this organisation's account whose reference the credit bears."""
    found = references(credit.remark or "")
    if not found:
        return None
    rows = db.session.scalars(_payments(organisation_id).where(Payment.reference.in_(found))).unique().all()
    if len(rows) > 1:
        raise Invalid(
            "references-several",
            "This line names several payments: please confirm each of them by hand.",
            fields={"remark": ["This line names several payments: please confirm each of them by hand."]},
        )
    return rows[0] if rows else None


def _likely(organisation_id: int, credit: Credit) -> Payment | None:
    """The one open payment of exactly this sum by a payer of this name; None when there are more or none."""
    if credit.payer is None:
        return None
    query = _payments(organisation_id).where(
        Payment.state.in_(OPEN_PAYMENT),
        Payment.amount_minor == credit.amount_minor,
        Payment.currency == credit.currency,
        Payment.id.not_in(sa.select(BankLine.payment_id).where(BankLine.state == "suggested")),
    )
    fitting = [
        payment
        for payment in db.session.scalars(query).unique()
        if same_name(credit.payer, payment.obligation.notice.licensee.name)
        and credit.booked_on >= clock.legal_date(payment.obligation.notice.written_at)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _payments(organisation_id: int) -> sa.Select[Payment]:
    return (
        sa.select(Payment)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(Offer.holder_id == organisation_id, Payment.channel == "bank")
        .order_by(Payment.id)
    )


def _after_payment(organisation_id: int, credit: Credit, payment: Payment) -> BankLine:
    """A line about what counts as paid already: its evidence, or money that came once more."""
    proven = db.session.scalar(
        sa.select(BankLine.id).where(BankLine.payment_id == payment.id, BankLine.state == "settled").limit(1)
    )
    if proven is None and (credit.amount_minor, credit.currency) == (payment.amount_minor, payment.currency):
        return _keep(organisation_id, credit, payment, "settled")
    line = _keep(organisation_id, credit, payment, "differs")
    quarantine(
        "paid-again",
        payment=payment,
        expected={"amount_minor": 0, "currency": payment.currency},
        received={
            "amount_minor": credit.amount_minor,
            "currency": credit.currency,
            "paid_on": credit.booked_on.isoformat(),
            "serial": credit.serial,
        },
    )
    return line


def _parts(payment: Payment) -> list[BankLine]:
    query = (
        sa.select(BankLine)
        .where(BankLine.payment_id == payment.id, BankLine.state == "part")
        .order_by(BankLine.id)
    )
    return list(db.session.scalars(query).unique())


def _check_day(credit: Credit, payment: Payment) -> None:
    """As `confirm_payment` does, also for a part that does not confirm anything yet."""
    if credit.booked_on < clock.legal_date(payment.obligation.notice.written_at):
        raise Invalid(
            "date-too-early",
            "The notice was not written yet on this day.",
            fields={"booked_on": ["The notice was not written yet on this day."]},
        )


def _keep(organisation_id: int, credit: Credit, payment: Payment, state: str) -> BankLine:
    line = BankLine(
        organisation_id=organisation_id,
        payment=payment,
        serial=credit.serial,
        booked_on=credit.booked_on,
        amount_minor=credit.amount_minor,
        currency=credit.currency,
        payer=credit.payer,
        remark=credit.remark,
        state=state,
        created_at=clock.now(),
    )
    db.session.add(line)
    db.session.flush()
    record("bank_line.kept", line, organisation_id=organisation_id, state=state, payment_id=payment.id)
    return line
