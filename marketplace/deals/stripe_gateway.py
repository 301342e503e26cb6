"""Stripe Checkout as a direct charge on the holder's connected account: the holder is the merchant.

Called outside units of work. What counts as payment is a signed webhook, never what is answered here.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import current_app

from config import LIVE_KEYS
from marketplace.core.database import db
from marketplace.core.errors import N_, Unavailable
from marketplace.core.lazily import Lazily

from . import papers
from .models import Payment, RefundTask

if TYPE_CHECKING:
    import stripe
else:
    stripe = Lazily("stripe")

log = logging.getLogger(__name__)
API_VERSION: Final = "2026-10-28.endive"  # the SDK's; the webhook endpoint is registered with the same
TIMEOUT: Final = 10  # seconds

# The events by which a session tells of its payment.
SUCCEEDED: Final = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


class Refused(Exception):
    """The provider understood and does not take the call; `code` is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Session:
    """A checkout session as far as we compare it. `amount_total` in minor units; None where not told."""

    id: str
    url: str | None
    status: str | None
    payment_status: str | None
    amount_total: int | None
    currency: str | None
    livemode: bool
    client_reference_id: str | None


def livemode() -> bool:
    """Whether our key moves real money; events of the other mode are never applied."""
    return papers.settings().stripe_secret_key.startswith(LIVE_KEYS)


def configured() -> bool:
    """Whether there is a key at all."""
    return bool(papers.settings().stripe_secret_key)


def create_session(payment: Payment) -> Session:
    """Open a checkout for an attempt; the idempotency key is the attempt's reference.

    Raises:
        Unavailable: `payment-provider-unavailable`.
        Refused: the provider does not take it.
    """
    notice = payment.obligation.notice
    return _create(
        [payment],
        payment.reference,
        f"notices/{notice.id}",
        {"payment": payment.reference, "notice": notice.number},
    )


def create_bundle_session(payments: Sequence[Payment], reference: str, bundle_id: int) -> Session:
    """Open one checkout for several attempts, with a line for each; the idempotency key is `reference`.

    Args:
        payments: attempts into one account in one currency.
        reference: of them all.
        bundle_id: to whose page the payer comes back.

    Raises:
        Unavailable: `payment-provider-unavailable`.
        Refused: the provider does not take it.
    """
    return _create(payments, reference, f"bundles/{bundle_id}", {"bundle_payment": reference})


def _create(payments: Sequence[Payment], reference: str, path: str, metadata: dict[str, str]) -> Session:
    settings = papers.settings()
    methods = list(settings.stripe_payment_methods)
    page = f"{settings.public_url}/{path}"
    # No expires_at: Stripe's own 24 hours are meant, and a moving one would spoil the idempotent retry.
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": reference,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "payment_method_types": methods,
        "line_items": [_line(payment) for payment in payments],
        "success_url": f"{page}?checkout=done",
        "cancel_url": f"{page}?checkout=cancelled",
    }
    if "wechat_pay" in methods:
        params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
    found = _call(
        payments[0],
        lambda options: _client().v1.checkout.sessions.create(params, options=options),  # type: ignore[arg-type]
        idempotency_key=reference,
    )
    return _session(found)


def _line(payment: Payment) -> dict[str, Any]:
    notice = payment.obligation.notice
    return {
        "quantity": 1,
        "price_data": {
            "currency": payment.currency.lower(),
            "unit_amount": payment.amount_minor,
            "product_data": {
                "name": f"专利开放许可使用费 {papers.patent_number(notice.offer.patent)}",
                "description": f"书面通知 {notice.number}",
            },
        },
    }


def retrieve(payment: Payment) -> Session:
    """The provider's present word on an attempt's session, for reconciliation.

    Raises:
        Unavailable: `payment-provider-unavailable`.
        Refused: the provider does not know it.
    """
    session_id = payment.checkout_session_id or ""
    found = _call(
        payment, lambda options: _client().v1.checkout.sessions.retrieve(session_id, options=options)
    )
    return _session(found)


def sessions_of(account: str, since: dt.datetime) -> list[Session]:
    """Every checkout session of a connected account from an instant on, as the provider lists them.

    Raises:
        Unavailable: `payment-provider-unavailable`.
        Refused: the provider does not let us see the account.
    """
    params = {"created": {"gte": int(since.timestamp())}, "limit": 100}

    def call(options: dict[str, str]) -> list[Session]:
        pages = _client().v1.checkout.sessions.list(params, options=options)  # type: ignore[arg-type]
        return [_session(one) for one in pages.auto_paging_iter()]

    found: list[Session] = _asked(call, {"stripe_account": account}, account=account)
    return found


def expire(payment: Payment) -> None:
    """Close a session so that nobody can pay there; one that is already over is left alone.

    Raises:
        Unavailable: `payment-provider-unavailable`.
    """
    session_id = payment.checkout_session_id or ""
    try:
        _call(payment, lambda options: _client().v1.checkout.sessions.expire(session_id, options=options))
    except Refused as refused:
        # It was paid or ran out meanwhile; its webhook tells.
        log.info("session not expired", extra={"payment": payment.id, "code": refused.code})


@dataclass(frozen=True)
class Returned:
    """A refund as the provider answers it: its number and its own word for the state."""

    id: str
    status: str


def refund(task: RefundTask, intent: str) -> Returned:
    """Return money of a direct charge on the holder's account; the key names the task and its attempt.

    Args:
        task: how much, and of which payment.
        intent: the provider's payment intent.

    Raises:
        Unavailable: `payment-provider-unavailable`.
        Refused: the provider does not take it.
    """
    payment = task.payment
    params: dict[str, Any] = {
        "payment_intent": intent,
        "amount": task.amount_minor,
        "metadata": {"payment": payment.reference, "refund": str(task.id)},
    }
    found = _call(
        payment,
        lambda options: _client().v1.refunds.create(params, options=options),  # type: ignore[arg-type]
        idempotency_key=f"refund-{payment.reference}-{task.id}-{task.attempts}",
    )
    return Returned(found.id, found.status or "pending")


def _client() -> stripe.StripeClient:
    settings = papers.settings()
    if not settings.stripe_secret_key:
        raise Unavailable("payment-provider-unavailable", _AWAY)
    key = "marketplace.stripe"
    if key not in current_app.extensions:
        current_app.extensions[key] = stripe.StripeClient(
            settings.stripe_secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": settings.stripe_api_base} if settings.stripe_api_base else None,
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )
    client: stripe.StripeClient = current_app.extensions[key]
    return client


_AWAY: Final = N_(
    "Online payment is not available at the moment. Nothing is lost: try again, or pay by bank transfer."
)


def _call(payment: Payment, call: Any, *, idempotency_key: str | None = None) -> Any:
    options: dict[str, str] = {"stripe_account": payment.stripe_account or ""}
    if idempotency_key is not None:
        options["idempotency_key"] = idempotency_key
    return _asked(call, options, payment=payment.id)


def _asked(call: Any, options: dict[str, str], **about: Any) -> Any:
    db.session.rollback()  # ends what reading the payment began: nothing is held while the network answers
    try:
        return call(options)
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        # It may pass by itself: the same call is made again later, with the same idempotency key.
        log.warning("stripe away", extra={**about, "error": type(error).__name__})
        raise Unavailable("payment-provider-unavailable", _AWAY) from error
    except stripe.StripeError as error:
        log.warning("stripe refused", extra={**about, "error": type(error).__name__})
        raise Refused(error.code or type(error).__name__) from error


def _session(found: Any) -> Session:
    return Session(
        id=found.id,
        url=found.url,
        status=found.status,
        payment_status=found.payment_status,
        amount_total=found.amount_total,
        currency=found.currency,
        livemode=found.livemode,
        client_reference_id=found.client_reference_id,
    )
