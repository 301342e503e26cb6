"""What a holder says of the end of its own offer stays stated, and reaches back behind nobody's deal."""

from __future__ import annotations

import datetime as dt

import pytest

from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.models import Offer
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import Deal, make_deal, serve

TODAY = dt.date(2026, 11, 20)


def act(actor: Actor, offer: Offer, action: str, **values: object) -> Offer:
    with unit_of_work(actor):
        return services.act(actor, offer.id, action, values)


@pytest.fixture
def filed(deal: Deal) -> Deal:
    """A deal whose holder has filed the withdrawal of its offer some weeks ago."""
    act(deal.holder_actor, deal.offer, "file_withdrawal", reason="转让", filed_on=dt.date(2026, 11, 2))
    return deal


def test_a_holder_cannot_date_the_withdrawal_before_its_filing(filed: Deal) -> None:
    with pytest.raises(Invalid, match="date-impossible"):
        act(filed.holder_actor, filed.offer, "withdraw", withdrawn_on=dt.date(2026, 11, 1))
    offer = act(filed.holder_actor, filed.offer, "withdraw", withdrawn_on=dt.date(2026, 11, 2))
    assert (offer.withdrawn_on, offer.withdrawal_evidence) == (dt.date(2026, 11, 2), "holder_stated")


@pytest.mark.parametrize("fee_form", ["fixed", "free"])
def test_a_holder_cannot_date_the_withdrawal_before_a_notice_or_licence(context: None, fee_form: str) -> None:
    clock.set_now(NOW, frozen=True)
    deal = make_deal(fee_form=fee_form, fee_minor=None if fee_form == "free" else 5_000_000)
    act(deal.holder_actor, deal.offer, "file_withdrawal", reason="转让", filed_on=dt.date(2026, 11, 2))
    serve(deal.firm_actor, deal.offer)
    for day in (dt.date(2026, 11, 19), dt.date(2026, 11, 21)):
        with pytest.raises(Invalid, match="date-impossible"):
            act(deal.holder_actor, deal.offer, "withdraw", withdrawn_on=day)
    assert act(deal.holder_actor, deal.offer, "withdraw", withdrawn_on=TODAY).status == "withdrawn"


def test_other_offers_notices_do_not_hold_a_withdrawal_up(filed: Deal) -> None:
    other = make_deal()
    serve(other.firm_actor, other.offer)
    assert act(filed.holder_actor, filed.offer, "withdraw", withdrawn_on=dt.date(2026, 11, 2)).status == (
        "withdrawn"
    )


def test_a_stated_withdrawal_waits_for_an_operator_who_may_correct_its_day(filed: Deal) -> None:
    offer = act(filed.holder_actor, filed.offer, "withdraw", withdrawn_on=TODAY)
    assert services.awaiting_verification() == [offer]
    with unit_of_work():
        operator = factories.operator()
    act(operator, offer, "verify", withdrawn_on=dt.date(2026, 11, 18))
    assert (offer.withdrawn_on, offer.withdrawal_evidence) == (dt.date(2026, 11, 18), "verified")
    assert services.awaiting_verification() == []
    with pytest.raises(Conflict, match="already-verified"):
        act(operator, offer, "verify")


def test_a_gazettes_list_verifies_and_corrects_what_a_holder_stated(filed: Deal) -> None:
    act(filed.holder_actor, filed.offer, "withdraw", withdrawn_on=TODAY)
    with unit_of_work(OPERATOR_COMMAND):
        offer, outcome = services.withdrawn_elsewhere(
            OPERATOR_COMMAND, filed.offer.declaration_number or "", dt.date(2026, 11, 17)
        )
    assert (outcome, offer.withdrawn_on, offer.withdrawal_evidence) == (
        "updated",
        dt.date(2026, 11, 17),
        "verified",
    )


def test_what_an_operator_records_is_verified_at_once(filed: Deal) -> None:
    with unit_of_work():
        operator = factories.operator()
    offer = act(operator, filed.offer, "withdraw", withdrawn_on=dt.date(2026, 10, 30))
    assert (offer.withdrawn_on, offer.withdrawal_evidence) == (dt.date(2026, 10, 30), "verified")


def test_a_patents_end_that_the_holder_states_reaches_back_behind_no_notice(deal: Deal) -> None:
    serve(deal.firm_actor, deal.offer)
    with unit_of_work(deal.holder_actor):
        services.set_fact(
            deal.holder_actor, deal.offer.patent, "legal_status", "terminated", as_of=dt.date(2026, 10, 1)
        )
    assert (deal.offer.status, deal.offer.lapsed_on) == ("lapsed", TODAY)


def test_a_patents_end_that_an_operator_knows_is_taken_as_it_is(deal: Deal) -> None:
    serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        operator = factories.operator()
    with unit_of_work(operator):
        services.set_fact(
            operator, deal.offer.patent, "legal_status", "terminated", as_of=dt.date(2026, 10, 1)
        )
    assert (deal.offer.status, deal.offer.lapsed_on) == ("lapsed", dt.date(2026, 10, 1))
