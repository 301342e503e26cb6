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
from marketplace.deals.bundles import paying
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Quarantine, RefundTask
from tests.deals.conftest import FEE, deliver, pointed_at, serve
from tests.deals.test_bundles import FEES, Market

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


# --- one checkout for several notices


@pytest.fixture
def market(context):
    return Market()


@pytest.fixture
def joint(market, with_stripe):
    """A checkout that pays two notices of a bundle, not paid yet: the bundle and its transfer."""
    return market.both_paid("stripe")


def sums(transfer):
    found = flags.flags_of([one.id for one in paying.payments_of(transfer)])
    return sorted((one.payment_id, one.status, one.amount_minor, one.checkout_minor) for one in found)


PAID = ("checkout.session.completed", None, 0)


@pytest.mark.parametrize("order", [*itertools.permutations((PAID, CREATED, CLOSED)), (PAID, CLOSED, CREATED)])
def test_a_dispute_of_a_joint_checkout_is_on_every_payment_in_any_order(joint, event, about, order):
    bundle, transfer = joint
    for type_, status, seconds in order:
        if status is None:
            body = event(transfer)
        else:
            body = about(transfer, type_, "dispute", seconds, status=status, id="du_1", amount=sum(FEES))
        deliver(body)
        deliver(body)
    attempts = sorted(paying.payments_of(transfer), key=lambda one: one.id)
    assert sums(transfer) == [(one.id, "lost", one.amount_minor, sum(FEES)) for one in attempts]
    found = flags.flags_of([one.id for one in attempts])
    assert all(one.opened_at < one.closed_at for one in found)
    # One matter for the operator, and no legal act is touched.
    linked = {one.payment_id for one in db.session.scalars(sa.select(Quarantine))}
    assert linked == {attempts[0].id}
    for part in bundle.parts:
        assert (licence_of(part.notice).state, part.notice.state) == ("in_effect", "paid")
    assert {one.state for one in attempts} == {"paid"}


def test_a_part_of_a_joint_checkout_is_flagged_with_the_whole_sum_on_each(joint, event, about):
    _, transfer = joint
    deliver(event(transfer))
    deliver(about(transfer, "refund.created", "refund", 1, status="succeeded", id="re_1", amount=700))
    assert [row[1:] for row in sums(transfer)] == [("succeeded", 700, 700)] * 2


def test_our_reference_in_its_metadata_finds_a_joint_checkout_only_at_its_own_account(joint, event, about):
    _, transfer = joint
    named = {"payment_intent": None, "metadata": {"bundle_payment": transfer.reference}}
    charge = {"amount_refunded": sum(FEES), "id": "ch_1"} | named
    stranger = about(transfer, "charge.refunded", "charge", 1, **charge) | {"account": "acct_another"}
    assert deliver(stranger).state == "quarantined"
    assert sums(transfer) == []
    deliver(about(transfer, "charge.refunded", "charge", 1, **charge))
    assert sorted(row[2] for row in sums(transfer)) == sorted(FEES)
    deliver(event(transfer))
    assert len(sums(transfer)) == 2


@pytest.mark.parametrize("order", list(itertools.permutations(("charge", "refund"))))
def test_a_refund_that_was_asked_for_here_is_on_its_own_payment_alone(market, joint, event, about, order):
    _, transfer = joint
    first, second = paying.payments_of(transfer)
    notice = first.obligation.notice
    with unit_of_work(market.firm_actor):
        paying.cancel_transfer(market.firm_actor, transfer.id)
    bank = payments.start_payment(market.firm_actor, notice.id, "bank")
    with unit_of_work(market.holder_actor):
        payments.confirm_payment(market.holder_actor, bank.id, dt.date(2026, 11, 20), first.amount_minor)
    deliver(event(transfer))  # the checkout was paid all the same: the first of its notices twice
    [task] = refunds.refunds_of(notice)
    assert (task.payment_id, licence_of(second.obligation.notice).state) == (first.id, "in_effect")
    task = refunds.refund_at_provider(market.holder_actor, task.id)
    said = {
        "charge": ("charge.refunded", {"amount_refunded": first.amount_minor, "id": "ch_1"}),
        "refund": (
            "refund.updated",
            {"id": task.provider_refund_id, "status": "succeeded", "amount": first.amount_minor},
        ),
    }
    for kind in order:
        type_, values = said[kind]
        assert deliver(about(transfer, type_, kind, 1, **values)).state == "applied"
    assert sums(transfer) == [(first.id, "succeeded", first.amount_minor, None)]
