"""Any order of what people, the provider and time may do leaves the books right."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid
from marketplace.core.journal import verify
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import ledger, licences, notices, patent_ends, payments, refunds
from marketplace.deals.lookup import licence_of, offer_ended_at, payments_of
from marketplace.deals.models import OPEN_PAYMENT, Licence, Notice, Payment, RefundTask
from marketplace.listings import services
from marketplace.listings.facts.models import FactHistory
from marketplace.listings.models import Offer, PatentFact
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import FEE, deliver, make_deal, serve

STEPS = (
    "bank", "stripe", "cancel", "slip", "confirm", "confirm_part", "confirm_half", "confirm_much",
    "paid", "paid_wrong", "paid_earlier",
    "failed", "expired", "abandon", "withdraw", "day", "month", "lapse",
    "propose_end", "accept_end", "decline_end",
    "holder_states_end", "patent_terminated", "patent_invalidated", "patent_ends",
    "file", "record", "record_by_holder", "correct", "correct_by_holder",
)  # fmt: skip


class Walk:
    """One deal and what can happen to it."""

    def __init__(self, event) -> None:
        self.event, self.deal = event, make_deal()
        self.notice = serve(self.deal.firm_actor, self.deal.offer)
        self.seen: set[int] = set()
        with unit_of_work():
            self.operator = factories.operator()

    def step(self, name: str) -> None:
        try:
            getattr(self, name)()
        except (Conflict, Invalid, Forbidden):
            db.session.rollback()

    def attempt(self, channel: str):
        found = [one for one in payments_of(self.notice) if one.channel == channel]
        if not found:
            raise Conflict("no-attempt", "")
        return found[-1]

    def begin(self, channel: str) -> None:
        with unit_of_work(self.deal.firm_actor):
            payments.begin_payment(self.deal.firm_actor, self.notice.id, channel)

    def bank(self) -> None:
        self.begin("bank")

    def stripe(self) -> None:
        self.begin("stripe")

    def cancel(self) -> None:
        for payment in payments_of(self.notice):
            if payment.state in OPEN_PAYMENT:
                with unit_of_work(self.deal.firm_actor):
                    payments.cancel_payment(self.deal.firm_actor, payment.id)

    def slip(self) -> None:
        payment = self.attempt("bank")
        with unit_of_work(self.deal.firm_actor):
            payments.upload_slip(self.deal.firm_actor, payment.id, b"%PDF-1.7", "slip.pdf")

    def confirm(self, amount: int = FEE) -> None:
        payment = self.attempt("bank")
        with unit_of_work(self.deal.holder_actor):
            payments.confirm_payment(self.deal.holder_actor, payment.id, clock.today(), amount)

    def confirm_part(self) -> None:
        self.confirm(FEE - 1)

    def confirm_half(self) -> None:
        self.confirm(FEE // 2)

    def confirm_much(self) -> None:
        self.confirm(FEE + 1)

    def paid(self, **values) -> None:
        deliver(self.event(self.attempt("stripe"), **values))

    def paid_wrong(self) -> None:
        self.paid(amount_total=1)

    def paid_earlier(self) -> None:
        self.paid(at=clock.now() - dt.timedelta(days=1))

    def failed(self) -> None:
        self.paid(type_="checkout.session.async_payment_failed")

    def expired(self) -> None:
        self.paid(type_="checkout.session.expired")

    def abandon(self) -> None:
        with unit_of_work(self.deal.firm_actor):
            notices.abandon_notice(self.deal.firm_actor, self.notice.id)

    def withdraw(self) -> None:
        with unit_of_work():
            row = lock(Offer, self.deal.offer.id)
            if row.status == "announced":
                row.status, row.withdrawn_on = "withdrawn", clock.today()
                record("offer.withdrawn", row, organisation_id=row.holder_id)

    def day(self) -> None:
        clock.set_now(clock.now() + dt.timedelta(days=1), frozen=True)

    def month(self) -> None:
        clock.set_now(clock.now() + dt.timedelta(days=32), frozen=True)

    def lapse(self) -> None:
        notices.lapse_notices()

    def licence(self) -> Licence:
        found = licence_of(self.notice)
        if found is None:
            raise Conflict("no-licence", "")
        return found

    def propose_end(self) -> None:
        licence = self.licence()
        with unit_of_work(self.deal.firm_actor):
            licences.propose_end(self.deal.firm_actor, licence.id)

    def accept_end(self) -> None:
        licence = self.licence()
        with unit_of_work(self.deal.holder_actor):
            licences.accept_end(self.deal.holder_actor, licence.id)

    def decline_end(self) -> None:
        licence = self.licence()
        with unit_of_work(self.deal.holder_actor):
            licences.decline_end(self.deal.holder_actor, licence.id)

    def know(self, actor: Actor, status: str) -> None:
        with unit_of_work(actor):
            patent = db.session.get_one(Offer, self.deal.offer.id).patent
            services.set_fact(actor, patent, "legal_status", status)

    def holder_states_end(self) -> None:
        self.know(self.deal.holder_actor, "terminated")

    def patent_terminated(self) -> None:
        self.know(self.operator, "terminated")

    def patent_invalidated(self) -> None:
        self.know(self.operator, "invalidated")

    def patent_ends(self) -> None:
        patent_ends.end_with_patents()

    def file(self) -> None:
        licence = self.licence()
        with unit_of_work(self.deal.firm_actor):
            licences.file_recordal(self.deal.firm_actor, licence.id, late_reason="迟延说明")

    def record(self, actor: Actor | None = None) -> None:
        licence, actor = self.licence(), actor or self.deal.firm_actor
        with unit_of_work(actor):
            licences.record_recordal(actor, licence.id, number=" x2026 0001 ", on=clock.today())

    def record_by_holder(self) -> None:
        self.record(self.deal.holder_actor)

    def correct(self, actor: Actor | None = None) -> None:
        licence, actor = self.licence(), actor or self.deal.firm_actor
        with unit_of_work(actor):
            licences.correct_recordal(actor, licence.id, reason="typing_error")

    def correct_by_holder(self) -> None:
        self.correct(self.deal.holder_actor)

    def check(self) -> None:
        notice = db.session.get_one(Notice, self.notice.id)
        found = list(db.session.scalars(sa.select(Licence).where(Licence.notice_id == notice.id)))
        attempts = payments_of(notice)
        [owed] = notice.obligations
        # Exactly one licence for a paid notice, none for another.
        assert len(found) == (notice.state == "paid") == (owed.state == "paid")
        self.check_money(notice)
        assert sum(one.state in OPEN_PAYMENT for one in attempts) <= 1
        for licence in found:
            assert licence.effective_at >= notice.served_at
            assert licence.effective_on <= licence.term_to
            assert licence.amount_minor == FEE
            # It ends by agreement exactly when both have said so.
            assert (licence.agreed_end == "agreed") == (licence.ended_reason == "agreed")
            self.check_end(licence)
            self.check_recordal(licence)
            if licence.id not in self.seen:
                # No licence from money that was proven after the end of the offer was known.
                end = offer_ended_at(db.session.get_one(Offer, self.deal.offer.id))
                assert end is None or licence.effective_at < end
                self.seen.add(licence.id)

    def check_money(self, notice: Notice) -> None:
        """Every fen that came counts towards the sum or goes back; what counts is never above it."""
        [owed] = notice.obligations
        came = ledger.receipts_of([owed.id])
        counts = sum(one.applied_minor for one in came)
        tasks = sa.select(RefundTask).join(RefundTask.payment).where(Payment.obligation_id == owed.id)
        goes_back = [one for one in db.session.scalars(tasks).unique() if one.state != "cancelled"]
        parts = {one.id for one in came if one.applied_minor > 0}
        given_up = sum(
            one.amount_minor
            for one in goes_back
            if one.reason in refunds.GIVEN_BACK and one.receipt_id in parts
        )
        assert counts == FEE if owed.state == "paid" else 0 <= counts < FEE
        assert sum(one.amount_minor for one in came) == counts - given_up + sum(
            one.amount_minor for one in goes_back
        )
        if notice.state in ("lapsed", "abandoned"):
            assert given_up == counts

    def check_end(self, licence: Licence) -> None:
        """An end has a day of the licence and a reason; a patent's end more than its holder's word."""
        assert (licence.state == "ended") == (licence.ended_on is not None) == bool(licence.ended_reason)
        if licence.ended_on is not None:
            assert licence.effective_on <= licence.ended_on <= min(licence.term_to, clock.today())
        if licence.ended_reason in ("patent_ended", "patent_invalidated"):
            told = sa.select(PatentFact.source).union(sa.select(FactHistory.source))
            assert "operator" in set(db.session.scalars(told))

    def check_recordal(self, licence: Licence) -> None:
        """Number, day and who stated it come and go together."""
        recorded = (licence.recordal_number, licence.recorded_on, licence.recorded_side)
        assert {value is not None for value in recorded} == {licence.recordal_state == "recorded"}
        assert licence.recordal_number in (None, "X20260001")
        filed = (licence.recordal_filed_on, licence.recordal_filed_side)
        assert len({value is None for value in filed}) == 1
        assert licence.recordal_state != "filed" or licence.recordal_filed_on is not None


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=14))
def test_any_order_of_events_leaves_one_licence_per_paid_notice(context, event, steps):
    clock.set_now(NOW, frozen=True)
    walk = Walk(event)
    for name in steps:
        walk.step(name)
        walk.check()
    assert verify().ok


@pytest.mark.parametrize(
    "steps",
    [
        ["stripe", "cancel", "bank", "paid", "confirm"],
        ["stripe", "paid_wrong", "bank", "confirm", "paid"],
        ["stripe", "abandon", "paid"],
        ["stripe", "day", "withdraw", "paid_earlier"],
        ["bank", "month", "lapse", "confirm"],
        ["bank", "confirm_half", "cancel", "stripe", "paid", "confirm_half"],
        ["bank", "confirm_half", "day", "confirm_much", "confirm_part"],
        ["bank", "confirm_part", "day", "withdraw", "confirm_half", "month", "lapse"],
        ["stripe", "expired", "stripe", "paid", "failed"],
        ["stripe", "paid", "day", "holder_states_end", "patent_ends", "patent_invalidated", "patent_ends"],
        ["stripe", "paid", "propose_end", "patent_terminated", "patent_ends", "accept_end"],
        ["stripe", "patent_terminated", "paid_earlier", "patent_ends", "paid"],
        ["stripe", "paid", "file", "record_by_holder", "correct", "correct_by_holder", "correct", "record"],
        ["stripe", "paid", "propose_end", "decline_end", "accept_end", "propose_end", "accept_end"],
    ],
)
def test_orders_that_once_seemed_doubtful(context, event, steps):
    test_any_order_of_events_leaves_one_licence_per_paid_notice.hypothesis.inner_test(context, event, steps)


def test_what_is_given_up_and_paid_at_the_same_time_never_gets_lost(context, event):
    clock.set_now(NOW, frozen=True)
    walk = Walk(event)
    walk.step("stripe")
    walk.step("abandon")
    walk.step("paid")
    assert len(refunds.list_refunds(walk.deal.holder_actor)) == 1
    assert licences.list_licences(walk.deal.firm_actor) == []
