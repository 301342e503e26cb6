"""A licensee seated outside the mainland: what the parties say of the technology decides (TIE)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.errors import Conflict, Forbidden, Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import payments
from marketplace.deals.clauses import services as clauses
from marketplace.deals.export_control import rules, services
from marketplace.deals.export_control.holding import check_of
from marketplace.deals.export_control.models import ANSWERS
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence, Notice
from marketplace.deals.refunds import refunds_of
from tests import factories
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
