"""What is done about money in quarantine: one operator proposes, another one decides.

Corrections reverse and enter anew; nothing that stands in the books is edited.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import Offer

from . import ledger, numbers
from .lifecycle import CORRECTION, PAYMENT, REFUND
from .lookup import lock_notice, lock_payment
from .models import Correction, Notice, Obligation, Payment, Quarantine, Receipt, RefundTask, StripeEvent
from .payments import receive
from .quarantine import close, find_case, quarantine
from .refunds import require_refund
from .rules import bank_instant

KINDS: Final = ("apply", "reverse", "foreign", "ask_return")
MAX_REASON: Final = 2000


@dataclass(frozen=True)
class Money:
    """What came, by a case: in minor units, when it was paid, and into which account of the provider."""

    amount_minor: int
    currency: str
    at: dt.datetime
    paid_on: dt.date
    account: str | None


def money_of(case: Quarantine) -> Money | None:
    """The money that a case is about; None when it tells of none, or not of its day."""
    received = case.received
    amount = received.get("amount_minor", received.get("amount_total"))  # the provider's own name
    currency = str(received.get("currency") or "").upper()
    if not isinstance(amount, int) or amount <= 0 or not currency:
        return None
    if case.event_id is not None:
        event = db.session.get_one(StripeEvent, case.event_id)
        return Money(amount, currency, event.created, clock.legal_date(event.created), event.account)
    if received.get("paid_on"):
        day = dt.date.fromisoformat(received["paid_on"])
        return Money(amount, currency, bank_instant(day), day, received.get("account"))
    return None


def report(actor: Actor, payment_id: int, reason: str) -> Quarantine:
    """Open a case about a payment that was entered wrongly, as an operator found.

    Raises:
        NotFound, Forbidden: as everywhere.
        Invalid: `reason-missing`.
        Conflict: `payment-not-proven`: only what counts as paid can be reversed.
    """
    require(actor, "correction.propose")
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    payment = lock_payment(payment)
    if payment.state != "paid":
        raise Conflict("payment-not-proven", "Only a payment that counts as paid can be reversed.")
    return quarantine(
        "reported",
        payment=payment,
        expected={},
        received={
            "amount_minor": ledger.came_by(payment),
            "currency": payment.currency,
            "paid_on": payment.paid_on.isoformat() if payment.paid_on else None,
            "reason": _reason(reason),
        },
    )


def propose(
    actor: Actor,
    case_id: int,
    kind: str,
    reason: str,
    *,
    obligation_id: int | None = None,
    payment_id: int | None = None,
) -> Correction:
    """Propose what is to be done about a case; nothing happens before another operator approves.

    Args:
        actor: an operator.
        case_id: which case.
        kind: `apply`, `reverse`, `foreign` or `ask_return`.
        reason: why; it stays with the case.
        obligation_id: the sum that the money pays (`apply`; with `reverse` where it is to be entered anew).
        payment_id: the payment to be reversed; by default the one of the case.

    Raises:
        NotFound: no such case, sum or payment.
        Invalid: `reason-missing`, `correction-kind-unknown`.
        Conflict: `quarantine-resolved`, `correction-open`, and as `_check`.
    """
    require(actor, "correction.propose")
    case = find_case(case_id)
    if kind not in KINDS:
        raise Invalid(
            "correction-kind-unknown",
            "Please choose what is to be done.",
            fields={"kind": ["Please choose what is to be done."]},
        )
    waiting = sa.select(Correction.id).where(
        Correction.quarantine_id == case.id, Correction.state == "proposed"
    )
    if db.session.scalar(waiting) is not None:
        raise Conflict(
            "correction-open", "Something is proposed for this case already: it has to be decided."
        )
    correction = Correction(
        case=case,
        kind=kind,
        state=CORRECTION.initial,
        reason=_reason(reason),
        obligation_id=obligation_id if kind in ("apply", "reverse") else None,
        payment_id=(payment_id or case.payment_id) if kind == "reverse" else None,
        proposed_by=actor.user_id,
        proposed_at=clock.now(),
    )
    _check(correction)
    db.session.add(correction)
    db.session.flush()
    record(
        "correction.proposed",
        correction,
        kind=kind,
        quarantine_id=case.id,
        payment_id=correction.payment_id,
        obligation_id=correction.obligation_id,
    )
    return correction


def approve(actor: Actor, correction_id: int, note: str = "") -> Correction:
    """Approve what another operator has proposed: it is done now, and the case is closed.

    Raises:
        NotFound: there is none.
        Forbidden: the actor has proposed it.
        Conflict: `illegal-transition`, `quarantine-resolved`, and as `_check`: the books have moved on.
    """
    correction, case = _locked(correction_id)

    def effect() -> None:
        correction.decided_by, correction.decided_at = actor.user_id, clock.now()
        correction.decision = note.strip() or None

    CORRECTION.execute(actor, correction, "approve", effect=effect, quarantine_id=case.id)
    _check(correction)
    _EFFECTS[correction.kind](actor, correction)
    if case.payment_id is not None:
        _put_away(case)
    close(actor, case, correction.reason)
    return correction


def decline(actor: Actor, correction_id: int, note: str) -> Correction:
    """Decline what another operator has proposed; the case stays open.

    Raises:
        NotFound, Forbidden, Conflict: as `approve`.
        Invalid: `reason-missing`.
    """
    correction, case = _locked(correction_id)
    said = _reason(note)

    def effect() -> None:
        correction.decided_by, correction.decided_at, correction.decision = actor.user_id, clock.now(), said

    CORRECTION.execute(actor, correction, "decline", effect=effect, quarantine_id=case.id)
    return correction


def take_back(actor: Actor, correction_id: int) -> Correction:
    """Take one's own proposal back; the case stays open.

    Raises:
        NotFound: there is none.
        Forbidden: another one has proposed it.
        Conflict: `illegal-transition`.
    """
    correction, case = _locked(correction_id)
    CORRECTION.execute(actor, correction, "take_back", quarantine_id=case.id)
    return correction


def corrections_of(cases: Collection[int]) -> dict[int, list[Correction]]:
    """Everything that was proposed for these cases, by the case's id, oldest first."""
    found: dict[int, list[Correction]] = {}
    query = sa.select(Correction).where(Correction.quarantine_id.in_(cases)).order_by(Correction.id)
    for row in db.session.scalars(query).unique() if cases else ():
        found.setdefault(row.quarantine_id, []).append(row)
    return found


def payable(actor: Actor, case: Quarantine) -> list[Obligation]:
    """Open sums that are owed to whom the money of a case went, newest first; at most 50."""
    require(actor, "correction.propose")
    money = money_of(case)
    if money is None:
        return []
    query = (
        sa.select(Obligation)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .join(Organisation, Offer.holder_id == Organisation.id)
        .where(Obligation.state == "open", Obligation.currency == money.currency)
        .order_by(Obligation.id.desc())
        .limit(50)
    )
    if money.account is not None:
        query = query.where(Organisation.stripe_account == money.account)
    elif case.payment_id is not None:
        payment = db.session.get_one(Payment, case.payment_id)
        query = query.where(Offer.holder_id == payment.obligation.notice.offer.holder_id)
    else:
        return []
    return list(db.session.scalars(query).unique())


def _check(correction: Correction) -> None:
    """Whether a correction can be done as the books stand.

    Raises:
        Conflict: `correction-needs-money` (the case tells of none), `correction-needs-sum`,
            `correction-other-payee`, `correction-currency`, `correction-nothing-to-reverse`,
            `correction-no-payee`.
    """
    case, money = correction.case, money_of(correction.case)
    if correction.kind in ("apply", "ask_return") and money is None:
        raise Conflict("correction-needs-money", "This case tells of no money that could be entered.")
    if correction.kind == "apply" and correction.obligation_id is None:
        raise Conflict("correction-needs-sum", "Please say which sum the money pays.")
    if correction.kind == "ask_return" and case.payment_id is None:
        raise Conflict("correction-no-payee", "Nobody knows into whose account here this money went.")
    if correction.kind == "reverse":
        wrong = db.session.get(Payment, correction.payment_id) if correction.payment_id else None
        if wrong is None or wrong.state != "paid":
            raise Conflict("correction-nothing-to-reverse", "Only a payment that counts as paid is reversed.")
        if correction.obligation_id is not None:
            target = _obligation(correction.obligation_id)
            if target.notice.offer.holder_id != wrong.obligation.notice.offer.holder_id:
                raise _other_payee()
            if target.currency != wrong.currency:
                raise _other_currency()
    elif correction.obligation_id is not None and money is not None:
        target = _obligation(correction.obligation_id)
        if not _same_payee(case, money, target):
            raise _other_payee()
        if target.currency != money.currency:
            raise _other_currency()


def _same_payee(case: Quarantine, money: Money, obligation: Obligation) -> bool:
    """Whether the money went into an account of the one to whom a sum is owed."""
    notice = obligation.notice
    if money.account is not None:
        return bool(money.account == notice.terms["stripe_account"])
    if case.payment_id is None:
        return False
    payment = db.session.get_one(Payment, case.payment_id)
    return bool(payment.obligation.notice.offer.holder_id == notice.offer.holder_id)


def _other_payee() -> Conflict:
    return Conflict("correction-other-payee", "This money went to another account than that of this sum.")


def _other_currency() -> Conflict:
    return Conflict("correction-currency", "Money in another currency pays no sum: it has to be returned.")


def _obligation(key: int) -> Obligation:
    found = db.session.get(Obligation, key)
    if found is None:
        raise NotFound("obligation-not-found", "There is no such sum under this notice.")
    return found


def _apply(actor: Actor, correction: Correction) -> None:
    money = money_of(correction.case)
    assert money is not None  # noqa: S101 - `_check` has seen it
    _enter(actor, correction, money)


def _enter(actor: Actor, correction: Correction, money: Money) -> None:
    """Enter money for the correction's sum, as an attempt of its own that brought exactly this."""
    obligation = _obligation(correction.obligation_id or 0)
    lock_notice(obligation.notice)
    obligation = lock(Obligation, obligation.id)
    online = money.account is not None
    payment = Payment(
        obligation=obligation,
        channel="stripe" if online else "bank",
        state="quarantined",
        amount_minor=money.amount_minor,
        currency=money.currency,
        reference=numbers.new_reference(clock.today()),
        stripe_account=money.account,
        created_at=clock.now(),
    )
    db.session.add(payment)
    db.session.flush()
    record(
        "payment.started",
        payment,
        organisation_id=obligation.notice.licensee_id,
        channel=payment.channel,
        notice_id=obligation.notice_id,
        offer_id=obligation.notice.offer_id,
    )
    receive(
        actor,
        payment,
        money.amount_minor,
        at=money.at,
        paid_on=money.paid_on,
        source="correction",
        correction_id=correction.id,
    )


def _reverse(actor: Actor, correction: Correction) -> None:
    wrong = lock_payment(db.session.get_one(Payment, correction.payment_id))
    obligation = wrong.obligation
    licensee_id = obligation.notice.licensee_id
    reversed_ = sa.select(Receipt.reverses_id).where(Receipt.reverses_id.is_not(None))
    standing = db.session.scalars(
        sa.select(Receipt)
        .where(Receipt.payment_id == wrong.id, Receipt.reverses_id.is_(None), Receipt.id.not_in(reversed_))
        .order_by(Receipt.id)
    ).unique()
    came = list(standing)
    for receipt in came:
        ledger.reverse(actor, receipt, correction_id=correction.id)
    tasks = sa.select(RefundTask).where(RefundTask.payment_id == wrong.id, RefundTask.state == "open")
    for task in list(db.session.scalars(tasks).unique()):
        REFUND.execute(SYSTEM, task, "drop", organisation_id=obligation.notice.offer.holder_id)
    PAYMENT.execute(SYSTEM, wrong, "reverse", organisation_id=licensee_id, correction_id=correction.id)
    if obligation.state == "paid" and ledger.remaining(obligation) > 0:
        # It is owed again. The licence stands: whether it does not is for the parties and the courts.
        obligation.state, obligation.paid_at = "open", None
        record(
            "obligation.reopened",
            obligation,
            organisation_id=licensee_id,
            notice_id=obligation.notice_id,
            correction_id=correction.id,
        )
    if correction.obligation_id is not None:
        for receipt in came:
            account = wrong.stripe_account
            money = Money(receipt.amount_minor, receipt.currency, receipt.at, receipt.paid_on, account)
            _enter(actor, correction, money)


def _note(_actor: Actor, _correction: Correction) -> None:
    """The money is none of ours: only the case says so."""


def _ask_return(_actor: Actor, correction: Correction) -> None:
    money = money_of(correction.case)
    assert money is not None  # noqa: S101 - `_check` has seen it
    payment = lock_payment(db.session.get_one(Payment, correction.case.payment_id))
    require_refund(payment, "returned", money.amount_minor, currency=money.currency)


_EFFECTS: Final = {"apply": _apply, "reverse": _reverse, "foreign": _note, "ask_return": _ask_return}


def _put_away(case: Quarantine) -> None:
    """The attempt that was set aside is done with, unless another case speaks of it."""
    payment = lock_payment(db.session.get_one(Payment, case.payment_id))
    others = sa.select(Quarantine.id).where(
        Quarantine.payment_id == payment.id, Quarantine.state == "open", Quarantine.id != case.id
    )
    if payment.state == "quarantined" and db.session.scalar(others.limit(1)) is None:
        PAYMENT.execute(SYSTEM, payment, "put_away", organisation_id=payment.obligation.notice.licensee_id)


def _locked(correction_id: int) -> tuple[Correction, Quarantine]:
    """The proposal and its case, both held; the case has to be open."""
    found = db.session.get(Correction, correction_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    case = find_case(found.quarantine_id)
    return lock(Correction, correction_id), case


def _reason(text: str) -> str:
    text = (text or "").strip()
    if not text:
        raise Invalid("reason-missing", "Please say why.", fields={"reason": ["Please say why."]})
    if len(text) > MAX_REASON:
        raise Invalid(
            "text-too-long",
            "This text is too long.",
            fields={"reason": ["This text is too long."]},
            limit=MAX_REASON,
        )
    return text
