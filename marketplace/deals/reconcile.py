"""Our payments against the provider's: `marketplace deals reconcile`, and once a day by the worker.

Each run leaves a report with its counts and every difference, linked to the payment and the case.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound, Unavailable
from marketplace.core.permissions import require
from marketplace.core.tasks import renew
from marketplace.core.unit_of_work import unit_of_work

from . import numbers, stripe_gateway
from .bundles import paying
from .lookup import lock_payment
from .models import Difference, Payment, Quarantine, Reconciliation
from .quarantine import quarantine

# Paid attempts are asked about for as long as a card holder usually has to object.
LOOK_BACK: Final = dt.timedelta(days=120)

# A holder's account may serve other business too: only what bears a reference of ours is looked at.
_OURS: Final = re.compile(rf"{numbers.PAYMENT}-\d{{8}}-[{numbers.ALPHABET}]{{8}}")


@dataclass
class Summary:
    """How many sessions were asked about, and what came of it.

    `incomplete`: the provider's answer lacks amount or currency, so nothing could be compared.
    `unknown`: the provider does not know the session. `unreachable`: it did not answer.
    `unknown_here`: it has a checkout with our reference that we do not know. `accounts`: how many were
    listed. `report`: the id of the report that was kept.
    """

    checked: int = 0
    agree: int = 0
    different: int = 0
    incomplete: int = 0
    unknown: int = 0
    unreachable: int = 0
    unknown_here: int = 0
    accounts: int = 0
    report: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Found:
    """A difference before it is kept."""

    account: str
    reason: str
    payment_id: int | None
    provider_id: str | None
    expected: dict[str, Any] = field(default_factory=dict)
    received: dict[str, Any] = field(default_factory=dict)
    case: int | None = None


def reconcile() -> Summary:
    """Compare with the provider's list of each account; outside a unit of work.

    What differs is quarantined, and the whole kept as a report. Nothing is applied from here: only a signed
    event with its own instant makes a licence.
    """
    summary, started_at = Summary(), clock.now()
    since = started_at - LOOK_BACK
    found: list[_Found] = []
    ours = sa.select(Payment.stripe_account, Payment.id).where(
        Payment.channel == "stripe", Payment.created_at > since, Payment.stripe_account.is_not(None)
    )
    by_account: dict[str, list[int]] = {}
    for account, key in list(db.session.execute(ours.order_by(Payment.id))):
        by_account.setdefault(str(account), []).append(key)
    for account, keys in sorted(by_account.items()):
        renew()
        found += _compare(account, keys, since, summary)
    with unit_of_work():
        report = Reconciliation(
            started_at=started_at,
            finished_at=clock.now(),
            since=since,
            livemode=stripe_gateway.livemode(),
            accounts=len(by_account),
            counts={},
        )
        db.session.add(report)
        db.session.flush()
        summary.accounts, summary.report = len(by_account), report.id
        report.counts = summary.as_json()
        for one in found:
            db.session.add(
                Difference(
                    reconciliation_id=report.id,
                    account=one.account,
                    reason=one.reason,
                    payment_id=one.payment_id,
                    quarantine_id=one.case,
                    provider_id=one.provider_id,
                    expected=one.expected,
                    received=one.received,
                )
            )
    return summary


def reports(actor: Actor, *, before: int | None = None, limit: int = 30) -> list[Reconciliation]:
    """The latest comparisons, newest first; for staff."""
    require(actor, "quarantine.view")
    query = sa.select(Reconciliation).order_by(Reconciliation.id.desc()).limit(min(limit, 200))
    return list(db.session.scalars(query if before is None else query.where(Reconciliation.id < before)))


def report_of(actor: Actor, report_id: int) -> tuple[Reconciliation, list[Difference]]:
    """One comparison with everything that differed.

    Raises:
        NotFound: there is none.
    """
    require(actor, "quarantine.view")
    report = db.session.get(Reconciliation, report_id)
    if report is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    query = sa.select(Difference).where(Difference.reconciliation_id == report.id).order_by(Difference.id)
    return report, list(db.session.scalars(query).unique())


def _compare(account: str, keys: list[int], since: dt.datetime, summary: Summary) -> list[_Found]:
    """One account: its list against our attempts, and what bears our reference and is unknown here."""
    found: list[_Found] = []
    try:
        listed = {one.id: one for one in stripe_gateway.sessions_of(account, since)}
    except Unavailable:
        listed = None
    except stripe_gateway.Refused as refused:
        found.append(_Found(account, "account-refused", None, None, received={"code": refused.code}))
        listed = None
    together = paying.transfers_of(keys)
    known: set[str | None] = {one.reference for one in together.values()}
    for key in keys:
        payment = db.session.get_one(Payment, key)
        known |= {payment.checkout_session_id, payment.reference}
        if payment.checkout_session_id is None:
            continue
        summary.checked += 1
        session = (listed or {}).get(payment.checkout_session_id)
        if session is None:
            try:
                session = stripe_gateway.retrieve(payment)
            except Unavailable:
                summary.unreachable += 1
                found.append(_Found(account, "not-answered", key, None))
                continue
            except stripe_gateway.Refused as refused:
                summary.unknown += 1
                found.append(_set_aside(account, key, "session-unknown", {"code": refused.code}))
                continue
        # One checkout may pay several notices of a bundle: its sum is theirs.
        whole = together[key].amount_minor if key in together else None
        reason = _difference(db.session.get_one(Payment, key), session, whole)
        if reason is not None:
            summary.different += 1
            found.append(_set_aside(account, key, reason, _received(account, session)))
        elif session.amount_total is None or session.currency is None:
            summary.incomplete += 1
        else:
            summary.agree += 1
    for session in (listed or {}).values():
        reference = session.client_reference_id or ""
        if _OURS.fullmatch(reference) and not {session.id, reference} & known:
            summary.unknown_here += 1
            found.append(_unknown_here(account, session))
    return found


def _received(account: str, session: stripe_gateway.Session) -> dict[str, Any]:
    """What the provider says; money that is there counts from today, as nobody has proven an earlier day."""
    paid = session.payment_status == "paid"
    return asdict(session) | {"account": account} | ({"paid_on": clock.today().isoformat()} if paid else {})


def _difference(payment: Payment, session: stripe_gateway.Session, whole: int | None) -> str | None:
    """What differs, as a code. The words `paid` must agree; figures are compared where they are told."""
    if session.livemode != stripe_gateway.livemode():
        return "livemode-mismatch"
    paid_there, paid_here = session.payment_status == "paid", payment.state in ("paid", "reversed")
    owed = payment.amount_minor if whole is None else whole
    if session.amount_total is not None and session.amount_total != owed:
        return "amount-mismatch"
    if session.currency is not None and session.currency.upper() != payment.currency:
        return "currency-mismatch"
    if paid_there and not paid_here and payment.state != "quarantined":
        return "paid-at-provider-only"
    if paid_here and not paid_there and session.amount_total is not None:
        return "paid-here-only"
    return None


def _set_aside(account: str, payment_id: int, reason: str, received: dict[str, Any]) -> _Found:
    """Open one case per attempt and reason; a repeated run adds none."""
    with unit_of_work():
        payment = lock_payment(db.session.get_one(Payment, payment_id))
        expected = {
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "state": payment.state,
        }
        case = db.session.scalar(
            sa.select(Quarantine.id).where(
                Quarantine.payment_id == payment_id, Quarantine.reason == reason, Quarantine.state == "open"
            )
        )
        if case is None:
            row = quarantine(reason, payment=payment, expected=expected, received=received)
            db.session.flush()
            case = row.id
        session_id = payment.checkout_session_id
    return _Found(account, reason, payment_id, session_id, expected, received, case)


def _unknown_here(account: str, session: stripe_gateway.Session) -> _Found:
    """A checkout with our reference that no attempt of ours made; paid, it is a case for the operators."""
    received = _received(account, session)
    case = None
    if session.payment_status == "paid":
        with unit_of_work():
            open_cases = sa.select(Quarantine).where(
                Quarantine.reason == "unknown-checkout", Quarantine.state == "open"
            )
            case = next(
                (one.id for one in db.session.scalars(open_cases) if one.received.get("id") == session.id),
                None,
            )
            if case is None:
                row = quarantine("unknown-checkout", received=received)
                db.session.flush()
                case = row.id
    return _Found(account, "unknown-checkout", None, session.id, {}, received, case)
