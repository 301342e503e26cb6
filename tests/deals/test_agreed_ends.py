"""A licence ends by agreement only when both have said so; the holder's grounds stay one-sided."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences
from marketplace.deals.lifecycle import AGREED_END
from marketplace.deals.models import AGREED_END_STATES, Licence
from marketplace.notifications.models import Notification
from marketplace.notifications.services import tell
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import Deal, make_deal, serve

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def free(context: None) -> Deal:
    clock.set_now(NOW, frozen=True)
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free: Deal) -> Licence:
    serve(free.firm_actor, free.offer)
    return db.session.scalars(sa.select(Licence)).one()


def do(verb, actor: Actor, licence: Licence, **values: object) -> Licence:
    with unit_of_work(actor):
        return verb(actor, licence.id, **values)


def told() -> set[tuple[str, str]]:
    for entry in list(db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id))):
        with unit_of_work():
            tell(entry)
    return {(row.recipient, row.code) for row in db.session.scalars(sa.select(Notification))}


@pytest.mark.parametrize("first", ["holder", "licensee"])
def test_what_one_side_proposes_ends_the_licence_once_the_other_accepts(
    free: Deal, licence: Licence, first: str
) -> None:
    one, other = free.holder_actor, free.firm_actor
    if first == "licensee":
        one, other = other, one
    do(licences.propose_end, one, licence, on=TODAY)
    assert (licence.state, licence.agreed_end, licence.end_proposed_side) == ("in_effect", "proposed", first)
    with pytest.raises(Forbidden):
        do(licences.accept_end, one, licence)
    with pytest.raises(Conflict, match="illegal-transition"):
        do(licences.propose_end, other, licence)
    with clock.at(NOW + dt.timedelta(days=2)):
        do(licences.accept_end, other, licence)
    assert (licence.state, licence.ended_on, licence.ended_reason) == ("ended", TODAY, "agreed")
    actions = list(db.session.scalars(sa.select(JournalEntry.action).order_by(JournalEntry.id)))
    assert actions[-3:] == ["licence.end_proposed", "licence.end_accepted", "licence.ended"]
    with pytest.raises(Conflict, match="licence-over"):
        do(licences.propose_end, one, licence)


def test_one_party_alone_cannot_state_that_both_agreed_but_an_operator_can(
    free: Deal, licence: Licence
) -> None:
    for actor in (free.holder_actor, free.firm_actor):
        with pytest.raises(Conflict, match="end-needs-agreement"):
            do(licences.end_licence, actor, licence, reason="agreed")
    with unit_of_work():
        operator = factories.operator()
    assert do(licences.end_licence, operator, licence, reason="agreed").state == "ended"


def test_a_declined_or_withdrawn_proposal_leaves_the_licence_as_it_is(free: Deal, licence: Licence) -> None:
    do(licences.propose_end, free.firm_actor, licence)
    with pytest.raises(Forbidden):
        do(licences.take_end_back, free.holder_actor, licence)
    do(licences.decline_end, free.holder_actor, licence)
    assert (licence.agreed_end, licence.end_proposed_on, licence.end_proposed_by) == ("none", None, None)
    do(licences.propose_end, free.holder_actor, licence)
    do(licences.take_end_back, free.holder_actor, licence)
    assert (licence.state, licence.agreed_end) == ("in_effect", "none")
    with pytest.raises(Conflict, match="illegal-transition"):
        do(licences.accept_end, free.firm_actor, licence)


def test_both_sides_are_told_of_what_the_other_says(free: Deal, licence: Licence) -> None:
    do(licences.propose_end, free.firm_actor, licence)
    do(licences.decline_end, free.holder_actor, licence)
    do(licences.propose_end, free.holder_actor, licence)
    do(licences.take_end_back, free.holder_actor, licence)
    firm, holder = f"organisation:{free.firm.id}", f"organisation:{free.holder.id}"
    assert told() >= {
        (holder, "licence_end_proposed"),
        (firm, "licence_end_declined"),
        (firm, "licence_end_proposed"),
        (firm, "licence_end_taken_back"),
    }


def test_an_agency_with_both_mandates_does_not_agree_with_itself(free: Deal, licence: Licence) -> None:
    with unit_of_work():
        agency = factories.organisation(type="agency")
        person = factories.user(agency)
    both = Actor(
        user_id=person.id,
        organisation_id=agency.id,
        roles=frozenset({"manager"}),
        principals=frozenset({free.holder.id, free.firm.id}),
    )
    do(licences.propose_end, both, licence)
    with pytest.raises(Forbidden):
        do(licences.accept_end, both, licence)
    assert do(licences.accept_end, free.firm_actor, licence).state == "ended"


def test_an_end_is_proposed_for_a_day_of_the_licence_that_has_come(free: Deal, licence: Licence) -> None:
    for day in (dt.date(2026, 11, 19), dt.date(2026, 11, 21)):
        with pytest.raises(Invalid, match="date-"):
            do(licences.propose_end, free.firm_actor, licence, on=day)


def test_strangers_do_not_see_it_and_absent_parties_are_not_asked(free: Deal, licence: Licence) -> None:
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        do(licences.propose_end, stranger, licence)
    with pytest.raises(NotFound):
        do(licences.accept_end, stranger, licence)
    with unit_of_work():
        free.firm.claimed_at = None
    with pytest.raises(Conflict, match="other-party-absent"):
        do(licences.propose_end, free.holder_actor, licence)


def test_the_table_holds_every_state_of_the_database() -> None:
    assert set(AGREED_END.states) == set(AGREED_END_STATES)
