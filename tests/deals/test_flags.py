"""Refunds and disputes at the provider: flagged in any order; refunds that are asked for from here."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.errors import Conflict, Unavailable
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import flags, payments, refunds
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Quarantine, RefundTask
from tests.deals.conftest import FEE, deliver, pointed_at, serve

CREATED, WITHDRAWN, CLOSED = (
    ("charge.dispute.created", "needs_response", 1),
    ("charge.dispute.funds_withdrawn", "needs_response", 2),
    ("charge.dispute.closed", "lost", 3),
)


@pytest.fixture
def notice(deal):
    return serve(deal.firm_actor, deal.offer)


@pytest.fixture
def payment(deal, notice, with_stripe):
    return payments.start_payment(deal.firm_actor, notice.id, "stripe")


@pytest.fixture
def about(event, stripe_fixtures):
    """Makes an event about a refund or a dispute of a payment, so many seconds later."""

    def make(payment, type_, kind, seconds=0, **values):
        body = event(payment, type_)
        body["created"] += seconds
        thing = stripe_fixtures[kind] | {
            "payment_intent": f"pi_for_{payment.reference}",
            "metadata": {},
            "amount": FEE,
            "currency": "cny",
            "reason": None,
        }
        body["data"] = {"object": thing | values}
        return body

    return make


@pytest.mark.parametrize("order", list(itertools.permutations((CREATED, WITHDRAWN, CLOSED))))
def test_a_dispute_ends_the_same_in_any_order_and_ends_no_licence(notice, payment, event, about, order):
    deliver(event(payment))
    for type_, status, seconds in order:
        body = about(payment, type_, "dispute", seconds, status=status, id="du_1", reason="fraudulent")
        deliver(body)
        deliver(body)
    [flag] = flags.flags_of([payment.id])
    assert (flag.kind, flag.status, flag.funds_withdrawn) == ("dispute", "lost", True)
    assert (flag.amount_minor, flag.currency, flag.reason) == (FEE, "CNY", "fraudulent")
    assert flag.closed_at is not None
    assert flag.opened_at < flag.closed_at
    assert [one.reason for one in db.session.scalars(sa.select(Quarantine))] == ["dispute"]
    assert (licence_of(notice).state, notice.state, payment.state) == ("in_effect", "paid", "paid")


def test_a_dispute_that_is_won_brings_the_funds_back(payment, event, about):
    deliver(event(payment))
    deliver(about(payment, *CREATED[:1], "dispute", 1, status="needs_response", id="du_1"))
    deliver(about(payment, "charge.dispute.funds_withdrawn", "dispute", 2, status="under_review", id="du_1"))
    deliver(about(payment, "charge.dispute.closed", "dispute", 3, status="won", id="du_1"))
    deliver(about(payment, "charge.dispute.funds_reinstated", "dispute", 3, status="won", id="du_1"))
    [flag] = flags.flags_of([payment.id])
    assert (flag.status, flag.funds_withdrawn) == ("won", False)


def test_what_came_before_its_payment_is_linked_when_the_payment_comes(notice, payment, event, about):
    early = about(payment, "charge.dispute.created", "dispute", 5, status="needs_response", id="du_1")
    assert deliver(early).outcome == "dispute"
    assert flags.flags_of([payment.id]) == []
    deliver(event(payment))
    [flag] = flags.flags_of([payment.id])
    assert (flag.status, licence_of(notice).state) == ("needs_response", "in_effect")
    [case] = db.session.scalars(sa.select(Quarantine))
    assert case.payment_id == payment.id


def test_one_refund_told_twice_is_shown_once(payment, event, about):
    deliver(event(payment))
    deliver(about(payment, "charge.refunded", "charge", 1, amount_refunded=100, id="ch_1"))
    assert [(one.status, one.amount_minor) for one in flags.flags_of([payment.id])] == [("refunded", 100)]
    deliver(about(payment, "refund.updated", "refund", 2, status="succeeded", amount=100, id="re_1"))
    assert [(one.status, one.amount_minor) for one in flags.flags_of([payment.id])] == [("succeeded", 100)]


@pytest.fixture
def to_return(deal, notice, payment, event):
    """A second payment through the provider, which has to go back."""
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, payment.id)
    second = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    deliver(event(second))
    deliver(event(payment))
    return db.session.scalars(sa.select(RefundTask)).one()


def test_a_refund_through_the_provider_is_done_with_its_signed_word(deal, to_return, about):
    assert to_return.state == "open"
    task = refunds.refund_at_provider(deal.holder_actor, to_return.id)
    # stripe-mock checks the call and answers with a refund that has succeeded.
    assert (task.how, task.attempts, task.provider_refund_id is not None) == ("stripe", 1, True)
    body = about(task.payment, "refund.updated", "refund", 9, status="succeeded", id=task.provider_refund_id)
    stored = deliver(body)
    assert (stored.state, task.state) == ("applied", "done")
    # The payer's bank sends it back later: it is the holder's matter again.
    failed = about(task.payment, "refund.failed", "refund", 10, status="failed", id=task.provider_refund_id)
    deliver(failed)
    assert (task.state, task.failure) == ("open", "failed")
    again = refunds.refund_at_provider(deal.holder_actor, task.id)
    assert again.attempts == 2


def test_a_refund_waits_while_the_provider_is_away_and_goes_on_with_the_same_key(
    deal, app, to_return, stripe_mock_url
):
    with pointed_at(app, "http://127.0.0.1:9"), pytest.raises(Unavailable):
        refunds.refund_at_provider(deal.holder_actor, to_return.id)
    task = db.session.get_one(RefundTask, to_return.id, populate_existing=True)
    assert (task.state, task.attempts, task.provider_refund_id) == ("asked", 1, None)
    with pointed_at(app, stripe_mock_url):
        task = refunds.refund_at_provider(deal.holder_actor, task.id)
    assert (task.attempts, task.provider_refund_id is not None) == (1, True)


def test_money_that_came_by_transfer_is_not_returned_through_the_provider(deal, notice, with_stripe):
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, dt.date(2026, 11, 20), FEE + 5)
    [task] = refunds.refunds_of(notice)
    with pytest.raises(Conflict) as refused:
        refunds.refund_at_provider(deal.holder_actor, task.id)
    assert refused.value.code == "refund-not-at-provider"


def test_test_money_at_a_real_account_is_set_aside_with_its_reason(notice, payment, event, about):
    deliver(event(payment, livemode=True))
    deliver(about(payment, "refund.created", "refund", 1, status="pending") | {"livemode": True})
    reasons = {one.reason for one in db.session.scalars(sa.select(Quarantine))}
    assert (reasons, licence_of(notice)) == ({"livemode-mismatch"}, None)
    assert flags.flags_of([payment.id]) == []
