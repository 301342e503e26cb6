"""Stock-taking: rows by themselves, the way of an entry, who may do what, filters and counts."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from marketplace.accounts.models import Organisation
from marketplace.core import journal
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, StaleVersion
from marketplace.core.journal import JournalEntry, entries_after
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import standing
from marketplace.listings.services import set_fact
from marketplace.listings.stocktaking import filters, rules, services, setup, upkeep, work
from marketplace.listings.stocktaking.desk import Case, Desk, Tree, desk_of
from marketplace.listings.stocktaking.filters import COUNTED, Filter
from marketplace.listings.stocktaking.lifecycle import STOCK
from marketplace.listings.stocktaking.models import PRACTICES, STATES, Stock
from tests import factories
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("context")


def follow_journal() -> None:
    """What the worker's reader does, for everything that was recorded."""
    with unit_of_work():
        work.follow(entries_after(0, 10_000))


def stock_of(organisation: Organisation) -> list[Stock]:
    query = sa.select(Stock).where(Stock.organisation_id == organisation.id).order_by(Stock.id)
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


class House:
    """A university with two colleges, an institute below the first, and its people."""

    def __init__(self, patents: int = 3) -> None:
        with unit_of_work():
            self.organisation = factories.organisation(type="university")
            self.office = factories.actor(self.organisation)
            self.inventor = factories.actor(self.organisation)
            self.unit_reviewer = factories.actor(self.organisation)
            self.head = factories.actor(self.organisation)
            self.patents = [factories.patent(self.organisation) for _ in range(patents)]
            upkeep.refresh(patent.id for patent in self.patents)
        with unit_of_work(self.office):
            self.college = setup.add_unit(self.desk(self.office), "材料学院")
        with unit_of_work(self.office):
            desk = self.desk(self.office)
            self.institute = setup.add_unit(desk, "电池研究所", parent_id=self.college.id)
            self.other = setup.add_unit(desk, "机械学院")
        with unit_of_work(self.office):
            desk = self.desk(self.office)
            setup.give_role(desk, self.head.user_id or 0, "institution_reviewer", None)
            setup.give_role(desk, self.unit_reviewer.user_id or 0, "unit_reviewer", self.college.id)
            setup.give_role(desk, self.inventor.user_id or 0, "inventor", self.institute.id)

    def desk(self, actor: Actor) -> Desk:
        return desk_of(actor, self.organisation.id)

    def rows(self) -> list[Stock]:
        return stock_of(self.organisation)

    def do(self, actor: Actor, stock_id: int, action: str, comment: str | None = None) -> Case:
        with unit_of_work(actor):
            case = services.get_case(self.desk(actor), stock_id, locked=True)
            services.act(case, action, comment)
        return case

    def ready(self) -> int:
        """A patent of the inventor's in the institute, graded and wished for; its id."""
        [row, *_] = self.rows()
        with unit_of_work(self.office):
            case = services.get_case(self.desk(self.office), row.id)
            services.place(case, {"unit_id": self.institute.id, "inventor_id": self.inventor.user_id})
        with unit_of_work(self.inventor):
            case = services.get_case(self.desk(self.inventor), row.id)
            services.edit(case, {"grade": "G1", "wish": ["licence", "transfer"]})
        return row.id


# --- the stock keeps itself complete


def test_every_owner_has_a_row_for_each_patent_and_a_former_owner_keeps_what_was_written() -> None:
    with unit_of_work():
        one, two = factories.organisation(), factories.organisation()
        patent = factories.patent(one, two, kind="utility_model", grant_date=dt.date(2020, 5, 1))
        upkeep.refresh([patent.id])
    for owner in (one, two):
        [row] = stock_of(owner)
        assert (row.kind, row.section, row.grant_year, row.standing, row.state) == (
            "utility_model", "H", 2020, "may_file", "entered",
        )  # fmt: skip
        assert patent.title.casefold() in row.haystack
        assert (patent.number or "").casefold().replace(".", "") in row.haystack
    with unit_of_work():
        patent.parties = [party for party in patent.parties if party.organisation_id == one.id]
        upkeep.refresh([patent.id])
    assert [row.held for row in (*stock_of(one), *stock_of(two))] == [True, False]


def test_the_journal_brings_rows_and_standings_up_to_date() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        actor = factories.actor(organisation)
        patent = factories.patent(organisation)
    with unit_of_work(actor):
        set_fact(actor, patent, "pledged", "without_consent")
    assert stock_of(organisation) == []
    follow_journal()
    assert [row.standing for row in stock_of(organisation)] == ["barred"]
    with unit_of_work(actor):
        set_fact(actor, patent, "pledged", "no")
    follow_journal()
    assert [row.standing for row in stock_of(organisation)] == ["may_file"]
    changed = stock_of(organisation)[0].version
    follow_journal()
    assert stock_of(organisation)[0].version == changed


def test_standings_of_one_statement_and_of_the_rules_agree() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        ids = [
            factories.patent(organisation).id,
            factories.patent(organisation, facts={"pledged": "without_consent"}).id,
            factories.patent(organisation, facts={"annuity_paid_until": "2026-11-19"}).id,
            factories.patent(organisation, kind="design", facts={"evaluation_report": "negative"}).id,
        ]
        unknown = factories.patent(organisation)
        unknown.facts = unknown.facts[:2]
        live = factories.live_offer(organisation)
        upkeep.refresh([*ids, unknown.id, live.patent_id])
    before = Counter(row.standing for row in stock_of(organisation))
    assert before == {"may_file": 1, "barred": 3, "unknown": 1, "offered": 1}
    with unit_of_work():
        db.session.execute(sa.update(Stock).values(standing="unknown"))
        assert upkeep.refresh_standings(organisation.id) == 5
    assert Counter(row.standing for row in stock_of(organisation)) == before
    assert before == {
        name: number
        for name, number in standing.counts(organisation.id, dt.date(2026, 11, 20)).items()
        if number
    }


def test_a_rebuild_makes_rows_and_leaves_what_people_wrote() -> None:
    house = House()
    stock_id = house.ready()
    with unit_of_work():
        db.session.execute(sa.delete(Stock).where(Stock.id != stock_id))
        db.session.execute(sa.update(Stock).values(haystack="", section=""))
    done = upkeep.rebuild(unit_of_work)
    assert done["changed"] == 3
    assert done["patents"] >= 3
    rows = house.rows()
    assert len(rows) == 3
    assert {row.section for row in rows} == {"H"}
    assert [row.grade for row in rows if row.id == stock_id] == ["G1"]
    assert upkeep.rebuild(unit_of_work)["changed"] == 0


# --- the way of an entry


def test_an_entry_goes_from_the_inventor_through_the_unit_to_the_institution() -> None:
    house = House()
    stock_id = house.ready()
    assert house.do(house.inventor, stock_id, "submit").state == "submitted"
    with pytest.raises(Forbidden):
        house.do(house.inventor, stock_id, "approve")
    with pytest.raises(Forbidden), unit_of_work(house.inventor):
        services.edit(services.get_case(house.desk(house.inventor), stock_id), {"grade": "G2"})
    assert house.do(house.unit_reviewer, stock_id, "approve").state == "unit_approved"
    with pytest.raises(Forbidden):
        house.do(house.unit_reviewer, stock_id, "approve")
    assert house.do(house.head, stock_id, "approve").state == "approved"
    told = services.history(services.get_case(house.desk(house.head), stock_id))
    assert [one.action for one in told] == [
        "stock.approved", "stock.unit_approved", "stock.submitted", "stock.edited", "stock.placed",
    ]  # fmt: skip


def test_each_level_returns_an_entry_with_a_comment_and_never_without() -> None:
    house = House()
    stock_id = house.ready()
    house.do(house.inventor, stock_id, "submit")
    with pytest.raises(Invalid, match="comment-missing"):
        house.do(house.unit_reviewer, stock_id, "return", "  ")
    assert house.do(house.unit_reviewer, stock_id, "return", "请补充使用方").state == "entered"
    house.do(house.inventor, stock_id, "submit")
    house.do(house.unit_reviewer, stock_id, "approve")
    assert house.do(house.head, stock_id, "return", "分级偏高").state == "submitted"
    house.do(house.unit_reviewer, stock_id, "approve")
    house.do(house.head, stock_id, "approve")
    assert house.do(house.head, stock_id, "return", "重新填报").state == "entered"
    told = services.history(services.get_case(house.desk(house.inventor), stock_id))
    assert [one.comment for one in told if one.comment] == ["重新填报", "分级偏高", "请补充使用方"]
    assert told[0].who
    # Words stay in rows that can be erased; the journal has ids and codes.
    entries = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.subject_type == "stock"))
    assert not any("分级" in str(entry.data) for entry in entries)


@pytest.mark.parametrize(
    ("unit", "institution", "approver", "states"),
    [
        (False, True, "head", ["submitted", "approved"]),
        (True, False, "unit_reviewer", ["submitted", "approved"]),
        (False, False, None, ["approved"]),
    ],
)
def test_an_institution_may_do_without_a_level(
    unit: bool, institution: bool, approver: str | None, states: list[str]
) -> None:
    house = House()
    stock_id = house.ready()
    with unit_of_work(house.head):
        setup.choose_levels(house.desk(house.head), unit_review=unit, institution_review=institution)
    seen = [house.do(house.inventor, stock_id, "submit").state]
    if approver is not None:
        seen.append(house.do(getattr(house, approver), stock_id, "approve").state)
    assert seen == states


def test_an_incomplete_entry_cannot_be_submitted() -> None:
    house = House()
    [row, *_] = house.rows()
    with pytest.raises(Invalid) as refused:
        house.do(house.head, row.id, "submit")
    assert set(refused.value.fields) == {"unit", "grade", "wish"}
    assert stock_of(house.organisation)[0].state == "entered"


def test_an_edit_of_an_older_version_is_refused_and_grades_outside_the_scale_are() -> None:
    house = House()
    stock_id = house.ready()
    case = services.get_case(house.desk(house.head), stock_id)
    version = case.version
    with unit_of_work(house.head):
        case = services.get_case(house.desk(house.head), stock_id)
        assert services.edit(case, {"grade": "G2"}, version=version)
    with pytest.raises(StaleVersion), unit_of_work(house.head):
        services.edit(services.get_case(house.desk(house.head), stock_id), {"grade": "G3"}, version=version)
    with pytest.raises(Invalid), unit_of_work(house.head):
        services.edit(services.get_case(house.desk(house.head), stock_id), {"grade": "A"})


def test_use_is_forgotten_when_there_is_none() -> None:
    house = House()
    stock_id = house.ready()
    with unit_of_work(house.head):
        case = services.get_case(house.desk(house.head), stock_id)
        services.edit(
            case,
            {"practice": "own", "practised_by": "中试基地", "practised_since": dt.date(2024, 3, 1)},
        )
    assert case.row.practised_by == "中试基地"
    with unit_of_work(house.head):
        case = services.get_case(house.desk(house.head), stock_id)
        services.edit(case, {"practice": "none"})
    assert (case.row.practised_by, case.row.practised_since) == (None, None)


# --- who sees and may do what


def test_people_see_their_part_of_the_stock_and_others_nothing() -> None:
    house = House()
    stock_id = house.ready()
    others = [row.id for row in house.rows() if row.id != stock_id]
    for actor, seen in (
        (house.office, [stock_id, *others]),
        (house.head, [stock_id, *others]),
        (house.unit_reviewer, [stock_id]),
        (house.inventor, [stock_id]),
    ):
        assert sorted(filters.page(Filter(), house.desk(actor))) == sorted(seen)
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    assert filters.page(Filter(), house.desk(stranger)) == []
    for actor, key in ((house.inventor, others[0]), (stranger, stock_id), (house.unit_reviewer, others[0])):
        with pytest.raises(NotFound):
            services.get_case(house.desk(actor), key)
    assert not allowed(stranger, "stock.list", house.desk(stranger)).allowed
    with pytest.raises(NotFound), unit_of_work(stranger):
        setup.add_unit(house.desk(stranger), "假学院")
    with pytest.raises(Forbidden), unit_of_work(house.inventor):
        setup.add_unit(house.desk(house.inventor), "假学院")


def test_a_unit_reviewer_moves_patents_within_the_own_units_only() -> None:
    house = House()
    stock_id = house.ready()
    with unit_of_work(house.unit_reviewer):
        case = services.get_case(house.desk(house.unit_reviewer), stock_id)
        services.place(case, {"unit_id": house.college.id})
    with pytest.raises(Invalid, match="unit-not-yours"), unit_of_work(house.unit_reviewer):
        case = services.get_case(house.desk(house.unit_reviewer), stock_id)
        services.place(case, {"unit_id": house.other.id})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    walk=st.lists(
        st.tuples(
            st.sampled_from(["inventor", "unit_reviewer", "head"]),
            st.sampled_from(["submit", "approve", "return", "take_back"]),
        ),
        max_size=8,
    ),
    levels=st.tuples(st.booleans(), st.booleans()),
)
def test_no_walk_skips_a_level_that_the_institution_has(
    walk: list[tuple[str, str]], levels: tuple[bool, bool]
) -> None:
    row = Stock(
        id=1, organisation_id=1, patent_id=1, held=True, unit_id=7, inventor_id=1, state="entered",
        grade="G1", wish=2, practice="none", version=1,
    )  # fmt: skip
    path: list[str] = []
    for person, asked in walk:
        actor = Actor(
            user_id={"inventor": 1, "unit_reviewer": 2, "head": 3}[person],
            organisation_id=1,
            roles=frozenset({"member"}),
        )
        desk = Desk(
            actor=actor, organisation_id=1, member=True, office=person == "head",
            units=frozenset({7}) if person == "unit_reviewer" else frozenset(), enters=False,
            unit_review=levels[0], institution_review=levels[1],
            tree=_NO_UNITS, scale=rules.OWN_SCALE, own_scale=True,
        )  # fmt: skip
        case = Case(row, desk)
        step = services._level(case, asked)
        if step is None:
            continue
        offered = {one.action: one for one in STOCK.offered(actor, case)}
        if step in offered:
            before, row.state = row.state, offered[step].target
            path.append(f"{before}>{row.state}:{person}")
    for step in path:
        move, person = step.split(":")
        if move.endswith(">approved"):
            if levels[1] and levels[0]:
                assert move == "unit_approved>approved"
            if levels[1]:
                assert person == "head"
            if levels == (False, True) or levels == (True, False):
                assert move == "submitted>approved"
        if move == "submitted>unit_approved":
            assert person != "inventor"


_NO_UNITS = Tree({})


# --- units, roles, scale, views


def test_units_make_a_tree_and_only_empty_ones_can_be_removed() -> None:
    house = House()
    house.ready()
    desk = house.desk(house.head)
    assert [(depth, unit.name) for depth, unit in desk.tree.walk()] == [
        (0, "机械学院"), (0, "材料学院"), (1, "电池研究所"),
    ]  # fmt: skip
    assert desk.tree.title(house.institute.id) == "材料学院 / 电池研究所"
    assert desk.tree.within(house.college.id) == {house.college.id, house.institute.id}
    for unit in (house.college, house.institute):
        with pytest.raises(Conflict, match="unit-in-use"), unit_of_work(house.head):
            setup.remove_unit(house.desk(house.head), unit.id)
    with unit_of_work(house.head):
        setup.remove_unit(house.desk(house.head), house.other.id)
    with pytest.raises(Conflict, match="unit-exists"), unit_of_work(house.head):
        setup.add_unit(house.desk(house.head), "材料学院")
    assert setup.stock_by_unit(house.desk(house.head)) == {
        house.institute.id: {"entered": 1}, None: {"entered": 2},
    }  # fmt: skip


def test_somebody_is_always_left_who_settles_everything() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        actor = factories.actor(organisation)
    with unit_of_work(actor):
        unit = setup.add_unit(desk_of(actor, organisation.id), "研究所")
    with pytest.raises(Conflict, match="last-office"), unit_of_work(actor):
        setup.give_role(desk_of(actor, organisation.id), actor.user_id or 0, "inventor", unit.id)
    with unit_of_work(actor):
        desk = desk_of(actor, organisation.id)
        row = setup.give_role(desk, actor.user_id or 0, "institution_reviewer", None)
        setup.give_role(desk, actor.user_id or 0, "inventor", unit.id)
    with pytest.raises(Conflict, match="last-office"), unit_of_work(actor):
        setup.take_role(desk_of(actor, organisation.id), row.id)


def test_a_scale_of_ones_own_replaces_the_products_and_keeps_grades_that_are_in_use() -> None:
    house = House()
    stock_id = house.ready()
    assert house.desk(house.head).own_scale
    own = [rules.Step("甲", "甲类", "First"), rules.Step("乙", "乙类", "Second", "有前景")]
    with pytest.raises(Conflict, match="grade-in-use"), unit_of_work(house.head):
        setup.choose_scale(house.desk(house.head), own)
    with unit_of_work(house.head):
        services.edit(services.get_case(house.desk(house.head), stock_id), {"grade": ""})
    with unit_of_work(house.head):
        setup.choose_scale(house.desk(house.head), own)
    assert [step.code for step in house.desk(house.head).scale] == ["甲", "乙"]
    with unit_of_work(house.head):
        setup.choose_scale(house.desk(house.head), [])
    assert house.desk(house.head).scale == rules.OWN_SCALE


def test_views_are_ones_own_until_they_are_shared() -> None:
    house = House()
    wanted = Filter(state=("submitted",), unit=(str(house.college.id),), q="电池")
    with unit_of_work(house.unit_reviewer):
        view = setup.save_view(house.desk(house.unit_reviewer), "待我审核", wanted, shared=False)
    assert setup.views(house.desk(house.head)) == []
    assert filters.parse(view.filter) == wanted
    with unit_of_work(house.unit_reviewer):
        setup.save_view(house.desk(house.unit_reviewer), "待我审核", wanted, shared=True)
    assert [one.name for one in setup.views(house.desk(house.head))] == ["待我审核"]
    with pytest.raises(NotFound), unit_of_work(house.inventor):
        setup.remove_view(house.desk(house.inventor), view.id)
    with unit_of_work(house.head):
        setup.remove_view(house.desk(house.head), view.id)


# --- filters and counts


def many(house: House, number: int) -> None:
    """Patents of every sort, spread evenly."""
    with unit_of_work():
        ids = [
            factories.patent(
                house.organisation,
                kind=("invention", "utility_model")[index % 2],
                grant_date=dt.date(2015 + index % 6, 6, 1),
                title=("一种电池隔膜", "一种离心泵", "Valve 阀门")[index % 3] + str(index),
            ).id
            for index in range(number)
        ]
        upkeep.refresh(ids)
    with unit_of_work():
        for index, row in enumerate(house.rows()):
            row.state = STATES[index % 4]
            row.grade = ("", "G1", "G2")[index % 3]
            row.wish = index % 8
            row.practice = PRACTICES[index % 5]
            row.unit_id = (None, house.college.id, house.institute.id, house.other.id)[index % 4]
            row.inventor_id = (None, house.inventor.user_id)[index % 2]


def plain(wanted: Filter, tree: Tree, row: Stock) -> bool:
    """What the filter means, said without SQL."""
    routes = rules.routes(row.wish) or ["none"]
    units = set().union(*(tree.within(int(one)) for one in wanted.unit if one != "none"))
    return all(
        (
            not wanted.state or row.state in wanted.state,
            not wanted.grade or (row.grade or "none") in wanted.grade,
            not wanted.wish or bool(set(routes) & set(wanted.wish)),
            not wanted.practice or row.practice in wanted.practice,
            not wanted.standing or row.standing in wanted.standing,
            not wanted.kind or row.kind in wanted.kind,
            not wanted.section or row.section in wanted.section,
            not wanted.unit or row.unit_id in units or ("none" in wanted.unit and row.unit_id is None),
            wanted.year_from is None or (row.grant_year or 0) >= wanted.year_from,
            wanted.year_to is None or (row.grant_year or 0) <= wanted.year_to,
            all(word in row.haystack for word in rules.folded(wanted.q).split()),
        )
    )


def test_filters_and_counts_say_what_they_mean_in_every_combination() -> None:
    house = House()
    many(house, 45)
    rows, desk = house.rows(), house.desk(house.head)
    choices: dict[str, list[object]] = {
        "state": [(), ("submitted",), ("entered", "approved")],
        "grade": [(), ("G1",), ("none", "G2")],
        "wish": [(), ("licence",), ("none", "own_use")],
        "practice": [(), ("own", "licensed")],
        "unit": [(), (str(house.college.id),), ("none",)],
        "kind": [(), ("utility_model",)],
        "year_from": [None, 2017],
        "q": ["", "电池", "VALVE 阀门"],
    }
    every = list(itertools.product(*choices.values()))
    for picked in every[::23]:
        wanted = Filter(**dict(zip(choices, picked, strict=True)))  # type: ignore[arg-type]
        fitting = [row for row in rows if plain(wanted, desk.tree, row)]
        counts = filters.count(wanted, desk)
        assert counts.total == len(fitting)
        assert filters.page(wanted, desk, size=500) == [row.id for row in reversed(fitting)]
        assert filters.number_of(wanted, desk)[0] == len(fitting)
        for name in COUNTED:
            others = [row for row in rows if plain(filters.without(wanted, name), desk.tree, row)]
            expected: Counter[str] = Counter()
            for row in others:
                value = getattr(row, name)
                expected.update((rules.routes(value) or ["none"]) if name == "wish" else [value or "none"])
            assert counts.by[name] == expected


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    house = House()
    many(house, 17)
    desk, seen, before = house.desk(house.head), [], None
    while ids := filters.page(Filter(), desk, before=before, size=6):
        seen += ids
        before = ids[-1]
    assert seen == sorted((row.id for row in house.rows()), reverse=True)


def test_a_number_in_any_usual_form_finds_its_patent() -> None:
    house = House()
    patent = house.patents[1]
    number = patent.number or ""
    for text in (number, number.replace(".", ""), f"ZL{number}", number[2:10], f"zl {number}"):
        ids = filters.page(Filter(q=text), house.desk(house.head))
        assert patent.id in {row.patent_id for row in house.rows() if row.id in ids}
    assert filters.page(Filter(q="100%_"), house.desk(house.head)) == []


def test_unknown_values_are_refused_or_left_out() -> None:
    with pytest.raises(Invalid) as refused:
        filters.parse({"state": ["lost"], "year_from": "12", "unit": "x", "q": " 泵 "})
    assert set(refused.value.fields) == {"state", "year_from", "unit"}
    assert filters.parse({"state": ["lost", "approved"], "year_to": "2020"}, strict=False) == Filter(
        state=("approved",), year_to=2020
    )


def test_a_list_takes_the_same_number_of_statements_whatever_its_length() -> None:
    house = House()

    def taken() -> int:
        db.session.expire_all()
        with statements() as seen:
            desk = house.desk(house.head)
            filters.count(Filter(), desk)
            services.cases(desk, filters.page(Filter(), desk))
        return len(seen)

    few = taken()
    many(house, 40)
    assert taken() == few


def test_nobody_but_those_who_may_takes_a_step() -> None:
    house = House()
    stock_id = house.ready()
    head = journal.last_id()
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    for action in ("submit", "approve", "return", "comment"):
        with pytest.raises(DomainError):
            house.do(stranger, stock_id, action, "有理由")
    assert journal.last_id() == head
