"""Shares in licence income: a ledger that always balances, and rules by which nothing is lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.journal import entries_after
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import payments
from marketplace.deals.shares import agreements, allocating, books, persons, report, rules, services, work
from marketplace.deals.shares.models import (
    LedgerAccount,
    LedgerAllocation,
    LedgerPosting,
    LedgerTransaction,
    SharePerson,
    TransformationReport,
)
from marketplace.listings.models import Patent, PatentParty
from tests import factories

from .conftest import FEE, Deal, serve

PERCENT = st.decimals("0.0001", 100, places=4)


def read() -> None:
    """What the worker's reader does with all that is in the journal."""
    with unit_of_work():
        work._enter(entries_after(0, 1000))


def paid(deal: Deal) -> None:
    """The fee of 50,000 yuan has come."""
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work(deal.firm_actor):
        payment = payments.begin_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), FEE)
    read()


def sums() -> dict[str, int]:
    """The balance of every account by its kind, debit above zero."""
    rows = db.session.execute(
        sa.select(LedgerAccount.kind, sa.func.sum(LedgerPosting.amount_minor))
        .join(LedgerPosting, LedgerPosting.account_id == LedgerAccount.id)
        .group_by(LedgerAccount.kind)
    )
    return {kind: int(total) for kind, total in rows}


def person(deal: Deal, name: str) -> int:
    with unit_of_work(deal.holder_actor):
        return persons.add_person(deal.holder_actor, deal.holder.id, name).id


def two_persons(deal: Deal, percent: str = "50") -> None:
    first, second = person(deal, "示例甲"), person(deal, "示例乙")
    with unit_of_work(deal.holder_actor):
        agreements.set_inventor_rule(
            deal.holder_actor,
            deal.holder.id,
            deal.offer.patent_id,
            Decimal(percent),
            {first: Decimal("66.6667"), second: Decimal("33.3333")},
            since=dt.date(2020, 1, 1),
        )


@given(st.integers(0, 10**13), st.lists(PERCENT, min_size=1, max_size=9))
def test_parts_add_up_and_none_is_a_fen_from_its_due(total: int, weights: list[Decimal]) -> None:
    parts = rules.divide(total, list(enumerate(weights)))
    assert sum(parts.values()) == total
    for place, weight in enumerate(weights):
        assert abs(parts[place] - total * weight / sum(weights)) < 1


@given(
    st.lists(st.tuples(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)), st.integers(-(10**9), 10**9))),
    st.lists(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)), max_size=4),
    st.integers(-(10**9), 0),
)
def test_income_less_losses_is_what_is_divided_and_carried(entries, changes, carried) -> None:
    found, left = rules.segments([rules.Entry(on, amount) for on, amount in entries], changes, carried)
    assert sum(one.amount_minor for one in found) + left == sum(a for _on, a in entries) + carried
    assert left <= 0
    assert all(one.amount_minor > 0 for one in found)


def test_at_least_half_goes_to_persons_unless_the_state_did_not_found_it() -> None:
    with pytest.raises(Invalid, match="50 per cent"):
        rules.check_floor(Decimal("49.9999"), bound=True)
    rules.check_floor(Decimal(50), bound=True)
    rules.check_floor(Decimal(10), bound=False)
    assert rules.divide(101, [("persons", Decimal(50)), ("own", Decimal(50))])["persons"] == 51


def test_a_payment_becomes_income_once_and_is_shared_after_costs(deal: Deal) -> None:
    holder, actor, patent_id = deal.holder, deal.holder_actor, deal.offer.patent_id
    paid(deal)
    read()
    assert sums() == {"cash": FEE, "pool": -FEE}
    two_persons(deal, "70")
    with unit_of_work(actor):
        services.add_cost(actor, holder.id, patent_id, "annuity", 120_001, on=clock.today())
        row = allocating.allocate(actor, holder.id, patent_id)
    assert sums()["pool"] == 0
    assert sums()["inventor"] == -3_415_999  # 70 % of 48,799.99, half up
    assert sums()["owner"] == -(FEE - 120_001 - 3_415_999)
    step = db.session.get_one(LedgerAllocation, row.id).steps[0]
    assert sum(one["amount_minor"] for one in step["persons"]) == 3_415_999
    with unit_of_work(actor), pytest.raises(Conflict, match="no net income"):
        allocating.allocate(actor, holder.id, patent_id)
    due = db.session.scalars(sa.select(LedgerAccount).where(LedgerAccount.kind == "inventor")).first()
    assert due is not None
    owed = -books.balances([due.id])[due.id]
    with unit_of_work(actor), pytest.raises(Conflict, match="more than is due"):
        services.pay_out(actor, due.id, owed + 1, on=clock.today())
    with unit_of_work(actor):
        services.pay_out(actor, due.id, owed, on=clock.today(), reference="工资单示例")
    assert books.balances([due.id])[due.id] == 0
    assert sum(sums().values()) == 0


def test_an_allocation_is_taken_back_by_an_entry_of_its_own_and_made_anew(deal: Deal) -> None:
    actor, patent_id = deal.holder_actor, deal.offer.patent_id
    paid(deal)
    two_persons(deal)
    with unit_of_work(actor):
        first = allocating.allocate(actor, deal.holder.id, patent_id)
    with unit_of_work(actor):
        services.reverse(actor, first.id, reason="分配比例录入有误")
    assert sums() == {"cash": FEE, "pool": -FEE, "inventor": 0, "owner": 0}
    with unit_of_work(actor), pytest.raises(Conflict, match="reversed, once"):
        services.reverse(actor, first.id, reason="再次")
    with unit_of_work(actor):
        allocating.allocate(actor, deal.holder.id, patent_id)
    assert sums()["inventor"] == -FEE // 2


def test_co_owners_share_equally_until_their_agreement_begins(deal: Deal) -> None:
    with unit_of_work():
        other = factories.organisation(state_established=False)
        db.session.add(PatentParty(patent_id=deal.offer.patent_id, organisation_id=other.id, position=2))
        db.session.get_one(Organisation, deal.holder.id).state_established = False
    db.session.expire_all()
    patent = db.session.get_one(Patent, deal.offer.patent_id)
    with unit_of_work():
        cash = books.account(deal.holder.id, "cash", "CNY")
        pool = books.account(deal.holder.id, "pool", "CNY", patent_id=patent.id)
        for on, amount in ((dt.date(2026, 1, 5), 1_001), (dt.date(2026, 7, 5), 1_000)):
            books.enter(
                SYSTEM,
                deal.holder.id,
                "income",
                [(cash, amount), (pool, -amount)],
                on=on,
                patent_id=patent.id,
            )
    with unit_of_work(deal.holder_actor):
        agreements.agree_split(
            deal.holder_actor,
            deal.holder.id,
            patent.id,
            {deal.holder.id: Decimal(70), other.id: Decimal(30)},
            since=dt.date(2026, 7, 1),
        )
        row = allocating.allocate(deal.holder_actor, deal.holder.id, patent.id)
    due = {
        posting.account.party_id: -posting.amount_minor
        for posting in row.postings
        if posting.account.kind == "owner"
    }
    assert due == {deal.holder.id: 501 + 700, other.id: 500 + 300}
    assert [one["agreed"] for one in db.session.get_one(LedgerAllocation, row.id).steps] == [False, True]


@given(st.integers(1, 10**9), st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=6))
def test_a_pay_out_is_set_against_what_is_due_in_order_and_whole(amount: int, due: list[int]) -> None:
    found = rules.apportion(amount, list(enumerate(due)))
    assert sum(part for _key, part in found) == amount
    assert [key for key, _part in found] == sorted({key for key, _part in found})
    assert all(part <= max(due[key], 0) for key, part in found[:-1])


def test_each_institution_among_the_owners_divides_its_own_share_among_its_own_persons(deal: Deal) -> None:
    with unit_of_work():
        other = factories.organisation("示例研究所", type="institute", state_established=True)
        db.session.add(PatentParty(patent_id=deal.offer.patent_id, organisation_id=other.id, position=2))
        db.session.get_one(Organisation, deal.holder.id).state_established = False
        theirs = factories.actor(other)
    db.session.expire_all()
    patent_id = deal.offer.patent_id
    paid(deal)
    with unit_of_work(deal.holder_actor):
        allocating.allocate(deal.holder_actor, deal.holder.id, patent_id)
    due = db.session.scalars(sa.select(LedgerAccount).where(LedgerAccount.party_id == other.id)).one()
    with unit_of_work(deal.holder_actor):
        payout = services.pay_out(deal.holder_actor, due.id, FEE // 2, on=clock.today())
    read()
    read()
    share = db.session.scalars(
        sa.select(LedgerTransaction).where(LedgerTransaction.book_id == other.id)
    ).one()
    assert (share.kind, share.patent_id) == ("income", patent_id)
    with unit_of_work(theirs), pytest.raises(Invalid, match="at least half"):
        allocating.allocate(theirs, other.id, patent_id)
    with unit_of_work(theirs):
        inventor = persons.add_person(theirs, other.id, "示例丙").id
        agreements.set_inventor_rule(
            theirs, other.id, patent_id, Decimal(60), {inventor: Decimal(100)}, since=dt.date(2020, 1, 1)
        )
        allocating.allocate(theirs, other.id, patent_id)
    found = persons.statement(theirs, inventor)
    assert found.due == {"CNY": FEE // 2 * 6 // 10}
    [line] = found.lines
    assert line.bases == (persons.Basis(FEE // 2, FEE // 2, "60", FEE // 2 * 6 // 10),)
    assert sum(one.figures["others"] for one in report.yearly(other.id, clock.today().year)) == 0
    with unit_of_work(deal.holder_actor):
        services.reverse(deal.holder_actor, payout.id, reason="退汇")
    read()
    assert report.pool(other.id, patent_id) == -FEE // 2


def test_a_persons_statement_is_the_persons_and_the_keepers_alone(deal: Deal) -> None:
    paid(deal)
    two_persons(deal)
    with unit_of_work(deal.holder_actor):
        allocating.allocate(deal.holder_actor, deal.holder.id, deal.offer.patent_id)
        member, colleague = factories.user(deal.holder), factories.user(deal.holder)
        stranger = factories.user(factories.organisation())
    first = db.session.scalars(sa.select(SharePerson).order_by(SharePerson.id)).first()
    assert first is not None
    with unit_of_work(deal.holder_actor), pytest.raises(Invalid, match="No member"):
        persons.link_account(deal.holder_actor, first.id, stranger.email)
    with unit_of_work(deal.holder_actor):
        persons.link_account(deal.holder_actor, first.id, member.email)
    looks = Actor(organisation_id=deal.holder.id, roles=frozenset({"member", "viewer"}))
    oneself = replace(looks, user_id=member.id)
    assert [one.id for one in persons.own_persons(oneself)] == [first.id]
    assert persons.statement(oneself, first.id, clock.today().year).due["CNY"] == 1_666_668
    for actor in (replace(looks, user_id=colleague.id), deal.firm_actor):
        with pytest.raises(NotFound):
            persons.statement(actor, first.id)


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE ledger_transactions SET posted = false",
        "UPDATE ledger_postings SET amount_minor = amount_minor * 2",
        "DELETE FROM ledger_postings",
        "UPDATE ledger_transactions SET occurred_on = '2020-01-01'",
        "DELETE FROM ledger_transactions",
    ],
)
def test_the_database_refuses_every_change_of_what_is_posted(deal: Deal, attempt: str) -> None:
    paid(deal)
    with pytest.raises(sa.exc.DBAPIError), unit_of_work():
        db.session.execute(sa.text(attempt))


def test_nothing_is_added_to_what_is_posted(deal: Deal) -> None:
    paid(deal)
    posting = db.session.scalars(sa.select(LedgerPosting)).first()
    assert posting is not None
    with pytest.raises(sa.exc.DBAPIError), unit_of_work():
        db.session.add(
            LedgerPosting(
                transaction_id=posting.transaction_id,
                account_id=posting.account_id,
                amount_minor=5,
                currency="CNY",
            )
        )


def test_the_database_refuses_what_does_not_balance(deal: Deal) -> None:
    with pytest.raises(sa.exc.DBAPIError), unit_of_work():
        cash = books.account(deal.holder.id, "cash", "CNY")
        pool = books.account(deal.holder.id, "pool", "CNY", patent_id=deal.offer.patent_id)
        books.enter(SYSTEM, deal.holder.id, "income", [(cash, 10), (pool, -9)], on=clock.today())
    assert db.session.scalar(sa.select(sa.func.count()).select_from(LedgerTransaction)) == 0


def test_a_book_is_its_keepers_and_a_person_can_be_forgotten(deal: Deal) -> None:
    paid(deal)
    two_persons(deal)
    with unit_of_work(deal.holder_actor):
        allocating.allocate(deal.holder_actor, deal.holder.id, deal.offer.patent_id)
    before = sums()
    with unit_of_work():
        strangers: tuple[Actor, ...] = (deal.firm_actor, factories.operator())
    for stranger in strangers:
        with unit_of_work(stranger), pytest.raises(NotFound):
            services.add_cost(stranger, deal.holder.id, deal.offer.patent_id, "tax", 1, on=clock.today())
    due = db.session.scalars(sa.select(LedgerAccount).where(LedgerAccount.kind == "inventor")).first()
    assert due is not None
    assert due.person_id is not None
    with unit_of_work(deal.holder_actor):
        gone = persons.erase_person(deal.holder_actor, due.person_id)
    assert (gone.name, gone.staff_number) == (None, None)
    assert sums() == before


def test_shanghai_institutions_are_told_once_of_the_report_due_on_30_march(context: None) -> None:
    with unit_of_work():
        institute = factories.organisation(type="university", region="310115", state_established=True)
        factories.live_offer(institute)
    for day in (dt.date(2026, 12, 1), dt.date(2027, 3, 1), dt.date(2027, 3, 2)):
        with clock.at(clock.start_of_day_utc(day)):
            work.remind_of_reports()
    (row,) = db.session.scalars(sa.select(TransformationReport)).all()
    assert (row.organisation_id, row.year, row.due_on) == (institute.id, 2026, dt.date(2027, 3, 30))
