"""Many firms at once, webhooks in any number and order, workers killed at any point: the books stay right."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.readers import DeadLetter
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.core.worker import Worker
from marketplace.deals import licences, notices, payments
from marketplace.deals.models import Licence, Notice, Payment, Quarantine, StripeEvent
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import ACCOUNT, FEE, make_deal, serve, signed
from tests.deals.test_races import PATIENCE, at_once

FIRMS = 200
TWICE = 20  # firms whose request is sent again at the same moment
NOTICES = 8
DEATHS = 12  # of workers
SEED = 20261124
SUCCESS, ASYNC, EXPIRED, FAILED = (
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.expired",
    "checkout.session.async_payment_failed",
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("committed_app")


@pytest.mark.timeout(600)
def test_200_firms_that_take_one_offer_at_once_get_a_licence_each(committed_app: Flask) -> None:
    clock.set_now(NOW)
    with committed_app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        with unit_of_work():
            actors = [factories.actor(factories.organisation()) for _ in range(FIRMS)]
        offer_id = deal.offer.id
        db.session.remove()

    def prepare(actor: Actor) -> notices.PreparedNotice:
        with committed_app.app_context():
            return notices.prepare_notice(actor, offer_id)

    def take(actor: Actor, prepared: notices.PreparedNotice) -> str:
        with unit_of_work(actor):
            return notices.serve_notice(actor, prepared).state

    crowd = actors + actors[:TWICE]
    with ThreadPoolExecutor(8) as printers:
        papers = list(printers.map(prepare, crowd))
    results = at_once(committed_app, *[lambda one=one: take(*one) for one in zip(crowd, papers, strict=True)])
    assert results.count("paid") == FIRMS
    assert {getattr(one, "code", one) for one in results} == {"paid", "licence-in-effect"}
    with committed_app.app_context():
        held = db.session.scalars(sa.select(Licence)).all()
        assert {one.licensee_id for one in held} == {one.organisation_id for one in actors}
        assert len(held) == len({one.number for one in held}) == len({one.certificate_code for one in held})
        assert len({one.notice_id for one in held}) == FIRMS
        assert all(one.effective_at == one.notice.served_at for one in held if one.notice)
        told = Counter(db.session.scalars(sa.select(JournalEntry.action)))
        wanted = ("notice.written", "notice.served", "notice.paid", "licence.in_effect")
        assert {name: told[name] for name in wanted} == dict.fromkeys(wanted, FIRMS)
        assert verify().ok


class Provider:
    """What the provider knows: each session with its events, and whether money came."""

    def __init__(self, event: Any, chance: random.Random) -> None:
        self.event, self.chance = event, chance
        self.paid: dict[str, int] = {}  # reference → 分
        self.bodies: list[dict[str, Any]] = []
        self.foreign: set[str] = set()  # events that another account signed

    def session(self, payment: Payment, *, paid: bool) -> None:
        """Make up the events of a checkout; one that is paid has told of failing and waiting before."""
        add = lambda type_, **values: self.bodies.append(self.event(payment, type_, **values))  # noqa: E731
        if paid:
            self.paid[payment.reference] = payment.amount_minor
            add(SUCCESS)
            for type_, share in ((ASYNC, 0.5), (EXPIRED, 0.3), (FAILED, 0.3)):
                if self.chance.random() < share:
                    add(type_)
        else:
            add(SUCCESS, payment_status="unpaid")
            add(self.chance.choice((EXPIRED, FAILED)))
        if self.chance.random() < 0.3:
            add(SUCCESS, account="acct_2Other")
            self.foreign.add(self.bodies[-1]["id"])

    def deliveries(self) -> list[dict[str, Any]]:
        """Each event nought to five times, in any order."""
        times = [body for body in self.bodies for _ in range(self.chance.randint(0, 5))]
        self.chance.shuffle(times)
        return times


def open_sessions(provider: Provider, chance: random.Random) -> None:
    """Notices of as many firms on one offer, each with one or two checkouts, some of which are paid."""
    deal = make_deal()
    for number in range(NOTICES):
        with unit_of_work():
            actor = factories.actor(factories.organisation())
        notice = serve(actor, deal.offer)
        for last in (False, True) if number % 3 == 0 else (True,):
            with unit_of_work(actor):
                payment = payments.begin_payment(actor, notice.id, "stripe")
            provider.session(payment, paid=chance.random() < 0.75)
            if not last:
                with unit_of_work(actor):
                    payments.cancel_payment(actor, payment.id)
    db.session.remove()


def send(app: Flask, bodies: list[dict[str, Any]]) -> None:
    """Four senders at once, as a provider's servers."""

    def share(first: int) -> None:
        client = app.test_client()
        for body in bodies[first::4]:
            payload, header = signed(body)
            answer = client.post(
                "/api/v1/webhooks/stripe", data=payload, headers={"Stripe-Signature": header}
            )
            assert answer.status_code == 200, answer.text

    senders = [threading.Thread(target=share, args=(first,)) for first in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


@contextmanager
def dying_workers(app: Flask) -> Iterator[subprocess.Popen[bytes]]:
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "INSTANCE_DIR": str(settings.instance_dir),
        "MARKETPLACE_NOW": NOW.isoformat(),
    }
    command = [sys.executable, "-m", "tests.deals.fire", str(SEED), str(DEATHS)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as workers:
        try:
            yield workers
        finally:
            workers.terminate()


def come_to_rest(app: Flask) -> None:
    """Wait until nothing of the deals is left to do."""
    waiting = sa.select(sa.func.count()).where(
        Task.name.in_(("deals.apply_event", "deals.render_certificate"))
    )
    until = time.monotonic() + PATIENCE
    with app.app_context():
        while db.session.scalar(waiting):
            db.session.rollback()
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.timeout(600)
def test_webhooks_in_any_number_and_order_with_dying_workers_leave_one_licence_per_paid_notice(
    committed_app: Flask, event: Any
) -> None:
    committed_app.config["RATELIMIT_ENABLED"] = False
    clock.set_now(NOW)
    chance = random.Random(SEED)
    provider = Provider(event, chance)
    with committed_app.app_context():
        open_sessions(provider, chance)
    deliveries = provider.deliveries()
    with dying_workers(committed_app) as workers:
        send(committed_app, deliveries)
        assert workers.stdout is not None
        assert workers.stdout.readline() == b"survived\n"
        come_to_rest(committed_app)
        told = {body["id"] for body in deliveries}
        check_books(committed_app, provider, told)
        # What was never told is told once more, as the provider does until it is taken.
        send(committed_app, [body for body in provider.bodies if body["id"] not in told])
        come_to_rest(committed_app)
        check_books(committed_app, provider, {body["id"] for body in provider.bodies})
    with committed_app.app_context():
        assert Worker(committed_app).drain() == 0
        assert db.session.scalars(sa.select(DeadLetter)).all() == []
        assert verify().ok


def check_books(app: Flask, provider: Provider, told: set[str]) -> None:
    """Our payments are those that the provider has told us of, and everything follows from them."""
    with app.app_context():
        known = {
            body["data"]["object"]["client_reference_id"]
            for body in provider.bodies
            if body["id"] in told - provider.foreign
            and body["type"] in (SUCCESS, ASYNC)
            and body["data"]["object"]["payment_status"] == "paid"
        }
        ours = db.session.scalars(sa.select(Payment).where(Payment.state == "paid")).all()
        assert {one.reference: one.amount_minor for one in ours} == {
            reference: amount for reference, amount in provider.paid.items() if reference in known
        }
        assert {(one.stripe_account, one.currency, one.amount_minor) for one in ours} <= {
            (ACCOUNT, "CNY", FEE)
        }
        # Exactly one licence for each paid notice, one certificate for each licence, none besides.
        paid = {one.obligation.notice_id for one in ours}
        assert set(db.session.scalars(sa.select(Notice.id).where(Notice.state == "paid"))) == paid
        assert len(paid) > 1
        held = db.session.scalars(sa.select(Licence)).all()
        assert sorted(one.notice_id for one in held if one.notice_id) == sorted(paid)
        issued = Counter(
            db.session.scalars(
                sa.select(JournalEntry.subject_id).where(JournalEntry.action == "licence.certificate_issued")
            )
        )
        assert issued == dict.fromkeys((one.id for one in held), 1)
        operator = operator_of()
        for one in held:
            assert licences.certificate_bytes(operator, one.id).startswith(b"%PDF")
        # Each delivered event is applied once; what is set aside is what another account has signed.
        events = db.session.scalars(sa.select(StripeEvent)).all()
        assert {one.id for one in events} == told
        assert "received" not in {one.state for one in events}
        aside = db.session.scalars(sa.select(Quarantine)).all()
        assert sorted(one.event_id for one in aside if one.event_id) == sorted(told & provider.foreign)
        assert {one.reason for one in aside} <= {"account-mismatch"}
        assert len(aside) == len(told & provider.foreign)
        assert verify().ok


def operator_of() -> Actor:
    with unit_of_work():
        return factories.operator()
