"""Merging duplicates loses nothing, and a succession leaves history where it is."""

from __future__ import annotations

import datetime as dt
import inspect
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts import following, mandates, merging, past, services
from marketplace.accounts.models import Mandate, Membership, Organisation, OrganisationChange
from marketplace.accounts.resolving import Named, resolve
from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Invalid
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice
from marketplace.demands.models import Demand
from marketplace.listings.changes import services as changes
from marketplace.listings.changes.models import ChangeTask
from marketplace.listings.models import PatentParty
from marketplace.search import indexer
from marketplace.statistics import facts
from tests import factories

pytestmark = pytest.mark.usefixtures("context")
CODE, OTHER_CODE = "91310112MA1GBXX22K", "91310000631139375K"


@pytest.fixture
def operator(context: None) -> Actor:
    with unit_of_work():
        return factories.operator()


def notice(offer: Any, licensee: Organisation, state: str = "lapsed") -> Notice:
    number = next(factories._serial)
    row = Notice(
        number=f"N{number}",
        offer=offer,
        licensee=licensee,
        state=state,
        terms={},
        document_digest="0" * 64,
        written_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def demand(organisation: Organisation, external_id: str | None = None) -> None:
    db.session.add(
        Demand(
            organisation=organisation,
            external_id=external_id,
            title="需求",
            description="需求",
            created_at=clock.now(),
        )
    )
    db.session.flush()


def counts(organisation_id: int) -> Counter[str]:
    return Counter(
        {
            f"{column.table.name}.{column.name}": merging._count(column, organisation_id)
            for column in following.references()
        }
    )


def merge(operator: Actor, gone: Organisation, stays: Organisation) -> OrganisationChange:
    with unit_of_work(operator):
        return merging.merge(operator, gone.id, stays.id, typed=gone.name, source="工商登记档案")


def unfollowed() -> list[str]:
    """Columns that look like an organisation's id and that no merger would follow."""
    followed = {(column.table.name, column.name) for column in following.references()}
    found = []
    for table in db.metadata.tables.values():
        for column in table.columns:
            named = column.name.endswith(("organisation_id", "holder_id", "licensee_id", "owner_id"))
            if named and not following.stays(table):
                found += [f"{table.name}.{column.name}"] * ((table.name, column.name) not in followed)
    return found


def test_every_column_that_names_an_organisation_is_followed() -> None:
    """A new table cannot be forgotten: what looks like a reference is one, or is said to stay."""
    assert unfollowed() == []
    new = sa.Table(
        "of_tomorrow",
        db.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("party_id", sa.ForeignKey("organisations.id")),
        sa.Column("organisation_id", sa.Integer),
    )
    try:
        # A key is followed by itself; a bare number has to say what it is.
        assert new.c.party_id in list(following.references())
        assert unfollowed() == ["of_tomorrow.organisation_id"]
        new.c.organisation_id.info[following.HOLDS] = True
        assert unfollowed() == []
    finally:
        db.metadata.remove(new)


def test_accounts_name_no_table_of_a_layer_above() -> None:
    above = {
        mapper.local_table.name
        for mapper in db.Model.registry.mappers
        if not mapper.class_.__module__.startswith(("marketplace.accounts", "marketplace.core"))
    }
    for module in (merging, following):
        text = inspect.getsource(module)
        assert [name for name in above if f'"{name}"' in text] == []


numbers = st.integers(0, 2)


@given(
    gone=st.tuples(numbers, numbers, numbers, numbers, numbers),
    stays=st.tuples(numbers, numbers, numbers, numbers, numbers),
    shared_patents=numbers,
    shared_people=numbers,
)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_is_lost_and_the_counts_add_up(
    operator: Actor,
    gone: tuple[int, ...],
    stays: tuple[int, ...],
    shared_patents: int,
    shared_people: int,
) -> None:
    with unit_of_work():
        pair = [factories.organisation(), factories.organisation()]
        elsewhere = factories.live_offer(factories.organisation())
        for organisation, (people, patents, taken, needs, given_out) in zip(pair, (gone, stays), strict=True):
            for _ in range(people):
                user = factories.user(organisation)
                services.create_token(user, frozenset({"read"}))
            for _ in range(patents):
                factories.live_offer(organisation)
            for _ in range(taken):
                notice(elsewhere, organisation)
            for _ in range(needs):
                demand(organisation)
            for _ in range(given_out):
                agency = factories.organisation(type="agency")
                mandates.grant_mandate(organisation, agency, scope="both", until=dt.date(2030, 1, 1))
        for _ in range(shared_patents):
            factories.patent(pair[0], pair[1])
        for _ in range(shared_people):
            user = factories.user(pair[0])
            services.add_membership(user, pair[1], "member", level="viewer")
        bystander = factories.organisation()
        factories.live_offer(bystander)
    before = counts(pair[0].id) + counts(pair[1].id)
    untouched = counts(bystander.id)
    change = merge(operator, pair[0], pair[1])
    after, rest = counts(pair[1].id), counts(pair[0].id)
    expected = before.copy()
    expected["memberships.organisation_id"] -= shared_people
    expected["patent_parties.organisation_id"] -= shared_patents
    assert after == +expected or {k: v for k, v in after.items() if v} == dict(+expected)
    assert not +rest
    assert change.counts.get("offers.holder_id", 0) == gone[1]
    assert counts(bystander.id) == untouched
    levels = db.session.scalars(
        sa.select(Membership.level).where(Membership.organisation_id == pair[1].id)
    ).all()
    # The higher level of two memberships stays.
    assert set(levels) <= {"administrator"}


def test_the_old_id_leads_to_the_one_that_stays(operator: Actor) -> None:
    with unit_of_work():
        gone, stays, last = (factories.organisation() for _ in range(3))
        user = factories.user(gone)
        plain = services.create_token(user, frozenset({"read"}))
    merge(operator, gone, stays)
    merge(operator, stays, last)
    assert merging.standing_id(gone.id) == merging.standing_id(stays.id) == last.id
    assert services.actor_of_token(plain).organisation_id == last.id
    person = db.session.get_one(type(user), user.id, populate_existing=True)
    assert services.actor_for(person, gone.id).organisation_id == last.id


def test_lists_that_name_the_duplicate_find_the_one_that_stays(operator: Actor) -> None:
    with unit_of_work():
        gone = factories.organisation("示例大学(重复)", joined=False)
        stays = factories.organisation("示例大学", joined=False)
    merge(operator, gone, stays)
    named = Named("示例大学(重复)")
    with unit_of_work(OPERATOR_COMMAND):
        assert resolve([named], trusted=True)[named] == stays.id
    assert services.find_organisation("示例大学", None).id == stays.id


def test_the_code_and_its_confirmation_follow_and_stand_once(operator: Actor) -> None:
    with unit_of_work():
        gone = factories.organisation(code=CODE, identity="confirmed", confirmed_how="import")
        stays = factories.organisation(code=CODE)
    merge(operator, gone, stays)
    db.session.refresh(stays)
    db.session.refresh(gone)
    assert (stays.code, stays.identity, stays.confirmed_how) == (CODE, "confirmed", "import")
    assert (gone.code, gone.identity) == (None, "stated")


def test_what_can_only_be_once_keeps_two_from_being_merged(operator: Actor) -> None:
    with unit_of_work():
        gone, stays = factories.organisation(), factories.organisation()
        offer = factories.live_offer(factories.organisation())
        notice(offer, gone, "served")
        notice(offer, stays, "served")
    assert merging.preview(operator, gone.id, stays.id).blocked == ("notices",)
    with pytest.raises(Conflict, match="merge-blocked"):
        merge(operator, gone, stays)
    db.session.refresh(gone)
    assert gone.merged_into_id is None


def test_two_confirmed_codes_are_two_organisations(operator: Actor) -> None:
    with unit_of_work():
        gone = factories.organisation(code=CODE, identity="confirmed")
        stays = factories.organisation(code=OTHER_CODE, identity="confirmed")
    refusal = merging.preview(operator, gone.id, stays.id).refusal
    assert refusal is not None
    assert refusal.code == "merge-codes-differ"
    with pytest.raises(Conflict, match="merge-codes-differ"):
        merge(operator, gone, stays)


def test_a_merger_is_typed_and_grounded_and_the_operators(operator: Actor) -> None:
    with unit_of_work():
        gone, stays = factories.organisation(), factories.organisation()
        member = factories.actor(stays)
    for actor, typed, source in (
        (operator, "别的名称", "来源"),
        (operator, gone.name, " "),
        (member, gone.name, "来源"),
    ):
        with pytest.raises(DomainError), unit_of_work(actor):
            merging.merge(actor, gone.id, stays.id, typed=typed, source=source)
    merge(operator, gone, stays)
    with pytest.raises(Conflict, match="organisation-over"):
        merge(operator, gone, stays)


def test_a_mandate_between_the_two_ends_and_stays_as_history(operator: Actor) -> None:
    with unit_of_work():
        gone, stays = factories.organisation(type="agency"), factories.organisation()
        mandates.grant_mandate(stays, gone, scope="both", until=dt.date(2030, 1, 1))
    merge(operator, gone, stays)
    row = db.session.scalars(sa.select(Mandate)).one()
    assert (row.state, row.agent_id, row.principal_id) == ("revoked", gone.id, stays.id)


def test_the_index_hears_of_a_merger(operator: Actor) -> None:
    with unit_of_work():
        gone, stays = factories.organisation(), factories.organisation()
        offer = factories.live_offer(gone)
    merge(operator, gone, stays)
    entries = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action.startswith("organisation.merged"))
    ).all()
    assert len(entries) == 2
    assert offer.id in indexer.touched(entries)
    assert db.session.scalars(sa.select(PatentParty.organisation_id)).all() == [stays.id]


def test_an_unconfirmed_record_brings_no_bank_account_along(operator: Actor) -> None:
    with unit_of_work():
        gone = factories.organisation(identity="stated")
        stays = factories.organisation(bank_account=None, bank_account_name=None, bank_name=None)
    merge(operator, gone, stays)
    db.session.refresh(stays)
    assert stays.bank_account is None


# --- renaming and what was


def test_a_former_name_is_kept_with_its_day_and_found(operator: Actor) -> None:
    with unit_of_work():
        organisation = factories.organisation("示例工学院", name_en="Example Institute", joined=False)
    since = clock.today() - dt.timedelta(days=10)
    with unit_of_work(operator):
        terms = {"name": "示例理工大学", "name_en": "Example University", "since": since, "source": "批复"}
        past.rename(operator, organisation.id, **terms)
    [former] = past.former_names([organisation.id])[organisation.id]
    assert (former.value, former.valid_to) == ("示例工学院", since - dt.timedelta(days=1))
    assert services.find_organisation("示例工学院", None).id == organisation.id
    named = Named("示例工学院")
    with unit_of_work(OPERATOR_COMMAND):
        assert resolve([named], trusted=True)[named] == organisation.id


def test_renaming_is_the_operators_and_says_its_grounds(operator: Actor) -> None:
    with unit_of_work():
        organisation = factories.organisation()
        member = factories.actor(organisation)
    today = clock.today()
    for actor, name, since, source in (
        (member, "新名", today, "来源"),
        (operator, " ", today, "来源"),
        (operator, organisation.name, today, "来源"),
        (operator, "新名", today + dt.timedelta(days=1), "来源"),
        (operator, "新名", today, ""),
    ):
        with pytest.raises(DomainError), unit_of_work(actor):
            past.rename(
                actor, organisation.id, name=name, name_en=organisation.name_en, since=since, source=source
            )


@given(days=st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_value_on_a_day_is_the_one_that_held_then(operator: Actor, days: list[int]) -> None:
    start = clock.today()
    changes = sorted(days)
    with unit_of_work(operator):
        organisation = factories.organisation(region="310101")
    held = {0: "310101"}
    for number, offset in enumerate(changes, start=2):
        region = f"3101{number:02d}"
        with clock.at(clock.now() + dt.timedelta(days=offset)), unit_of_work(operator):
            services.edit_organisation(operator, organisation.id, {"region": region})
        held[offset] = region
    regions = past.Past("region")
    for offset in range(0, 410, 7):
        wanted = held[max(day for day in held if day <= offset)]
        day = start + dt.timedelta(days=offset)
        assert regions.on(organisation.id, day, organisation.region) == wanted


def test_figures_take_type_and_district_of_the_day_of_the_announcement(operator: Actor) -> None:
    with unit_of_work():
        university = factories.organisation(type="institute", region="310112")
        offer = factories.live_offer(university, announced_on=clock.today())
        offer.patent.parties[0].region = None
    later = clock.now() + dt.timedelta(days=30)
    with clock.at(later), unit_of_work(operator):
        services.edit_organisation(operator, university.id, {"type": "university", "region": "310104"})
    found = facts.compute("310000", clock.today()).facts
    assert (found.label("owner_type", 0), found.label("district", 0)) == ("institute", "310112")


# --- succession


def test_the_successor_acts_for_the_predecessor_from_the_day_on(operator: Actor) -> None:
    with unit_of_work():
        old, new, newest = (factories.organisation() for _ in range(3))
        person = factories.user(new)
        later = factories.user(newest)
        offer = factories.live_offer(old)
    on = clock.today() + dt.timedelta(days=3)
    with unit_of_work(operator):
        merging.succeed(operator, old.id, new.id, on=on, source="合并协议")
    assert old.id not in services.actor_for(person, None).holders
    with clock.at(clock.now() + dt.timedelta(days=3)):
        assert old.id in services.actor_for(person, None).holders
        with unit_of_work(operator):
            merging.succeed(operator, new.id, newest.id, on=on, source="合并协议")
        assert services.actor_for(later, None).principals == {old.id, new.id}
    # Nothing changes hands by itself: the register has to be changed first, the offer withdrawn before.
    assert offer.holder_id == old.id
    [change] = merging.changes_of(old.id)
    assert (change.kind, change.to_id, change.happened_on) == ("succeeded", new.id, on)


def test_no_circle_of_successions(operator: Actor) -> None:
    with unit_of_work():
        first, second = factories.organisation(), factories.organisation()
    with unit_of_work(operator):
        merging.succeed(operator, first.id, second.id, on=clock.today(), source="决定")
    with pytest.raises(Conflict, match="organisation-over"), unit_of_work(operator):
        merging.succeed(operator, second.id, first.id, on=clock.today(), source="决定")


def test_a_succession_needs_grounds(operator: Actor) -> None:
    with unit_of_work():
        first, second = factories.organisation(), factories.organisation()
    with pytest.raises(Invalid, match="source-missing"), unit_of_work(operator):
        merging.succeed(operator, first.id, second.id, on=clock.today(), source="")
    assert not db.session.scalars(sa.select(Licence)).all()


def test_all_former_names_come_with_their_days_in_one_query(operator: Actor) -> None:
    with unit_of_work():
        stays, gone, same = (factories.organisation(name) for name in ("甲公司", "甲公 司", "丙公司"))
    for name, since in (("乙公司", dt.date(2026, 3, 1)), ("丁公司", dt.date(2026, 6, 1))):
        with unit_of_work(operator):
            past.rename(operator, stays.id, name=name, name_en=None, since=since, source="登记通知书")
    merge(operator, gone, stays)
    asked: list[str] = []
    ids = [stays.id, same.id]

    def count(*values: Any) -> None:
        asked.append(values[2])

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        found = past.former_names_with_periods(ids)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
    assert len([query for query in asked if query.startswith("SELECT")]) == 1
    assert found == {
        ids[0]: [
            past.FormerName("甲公 司", "zh", None, None),
            past.FormerName("乙公司", "zh", dt.date(2026, 3, 1), dt.date(2026, 5, 31)),
            past.FormerName("甲公司", "zh", None, dt.date(2026, 2, 28)),
        ]
    }


def test_a_task_sees_no_change_of_owners_in_a_merger(operator: Actor) -> None:
    with unit_of_work():
        gone, stays, other = (factories.organisation() for _ in range(3))
        patent = factories.patent(gone, other)
        factories.live_offer(gone, patent)
        holder = factories.actor(gone)
    with unit_of_work(holder):
        task = changes.begin(holder, patent, "assignment")
    merge(operator, gone, stays)
    task = db.session.get_one(ChangeTask, task.id)
    db.session.expire_all()
    assert not changes.facts_of(task).owners_changed
    with unit_of_work(operator):
        task.patent.parties[0].organisation_id = other.id
        db.session.delete(task.patent.parties[1])
    db.session.expire_all()
    assert changes.facts_of(task).owners_changed
