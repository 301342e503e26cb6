"""Things that happen at the same moment, with real commits on both databases."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import verify
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import licences, notices, payments, webhooks
from marketplace.deals.models import Licence, Notice, Payment, Quarantine, RefundTask, StripeEvent
from marketplace.listings.models import Offer
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import FEE, make_deal, serve, signed

pytestmark = pytest.mark.usefixtures("committed_app")


PATIENCE = 240  # seconds; a busy machine must not fail a test


def at_once(app: Flask, *calls: Callable[[], Any]) -> list[Any]:
    """Run every call in a thread of its own, all released together. Returns results or exceptions."""
    results: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(n: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                results[n] = calls[n]()
            except Exception as error:
                results[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    assert not any(thread.is_alive() for thread in threads)
    return results


def count(model: type) -> int:
    found = db.session.scalar(sa.select(sa.func.count()).select_from(model))
    db.session.rollback()
    return int(found or 0)


def take(actor: Actor, offer_id: int) -> Callable[[], str]:
    def call() -> str:
        prepared = notices.prepare_notice(actor, offer_id)
        with unit_of_work(actor):
            return notices.serve_notice(actor, prepared).state

    return call


def open_checkout(deal, event) -> tuple[int, int, Callable[..., str]]:
    """A notice with an open Stripe attempt, and a way to store events about it."""
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work(deal.firm_actor):
        payment = payments.begin_payment(deal.firm_actor, notice.id, "stripe")

    def store(**values: Any) -> str:
        body = event(payment, **values)
        webhooks.receive(*signed(body))
        return str(body["id"])

    return notice.id, payment.id, store


@pytest.fixture
def deal(committed_app):
    clock.set_now(NOW)
    with committed_app.app_context():
        made = make_deal()
        db.session.rollback()
        yield made


def test_the_same_firm_twice_at_once_serves_one_notice(committed_app, deal):
    calls = [take(deal.firm_actor, deal.offer.id) for _ in range(4)]
    results = at_once(committed_app, *calls)
    refused = [one for one in results if isinstance(one, Conflict)]
    assert [one for one in results if one not in refused] == ["served"]
    assert {one.code for one in refused} == {"notice-open"}
    assert count(Notice) == 1


def test_the_same_firm_twice_at_once_on_a_free_offer_gets_one_licence(committed_app):
    clock.set_now(NOW)
    with committed_app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        results = at_once(committed_app, *[take(deal.firm_actor, deal.offer.id) for _ in range(4)])
        assert results.count("paid") == 1
        assert {one.code for one in results if one != "paid"} == {"licence-in-effect"}
        assert count(Licence) == 1


def test_two_firms_at_once_get_a_notice_and_a_licence_each(committed_app):
    clock.set_now(NOW)
    with committed_app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        with unit_of_work():
            firms = [factories.actor(factories.organisation()) for _ in range(4)]
        results = at_once(committed_app, *[take(one, deal.offer.id) for one in firms])
        assert results == ["paid"] * 4
        assert count(Licence) == count(Notice) == 4
        assert verify().ok


def test_the_same_event_delivered_and_applied_by_many_at_once_is_one_licence(committed_app, deal, event):
    _, payment_id, _ = open_checkout(deal, event)
    body = event(db.session.get_one(Payment, payment_id))
    db.session.rollback()
    payload = signed(body)
    assert at_once(committed_app, *[lambda: webhooks.receive(*payload)] * 4) == [None] * 4
    assert count(StripeEvent) == 1
    assert at_once(committed_app, *[lambda: webhooks.apply_event(body["id"])] * 4) == [None] * 4
    assert (count(Licence), count(RefundTask), count(Quarantine)) == (1, 0, 0)


def test_every_event_of_a_session_at_once_is_one_licence(committed_app, deal, event):
    _, _, store = open_checkout(deal, event)
    ids = [
        store(type_=type_)
        for type_ in (*webhooks.SUCCEEDED, *webhooks.FAILED, *webhooks.SUCCEEDED)
    ]  # fmt: skip
    results = at_once(committed_app, *[lambda key=key: webhooks.apply_event(key) for key in ids])
    assert results == [None] * len(ids)
    assert (count(Licence), count(RefundTask), count(Quarantine)) == (1, 0, 0)


def test_two_sessions_paid_at_once_are_one_licence_and_one_refund(committed_app, deal, event):
    notice_id, payment_id, store = open_checkout(deal, event)
    first = store()
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, payment_id)
    with unit_of_work(deal.firm_actor):
        other = payments.begin_payment(deal.firm_actor, notice_id, "stripe")
    body = event(other)
    webhooks.receive(*signed(body))
    results = at_once(
        committed_app, lambda: webhooks.apply_event(first), lambda: webhooks.apply_event(body["id"])
    )
    assert results == [None, None]
    assert (count(Licence), count(RefundTask)) == (1, 1)


def test_two_attempts_started_at_once_are_one(committed_app, deal):
    notice = serve(deal.firm_actor, deal.offer)
    key = notice.id

    def start() -> str:
        return payments.start_payment(deal.firm_actor, key, "bank").state

    results = at_once(committed_app, *[start] * 4)
    assert results.count("open") == 1
    assert {one.code for one in results if one != "open"} == {"payment-open"}
    assert count(Payment) == 1


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_withdrawal_racing_a_payment_is_decided_by_the_proven_time(committed_app, deal, event, seconds):
    _, _, store = open_checkout(deal, event)
    withdrawn_at = clock.now().replace(microsecond=0) + dt.timedelta(hours=1)
    key = store(at=withdrawn_at + dt.timedelta(seconds=seconds))

    def withdraw() -> None:
        with unit_of_work():
            row = lock(Offer, deal.offer.id)
            row.status, row.withdrawn_on = "withdrawn", clock.today()
            record("offer.withdrawn", row, organisation_id=row.holder_id)

    with clock.at(withdrawn_at):
        results = at_once(committed_app, withdraw, lambda: webhooks.apply_event(key))
    assert results == [None, None]
    # Proven before the end: a licence whoever was first. Proven from the end on: a licence only if it was
    # applied while the offer still stood here, else the money goes back. Never both, never neither.
    assert count(Licence) + count(RefundTask) == 1
    if seconds < 0:
        assert count(Licence) == 1


def test_a_certificate_printed_by_two_at_once_is_one(committed_app):
    clock.set_now(NOW)
    with committed_app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        serve(deal.firm_actor, deal.offer)
        [licence] = licences.list_licences(deal.firm_actor)
        key = licence.id
        db.session.rollback()
        papers = at_once(committed_app, *[lambda: licences.certificate_bytes(deal.firm_actor, key)] * 3)
        assert len(set(papers)) == 1


def test_the_payee_and_a_second_click_of_the_payee_make_one_licence(committed_app, deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    key = payment.id

    def confirm() -> str:
        with unit_of_work(deal.holder_actor):
            return payments.confirm_payment(deal.holder_actor, key, clock.today(), FEE).state

    results = at_once(committed_app, *[confirm] * 3)
    assert results.count("paid") == 1
    assert {one.code for one in results if one != "paid"} == {"illegal-transition"}
    assert (count(Licence), count(RefundTask)) == (1, 0)
