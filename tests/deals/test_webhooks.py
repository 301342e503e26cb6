"""Signed events: doubles, latecomers, any order and every mismatch; exactly one licence per paid notice."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest
import sqlalchemy as sa

from marketplace.core import clock, tasks
from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import payments, webhooks
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence, Payment, Quarantine, RefundTask, StripeEvent
from marketplace.listings.models import Offer
from tests.conftest import NOW
from tests.deals.conftest import FEE, deliver, make_deal, serve, signed


@pytest.fixture
def notice(deal):
    """A served notice on the shared offer."""
    return serve(deal.firm_actor, deal.offer)


@pytest.fixture
def payment(deal, notice, with_stripe):
    """An open checkout."""
    return payments.start_payment(deal.firm_actor, notice.id, "stripe")


def licences():
    return list(db.session.scalars(sa.select(Licence)))


def cases():
    return [one.reason for one in db.session.scalars(sa.select(Quarantine).order_by(Quarantine.id))]


def refunds():
    return [one.reason for one in db.session.scalars(sa.select(RefundTask).order_by(RefundTask.id))]


def fresh(payment):
    return db.session.get_one(Payment, payment.id, populate_existing=True)


def test_a_paid_session_makes_the_licence_at_the_events_own_instant(notice, payment, event):
    paid_at = NOW + dt.timedelta(hours=3)
    with clock.at(NOW + dt.timedelta(days=2)):
        stored = deliver(event(payment, at=paid_at))
    assert (stored.state, stored.outcome) == ("applied", "paid")
    licence = licence_of(notice)
    assert licence.effective_at == paid_at
    assert licence.paid_on == dt.date(2026, 11, 20)
    assert (licence.amount_minor, licence.currency) == (FEE, "CNY")
    assert (fresh(payment).state, notice.state) == ("paid", "paid")
    assert db.session.scalar(sa.select(tasks.Task.name).where(tasks.Task.name == "deals.render_certificate"))


def test_the_same_event_twice_is_kept_and_applied_once(notice, payment, event):
    body = event(payment)
    for _ in range(3):
        webhooks.receive(*signed(body))
    waiting = sa.select(sa.func.count()).select_from(tasks.Task).where(tasks.Task.name == "deals.apply_event")
    assert db.session.scalar(waiting) == 1
    for _ in range(3):
        webhooks.apply_event(body["id"])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(StripeEvent)) == 1
    assert len(licences()) == 1
    assert refunds() == []


def test_both_success_events_of_one_session_make_one_licence(payment, event):
    deliver(event(payment))
    second = deliver(event(payment, "checkout.session.async_payment_succeeded"))
    assert second.outcome == "already-paid"
    assert len(licences()) == 1
    assert refunds() == cases() == []


def test_a_completed_session_without_money_waits_for_it(notice, payment, event):
    stored = deliver(event(payment, payment_status="unpaid"))
    assert stored.outcome == "waiting-for-money"
    assert (fresh(payment).state, licence_of(notice)) == ("open", None)
    deliver(event(payment, "checkout.session.async_payment_succeeded"))
    assert licence_of(notice) is not None


@pytest.mark.parametrize(
    ("type_", "state"),
    [("checkout.session.async_payment_failed", "failed"), ("checkout.session.expired", "expired")],
)
def test_a_failed_or_expired_session_makes_room_for_another_attempt(
    deal, notice, payment, event, type_, state
):
    deliver(event(payment, type_))
    assert fresh(payment).state == state
    assert payments.start_payment(deal.firm_actor, notice.id, "bank").state == "open"


@pytest.mark.parametrize("late", ["checkout.session.async_payment_failed", "checkout.session.expired"])
def test_events_in_the_wrong_order_end_the_same(notice, payment, event, late):
    deliver(event(payment, late))
    deliver(event(payment))
    deliver(event(payment, late))
    assert fresh(payment).state == "paid"
    assert len(licences()) == 1


@pytest.mark.parametrize(
    ("changed", "reason", "state"),
    [
        ({"amount_total": FEE - 1}, "amount-mismatch", "quarantined"),
        ({"amount_total": None}, "amount-mismatch", "quarantined"),
        ({"currency": "usd"}, "currency-mismatch", "quarantined"),
        ({"account": "acct_other"}, "account-mismatch", "open"),
        ({"account": None}, "account-mismatch", "open"),
        ({"livemode": True}, "livemode-mismatch", "open"),
        ({"id": "cs_test_other"}, "session-mismatch", "open"),
        ({"client_reference_id": "FK-unknown"}, "reference-mismatch", "open"),
    ],
)
def test_what_differs_is_set_aside_and_makes_no_licence(notice, payment, event, changed, reason, state):
    stored = deliver(event(payment, **changed))
    assert (stored.state, stored.outcome) == ("quarantined", reason)
    assert cases() == [reason]
    assert fresh(payment).state == state
    assert licences() == []
    # The true event, when it comes, still counts.
    deliver(event(payment))
    assert len(licences()) == 1


def test_money_for_nothing_we_know_is_set_aside_and_other_sessions_are_left_alone(payment, event):
    foreign = {"id": "cs_test_shop", "client_reference_id": "shop-42"}
    assert deliver(event(payment, **foreign)).outcome == "unknown-payment"
    assert deliver(event(payment, "checkout.session.expired", **foreign)).state == "ignored"
    assert cases() == ["unknown-payment"]


def test_a_session_whose_answer_was_lost_is_known_by_its_reference(deal, notice, without_stripe, event):
    with unit_of_work(deal.firm_actor):
        attempt = payments.begin_payment(deal.firm_actor, notice.id, "stripe")
    deliver(event(attempt, id="cs_test_lost"))
    assert fresh(attempt).checkout_session_id == "cs_test_lost"
    assert licence_of(notice) is not None


def test_a_second_paid_session_goes_back(deal, notice, payment, event):
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, payment.id)
    second = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    deliver(event(payment))
    assert fresh(second).state == "cancelled"
    deliver(event(second))
    assert len(licences()) == 1
    assert refunds() == ["second_payment"]


def withdraw(offer):
    with unit_of_work():
        row = lock(Offer, offer.id)
        row.status, row.withdrawn_on = "withdrawn", clock.today()
        record("offer.withdrawn", row, organisation_id=row.holder_id)


def test_money_before_a_withdrawal_counts_though_its_webhook_is_late(deal, notice, payment, event):
    with clock.at(NOW + dt.timedelta(hours=4)):
        withdraw(deal.offer)
    with clock.at(NOW + dt.timedelta(days=3)):
        deliver(event(payment, at=NOW + dt.timedelta(hours=4) - dt.timedelta(seconds=1)))
    assert licence_of(notice) is not None
    assert refunds() == []


def test_money_after_a_withdrawal_goes_back(deal, notice, payment, event):
    with clock.at(NOW + dt.timedelta(hours=4)):
        withdraw(deal.offer)
    deliver(event(payment, at=NOW + dt.timedelta(hours=4)))
    assert licence_of(notice) is None
    assert refunds() == ["offer_ended"]
    assert fresh(payment).state == "paid"


def test_a_refund_or_dispute_is_shown_and_ends_no_licence(notice, payment, event, stripe_fixtures):
    deliver(event(payment))
    intent = f"pi_for_{payment.reference}"
    charge = stripe_fixtures["charge"] | {
        "payment_intent": intent, "metadata": {"payment": payment.reference},
    }  # fmt: skip
    dispute = stripe_fixtures["dispute"] | {"payment_intent": intent, "metadata": {}}
    for type_, thing in (("charge.refunded", charge), ("charge.dispute.created", dispute)):
        body = event(payment, type_)
        body["data"] = {"object": thing}
        assert deliver(body).state == "quarantined"
    rows = list(db.session.scalars(sa.select(Quarantine).order_by(Quarantine.id)))
    assert [(one.reason, one.payment_id) for one in rows] == [("refund", payment.id), ("dispute", payment.id)]
    assert licence_of(notice).state == "in_effect"


def test_a_refund_that_comes_before_its_payment_does_not_stop_it(notice, payment, event, stripe_fixtures):
    body = event(payment, "charge.refunded")
    body["data"] = {"object": stripe_fixtures["charge"] | {"metadata": {"payment": payment.reference}}}
    deliver(body)
    deliver(event(payment))
    assert licence_of(notice) is not None
    assert cases() == ["refund"]


def test_events_of_other_kinds_are_kept_and_ignored(payment, event):
    assert deliver(event(payment, "customer.created")).state == "ignored"


def test_calls_that_our_provider_did_not_sign_are_refused(payment, event):
    body = event(payment)
    payload, header = signed(body)
    old = header.replace(header.split(",")[0], "t=1")
    for content, signature in (
        (payload, signed(body, "whsec_other")[1]),
        (payload + b" ", header),
        (payload, ""),
        (payload, old),
        signed({"hello": "world"}),
        (b"not json", signed({})[1]),
    ):
        with pytest.raises(webhooks.SignatureRefused):
            webhooks.receive(content, signature)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(StripeEvent)) == 0


def test_a_stored_event_is_the_signed_body(payment, event):
    body = event(payment)
    webhooks.receive(*signed(body))
    stored = db.session.get_one(StripeEvent, body["id"])
    assert stored.payload == json.loads(json.dumps(body))
    assert (stored.state, stored.account) == ("received", body["account"])


def test_every_order_of_a_sessions_events_ends_with_one_licence(context, with_stripe, event):
    types = [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.expired",
    ]
    for order in itertools.permutations(types):
        deal = make_deal()
        notice = serve(deal.firm_actor, deal.offer)
        attempt = payments.start_payment(deal.firm_actor, notice.id, "stripe")
        for type_ in order:
            deliver(event(attempt, type_))
        assert licence_of(notice) is not None
    assert len(licences()) == 6
    assert refunds() == cases() == []
