"""Demands posted for others, their confidential part, answers, reminders, and what the bureau sees."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.json import dumps

from marketplace.accounts.mandates import grant_mandate
from marketplace.accounts.models import Organisation
from marketplace.api.demands import view
from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND, VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import accesses, answers, reminders, supervision, work
from marketplace.demands.models import Demand, DemandAccess, DemandAnswer, DemandReading
from marketplace.demands.rules import acceptance_hash, due_on
from marketplace.demands.services import (
    Asked,
    close_demand,
    edit_demand,
    extend_demand,
    get_demand,
    list_demands,
    publish_demand,
    shows_name,
)
from marketplace.demands.statement import accepted_words, digest_of, statement
from marketplace.notifications.services import tell
from tests import factories
from tests.conftest import NOW

NEED = {"title": "含镍废水如何除镍", "description": "电镀废水含镍超标。"}
SECRET = "镀槽配方代号甲七"
BUREAU = Actor(user_id=None, roles=frozenset({"bureau"}))


@pytest.fixture
def firm(context: None) -> Actor:
    with unit_of_work():
        return factories.actor(factories.organisation())


@pytest.fixture
def holder(context: None) -> Actor:
    with unit_of_work():
        return factories.actor(factories.organisation())


def bureau() -> Actor:
    with unit_of_work():
        user = factories.user(staff_role="bureau")
    return replace(BUREAU, user_id=user.id)


def post(actor: Actor, **values: object) -> Demand:
    with unit_of_work(actor):
        return publish_demand(actor, {**NEED, **values})


def told(action: str) -> set[tuple[str, str]]:
    """Who was told what of the last entry with this action."""
    entry = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.id.desc()).limit(1)
    ).one()
    with unit_of_work():
        return {(row.recipient, row.code) for row in tell(entry)}


def refused(code: str, actor: Actor, act: object) -> None:
    with pytest.raises(DomainError) as error, unit_of_work(actor):
        act()  # type: ignore[operator]
    assert error.value.code == code


def test_an_agency_posts_for_its_principal_and_for_nobody_else(firm: Actor, holder: Actor) -> None:
    with unit_of_work():
        agency = factories.organisation(type="agency")
        principal = db.session.get_one(Organisation, firm.organisation_id)
        grant_mandate(principal, agency, scope="licensee", until=clock.today() + dt.timedelta(days=30))
        agent = replace(
            factories.actor(agency),
            principals=frozenset({principal.id}),
            licensees_only=frozenset({principal.id}),
        )
    demand = post(agent, organisation_id=firm.organisation_id)
    assert (demand.posted_by, demand.poster_id) == ("agency", agency.id)
    assert demand.organisation_id == firm.organisation_id
    assert told("demand.published") == {
        (f"organisation:{firm.organisation_id}", "demand_posted_for_you"),
    }
    with pytest.raises(Forbidden), unit_of_work(agent):
        publish_demand(agent, {**NEED, "organisation_id": holder.organisation_id})
    with unit_of_work(holder):
        answers.answer_with_message(holder, demand.id, "可以用离子交换。")
    # Both the firm and the agency hear of it.
    assert {to for to, _ in told("demand.answered")} == {
        f"organisation:{firm.organisation_id}",
        f"organisation:{agency.id}",
    }


def test_the_bureau_posts_for_a_firm_whose_name_others_do_not_read(holder: Actor) -> None:
    official = bureau()
    refused("firm-missing", official, lambda: publish_demand(official, NEED))
    unnamed = {"organisation": "上海示例电镀有限公司", "named": False}
    refused("description-missing", official, lambda: publish_demand(official, {**NEED, **unnamed}))
    demand = post(official, **unnamed, described_as="一家电镀企业", external_id="X-7")
    assert demand.posted_by == "bureau"
    assert not shows_name(VISITOR, demand)
    assert not shows_name(holder, demand)
    assert shows_name(official, demand)
    shown = dumps(view(demand))
    assert demand.organisation.name not in shown
    assert "X-7" not in shown
    assert view(demand)["organisation"] is None
    with unit_of_work(official):
        edit_demand(official, demand.id, {"title": "除镍"})
    with unit_of_work(holder):
        answers.answer_with_message(holder, demand.id, "请联系。")
    assert ("bureau", "demand_answered_in_words") in told("demand.answered")


def test_the_confidential_part_is_read_only_after_agreement_and_every_reading_is_kept(
    firm: Actor, holder: Actor
) -> None:
    demand = post(firm, confidential=SECRET)
    for stranger in (VISITOR, holder, OPERATOR_COMMAND):
        with pytest.raises(NotFound), unit_of_work(stranger):
            accesses.read(stranger, demand.id)
    words = "只用于判断能否答复。"

    def ask(purpose: str, accepted: bool) -> None:
        accesses.ask(holder, demand.id, purpose=purpose, statement=words, accepted=accepted)

    refused("purpose-missing", holder, lambda: ask(" ", True))
    refused("statement-not-accepted", holder, lambda: ask("有工艺", False))
    refused("own-demand", firm, lambda: accesses.ask(
        firm, demand.id, purpose="x", statement=words, accepted=True
    ))  # fmt: skip
    with unit_of_work(holder):
        access = accesses.ask(holder, demand.id, purpose="有工艺", statement=words, accepted=True)
    assert access.accepted_hash == acceptance_hash(
        words, demand.id, access.organisation_id, holder.user_id, access.accepted_at
    )
    refused("access-asked", holder, lambda: ask("再来", True))
    refused("access-not-found", holder, lambda: accesses.read(holder, demand.id))
    refused("forbidden", holder, lambda: accesses.decide(holder, access.id, "grant"))
    refused("reason-missing", firm, lambda: accesses.decide(firm, access.id, "refuse"))
    with unit_of_work(firm):
        accesses.decide(firm, access.id, "grant")
    assert told("demand_access.granted") == {
        (f"organisation:{holder.organisation_id}", "demand_access_granted")
    }
    with unit_of_work(holder):
        assert accesses.read(holder, demand.id) == SECRET
    ((reading, by, _name),) = accesses.readings(firm, demand)
    assert (reading.user_id, by.organisation_id) == (holder.user_id, holder.organisation_id)
    with unit_of_work(firm):
        accesses.decide(firm, access.id, "revoke", reason="已另行解决")
    refused("access-not-found", holder, lambda: accesses.read(holder, demand.id))
    assert db.session.scalar(sa.select(sa.func.count(DemandReading.id))) == 1
    # Nowhere else: not in the journal, not in the API, not in the list's search.
    journal = dumps([entry.data for entry in db.session.scalars(sa.select(JournalEntry))])
    assert SECRET not in journal + dumps(view(demand), default=str)
    assert list_demands(asked=Asked(text=SECRET)) == []


def agency_for(client_id: int, scope: str = "holder") -> Actor:
    """An agency with a mandate of that organisation."""
    with unit_of_work():
        agency = factories.organisation(type="agency")
        client = db.session.get_one(Organisation, client_id)
        grant_mandate(client, agency, scope=scope, until=clock.today() + dt.timedelta(days=30))
        return replace(
            factories.actor(agency),
            principals=frozenset({client_id}),
            holders_only=frozenset({client_id} if scope == "holder" else ()),
            licensees_only=frozenset({client_id} if scope == "licensee" else ()),
        )


def test_an_agency_asks_for_its_client_and_both_are_bound_and_read(firm: Actor, holder: Actor) -> None:
    demand = post(firm, confidential=SECRET, named=False, described_as="一家电镀企业")
    client_id = holder.organisation_id
    assert client_id is not None
    agent = agency_for(client_id)
    others = agency_for(client_id)
    seeker = agency_for(client_id, "licensee")
    assert [one.id for one in accesses.may_ask_for(agent, demand)] == [agent.organisation_id, client_id]
    parties = accesses.asking_parties(agent, client_id)
    words = statement(*parties)
    assert all(one is not None and one.name in words for one in parties)
    assert accepted_words(digest_of(words), *parties) == words
    assert accepted_words(digest_of(words), None, None) is None

    def ask(actor: Actor) -> DemandAccess:
        return accesses.ask(
            actor, demand.id, purpose="有工艺", statement=words, accepted=True, organisation_id=client_id
        )

    refused("not-your-organisation", seeker, lambda: ask(seeker))
    with unit_of_work(agent):
        access = ask(agent)
    assert (access.organisation_id, access.agent_id) == (client_id, agent.organisation_id)
    assert access.accepted_hash == acceptance_hash(
        words, demand.id, client_id, agent.user_id, access.accepted_at, agent.organisation_id
    )
    refused("access-asked", holder, lambda: ask(holder))
    with unit_of_work(firm):
        accesses.decide(firm, access.id, "grant")
    assert told("demand_access.granted") == {
        (f"organisation:{one}", "demand_access_granted") for one in (client_id, agent.organisation_id)
    }
    for reader in (agent, holder):
        assert shows_name(reader, demand)
        with unit_of_work(reader):
            assert accesses.read(reader, demand.id) == SECRET
    read_for = {reading.organisation_id for reading, _by, _name in accesses.readings(firm, demand)}
    assert read_for == {client_id, agent.organisation_id}
    # Another agency of the client has accepted nothing, and a mandate that has ended opens nothing.
    for stranger in (others, seeker, replace(agent, principals=frozenset(), holders_only=frozenset())):
        assert not shows_name(stranger, demand)
        refused("access-not-found", stranger, lambda: accesses.read(stranger, demand.id))  # noqa: B023


def test_a_closed_demand_shows_its_confidential_part_to_nobody_else(firm: Actor, holder: Actor) -> None:
    demand = post(firm, confidential=SECRET)
    with unit_of_work(holder):
        access = accesses.ask(holder, demand.id, purpose="x", statement="y", accepted=True)
    with unit_of_work(firm):
        accesses.decide(firm, access.id, "grant")
        close_demand(firm, demand.id, "met", reason="licence", note="已取得许可")
    assert (demand.outcome, demand.outcome_reason) == ("met", "licence")
    refused("demand-not-found", holder, lambda: accesses.read(holder, demand.id))
    other = post(firm).id
    refused("outcome-reason-unknown", firm, lambda: close_demand(firm, other, "met", reason="other"))


def test_answers_are_found_helpful_or_passed_with_a_reason_that_the_holder_is_told(
    firm: Actor, holder: Actor
) -> None:
    demand = post(firm)
    with unit_of_work():
        own = db.session.get_one(Organisation, holder.organisation_id)
        offer, patent = factories.live_offer(own), factories.patent(own)
        foreign = factories.patent(factories.organisation())
    refused("text-missing", holder, lambda: answers.answer_with_message(holder, demand.id, " "))
    refused("own-demand", firm, lambda: answers.answer_with_message(firm, demand.id, "x"))
    refused("patent-not-yours", holder, lambda: answers.answer_with_patent(holder, demand.id, foreign.id))
    with unit_of_work(holder):
        first = answers.answer_with_offer(holder, demand.id, offer.id, "已有中试")
        second = answers.answer_with_patent(holder, demand.id, patent.id, "可声明")
    refused("answered-already", holder, lambda: answers.answer_with_patent(holder, demand.id, patent.id))
    assert [row.id for row in answers.answers_to(firm, demand)] == [second.id, first.id]
    with unit_of_work():
        third = factories.actor(factories.organisation())
    assert answers.answers_to(third, demand) == []
    with pytest.raises(NotFound):
        answers.get_answer(third, first.id)
    assert answers.waiting([demand.id]) == {demand.id: 2}
    with pytest.raises(Forbidden), unit_of_work(holder):
        answers.judge(holder, first.id, "helpful")
    refused("pass-reason-unknown", firm, lambda: answers.judge(firm, second.id, "pass", reason="no"))
    with unit_of_work(firm):
        answers.judge(firm, first.id, "helpful")
        answers.judge(firm, second.id, "pass", reason="not_mature", note="无中试数据")
        answers.reply(firm, first.id, "何时能来现场？")
    assert [(row.side, row.text) for row in first.replies] == [("poster", "何时能来现场？")]
    to = f"organisation:{holder.organisation_id}"
    assert told("demand_answer.passed") == {(to, "demand_answer_passed")}
    assert told("demand_answer.replied") == {(to, "demand_answer_replied")}
    with unit_of_work(holder):
        answers.withdraw_answer(holder, first.id)
    refused("answer-withdrawn", firm, lambda: answers.reply(firm, first.id, "?"))
    with unit_of_work(holder):
        assert answers.answer_with_offer(holder, demand.id, offer.id).state == "given"


def test_time_is_extended_and_an_expired_demand_looks_again(firm: Actor, holder: Actor) -> None:
    today = clock.today()
    demand = post(firm, answer_by=today + dt.timedelta(days=1))
    for day in (None, today, demand.answer_by):
        with pytest.raises(Invalid), unit_of_work(firm):
            extend_demand(firm, demand.id, day)
    clock.set_now(NOW + dt.timedelta(days=3))
    work.expire_demands()
    assert demand.state == "expired"
    with unit_of_work(firm):
        extend_demand(firm, demand.id, today + dt.timedelta(days=30))
    assert (demand.state, demand.closed_on) == ("published", None)
    with unit_of_work(holder):
        answers.answer_with_message(holder, demand.id, "可以")
    with unit_of_work(firm):
        extend_demand(firm, demand.id, today + dt.timedelta(days=40))
    assert demand.state == "answered"
    given = answers.answers_to(firm, demand)[0].id
    clock.set_now(NOW + dt.timedelta(days=60))
    with pytest.raises(Conflict) as over, unit_of_work(holder):
        answers.answer_with_message(holder, demand.id, "太晚")
    assert over.value.code == "answers-closed"
    # An answered one ends with its day too; its owner is told, and both sides go on talking.
    work.expire_demands()
    assert (demand.state, demand.closed_on) == ("expired", demand.answer_by + dt.timedelta(days=1))
    to = f"organisation:{firm.organisation_id}"
    assert told("demand.expired") == {(to, "demand_expired_answered")}
    assert get_demand(holder, demand.id).id == demand.id
    with pytest.raises(NotFound):
        get_demand(VISITOR, demand.id)
    with unit_of_work(holder):
        answers.reply(holder, given, "仍可洽谈")
    with unit_of_work(firm):
        extend_demand(firm, demand.id, clock.today() + dt.timedelta(days=9))
    assert demand.state == "answered"
    # Where no answer stands any more it looks anew.
    with unit_of_work(firm):
        answers.judge(firm, given, "pass", reason="not_mature")
    clock.set_now(NOW + dt.timedelta(days=90))
    work.expire_demands()
    with unit_of_work(firm):
        extend_demand(firm, demand.id, clock.today() + dt.timedelta(days=9))
    assert demand.state == "published"


def test_the_poster_is_reminded_before_its_day_and_who_opened_without_answering_once(
    firm: Actor, holder: Actor
) -> None:
    demand = post(firm, answer_by=clock.today() + dt.timedelta(days=6))
    assert reminders.is_first_opening(holder, demand)
    assert not reminders.is_first_opening(firm, demand)
    assert not reminders.is_first_opening(VISITOR, demand)
    for _ in range(2):
        with unit_of_work(holder):
            reminders.note_opening(holder, demand.id)

    def reminded() -> list[str]:
        query = sa.select(JournalEntry.action).where(
            JournalEntry.action.in_(("demand.day_is_near", "demand.opened_unanswered"))
        )
        return list(db.session.scalars(query.order_by(JournalEntry.id)))

    work.remind()
    assert reminded() == []
    clock.set_now(NOW + dt.timedelta(days=4))
    for _ in range(2):
        work.remind()
    assert reminded() == ["demand.day_is_near", "demand.opened_unanswered"]
    assert told("demand.opened_unanswered") == {
        (f"organisation:{holder.organisation_id}", "demand_opened_unanswered")
    }
    # A new day is a new reminder; who has answered is left in peace.
    with unit_of_work(firm):
        extend_demand(firm, demand.id, clock.today() + dt.timedelta(days=3))
    work.remind()
    assert reminded().count("demand.day_is_near") == 2


def test_the_bureau_sees_what_nobody_has_answered_with_its_due_day(firm: Actor, holder: Actor) -> None:
    official = bureau()
    day = clock.today()
    late = post(firm, district="310115", ipc=("C02F1/42",))
    named = post(firm, answer_by=day + dt.timedelta(days=40), district="310112")
    answered = post(holder)
    with unit_of_work(firm):
        answers.answer_with_message(firm, answered.id, "可以")
    clock.set_now(NOW + dt.timedelta(days=30))
    rows = supervision.unanswered(official)
    assert [(row.id, row.due_on) for row in rows] == [
        (late.id, due_on(day, None)),
        (named.id, day + dt.timedelta(days=40)),
    ]
    assert rows[0].overdue_days > 0
    (group,) = supervision.groups(rows, "organisation")
    assert (group.key, group.waiting, group.overdue) == (str(firm.organisation_id), 2, 1)
    drilled = supervision.unanswered(official, by="district", group="310112")
    assert [row.id for row in drilled] == [named.id]
    assert supervision.count_unanswered(official) == 2
    with pytest.raises(Forbidden):
        supervision.unanswered(firm)
    # An answer that was taken back is none.
    with unit_of_work(firm):
        given = db.session.scalars(sa.select(DemandAnswer)).one()
        answers.withdraw_answer(firm, given.id)
    assert answered.id in {row.id for row in supervision.unanswered(official)}


def test_the_list_is_narrowed_by_words_field_budget_day_and_poster(app: Flask, firm: Actor) -> None:
    water = post(firm, ipc=("C02F1/42",), budget=5_000_000, answer_by=clock.today())
    pump = post(firm, title="水泵叶轮磨损 100%", ipc=("F04D29/22",), budget=100)

    def found(**asked: object) -> list[int]:
        return [row.id for row in list_demands(asked=Asked(**asked))]  # type: ignore[arg-type]

    assert found(text="除镍 废水") == [water.id]
    assert found(text="100%") == [pump.id]
    assert found(text="叶轮 废水电解") == []
    assert found(industry=water.industry) == [water.id]
    assert found(budget_from=1_000) == [water.id]
    assert found(answer_by_to=clock.today()) == [water.id]
    assert found(posted_by="bureau") == []
    clock.set_now(NOW + dt.timedelta(days=1))
    assert found(open_only=True) == [pump.id]
    assert get_demand(VISITOR, water.id).state == "published"
