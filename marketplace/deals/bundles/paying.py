"""One payment for several notices of a bundle: a transfer with one reference, or one checkout, per payee.

The money goes into the payee's own account, and each part of it pays an obligation by an attempt of its own:
whatever is true of attempts (parts, surplus, late money, refunds) stays true of these.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import ledger, numbers, payments, stripe_gateway
from marketplace.deals.lifecycle import PAYMENT
from marketplace.deals.models import OPEN_PAYMENT, Notice, Obligation, Payment, Receipt
from marketplace.deals.rules import STRIPE_CEILING_MINOR, bank_instant
from marketplace.listings.models import Offer

from .models import Bundle, BundlePart, BundleTransfer, BundleTransferItem
from .rules import share_out


@dataclass(frozen=True)
class Due:
    """A notice of a bundle that is to be paid: what is left of the sum, and the attempt under way if any."""

    notice: Notice
    obligation: Obligation
    left_minor: int
    under_way: Payment | None


@dataclass(frozen=True)
class Group:
    """What can be paid in one go: notices with one payee, account and currency.

    `channels`: ways that all of them allow. `due` are free to be paid; of `under_way` a payment is open.
    """

    payee: Organisation
    currency: str
    account: str | None
    channels: tuple[str, ...]
    due: tuple[Due, ...]
    under_way: tuple[Due, ...]

    @property
    def amount_minor(self) -> int:
        """What is left of all that is free to be paid."""
        return sum(one.left_minor for one in self.due)


@dataclass(frozen=True)
class Share:
    """A part of the money that came, and the attempt to which it was entered."""

    payment: Payment
    receipt: Receipt


def groups(bundle: Bundle) -> list[Group]:
    """What of a bundle is to be paid before its licences take effect, by payee, account and currency."""
    given = [part.notice for part in bundle.parts if part.notice is not None]
    waiting = [(notice, payments.next_owed(notice)) for notice in given if notice.state == "served"]
    owed = [(notice, one) for notice, one in waiting if one is not None]
    come = ledger.standings([one.id for _, one in owed])
    attempts = _open_attempts([one.id for _, one in owed])
    by_account: dict[tuple[object, ...], list[Due]] = {}
    for notice, one in owed:
        due = Due(notice, one, one.amount_minor - come.get(one.id, 0), attempts.get(one.id))
        by_account.setdefault(_account_of(notice, one), []).append(due)
    return [
        Group(
            payee=dues[0].notice.offer.holder,
            currency=dues[0].obligation.currency,
            account=dues[0].notice.terms["payee_account"],
            channels=payments.channels_of(dues[0].notice),
            due=tuple(one for one in dues if one.under_way is None),
            under_way=tuple(one for one in dues if one.under_way is not None),
        )
        for dues in by_account.values()
    ]


def start_transfer(actor: Actor, bundle_id: int, channel: str, notice_ids: Sequence[int]) -> BundleTransfer:
    """Start to pay several notices in one go, and for Stripe open the checkout; opens its own units of work.

    Raises:
        as `begin_transfer` and `open_checkout`.
    """
    with unit_of_work(actor):
        transfer = begin_transfer(actor, bundle_id, channel, notice_ids)
    return open_checkout(actor, transfer.id) if channel == "stripe" else transfer


def begin_transfer(actor: Actor, bundle_id: int, channel: str, notice_ids: Sequence[int]) -> BundleTransfer:
    """Begin one payment for several notices of a bundle, in the present unit of work.

    Should less arrive, it pays the notices in the order of the bundle: the payer says so by using the
    transfer's reference (Civil Code 560 ¶1). For `stripe`, `open_checkout` has to follow.

    Args:
        actor: the licensee's side.
        bundle_id: which bundle.
        channel: `bank` or `stripe`, one that the frozen terms of all of them allow.
        notice_ids: which of its notices; they have one payee, account and currency.

    Raises:
        NotFound: no such bundle or notice, or another party's.
        Invalid: `channel-unknown`, `transfer-empty`, `transfer-mixed`.
        Conflict: as `payments.begin_payment`; `amount-above-channel-limit` of the whole sum.
    """
    bundle = db.session.get(Bundle, bundle_id)
    if bundle is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "transfer.start", bundle)
    given = {part.notice_id for part in bundle.parts if part.notice_id is not None}
    wanted = sorted(set(notice_ids))
    if not wanted:
        raise Invalid("transfer-empty", "Please choose what to pay.")
    if not set(wanted) <= given:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    notices = _lock_notices(wanted)
    begun = [payments.begin_payment(actor, one.id, channel, alone=False) for one in notices]
    accounts = {_account_of(one.obligation.notice, one.obligation) for one in begun}
    if len(accounts) > 1:
        raise Invalid(
            "transfer-mixed", "One payment goes into one account in one currency: please pay them apart."
        )
    total, first = sum(one.amount_minor for one in begun), begun[0]
    if channel == "stripe" and total > STRIPE_CEILING_MINOR:
        raise Conflict(
            "amount-above-channel-limit",
            "Stripe takes at most 999,999.99 yuan in one payment: please pay by bank transfer.",
            limit_minor=STRIPE_CEILING_MINOR,
        )
    transfer = BundleTransfer(
        bundle=bundle,
        payee=first.obligation.notice.offer.holder,
        channel=channel,
        reference=numbers.new_reference(clock.today()),
        account_name=first.account_name,
        bank=first.bank,
        account=first.account,
        stripe_account=first.stripe_account,
        amount_minor=total,
        currency=first.currency,
        created_at=clock.now(),
        items=[BundleTransferItem(payment=one) for one in begun],
    )
    db.session.add(transfer)
    record(
        "transfer.started",
        transfer,
        organisation_id=bundle.licensee_id,
        bundle_id=bundle.id,
        payments=[one.id for one in begun],
    )
    return transfer


def open_checkout(actor: Actor, transfer_id: int) -> BundleTransfer:
    """Open the provider's checkout for several notices, outside a unit of work.

    The idempotency key is the transfer's reference, so that calling it again opens the same one.

    Raises:
        Unavailable: `payment-provider-unavailable`; the attempt stays and can be taken up again.
        Conflict: `payment-provider-refused`; the attempts have failed, others may be started.
    """
    transfer = find(actor, "transfer.pay", transfer_id)
    attempts = payments_of(transfer)
    if transfer.channel != "stripe" or transfer.checkout_session_id is not None:
        return transfer
    if any(one.state != "open" for one in attempts):
        raise Conflict("transfer-over", "This payment is over: please start another one.")
    try:
        session = stripe_gateway.create_bundle_session(attempts, transfer.reference, transfer.bundle.id)
    except stripe_gateway.Refused as error:
        with unit_of_work(actor):
            for one in lock_payments(transfer_id):
                if one.state == "open":
                    PAYMENT.execute(
                        SYSTEM,
                        one,
                        "fail",
                        organisation_id=one.obligation.notice.licensee_id,
                        code=error.code,
                    )
        raise Conflict(
            "payment-provider-refused",
            "The payment provider does not take this payment: please choose another way of paying.",
            provider_code=error.code,
        ) from error
    with unit_of_work(actor):
        attempts = lock_payments(transfer_id)
        transfer = lock(BundleTransfer, transfer_id)
        if transfer.checkout_session_id is None:
            transfer.checkout_session_id, transfer.checkout_url = session.id, session.url
            for one in attempts:
                one.checkout_session_id, one.checkout_url = session.id, session.url
            over = next((one for one in attempts if one.state in ("cancelled", "failed", "expired")), None)
            if over is not None:
                # Cancelled while the provider was asked: nobody may pay there any more.
                enqueue("deals.expire_session", key=str(over.id), payment_id=over.id)
    return transfer


def find(actor: Actor, action: str, transfer_id: int) -> BundleTransfer:
    """A transfer, when the actor may do `action` to it.

    Raises:
        NotFound: there is none, or it is another party's.
        Unauthenticated, Forbidden: the actor may not.
    """
    transfer = db.session.get(BundleTransfer, transfer_id)
    if transfer is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, action, transfer)
    return transfer


def get_transfer(actor: Actor, transfer_id: int) -> BundleTransfer:
    """One payment for several notices, for both sides.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    return find(actor, "transfer.view", transfer_id)


def standing(transfer: BundleTransfer) -> str:
    """How far a transfer has come, by its payments.

    Returns:
        `slip_uploaded` or `open` while something of it is awaited, `quarantined`, `paid` when all of it has
        come, `part` when some has and the rest is not awaited any more, else `cancelled`.
    """
    found = {one.state for one in payments_of(transfer)}
    for state in ("slip_uploaded", "open", "quarantined"):
        if state in found:
            return state
    if "paid" in found:
        return "paid" if found == {"paid"} else "part"
    return "cancelled"


def payments_of(transfer: BundleTransfer) -> list[Payment]:
    """The attempts of which a transfer consists, in the order in which a part of the money pays them."""
    return [item.payment for item in transfer.items]


def transfer_of(payment: Payment) -> BundleTransfer | None:
    """The transfer that an attempt is part of, if it is."""
    return transfers_of([payment.id]).get(payment.id)


def transfers_of(payment_ids: Sequence[int]) -> dict[int, BundleTransfer]:
    """The transfers that attempts are part of, by the attempt's id."""
    query = (
        sa.select(BundleTransferItem.payment_id, BundleTransfer)
        .join(BundleTransfer, BundleTransfer.id == BundleTransferItem.transfer_id)
        .where(BundleTransferItem.payment_id.in_(payment_ids))
    )
    return dict(db.session.execute(query).unique().all())


def waiting_at(payee_ids: Sequence[int]) -> list[BundleTransfer]:
    """Transfers into these payees' accounts of which a payment is still open, oldest first."""
    waiting = (
        sa.select(BundleTransferItem.transfer_id)
        .join(Payment, Payment.id == BundleTransferItem.payment_id)
        .where(Payment.state.in_(OPEN_PAYMENT))
    )
    query = sa.select(BundleTransfer).where(
        BundleTransfer.payee_id.in_(payee_ids),
        BundleTransfer.channel == "bank",
        BundleTransfer.id.in_(waiting),
    )
    return list(db.session.scalars(query.order_by(BundleTransfer.id)).unique())


def upload_slip(actor: Actor, transfer_id: int, content: bytes, filename: str) -> BundleTransfer:
    """Keep the payer's bank slip for every payment of a transfer that is still open.

    Raises:
        Invalid: `file-empty`, `file-too-large`, `file-type`.
        Conflict: `not-a-transfer`, `transfer-over`.
    """
    transfer = _open_transfer(actor, "transfer.pay", transfer_id)
    for one in lock_payments(transfer_id):
        if one.state in OPEN_PAYMENT:
            payments.upload_slip(actor, one.id, content, filename, transfer_id=transfer.id)
    record(
        "transfer.slip_uploaded",
        transfer,
        organisation_id=transfer.bundle.licensee_id,
        bundle_id=transfer.bundle_id,
    )
    return transfer


def cancel_transfer(actor: Actor, transfer_id: int) -> BundleTransfer:
    """The licensee gives the payment up, to pay in another way.

    Raises:
        Conflict: `transfer-over`, when nothing of it is open any more.
    """
    transfer = find(actor, "transfer.pay", transfer_id)
    still = [one for one in lock_payments(transfer_id) if one.state in OPEN_PAYMENT]
    if not still:
        raise Conflict("transfer-over", "This payment is over: please start another one.")
    for one in still:
        payments.cancel_payment(actor, one.id)
    record(
        "transfer.cancelled",
        transfer,
        organisation_id=transfer.bundle.licensee_id,
        bundle_id=transfer.bundle_id,
    )
    return transfer


def confirm_transfer(
    actor: Actor,
    transfer_id: int,
    paid_on: dt.date,
    amount_minor: int,
    currency: str = "CNY",
    *,
    again: bool = False,
) -> list[Share]:
    """The payee states that a transfer has arrived; each licence follows when its own sum is there.

    Args:
        actor: the payee's side.
        transfer_id: which.
        paid_on: the day on which it was paid, in Shanghai.
        amount_minor: what arrived, in minor units.
        currency: its ISO 4217 code; another one than the transfer's is set aside for the operator.
        again: the same sum of the same day has come once more, which is else taken for a repetition.

    Raises:
        Invalid: `date-in-future`, `date-too-early`, `amount-invalid`.
        Conflict: `not-a-transfer`, `receipt-known`.
    """
    transfer = find(actor, "transfer.confirm", transfer_id)
    if transfer.channel != "bank":
        raise Conflict("not-a-transfer", "Only bank transfers are confirmed by hand.")
    for one in lock_payments(transfer_id):
        payments.require_provable(one, paid_on, amount_minor)
    if currency.upper() != transfer.currency:
        set_aside(
            transfer,
            received={
                "amount_minor": amount_minor,
                "currency": currency.upper(),
                "paid_on": paid_on.isoformat(),
            },
        )
        return []
    if not again and _is_known(transfer, amount_minor, paid_on):
        raise Conflict(
            "receipt-known", "The same sum of the same day is on record already: say so if it came twice."
        )
    return receive(actor, transfer, amount_minor, at=bank_instant(paid_on), paid_on=paid_on, source="payee")


def receive(
    actor: Actor,
    transfer: BundleTransfer,
    amount_minor: int,
    *,
    at: dt.datetime,
    source: str,
    paid_on: dt.date | None = None,
) -> list[Share]:
    """Money of a transfer is proven to have come: it is shared out among its payments, in their order.

    What of them still counts comes first; what is too much, or too late, is returned by the rules of each.

    Args:
        actor: the payee, or the system.
        transfer: of which it came.
        amount_minor: what came, above zero, in the transfer's currency.
        at: when it was paid by that proof.
        source: `payee`, `statement` or `stripe`.
        paid_on: the legal date; by default that of `at`.
    """
    attempts = {one.id: one for one in lock_payments(transfer.id)}
    counting, others = [], []
    for one in attempts.values():
        if payments.why_not(one.obligation, at) is None:
            counting.append((one.id, ledger.remaining(one.obligation)))
        else:
            others.append((one.id, one.amount_minor))
    shares = []
    for key, share in share_out(amount_minor, counting, others):
        receipt = payments.receive(actor, attempts[key], share, at=at, paid_on=paid_on, source=source)
        shares.append(Share(attempts[key], receipt))
    record(
        "transfer.received",
        transfer,
        organisation_id=transfer.bundle.licensee_id,
        occurred_on=paid_on or clock.legal_date(at),
        bundle_id=transfer.bundle_id,
        amount_minor=amount_minor,
        source=source,
    )
    return shares


def set_aside(transfer: BundleTransfer, received: dict[str, Any]) -> Payment:
    """Money of a transfer in another currency: one case for the operator, at the first of its payments."""
    first = lock_payments(transfer.id)[0]
    payments.quarantine_payment(
        first,
        "currency-mismatch",
        expected={"amount_minor": transfer.amount_minor, "currency": transfer.currency},
        received=received,
    )
    return first


def stated_by_hand(transfer: BundleTransfer) -> list[Receipt]:
    """What the payee has stated by hand of a transfer's payments, oldest first."""
    query = (
        sa.select(Receipt)
        .join(BundleTransferItem, BundleTransferItem.payment_id == Receipt.payment_id)
        .where(BundleTransferItem.transfer_id == transfer.id, Receipt.source == "payee")
        .where(Receipt.amount_minor > 0)
        .order_by(Receipt.id)
    )
    return list(db.session.scalars(query).unique())


def _is_known(transfer: BundleTransfer, amount_minor: int, paid_on: dt.date) -> bool:
    """Whether the payee has stated the same sum of the same day before."""
    query = sa.select(JournalEntry.data).where(
        JournalEntry.subject_type == BundleTransfer.__tablename__,
        JournalEntry.subject_id == transfer.id,
        JournalEntry.action == "transfer.received",
        JournalEntry.occurred_on == paid_on,
    )
    said = [(data["source"], data["amount_minor"]) for data in db.session.scalars(query)]
    return ("payee", amount_minor) in said


def _open_transfer(actor: Actor, action: str, transfer_id: int) -> BundleTransfer:
    transfer = find(actor, action, transfer_id)
    if transfer.channel != "bank":
        raise Conflict("not-a-transfer", "Only bank transfers are confirmed by hand.")
    if all(one.state not in OPEN_PAYMENT for one in payments_of(transfer)):
        raise Conflict("transfer-over", "This payment is over: please start another one.")
    return transfer


def _account_of(notice: Notice, owed: Obligation) -> tuple[object, ...]:
    """What two notices need to have in common to be paid in one go."""
    terms = notice.terms
    names = ("payee_account_name", "payee_bank", "payee_account", "stripe_account")
    return (
        notice.offer.holder_id,
        owed.currency,
        payments.channels_of(notice),
        *(terms[name] for name in names),
    )


def _open_attempts(obligations: Sequence[int]) -> dict[int, Payment]:
    query = sa.select(Payment).where(Payment.obligation_id.in_(obligations), Payment.state.in_(OPEN_PAYMENT))
    return {one.obligation_id: one for one in db.session.scalars(query).unique()}


def _lock_notices(ids: Sequence[int]) -> list[Notice]:
    """Notices afresh in the order of a bundle; all offers are held first, then all notices."""
    offers = set(db.session.scalars(sa.select(Notice.offer_id).where(Notice.id.in_(ids))))
    for key in sorted(offers):
        lock(Offer, key)
    found = {key: lock(Notice, key) for key in sorted(ids)}
    order = sa.select(BundlePart.notice_id).where(BundlePart.notice_id.in_(ids)).order_by(BundlePart.id)
    return [found[key] for key in db.session.scalars(order) if key is not None]


def lock_payments(transfer_id: int) -> list[Payment]:
    """The attempts of a transfer afresh, with all that their settlement touches, kind after kind."""
    ids = db.session.execute(
        sa.select(Notice.offer_id, Notice.id, Obligation.id, Payment.id)
        .join(Obligation, Obligation.notice_id == Notice.id)
        .join(Payment, Payment.obligation_id == Obligation.id)
        .join(BundleTransferItem, BundleTransferItem.payment_id == Payment.id)
        .where(BundleTransferItem.transfer_id == transfer_id)
    ).all()
    for model, place in ((Offer, 0), (Notice, 1), (Obligation, 2)):
        for key in sorted({row[place] for row in ids}):
            lock(model, key)
    return [lock(Payment, key) for key in sorted(row[3] for row in ids)]
