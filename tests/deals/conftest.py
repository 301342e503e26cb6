"""What tests of deals share: a holder with a connected account, a firm, served notices, signed events."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
import stripe
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices, webhooks
from marketplace.deals.models import Notice, Payment, StripeEvent
from marketplace.listings.models import Offer
from tests import factories

ACCOUNT = "acct_1Invented"
FEE = 5_000_000  # 分
_events = itertools.count(1)


@dataclass
class Deal:
    """A live offer, its holder and a firm that wants it."""

    holder: Organisation
    holder_actor: Actor
    firm: Organisation
    firm_actor: Actor
    offer: Offer


def make_deal(*, holder_joined: bool = True, **offer: Any) -> Deal:
    """Rows for one deal, in a unit of work of their own."""
    with unit_of_work():
        holder = factories.organisation(joined=holder_joined, stripe_account=ACCOUNT)
        firm = factories.organisation()
        return Deal(
            holder=holder,
            holder_actor=factories.actor(holder),
            firm=firm,
            firm_actor=factories.actor(firm),
            offer=factories.live_offer(holder, **({"channels": ["bank", "stripe"]} | offer)),
        )


def serve(actor: Actor, offer: Offer, **values: Any) -> Notice:
    """Prepare and serve a notice as an entry point does."""
    prepared = notices.prepare_notice(actor, offer.id, **values)
    with unit_of_work(actor):
        return notices.serve_notice(actor, prepared)


@pytest.fixture
def deal(context: None) -> Deal:
    """One deal at 50,000 yuan, payable by transfer or by Stripe."""
    return make_deal()


@pytest.fixture
def with_stripe(app: Flask, stripe_mock_url: str) -> Iterator[None]:
    """Our Stripe calls go to stripe-mock."""
    with pointed_at(app, stripe_mock_url):
        yield


@pytest.fixture
def without_stripe(app: Flask) -> Iterator[None]:
    """Our Stripe calls go to a port where nobody answers."""
    with pointed_at(app, "http://127.0.0.1:9"):
        yield


class pointed_at:
    """Within the block the application's Stripe is at `url`."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app, self.url = app, url

    def __enter__(self) -> None:
        self.before = self.app.config["SETTINGS"]
        self.app.config["SETTINGS"] = replace(
            self.before, stripe_secret_key="sk_test_invented", stripe_api_base=self.url
        )
        self.app.extensions.pop("marketplace.stripe", None)

    def __exit__(self, *_: object) -> None:
        self.app.config["SETTINGS"] = self.before
        self.app.extensions.pop("marketplace.stripe", None)


Event = Callable[..., dict[str, Any]]


@pytest.fixture
def event(stripe_fixtures: dict[str, Any]) -> Event:
    """Makes webhook bodies in the shape of Stripe's own fixtures."""

    def make(
        payment: Payment,
        type_: str = "checkout.session.completed",
        *,
        at: dt.datetime | None = None,
        account: str | None = ACCOUNT,
        livemode: bool = False,
        **session: Any,
    ) -> dict[str, Any]:
        body, thing = deepcopy(stripe_fixtures["event"]), deepcopy(stripe_fixtures["checkout.session"])
        paid = type_ in webhooks.SUCCEEDED
        thing |= {
            "id": payment.checkout_session_id or f"cs_test_for_{payment.reference}",
            "client_reference_id": payment.reference,
            "amount_total": payment.amount_minor,
            "currency": payment.currency.lower(),
            "payment_status": "paid" if paid else "unpaid",
            "status": "complete" if paid else "expired",
            "payment_intent": f"pi_for_{payment.reference}",
            "metadata": {"payment": payment.reference},
        } | session
        body |= {
            "id": f"evt_invented_{next(_events)}",
            "type": type_,
            "created": int((at or now()).timestamp()),
            "livemode": livemode,
            "data": {"object": thing},
        }
        if account is not None:
            body["account"] = account
        return body

    return make


def now() -> dt.datetime:

    return clock.now()


def signed(body: dict[str, Any], secret: str = "whsec_demo") -> tuple[bytes, str]:
    """The bytes and the header as Stripe would send them."""
    payload = json.dumps(body)
    timestamp = int(time.time())
    return payload.encode(), stripe.WebhookSignature.generate_signature_header(payload, secret, timestamp)


def deliver(body: dict[str, Any]) -> StripeEvent:
    """Send an event and let the worker apply it."""
    webhooks.receive(*signed(body))
    webhooks.apply_event(body["id"])
    return db.session.get_one(StripeEvent, body["id"], populate_existing=True)
