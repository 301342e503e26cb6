"""What comes with time: reminders ahead, duties that are counted, and the words that may not be used."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

import config
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.listings import duties, lifecycle, rules, services, wording
from marketplace.listings.facts import reminders
from marketplace.listings.facts.models import ALL_FACTS
from marketplace.notifications import texts
from marketplace.notifications.models import Notification
from marketplace.notifications.services import tell
from tests import factories
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("context")
TODAY = NOW.date()


def entries(action: str) -> list[JournalEntry]:
    return list(db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == action)))


def in_days(days: int) -> str:
    return (TODAY + dt.timedelta(days=days)).isoformat()


# --- reminders


def test_a_holder_is_reminded_once_per_mark_of_all_its_annuities_together() -> None:
    with unit_of_work():
        holder = factories.organisation()
        for days in (20, 30, 31, -1):
            factories.patent(holder, facts={"annuity_paid_until": in_days(days)})
        factories.patent(holder, facts={"annuity_paid_until": in_days(10), "legal_status": "terminated"})
    for _ in range(2):
        db.session.rollback()
        reminders.remind()
    [entry] = entries("facts.reminder")
    assert (entry.subject_type, entry.subject_id) == ("organisations", holder.id)
    assert entry.data == {"kind": "annuity_30", "patents": 2, "first": in_days(20)}
    clock.set_now(NOW + dt.timedelta(days=14))
    db.session.rollback()
    reminders.remind()
    assert [entry.data["kind"] for entry in entries("facts.reminder")] == [
        "annuity_30",
        "annuity_7",
        "annuity_30",
    ]


def test_who_is_late_to_hear_of_a_day_hears_of_it_once() -> None:
    with unit_of_work():
        factories.patent(factories.organisation(), facts={"exclusive_licence_until": in_days(5)})
    db.session.rollback()
    reminders.remind()
    assert [entry.data["kind"] for entry in entries("facts.reminder")] == ["exclusive_7"]


def test_a_missing_report_is_told_where_a_declaration_is_being_prepared() -> None:
    with unit_of_work():
        holder = factories.organisation()
        model = factories.patent(holder, kind="utility_model", facts={"evaluation_report": "none"})
        factories.live_offer(holder, model, status="draft", evidence=None, announced_on=None)
        factories.patent(holder, kind="utility_model", facts={"evaluation_report": "none"})
    db.session.rollback()
    reminders.remind()
    [entry] = entries("facts.reminder")
    assert (entry.data["kind"], entry.data["patents"]) == ("report_missing", 1)


def test_nobody_is_reminded_for_an_organisation_that_has_not_joined() -> None:
    with unit_of_work():
        factories.patent(factories.organisation(joined=False), facts={"annuity_paid_until": in_days(5)})
    db.session.rollback()
    reminders.remind()
    assert entries("facts.reminder") == []


@pytest.mark.parametrize("kind", [*reminders.AHEAD, "report_missing"])
def test_every_kind_of_reminder_has_words_for_the_holder(kind: str) -> None:
    with unit_of_work():
        holder = factories.organisation()
        record("facts.reminder", holder, organisation_id=holder.id, kind=kind, patents=3, first="2026-12-01")
    with unit_of_work():
        [made] = tell(entries("facts.reminder")[0])
    message = texts.render(db.session.get_one(Notification, made.id))
    assert "3" in message.title
    assert message.path == "/holder/facts"


# --- duties


def test_open_duties_are_counted_with_their_days_and_bars() -> None:
    with unit_of_work():
        holder = factories.organisation()
        for days in (3, 12):
            factories.live_offer(
                holder, duty_to_withdraw_since=TODAY - dt.timedelta(days=days), duty_bars=["pledge"]
            )
        factories.live_offer(holder)
        factories.live_offer(holder, status="withdrawn", duty_to_withdraw_since=TODAY)
    found = duties.open_duties()
    assert [(duty.days, duty.bars) for duty in found] == [(12, ("pledge",)), (3, ("pledge",))]
    assert duties.count_open_duties() == 2


def test_a_passing_day_raises_the_duty_and_a_payment_clears_it() -> None:
    with unit_of_work():
        holder = factories.organisation()
        member = factories.actor(holder)
        patent = factories.patent(holder, facts={"annuity_paid_until": in_days(1)})
        offer = factories.live_offer(holder, patent)
    assert offer.id not in duties.due_for_review()
    clock.set_now(NOW + dt.timedelta(days=2))
    assert duties.due_for_review() == [offer.id]
    db.session.rollback()
    with unit_of_work():
        duties.review(offer.id)
    assert duties.count_open_duties() == 1
    db.session.rollback()
    with unit_of_work(member):
        services.set_fact(member, patent, "annuity_paid_until", dt.date(2027, 12, 31))
    assert duties.count_open_duties() == 0


# --- filing on old facts


def test_filing_on_old_facts_asks_for_confirmation_and_keeps_which_they_were() -> None:
    with unit_of_work():
        holder = factories.organisation()
        member = factories.actor(holder)
        patent = factories.patent(holder)
        for fact in patent.facts:
            fact.as_of = dt.date(2026, 8, 1) if fact.name == "pledged" else TODAY
        offer = factories.live_offer(holder, patent, status="ready", evidence=None, announced_on=None)
    db.session.rollback()
    with pytest.raises(Conflict, match="facts-stale"), unit_of_work(member):
        services.act(member, offer.id, "file", {"facts_confirmed": False})
    with unit_of_work(member):
        services.act(member, offer.id, "file", {"facts_confirmed": True})
    assert entries("offer.filed")[-1].data == {"confirmed": ["pledged"]}


# --- the list of words


@pytest.fixture
def operator() -> Actor:
    with unit_of_work():
        return factories.operator()


def test_the_default_list_holds_until_the_operator_changes_it(operator: Actor) -> None:
    assert wording.in_force() == rules.default_words()
    assert wording.versions() == []
    with unit_of_work(operator):
        wording.add(operator, " 神器 ", "夸大用语", "puffery")
    assert {one.word for one in wording.in_force()} == {one.word for one in rules.default_words()} | {"神器"}


def test_a_word_holds_from_its_day_to_its_last_and_both_versions_are_kept(operator: Actor) -> None:
    with unit_of_work(operator):
        wording.add(operator, "神器", "夸大用语", "puffery", since=TODAY + dt.timedelta(days=1))
    assert "神器" not in {one.word for one in wording.in_force()}
    clock.set_now(NOW + dt.timedelta(days=1))
    assert "神器" in {one.word for one in wording.in_force()}
    db.session.rollback()
    with unit_of_work(operator):
        wording.end(operator, "神器")
    clock.set_now(NOW + dt.timedelta(days=2))
    assert "神器" not in {one.word for one in wording.in_force()}
    db.session.rollback()
    with unit_of_work(operator):
        wording.add(operator, "神器", "夸大用语", "puffery")
    assert [row.until for row in wording.versions() if row.word == "神器"] == [
        TODAY + dt.timedelta(days=1),
        None,
    ]


def test_the_list_is_the_operators_and_takes_no_word_twice_or_without_reason(operator: Actor) -> None:
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(Forbidden), unit_of_work(stranger):
        wording.add(stranger, "神器", "夸大用语", "puffery")
    with pytest.raises(Conflict, match="word-listed"), unit_of_work(operator):
        wording.add(operator, "最佳", "x", "x")
    with pytest.raises(Invalid, match="word-missing"), unit_of_work(operator):
        wording.add(operator, "神器", "", "x")
    with pytest.raises(NotFound, match="word-not-listed"), unit_of_work(operator):
        wording.end(operator, "神器")


def test_a_declaration_is_held_to_the_list_in_force_and_told_the_reason(operator: Actor) -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation(), fee_explanation="行业神器")
    assert lifecycle.declaration_faults(offer) == []
    db.session.rollback()
    with unit_of_work(operator):
        wording.add(operator, "神器", "夸大用语", "puffery")
    [fault] = lifecycle.declaration_faults(offer)
    assert fault.code == "promotional-wording"
    assert "神器 (puffery)" in fault.sentence or "神器（夸大用语）" in fault.sentence


# --- settings


def test_a_deployment_may_set_its_own_ages() -> None:
    own = config.Settings.from_environment({"FACT_STALE_DAYS": "pledged=30, annuity_paid_until=60"})
    assert own.fact_stale_days == {"pledged": 30, "annuity_paid_until": 60}
    for wrong in ("pledge=30", "pledged", "pledged=0"):
        with pytest.raises(config.SettingsError, match="FACT_STALE_DAYS"):
            config.Settings.from_environment({"FACT_STALE_DAYS": wrong})
    assert set(config.FACTS) == set(ALL_FACTS)
