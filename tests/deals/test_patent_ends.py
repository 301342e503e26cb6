"""Licences end with their patent, once more than its holder says so; both sides are told why."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, patent_ends, payments, refunds
from marketplace.deals.models import Licence
from marketplace.deals.rules import PATENT_ENDS, end_with_patent
from marketplace.listings import services
from marketplace.notifications.models import Notification
from marketplace.notifications.services import tell
from marketplace.notifications.texts import render
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import Deal, make_deal, serve

TODAY = dt.date(2026, 11, 20)
LATER = NOW + dt.timedelta(days=10)
DAY = dt.date(2026, 11, 25)


@pytest.fixture
def free(context: None) -> Deal:
    clock.set_now(NOW, frozen=True)
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free: Deal) -> Licence:
    serve(free.firm_actor, free.offer)
    clock.set_now(LATER, frozen=True)
    return db.session.scalars(sa.select(Licence)).one()


@pytest.fixture
def operator(context: None) -> Actor:
    with unit_of_work():
        return factories.operator()


def know(actor: Actor, deal: Deal, status: str, on: dt.date = DAY) -> None:
    with unit_of_work(actor):
        services.set_fact(actor, deal.offer.patent, "legal_status", status, as_of=on)


def told(code: str) -> dict[str, str]:
    """Recipient → text, of the messages with this code; the entries are told first."""
    for entry in list(db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id))):
        with unit_of_work():
            tell(entry)
    rows = db.session.scalars(sa.select(Notification).where(Notification.code == code))
    return {row.recipient: render(row).body for row in rows}


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("terminated", "patent_ended", "licence_patent_ended"),
        ("expired", "patent_ended", "licence_patent_ended"),
        ("invalidated", "patent_invalidated", "licence_patent_invalidated"),
    ],
)
def test_a_licence_ends_with_the_day_of_its_patent_and_both_sides_are_told(
    free: Deal, licence: Licence, operator: Actor, status: str, reason: str, code: str
) -> None:
    know(operator, free, status)
    patent_ends.end_with_patents()
    patent_ends.end_with_patents()
    licence = db.session.get_one(Licence, licence.id)
    assert (licence.state, licence.ended_on, licence.ended_reason) == ("ended", DAY, reason)
    [entry] = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "licence.ended"))
    assert (entry.occurred_on, entry.data["reason"], entry.actor_id) == (DAY, reason, None)
    messages = told(code)
    assert set(messages) == {f"organisation:{free.firm.id}", f"organisation:{free.holder.id}"}
    assert all("2026-11-25" in body for body in messages.values())


def test_what_was_paid_under_an_invalidated_patent_stands(free: Deal, operator: Actor) -> None:
    paid = make_deal()
    notice = serve(paid.firm_actor, paid.offer)
    payment = payments.start_payment(paid.firm_actor, notice.id, "bank")
    with unit_of_work(paid.holder_actor):
        payments.confirm_payment(paid.holder_actor, payment.id, TODAY, payment.amount_minor)
    clock.set_now(LATER, frozen=True)
    know(operator, paid, "invalidated")
    patent_ends.end_with_patents()
    licence = db.session.scalars(sa.select(Licence)).one()
    assert licence.ended_reason == "patent_invalidated"
    assert [one.state for one in licence.notice.obligations] == ["paid"]
    assert refunds.list_refunds(paid.holder_actor) == []


def test_a_register_list_ends_licences_as_an_operator_does(free: Deal, licence: Licence) -> None:
    with unit_of_work(OPERATOR_COMMAND):
        services.set_fact(
            OPERATOR_COMMAND, free.offer.patent, "legal_status", "terminated", as_of=DAY, source="extract"
        )
    patent_ends.end_with_patents()
    assert db.session.get_one(Licence, licence.id).ended_reason == "patent_ended"


def test_a_holders_own_word_ends_no_licence_but_asks_the_operator_and_tells_the_licensee(
    free: Deal, licence: Licence, operator: Actor
) -> None:
    know(free.holder_actor, free, "terminated")
    patent_ends.end_with_patents()
    patent_ends.end_with_patents()
    licence = db.session.get_one(Licence, licence.id)
    assert (licence.state, licence.patent_end_stated_on) == ("in_effect", DAY)
    assert set(told("patent_end_to_check")) == {"operator"}
    assert set(told("patent_end_stated")) == {f"organisation:{free.firm.id}"}
    stated = sa.select(sa.func.count()).where(JournalEntry.action == "licence.patent_end_stated")
    assert db.session.scalar(stated) == 1
    assert patent_ends.stated_ends(operator) == [licence]
    assert patent_ends.count_stated_ends() == 1
    for actor in (free.holder_actor, free.firm_actor):
        with pytest.raises(Forbidden):
            patent_ends.stated_ends(actor)
        with pytest.raises(Forbidden), unit_of_work(actor):
            patent_ends.confirm_patent_end(actor, licence.id)


def test_the_operator_ends_it_once_the_register_says_the_same(
    free: Deal, licence: Licence, operator: Actor
) -> None:
    know(free.holder_actor, free, "invalidated")
    patent_ends.end_with_patents()
    with unit_of_work(operator):
        patent_ends.confirm_patent_end(operator, licence.id)
    licence = db.session.get_one(Licence, licence.id)
    assert (licence.ended_on, licence.ended_reason) == (DAY, "patent_invalidated")
    assert patent_ends.stated_ends(operator) == []
    with pytest.raises(Conflict, match="licence-over"), unit_of_work(operator):
        patent_ends.confirm_patent_end(operator, licence.id)


def test_an_operators_own_entry_ends_what_a_holder_had_stated(
    free: Deal, licence: Licence, operator: Actor
) -> None:
    know(free.holder_actor, free, "terminated")
    patent_ends.end_with_patents()
    know(operator, free, "terminated", dt.date(2026, 11, 27))
    patent_ends.end_with_patents()
    assert db.session.get_one(Licence, licence.id).ended_on == dt.date(2026, 11, 27)


def test_a_statement_that_is_corrected_leaves_the_licence_as_it_was(
    free: Deal, licence: Licence, operator: Actor
) -> None:
    know(free.holder_actor, free, "terminated")
    patent_ends.end_with_patents()
    know(free.holder_actor, free, "in_force", dt.date(2026, 11, 28))
    patent_ends.end_with_patents()
    licence = db.session.get_one(Licence, licence.id)
    assert (licence.state, licence.patent_end_stated_on) == ("in_effect", None)
    assert patent_ends.count_stated_ends() == 0
    with pytest.raises(Conflict, match="patent-alive"), unit_of_work(operator):
        patent_ends.confirm_patent_end(operator, licence.id)


def test_a_licence_whose_own_term_is_not_known_ends_when_its_patent_expires(
    free: Deal, licence: Licence
) -> None:
    last = licence.patent_expires_on
    assert last is not None
    with unit_of_work():
        db.session.get_one(Licence, licence.id).term_to = None
    clock.set_now(clock.end_of_day_utc(last), frozen=True)
    licences.expire_licences()
    licence = db.session.get_one(Licence, licence.id)
    assert (licence.ended_on, licence.ended_reason) == (last, "patent_ended")


_DAYS = st.dates(dt.date(2021, 1, 1), dt.date(2045, 12, 31))


@given(st.sampled_from(["pending", "in_force", *PATENT_ENDS]), _DAYS, _DAYS, st.none() | _DAYS)
def test_an_early_end_lies_inside_the_licences_term(
    status: str, as_of: dt.date, effective_on: dt.date, term_to: dt.date | None
) -> None:
    term_to = None if term_to is None else max(term_to, effective_on)
    end = end_with_patent(status, as_of, effective_on, term_to)
    if end is None:
        assert status not in PATENT_ENDS or (term_to is not None and as_of > term_to)
        return
    reason, day = end
    assert reason == PATENT_ENDS[status]
    assert effective_on <= day
    assert term_to is None or day <= term_to
    assert day == as_of or as_of < effective_on
