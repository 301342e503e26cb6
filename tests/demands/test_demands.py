"""Demands: drafted, published, seen by whom they may, answered, closed, expired."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.fields import read
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import work
from marketplace.demands.answers import answer_demand
from marketplace.demands.lifecycle import DEMAND
from marketplace.demands.models import DEMAND_STATES, Demand, DemandAnswer, Recommendation
from marketplace.demands.schemas import DemandSchema
from marketplace.demands.services import (
    Asked,
    close_demand,
    draft_demand,
    edit_demand,
    expire_due,
    get_demand,
    list_demands,
    offered,
    own_demands,
    publish_demand,
    publish_draft,
)
from tests import factories
from tests.conftest import NOW

NEED = {"title": "含镍废水如何除镍", "description": "电镀废水含镍超标。"}


@pytest.fixture
def firm(context: None) -> Actor:
    with unit_of_work():
        return factories.actor(factories.organisation())


@pytest.fixture
def other(context: None) -> Actor:
    with unit_of_work():
        return factories.actor(factories.organisation())


def post(actor: Actor, **values: object) -> Demand:
    with unit_of_work(actor):
        return publish_demand(actor, {**NEED, **values})


def actions() -> list[str]:
    query = sa.select(JournalEntry.action).where(JournalEntry.subject_type == "demands")
    return list(db.session.scalars(query.order_by(JournalEntry.id)))


def test_a_draft_is_its_owners_alone_until_it_is_published(firm: Actor, other: Actor) -> None:
    with unit_of_work(firm):
        draft = draft_demand(firm, NEED)
    assert get_demand(firm, draft.id) is draft
    for stranger in (other, VISITOR):
        with pytest.raises(NotFound):
            get_demand(stranger, draft.id)
    assert list_demands() == []
    assert own_demands(firm) == [draft]
    with unit_of_work(firm):
        publish_draft(firm, draft.id)
    assert get_demand(VISITOR, draft.id).published_on == clock.today()
    assert list_demands() == [draft]
    assert own_demands(other) == []
    assert actions() == ["demand.drafted", "demand.published"]


def test_only_who_acts_for_an_organisation_may_post(firm: Actor) -> None:
    with pytest.raises(Unauthenticated), unit_of_work():
        publish_demand(VISITOR, NEED)
    with unit_of_work():
        person = factories.user()
    alone = Actor(user_id=person.id, roles=frozenset({"member"}))
    with pytest.raises(Forbidden), unit_of_work(alone):
        publish_demand(alone, NEED)


def test_only_the_owner_changes_and_closes(firm: Actor, other: Actor) -> None:
    demand = post(firm)
    for attempt in (
        lambda: edit_demand(other, demand.id, {"title": "x"}),
        lambda: close_demand(other, demand.id),
    ):
        with pytest.raises(Forbidden), unit_of_work(other):
            attempt()
    with unit_of_work(firm):
        edit_demand(firm, demand.id, {"title": "新标题", "ipc": ("C02F1/42",), "budget": 100})
    assert (demand.title, demand.ipc, demand.budget_minor) == ("新标题", ["C02F1/42"], 100)
    assert demand.description == NEED["description"]
    with unit_of_work(firm):
        close_demand(firm, demand.id)
    assert demand.closed_on == clock.today()
    with pytest.raises(NotFound):
        get_demand(VISITOR, demand.id)
    with pytest.raises(Conflict), unit_of_work(firm):
        edit_demand(firm, demand.id, {"title": "zu spät"})
    assert actions()[-2:] == ["demand.edited", "demand.closed"]


def test_a_demand_answered_by_a_holder_stays_public_and_keeps_the_offer(firm: Actor, other: Actor) -> None:
    demand = post(firm)
    with unit_of_work():
        offer = factories.live_offer(db.session.get_one(Organisation, other.organisation_id))
        mine = factories.live_offer(db.session.get_one(Organisation, firm.organisation_id))
        ended = factories.live_offer(
            db.session.get_one(Organisation, other.organisation_id), status="withdrawn"
        )
        third = factories.live_offer(factories.organisation())
    for code, actor, wrong in (
        ("own-demand", firm, mine),
        ("offer-not-live", other, ended),
        ("offer-not-yours", other, third),
    ):
        with pytest.raises(Conflict) as refused, unit_of_work(actor):
            answer_demand(actor, demand.id, wrong.id)
        assert refused.value.code == code
    for _ in range(2):
        with unit_of_work(other):
            answer_demand(other, demand.id, offer.id)
    assert get_demand(VISITOR, demand.id).state == "answered"
    rows = db.session.scalars(sa.select(Recommendation)).unique().all()
    assert [(row.offer_id, row.reasons[0]["kind"]) for row in rows] == [(offer.id, "answer")]
    entry = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == "demand.answered").order_by(JournalEntry.id)
    ).first()
    assert entry is not None
    assert entry.organisation_id == firm.organisation_id
    answer = db.session.scalars(sa.select(DemandAnswer)).one()
    assert entry.data == {
        "offer_id": offer.id,
        "answered_by": other.organisation_id,
        "answer_id": answer.id,
    }


def test_a_demand_expires_the_day_after_answers_were_wanted(firm: Actor) -> None:
    demand = post(firm, answer_by=clock.today())
    post(firm)
    with unit_of_work():
        assert expire_due() == 0
    clock.set_now(NOW + dt.timedelta(days=3))
    work.expire_demands()
    assert demand.state == "expired"
    assert demand.closed_on == clock.legal_date(NOW) + dt.timedelta(days=1)
    entry = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "demand.expired")).one()
    assert entry.occurred_on == demand.closed_on
    assert len(list_demands()) == 1


def test_a_day_in_the_past_and_a_number_used_twice_are_refused(firm: Actor) -> None:
    with pytest.raises(Invalid) as refused, unit_of_work(firm):
        publish_demand(firm, {**NEED, "answer_by": clock.today() - dt.timedelta(days=1)})
    assert refused.value.code == "answer-by-past"
    assert list(refused.value.fields) == ["answer_by"]
    post(firm, external_id="X-1")
    with pytest.raises(Conflict) as taken, unit_of_work(firm):
        publish_demand(firm, {**NEED, "external_id": "X-1"})
    assert taken.value.code == "external-id-taken"


def test_lists_are_newest_first_by_district_and_class_a_page_at_a_time(firm: Actor) -> None:
    rows = [
        post(firm, district="310112" if n % 2 else "310115", ipc=("C02F1/42",) if n < 3 else ("H01M10/05",))
        for n in range(5)
    ]
    ids = [row.id for row in reversed(rows)]
    assert [row.id for row in list_demands(limit=2)] == ids[:2]
    assert [row.id for row in list_demands(after=ids[1], limit=10)] == ids[2:]
    assert [row.id for row in list_demands(asked=Asked(district="310112"))] == [rows[3].id, rows[1].id]
    assert [row.id for row in list_demands(asked=Asked(ipc="C02F"))] == [row.id for row in reversed(rows[:3])]
    assert list_demands(asked=Asked(ipc='"')) == []


@pytest.mark.usefixtures("context")
class TestSchema:
    def test_values_are_read_as_imports_read_them(self) -> None:
        values = read(
            DemandSchema,
            {
                **NEED,
                "budget": "1.2万",
                "ipc": "C02F 1/42；H01M 10/05",
                "district": "闵行区",
                "answer_by": "2027年1月31日",
            },
        )
        assert values["budget"] == 1_200_000
        assert values["ipc"] == ("C02F1/42", "H01M10/05")
        assert (values["district"], values["answer_by"]) == ("310112", dt.date(2027, 1, 31))

    @pytest.mark.parametrize(
        ("name", "value"),
        [("title", ""), ("description", None), ("budget", "viel"), ("ipc", "Z99"), ("answer_by", "31.2.")],
    )
    def test_a_value_that_cannot_be_used_is_named(self, name: str, value: object) -> None:
        with pytest.raises(Invalid) as refused:
            read(DemandSchema, {**NEED, name: value})
        assert list(refused.value.fields) == [name]


def test_the_table_knows_every_state() -> None:
    assert set(DEMAND.states) == set(DEMAND_STATES)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["edit", "publish", "answer", "close", "expire"]), max_size=8))
def test_whatever_is_tried_only_the_tables_steps_happen(firm: Actor, tries: list[str]) -> None:
    with unit_of_work(firm):
        demand = draft_demand(firm, NEED)
    for action in tries:
        before, actor = demand.state, SYSTEM if action == "expire" else firm
        legal = {t.action: t for t in DEMAND.transitions if before in t.sources}
        assert {t.action for t in offered(firm, demand)} == set(legal) - {"expire"}
        if action in legal:
            with unit_of_work(actor):
                DEMAND.execute(actor, demand, action, organisation_id=firm.organisation_id)
            assert demand.state == legal[action].target
        else:
            with pytest.raises(Conflict) as refused, unit_of_work(actor):
                DEMAND.execute(actor, demand, action, organisation_id=firm.organisation_id)
            assert refused.value.code == "illegal-transition"
            db.session.refresh(demand)
            assert demand.state == before
