"""Two firms on a paid and a free offer, all steps of their deals in any order, checked after each.

`test_walk` walks one notice; here firms compete for offers, serve again after an end, and the journal is
replayed against the tables of the life cycles.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.lifecycle import Lifecycle
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, lifecycle
from marketplace.deals.lookup import payments_of
from marketplace.deals.models import OPEN_NOTICE, Licence, Notice, Payment, StripeEvent
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import Deal, make_deal, serve
from tests.deals.test_walk import STEPS, Walk

# What begins a life cycle is recorded as such, and what leaves every state as it was, by its own name.
BIRTHS = {
    lifecycle.NOTICE: "notice.written", lifecycle.PAYMENT: "payment.started",
    lifecycle.LICENCE: "licence.in_effect", lifecycle.RECORDAL: "licence.in_effect",
    lifecycle.AGREED_END: "licence.in_effect",
}  # fmt: skip


class Strand(Walk):
    """What one firm does on one offer; its notice is the latest one."""

    def __init__(self, event: Any, deal: Deal, operator: Any) -> None:
        self.event, self.deal, self.operator = event, deal, operator
        self.notice = None
        self.seen: set[int] = set()

    def step(self, name: str) -> None:
        if self.notice is None and name != "serve":
            return  # it has nothing yet that could go on
        super().step(name)

    def serve(self) -> None:
        self.notice = serve(self.deal.firm_actor, self.deal.offer)

    def proven(self) -> None:
        """The provider's word of an instant half a day ago, however late it comes."""
        self.paid(at=clock.now() - dt.timedelta(hours=12))

    def expire(self) -> None:
        licences.expire_licences()

    def year(self) -> None:
        clock.set_now(clock.now() + dt.timedelta(days=366), frozen=True)


def states_told(cycle: Lifecycle, table: str, after: int) -> dict[int, str]:
    """Each subject's state when its entries are replayed, of ids above `after`; an illegal step fails."""
    entries = db.session.execute(
        sa.select(JournalEntry.subject_id, JournalEntry.action)
        .where(JournalEntry.subject_type == table, JournalEntry.subject_id > after)
        .order_by(JournalEntry.id)
    )
    states: dict[int, set[str]] = {}
    moves = {one.entry for one in cycle.transitions}
    for subject, action in entries:
        if action == BIRTHS[cycle]:
            assert subject not in states
            states[subject] = {cycle.initial}
        elif action in moves:
            # One entry may stand for several rows of the table (a correction): any of them may have been.
            states[subject] = {
                one.target
                for one in cycle.transitions
                if one.entry == action and one.sources & states[subject]
            }
            assert states[subject], (cycle.name, subject, action)
    return {subject: "|".join(sorted(found)) for subject, found in states.items()}


class Life(RuleBasedStateMachine):
    """All that people, the provider and time may do to four strands."""

    event: Any = None

    @initialize()
    def begin(self) -> None:
        clock.set_now(NOW, frozen=True)
        paid = make_deal()
        with unit_of_work():
            operator = factories.operator()
            other = factories.organisation()
            other_actor = factories.actor(other)
            free = factories.live_offer(paid.holder, fee_form="free", fee_minor=None)
        firms = ((paid.firm, paid.firm_actor), (other, other_actor))
        self.strands = [
            Strand(self.event, Deal(paid.holder, paid.holder_actor, firm, actor, offer), operator)
            for firm, actor in firms
            for offer in (paid.offer, free)
        ]
        # What examples before this one have left is not looked at again.
        self.before = {
            model: db.session.scalar(sa.select(sa.func.max(model.id))) or 0
            for model in (Notice, Payment, Licence)
        }
        for strand in self.strands[:3]:
            strand.step("serve")

    @rule(number=st.integers(0, 3))
    def serve(self, number: int) -> None:
        self.strands[number].step("serve")

    @rule(number=st.sampled_from((0, 2)))
    def pay(self, number: int) -> None:
        for name in ("stripe", "proven"):
            self.strands[number].step(name)

    @rule(number=st.integers(0, 3), name=st.sampled_from((*STEPS, "proven", "expire", "year")))
    def step(self, number: int, name: str) -> None:
        self.strands[number].step(name)

    @invariant()
    def one_open_notice_and_one_licence_in_effect(self) -> None:
        for model, states in ((Notice, OPEN_NOTICE), (Licence, ("in_effect",))):
            pairs = db.session.execute(
                sa.select(model.offer_id, model.licensee_id).where(
                    model.id > self.before[model], model.state.in_(states)
                )
            ).all()
            assert len(pairs) == len(set(map(tuple, pairs)))

    @invariant()
    def a_licence_runs_from_the_proven_payment_inside_its_term(self) -> None:
        for licence in db.session.scalars(sa.select(Licence).where(Licence.id > self.before[Licence])):
            notice, offer = licence.notice, licence.offer
            assert notice.state == "paid"
            if notice.obligations:
                # Money may be proven before the notice arrived: both have to be there.
                effects = {max(notice.served_at, one.paid_at) for one in notice.obligations}
                assert effects == {licence.effective_at}
                paid = [one for one in payments_of(notice) if one.effective_at is not None]
                proofs = [
                    one for one in paid if max(notice.served_at, one.effective_at) == licence.effective_at
                ]
                assert any(self.proves(one) for one in proofs)
            else:
                assert licence.effective_at == notice.served_at
            assert clock.legal_date(licence.effective_at) == licence.effective_on
            ends = min(offer.term_to, offer.patent.expires_on)
            assert offer.term_from <= licence.effective_on <= licence.term_to <= ends

    def proves(self, payment: Payment) -> bool:
        """Whether the payment's instant is the provider's, or lies on the day that the payee stated."""
        if payment.channel == "bank":
            return clock.legal_date(payment.effective_at) == payment.paid_on
        told = db.session.scalars(sa.select(StripeEvent).where(StripeEvent.outcome == "paid"))
        served_at = payment.obligation.notice.served_at
        return payment.effective_at in {
            instant
            for one in told
            if one.payload["data"]["object"]["client_reference_id"] == payment.reference
            for instant in (one.created, max(one.created, served_at))
        }

    @invariant()
    def every_state_is_told_by_the_journal(self) -> None:
        for cycle, model in (
            (lifecycle.NOTICE, Notice), (lifecycle.PAYMENT, Payment), (lifecycle.LICENCE, Licence),
            (lifecycle.RECORDAL, Licence), (lifecycle.AGREED_END, Licence),
        ):  # fmt: skip
            states = db.session.execute(
                sa.select(model.id, getattr(model, cycle.attribute)).where(model.id > self.before[model])
            )
            told = states_told(cycle, model.__tablename__, self.before[model])
            assert dict(map(tuple, states)) == told

    def teardown(self) -> None:
        assert verify().ok


def test_any_life_of_competing_deals_keeps_the_law_and_the_journal(context: None, event: Any) -> None:
    run_state_machine_as_test(
        type("Begun", (Life,), {"event": staticmethod(event)}),
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            phases=(
                Phase.explicit,
                Phase.generate,
            ),  # examples are long: read, not shrunk
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
