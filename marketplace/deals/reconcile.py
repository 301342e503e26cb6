"""Our payments against the provider's: `marketplace deals reconcile`, and once a day by the worker."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.unit_of_work import unit_of_work

from . import stripe_gateway
from .lookup import lock_payment
from .models import Payment, Quarantine
from .quarantine import quarantine

# Paid attempts are asked about for as long as a card holder usually has to object.
LOOK_BACK: Final = dt.timedelta(days=120)


@dataclass
class Summary:
    """How many sessions were asked about, and what came of it.

    `incomplete`: the provider's answer lacks amount or currency, so nothing could be compared.
    `unknown`: the provider does not know the session. `unreachable`: it did not answer.
    """

    checked: int = 0
    agree: int = 0
    different: int = 0
    incomplete: int = 0
    unknown: int = 0
    unreachable: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reconcile() -> Summary:
    """Ask the provider about every session and quarantine what differs; outside a unit of work.

    Nothing is applied from here: only a signed event with its own instant makes a licence.
    """
    summary = Summary()
    query = (
        sa.select(Payment.id)
        .where(
            Payment.channel == "stripe",
            Payment.checkout_session_id.is_not(None),
            Payment.created_at > clock.now() - LOOK_BACK,
        )
        .order_by(Payment.id)
    )
    for key in list(db.session.scalars(query)):
        payment = db.session.get_one(Payment, key)
        summary.checked += 1
        try:
            session = stripe_gateway.retrieve(payment)
        except Unavailable:
            summary.unreachable += 1
            continue
        except stripe_gateway.Refused as refused:
            summary.unknown += 1
            _set_aside(key, "session-unknown", {"code": refused.code})
            continue
        reason = _difference(payment, session)
        if reason is None:
            if session.amount_total is None or session.currency is None:
                summary.incomplete += 1
            else:
                summary.agree += 1
            continue
        summary.different += 1
        _set_aside(key, reason, asdict(session))
    return summary


def _difference(payment: Payment, session: stripe_gateway.Session) -> str | None:
    """What differs, as a code. The words `paid` must agree; figures are compared where they are told."""
    if session.livemode != stripe_gateway.livemode():
        return "livemode-mismatch"
    paid_there, paid_here = session.payment_status == "paid", payment.state == "paid"
    if session.amount_total is not None and session.amount_total != payment.amount_minor:
        return "amount-mismatch"
    if session.currency is not None and session.currency.upper() != payment.currency:
        return "currency-mismatch"
    if paid_there and not paid_here and payment.state != "quarantined":
        return "paid-at-provider-only"
    if paid_here and not paid_there and session.amount_total is not None:
        return "paid-here-only"
    return None


def _set_aside(payment_id: int, reason: str, received: dict[str, Any]) -> None:
    """Open one case per attempt and reason; a repeated run adds none."""
    with unit_of_work():
        payment = lock_payment(db.session.get_one(Payment, payment_id))
        known = db.session.scalar(
            sa.select(Quarantine.id).where(
                Quarantine.payment_id == payment_id, Quarantine.reason == reason, Quarantine.state == "open"
            )
        )
        if known is None:
            quarantine(
                reason,
                payment=payment,
                expected={
                    "amount_minor": payment.amount_minor,
                    "currency": payment.currency,
                    "state": payment.state,
                },
                received=received,
            )
