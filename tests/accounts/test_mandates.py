"""What an agency may do under a power of attorney, and what it may not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from marketplace.accounts import mandates, services
from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.errors import DomainError, Forbidden, NotFound
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices
from marketplace.demands import services as demands
from marketplace.listings import services as listings
from marketplace.listings.models import Offer
from tests import factories

TERMS: dict[str, Any] = {"fee_form": "free", "term_to": dt.date(2031, 11, 30), "contact": "示例联系人"}


@dataclass
class Parties:
    """An agency with a person, and a principal that has a patent and a draft on it."""

    agency: Organisation
    person: User
    principal: Organisation
    owner: Actor
    draft: Offer

    def mandated(self, *scopes: str, until: dt.date | None = None) -> Actor:
        """The agency's person once the principal has granted these mandates."""
        with unit_of_work(self.owner):
            for scope in scopes:
                mandates.grant_mandate(
                    self.principal, self.agency, scope=scope, until=until or dt.date(2027, 12, 31)
                )
        return services.actor_for(self.person, self.agency.id)


@pytest.fixture
def parties(context: None) -> Parties:
    with unit_of_work():
        agency = factories.organisation(type="agency")
        person = factories.user(agency)
        principal = factories.organisation()
        owner = factories.actor(principal)
        patent = factories.patent(principal)
    with unit_of_work(owner):
        draft = listings.draft_offer(owner, patent, TERMS)
    return Parties(agency, person, principal, owner, draft)


def test_an_agency_mandated_for_offers_acts_for_the_holder_and_serves_no_notices(parties: Parties) -> None:
    agent = parties.mandated("holder")
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
    assert [one.id for one in listings.own_offers(agent)] == [parties.draft.id]
    with unit_of_work(agent):
        assert listings.act(agent, parties.draft.id, "submit_review").status == "in_review"
    with pytest.raises(Forbidden):
        notices.prepare_notice(agent, offer.id, licensee_id=parties.principal.id)


def test_an_agency_mandated_for_licences_serves_notices_and_leaves_offers_alone(parties: Parties) -> None:
    agent = parties.mandated("licensee")
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
        live = factories.live_offer(parties.principal)
        firm = factories.actor(factories.organisation())
    assert notices.prepare_notice(agent, offer.id, licensee_id=parties.principal.id).offer_id == offer.id
    assert listings.own_offers(agent) == []
    assert listings.own_patents(agent) == []
    with pytest.raises(NotFound), unit_of_work(agent):
        listings.act(agent, parties.draft.id, "submit_review")
    with pytest.raises(Forbidden), unit_of_work(agent):
        listings.act(agent, live.id, "file_withdrawal")
    with pytest.raises(Forbidden), unit_of_work(agent):
        listings.set_fact(agent, live.patent, "pledged", "without_consent")
    prepared = notices.prepare_notice(firm, live.id)
    with unit_of_work(firm):
        received = notices.serve_notice(firm, prepared)
    assert notices.list_notices(agent) == []
    with pytest.raises(NotFound):
        notices.get_notice(agent, received.id)


@pytest.mark.parametrize("scopes", [("both",), ("holder", "licensee")])
def test_mandates_add_up(parties: Parties, scopes: tuple[str, ...]) -> None:
    agent = parties.mandated(*scopes)
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
    assert [one.id for one in listings.own_offers(agent)] == [parties.draft.id]
    assert notices.prepare_notice(agent, offer.id, licensee_id=parties.principal.id).offer_id == offer.id


def test_a_mandate_that_is_over_or_revoked_covers_nobody(parties: Parties) -> None:
    assert parties.mandated("both", until=clock.today()).principals == {parties.principal.id}
    with clock.at(clock.now() + dt.timedelta(days=1)):
        assert services.actor_for(parties.person, parties.agency.id).principals == frozenset()


def test_an_agency_can_neither_prolong_its_mandate_nor_take_over_its_principal(parties: Parties) -> None:
    agent = parties.mandated("both")
    with unit_of_work():
        accomplice = factories.user(factories.organisation())
    deeds = (
        lambda: mandates.mandate_agency(
            agent, parties.principal.id, agency=parties.agency.name, scope="both", until=dt.date(2099, 1, 1)
        ),
        lambda: services.edit_organisation(agent, parties.principal.id, {"bank_account": "6222000000000000"}),
        lambda: services.add_member(agent, parties.principal.id, accomplice.email),
    )
    for deed in deeds:
        with pytest.raises(DomainError), unit_of_work(agent):
            deed()
    assert parties.principal.bank_account != "6222000000000000"


NEED: dict[str, Any] = {"title": "寻求一种耐磨密封", "description": "泵的密封三个月就磨坏,需要更耐磨的结构。"}


def test_only_an_agency_mandated_to_seek_licences_sees_and_changes_a_firms_draft_need(
    parties: Parties,
) -> None:
    with unit_of_work(parties.owner):
        demand = demands.draft_demand(parties.owner, NEED)
    seller = parties.mandated("holder")
    with pytest.raises(NotFound):
        demands.get_demand(seller, demand.id)
    seeker = parties.mandated("licensee")
    assert demands.get_demand(seeker, demand.id).id == demand.id
