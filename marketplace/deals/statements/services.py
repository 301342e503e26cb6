"""A line of a holder's bank statement, taken as the whole sum, a part, too much, or a question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.lifecycle import Lifecycle, Transition
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals import ledger
from marketplace.deals.bundles import paying
from marketplace.deals.bundles.models import BundleTransfer
from marketplace.deals.lookup import lock_payment
from marketplace.deals.models import OPEN_PAYMENT, Notice, Obligation, Payment, Receipt
from marketplace.deals.payments import quarantine_payment, receive
from marketplace.deals.rules import bank_instant
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
    follows on the day of the last one; what is too much has to be returned. A transfer that pays several
    notices of a bundle is shared out among them, with a line for each. Another currency is set aside for the
    operator, as everywhere.

    Args:
        actor: who acts for the payee.
        organisation_id: whose account it is.

    Returns:
        The line, or of several the one that says most; None when it says nothing of a payment here (nothing
        is kept of it then), or when its serial number is known already.

    Raises:
        Invalid: `references-several`, `date-in-future`, `date-too-early`.
        Unauthenticated, Forbidden: the actor does not act for the payee.
    """
    if _is_known(organisation_id, credit):
        return None
    named = _named(organisation_id, credit)
    if named is None:
        likely = _likely(organisation_id, credit)
        return None if likely is None else _keep(organisation_id, credit, likely, "suggested")
    if isinstance(named, BundleTransfer):
        return _take_for_several(actor, organisation_id, credit, named)
    payment = lock_payment(named)
    require(actor, "payment.confirm", payment)
    if _is_known(organisation_id, credit):  # handed in twice in the same moment
        return None
    _check_day(credit, payment)
    by_hand = _said_by_hand(payment, credit)
    if by_hand is not None:
        # Confirmed by hand before: the line is its evidence, not another payment.
        return _keep(organisation_id, credit, payment, "settled", by_hand)
    if credit.currency != payment.currency:
        line = _keep(organisation_id, credit, payment, "differs")
        quarantine_payment(
            payment,
            "currency-mismatch",
            expected={"amount_minor": payment.amount_minor, "currency": payment.currency},
            received={
                "amount_minor": credit.amount_minor,
                "currency": credit.currency,
                "paid_on": credit.booked_on.isoformat(),
                "serial": credit.serial,
            },
        )
        return line
    obligation = payment.obligation
    owed = obligation.amount_minor if obligation.state == "open" else 0
    said = verdict(owed, ledger.standing(obligation) if owed else 0, credit.amount_minor)
    receipt = receive(
        actor,
        payment,
        credit.amount_minor,
        at=bank_instant(credit.booked_on),
        paid_on=credit.booked_on,
        source="statement",
    )
    return _keep(organisation_id, credit, payment, said, receipt)


def _take_for_several(
    actor: Actor, organisation_id: int, credit: Credit, transfer: BundleTransfer
) -> BankLine | None:
    """A credit that bears the reference of a transfer for several notices, shared out among its payments."""
    require(actor, "transfer.confirm", transfer)
    transfer = lock(BundleTransfer, transfer.id)
    if _is_known(organisation_id, credit):  # handed in twice in the same moment
        return None
    for payment in paying.payments_of(transfer):
        _check_day(credit, payment)
    if credit.currency != transfer.currency:
        received = {
            "amount_minor": credit.amount_minor,
            "currency": credit.currency,
            "paid_on": credit.booked_on.isoformat(),
            "serial": credit.serial,
        }
        return _keep(organisation_id, credit, paying.set_aside(transfer, received), "differs")
    # What was confirmed by hand before is borne out by the line, and is not other money.
    left, lines = credit.amount_minor, []
    for receipt in _not_borne_out(paying.stated_by_hand(transfer)):
        if receipt.amount_minor <= left:
            left -= receipt.amount_minor
            share = replace(credit, amount_minor=receipt.amount_minor)
            lines.append(_keep(organisation_id, share, receipt.payment, "settled", receipt))
    if left > 0:
        shares = paying.receive(
            actor,
            transfer,
            left,
            at=bank_instant(credit.booked_on),
            paid_on=credit.booked_on,
            source="statement",
        )
        for one in shares:
            receipt, owed = one.receipt, one.payment.obligation
            said = "settled" if owed.state == "paid" else "part"
            if receipt.applied_minor < receipt.amount_minor:
                said = "differs"
            share = replace(credit, amount_minor=receipt.amount_minor)
            lines.append(_keep(organisation_id, share, one.payment, said, receipt))
    return min(lines, key=lambda line: _TELLING.index(line.state))


# What of several lines is told of a credit: the first of these.
_TELLING: Final = ("differs", "part", "settled")


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
    receipt = receive(
        actor,
        payment,
        line.amount_minor,
        at=bank_instant(line.booked_on),
        paid_on=line.booked_on,
        source="statement",
    )
    line.receipt_id = receipt.id
    LINE.execute(actor, line, "settle", organisation_id=line.organisation_id, payment_id=payment.id)
    return line


def open_sums(organisation_id: int) -> list[tuple[Obligation, int]]:
    """Sums of which a part has come and the rest is awaited, with what counts so far in 分, oldest first."""
    total = sa.func.sum(Receipt.applied_minor)
    query = (
        sa.select(Obligation.id, total)
        .join(Receipt, Receipt.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(
            Offer.holder_id == organisation_id,
            Obligation.state == "open",
            Notice.state.in_(("served", "paid")),
        )
        .group_by(Obligation.id)
        .having(total > 0)
    )
    come = {key: int(so_far) for key, so_far in db.session.execute(query)}
    rows = sa.select(Obligation).where(Obligation.id.in_(come)).order_by(Obligation.id)
    return [(row, come[row.id]) for row in db.session.scalars(rows).unique()]


def open_lines(organisation_id: int) -> list[BankLine]:
    """The lines that wait for the holder's answer, oldest first."""
    query = (
        sa.select(BankLine)
        .join(Payment, Payment.id == BankLine.payment_id)
        .where(
            BankLine.organisation_id == organisation_id,
            BankLine.state == "suggested",
            Payment.state != "paid",  # confirmed by hand in the meantime
        )
        .order_by(BankLine.booked_on, BankLine.id)
    )
    return list(db.session.scalars(query).unique())


def _is_known(organisation_id: int, credit: Credit) -> bool:
    """Whether a line with this serial number was taken before."""
    query = sa.select(BankLine.id).where(
        BankLine.organisation_id == organisation_id, BankLine.serial == credit.serial
    )
    return db.session.scalar(query.limit(1)) is not None


def _named(organisation_id: int, credit: Credit) -> Payment | BundleTransfer | None:
    """The payment or transfer into this organisation's account whose reference the credit bears."""
    found = references(credit.remark or "")
    if not found:
        return None
    several = sa.select(BundleTransfer).where(
        BundleTransfer.payee_id == organisation_id,
        BundleTransfer.channel == "bank",
        BundleTransfer.reference.in_(found),
    )
    rows: list[Payment | BundleTransfer] = [
        *db.session.scalars(_payments(organisation_id).where(Payment.reference.in_(found))).unique(),
        *db.session.scalars(several).unique(),
    ]
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


def _said_by_hand(payment: Payment, credit: Credit) -> Receipt | None:
    """What the payee has confirmed by hand of this sum, and no line of a statement has borne out yet."""
    borne_out = sa.select(BankLine.receipt_id).where(BankLine.receipt_id.is_not(None))
    query = sa.select(Receipt).where(
        Receipt.payment_id == payment.id,
        Receipt.source == "payee",
        Receipt.amount_minor == credit.amount_minor,
        Receipt.currency == credit.currency,
        Receipt.id.not_in(borne_out),
    )
    return db.session.scalars(query.order_by(Receipt.id).limit(1)).unique().one_or_none()


def _not_borne_out(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Those of these receipts of which no line of a statement is the evidence yet."""
    query = sa.select(BankLine.receipt_id).where(BankLine.receipt_id.in_([one.id for one in receipts]))
    borne_out = set(db.session.scalars(query))
    return [one for one in receipts if one.id not in borne_out]


def _check_day(credit: Credit, payment: Payment) -> None:
    """As `confirm_payment` does, also for a part that does not confirm anything yet."""
    if credit.booked_on < clock.legal_date(payment.obligation.notice.written_at):
        raise Invalid(
            "date-too-early",
            "The notice was not written yet on this day.",
            fields={"booked_on": ["The notice was not written yet on this day."]},
        )


def _keep(
    organisation_id: int, credit: Credit, payment: Payment, state: str, receipt: Receipt | None = None
) -> BankLine:
    line = BankLine(
        organisation_id=organisation_id,
        payment=payment,
        receipt_id=receipt.id if receipt is not None else None,
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
