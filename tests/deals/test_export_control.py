"""A licensee seated outside the mainland: what the parties say of the technology decides (TIE)."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import notices, payments
from marketplace.deals.clauses import services as clauses
from marketplace.deals.export_control import ending, rules, services, supervision
from marketplace.deals.export_control.holding import check_of
from marketplace.deals.export_control.models import ANSWERS
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence, Notice
from marketplace.deals.refunds import refunds_of
from marketplace.listings.models import Offer
from marketplace.notifications.rules import tellings
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import FEE, Deal, make_deal, serve

pytestmark = pytest.mark.usefixtures("context")


@given(st.sampled_from(ANSWERS), st.one_of(st.none(), st.sampled_from(ANSWERS)))
def test_the_stricter_answer_counts_and_free_needs_the_holders_word(
    licensee: str, holder: str | None
) -> None:
    found = rules.settled(licensee, holder)
    if "banned" in (licensee, holder):
        assert found == "banned"
    elif "restricted" in (licensee, holder):
        assert found == "restricted"
    else:
        assert (found == "free") == (holder == "free")


def free_deal() -> Deal:
    return make_deal(fee_form="free", fee_minor=None)


def abroad(deal: Deal, answer: str = "free", seat: str = "DE") -> Notice:
    return serve(deal.firm_actor, deal.offer, seat=seat, technology=answer)


def said(deal: Deal, notice: Notice, answer: str) -> None:
    with unit_of_work(deal.holder_actor):
        services.answer(deal.holder_actor, notice.id, answer=answer)


def licence_that_came(notice: Notice) -> Licence:
    licence = licence_of(notice)
    assert licence is not None
    return licence


def test_free_technology_is_licensed_as_of_the_notice_without_waiting_for_registration() -> None:
    deal = free_deal()
    notice = abroad(deal, seat="HK")
    assert (notice.state, licence_of(notice)) == ("served", None)
    said(deal, notice, "free")
    assert licence_that_came(notice).effective_at == notice.served_at
    with unit_of_work(deal.firm_actor):
        services.note_registration(deal.firm_actor, notice.id, number="DJ-1", on=clock.today())


def test_what_the_holder_stated_before_lets_the_notice_through_at_once() -> None:
    deal = free_deal()
    with unit_of_work(deal.holder_actor):
        services.state_class(deal.holder_actor, deal.offer.id, answer="free")
    assert licence_of(abroad(deal, "unsure")) is not None


def test_banned_technology_refuses_the_notice_and_what_was_paid_goes_back() -> None:
    deal = make_deal()
    with pytest.raises(Conflict, match="technology-banned"):
        abroad(deal, "banned")
    notice = abroad(deal)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), FEE)
    assert (notice.state, licence_of(notice)) == ("served", None)
    said(deal, notice, "banned")
    assert (notice.state, licence_of(notice)) == ("refused", None)
    assert [one.amount_minor for one in refunds_of(notice)] == [FEE]
    with pytest.raises(Conflict, match="export-settled"):
        said(deal, notice, "free")


def paid_and_waiting(answer: str = "free") -> tuple[Deal, Notice]:
    """A paid notice from abroad that nobody has answered yet."""
    deal = make_deal()
    notice = abroad(deal, answer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), FEE)
    assert (notice.state, licence_of(notice)) == ("served", None)
    return deal, notice


def later(days: int) -> None:
    clock.set_now(clock.now() + dt.timedelta(days=days), frozen=True)


def withdraw(deal: Deal) -> None:
    with unit_of_work():
        offer = lock(Offer, deal.offer.id)
        offer.status, offer.withdrawn_on = "withdrawn", clock.today()
        record("offer.withdrawn", offer)


def patent_terminates(deal: Deal) -> None:
    with unit_of_work():
        fact = next(one for one in deal.offer.patent.facts if one.name == "legal_status")
        fact.value, fact.as_of, fact.source, fact.entered_by = "terminated", clock.today(), "gazette", None


@pytest.mark.parametrize("ends", ["term", "patent", "offer"])
def test_paid_money_that_waits_goes_back_when_nothing_can_come_of_it_any_more(ends: str) -> None:
    deal, notice = paid_and_waiting()
    if ends == "term":
        with unit_of_work():
            lock(Offer, deal.offer.id).term_to = clock.today()
    elif ends == "patent":
        patent_terminates(deal)
    else:
        withdraw(deal)
    told_at_the_end = {(one.to, one.code) for entry in ends_of(deal.offer) for one in tellings(entry)}
    # The end of the offer alone leaves the days of an answer; the others end it at once.
    later(1)
    ending.end_waits()
    if ends == "offer":
        assert notice.state == "served"
        later(20)
        ending.end_waits()
    assert (notice.state, licence_of(notice)) == ("refused", None)
    assert [(one.amount_minor, one.reason) for one in refunds_of(notice)] == [(FEE, "export_not_cleared")]
    ending.end_waits()
    assert len(refunds_of(notice)) == 1
    told = {(one.to, one.code) for entry in entries_of(notice) for one in tellings(entry)}
    for side in (deal.holder.id, deal.firm.id):
        assert (side, "notice_not_cleared") in told
        assert ((side, "export_offer_ended") in told_at_the_end) == (ends == "offer")
    assert {(deal.holder.id, "refund_required"), (deal.firm.id, "refund_required_payer")} <= told
    with pytest.raises(Conflict, match="export-settled"):
        said(deal, notice, "free")


def ends_of(offer: Offer) -> list[JournalEntry]:
    """What the journal tells of an offer's end."""
    mine = (JournalEntry.subject_type == "offers", JournalEntry.subject_id == offer.id)
    return list(
        db.session.scalars(sa.select(JournalEntry).where(*mine, JournalEntry.action == "offer.withdrawn"))
    )


def entries_of(notice: Notice) -> list[JournalEntry]:
    """What the journal tells of a notice, its check and its refunds."""
    check = check_of(notice.id)
    subjects = {("notices", notice.id)} | {("refund_tasks", one.id) for one in refunds_of(notice)}
    if check is not None:
        subjects.add(("export_checks", check.id))
    rows = db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id))
    return [one for one in rows if (one.subject_type, one.subject_id) in subjects]


def test_a_withdrawal_does_not_undo_what_was_paid_before_it_when_the_technology_is_free() -> None:
    deal, notice = paid_and_waiting()
    later(1)
    withdraw(deal)
    later(3)
    said(deal, notice, "free")
    assert notice.served_at is not None
    assert licence_that_came(notice).effective_at == notice.served_at


def test_an_export_licence_from_behind_the_end_of_the_offer_comes_too_late() -> None:
    deal, notice = paid_and_waiting("restricted")
    withdraw(deal)
    later(2)
    with unit_of_work(deal.firm_actor):
        services.note_licence(deal.firm_actor, notice.id, number="XK-2", on=clock.today())
    assert (notice.state, licence_of(notice)) == ("refused", None)
    assert [one.reason for one in refunds_of(notice)] == ["export_not_cleared"]


def test_who_gives_a_paid_notice_up_that_waits_gets_the_money_back() -> None:
    deal, notice = paid_and_waiting()
    with unit_of_work(deal.firm_actor):
        notices.abandon_notice(deal.firm_actor, notice.id)
    assert [(one.amount_minor, one.reason) for one in refunds_of(notice)] == [(FEE, "notice_ended")]
    with pytest.raises(Conflict, match="export-settled"):
        said(deal, notice, "free")


def test_money_that_was_on_its_way_when_the_notice_was_refused_goes_back() -> None:
    deal = make_deal()
    notice = abroad(deal)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    said(deal, notice, "banned")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), FEE)
    assert (notice.state, licence_of(notice)) == ("refused", None)
    assert [(one.amount_minor, one.reason) for one in refunds_of(notice)] == [(FEE, "technology_banned")]


def test_both_sides_are_told_what_they_have_to_do_and_what_was_said() -> None:
    deal = free_deal()
    notice = abroad(deal, "unsure")
    said(deal, notice, "restricted")
    with unit_of_work(deal.firm_actor):
        services.note_licence(deal.firm_actor, notice.id, number="XK-3", on=clock.today())
    told = [(one.to, one.code) for entry in entries_of(notice) for one in tellings(entry)]
    assert told[0] == (deal.holder.id, "export_asked")
    for expected in (
        (deal.holder.id, "export_restricted"),
        (deal.firm.id, "export_restricted"),
        (deal.holder.id, "export_licensed"),
    ):
        assert expected in told
    assert (deal.firm.id, "export_licensed") not in told  # who has recorded it knows


def test_staff_sees_what_waits_with_the_day_by_which_it_should_have_gone_on() -> None:
    deal = free_deal()
    notice = abroad(deal)
    with unit_of_work():
        operator = factories.operator()
    [found] = [one for one in supervision.waiting_checks(operator) if one.check.notice_id == notice.id]
    assert (found.due, found.late) == (clock.working_days_after(clock.today(), 10), False)
    later(30)
    found = supervision.waiting_checks(operator)[-1]
    assert found.late
    with pytest.raises(Forbidden):
        supervision.waiting_checks(deal.holder_actor)
    said(deal, notice, "free")
    assert notice.id not in {one.check.notice_id for one in supervision.waiting_checks(operator)}


STEPS = ("free", "restricted", "banned", "unsure", "licence", "abandon", "withdraw", "time", "lapse")


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    licensee=st.sampled_from(("free", "restricted", "unsure")),
    paid=st.booleans(),
    steps=st.lists(st.sampled_from(STEPS), max_size=7),
)
def test_any_order_of_words_and_ends_makes_one_licence_or_gives_the_money_back(
    licensee: str, paid: bool, steps: list[str]
) -> None:
    clock.set_now(NOW, frozen=True)
    if paid:
        deal, notice = paid_and_waiting(licensee)
    else:
        deal = free_deal()
        notice = abroad(deal, licensee)
    for step in steps:
        try:
            take(deal, notice, step)
        except Conflict:
            db.session.rollback()
    check = check_of(notice.id)
    assert check is not None
    told = {one.action: one for one in entries_of(notice) if one.subject_type == "export_checks"}
    assert "export.asked" in told
    licence = licence_of(notice)
    assert (licence is not None) == (notice.state == "paid")
    if licence is not None:
        assert check.state in ("free", "licensed")
        assert refunds_of(notice) == []
    elif paid and notice.state not in ("served", "not_served"):
        assert sum(one.amount_minor for one in refunds_of(notice)) == FEE
    if check.state == "banned":
        assert notice.state == "refused"
    assert verify().ok


def take(deal: Deal, notice: Notice, step: str) -> None:
    """One thing that people or time do to a notice that waits."""
    if step in ANSWERS:
        said(deal, notice, step)
    elif step == "licence":
        with unit_of_work(deal.firm_actor):
            services.note_licence(deal.firm_actor, notice.id, number="XK-9", on=clock.today())
    elif step == "abandon":
        with unit_of_work(deal.firm_actor):
            notices.abandon_notice(deal.firm_actor, notice.id)
    elif step == "withdraw":
        withdraw(deal)
    elif step == "time":
        later(40)
        ending.end_waits()
    else:
        notices.lapse_notices()


def test_restricted_technology_is_licensed_with_the_export_licence_only() -> None:
    deal = free_deal()
    notice = abroad(deal, "unsure")
    said(deal, notice, "restricted")
    assert licence_of(notice) is None
    with unit_of_work(deal.firm_actor):
        services.note_licence(deal.firm_actor, notice.id, number="XK-1", on=clock.today())
    found = check_of(notice.id)
    assert found is not None
    assert found.state == "licensed"
    assert licence_that_came(notice).effective_on == clock.today()


def test_who_is_seated_abroad_says_what_applies_and_in_the_mainland_nobody_is_asked() -> None:
    deal = free_deal()
    with pytest.raises(Invalid, match="technology-class-missing"):
        serve(deal.firm_actor, deal.offer, seat="US")
    notice = serve(deal.firm_actor, deal.offer)
    assert check_of(notice.id) is None
    assert licence_of(notice) is not None


def test_clauses_are_taken_or_left_and_the_licence_is_in_effect_regardless() -> None:
    deal = free_deal()
    with unit_of_work(deal.holder_actor):
        first = clauses.publish_clause(
            deal.holder_actor, deal.offer.id, kind="use_reports", text="每年报告。"
        )
        second = clauses.publish_clause(deal.holder_actor, deal.offer.id, kind="grace_period", text="宽限。")
    notice = serve(deal.firm_actor, deal.offer, clauses=[first.id])
    assert licence_of(notice) is not None
    with unit_of_work(deal.firm_actor):
        clauses.accept_clause(deal.firm_actor, notice.id, second.id)
    assert [one.clause_id for one in clauses.accepted_by(notice.id)] == [first.id, second.id]
    with pytest.raises(Conflict, match="clause-accepted"), unit_of_work(deal.firm_actor):
        clauses.accept_clause(deal.firm_actor, notice.id, second.id)
    with unit_of_work():
        other = factories.actor(factories.organisation())
    assert licence_of(serve(other, deal.offer)) is not None
    with unit_of_work(deal.holder_actor):
        clauses.withdraw_clause(deal.holder_actor, first.id)
    assert [one.id for one in clauses.clauses_of(deal.offer.id)] == [second.id]
    assert len(clauses.accepted_by(notice.id)) == 2
    with pytest.raises(Forbidden), unit_of_work(deal.firm_actor):
        clauses.publish_clause(deal.firm_actor, deal.offer.id, kind="other", text="x")
