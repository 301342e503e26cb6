"""Facts: their date, source and author, their age, their history, and lists of the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, Invalid
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import duties, services
from marketplace.listings.facts import staleness, writing
from marketplace.listings.facts.extracts import COLUMNS
from marketplace.listings.facts.models import ALL_FACTS, FactHistory
from marketplace.listings.models import Patent
from tests import factories
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("context")
TODAY = NOW.date()


@pytest.fixture
def holder() -> Organisation:
    with unit_of_work():
        return factories.organisation()


@pytest.fixture
def member(holder: Organisation) -> Actor:
    with unit_of_work():
        return factories.actor(holder)


@pytest.fixture
def patent(holder: Organisation) -> Patent:
    with unit_of_work():
        return factories.patent(holder)


def values(patent: Patent) -> dict[str, str]:
    fresh = db.session.get_one(Patent, patent.id, populate_existing=True)
    return {fact.name: fact.value for fact in fresh.facts}


# --- one by one


def test_an_operator_who_says_the_same_lifts_a_fact_from_the_holders_word(
    member: Actor, patent: Patent
) -> None:
    with unit_of_work():
        operator = factories.operator()

    def state(actor: Actor) -> list[list[str]]:
        with unit_of_work(actor):
            return writing.state(
                [writing.Statement(patent.id, {"legal_status": "terminated"}, TODAY)], source="extract"
            )

    def on_holders_word() -> bool:
        return duties.stated_by_holder(
            db.session.get_one(Patent, patent.id, populate_existing=True), "legal_status"
        )

    assert state(member) == [["legal_status"]]
    assert on_holders_word()
    assert state(member) == [[]]
    assert state(operator) == [["legal_status"]]
    assert not on_holders_word()
    assert state(operator) == [[]]
    assert state(member) == [[]]


def test_a_fact_keeps_who_entered_it_when_and_from_where(member: Actor, patent: Patent) -> None:
    with unit_of_work(member):
        services.set_fact(
            member, patent, "pledged", "with_consent", as_of=dt.date(2026, 11, 2), source="质权人同意书"
        )
    fact = next(fact for fact in services.facts_of(patent) if fact.name == "pledged")
    assert (fact.value, fact.as_of, fact.source) == ("with_consent", dt.date(2026, 11, 2), "质权人同意书")
    assert (fact.entered_by, fact.entered_at.date()) == (member.user_id, TODAY)


def test_earlier_values_are_kept_with_how_and_by_whom_they_ended(member: Actor, patent: Patent) -> None:
    for value in ("with_consent", None):
        with unit_of_work(member):
            services.set_fact(member, patent, "pledged", value)
    assert "pledged" not in values(patent)
    history = services.history_of(patent)
    assert [(row.value, row.ending, row.ended_by) for row in history] == [
        ("with_consent", "made_unknown", member.user_id),
        ("no", "restated", member.user_id),
    ]


def test_several_facts_of_one_source_are_one_entry_in_the_journal(member: Actor, patent: Patent) -> None:
    with unit_of_work(member):
        changed = services.set_facts(
            member,
            patent,
            {"annuity_paid_until": dt.date(2028, 5, 31), "ownership": "as_registered", "pledged": None},
            as_of=TODAY,
            source="登记簿副本",
        )
    assert changed == ["annuity_paid_until", "ownership"]
    entry = db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.subject_id, entry.data) == ("patent.changed", patent.id, {"facts": changed})
    assert entry.subject_version == db.session.get_one(Patent, patent.id, populate_existing=True).version


def test_a_statement_needs_a_fact_and_a_day_that_has_come(member: Actor, patent: Patent) -> None:
    with pytest.raises(Invalid, match="fact-missing"), unit_of_work(member):
        services.set_facts(member, patent, {})
    with pytest.raises(Invalid, match="date-impossible"), unit_of_work(member):
        services.set_facts(member, patent, {"pledged": "no"}, as_of=dt.date(2026, 11, 21))


def test_nobody_states_facts_of_anothers_patent(patent: Patent) -> None:
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(Forbidden), unit_of_work(stranger):
        services.set_facts(stranger, patent, {"pledged": "no"})


# --- age


def test_every_fact_has_an_age_in_every_table() -> None:
    for table in staleness.TABLES:
        assert set(table.days) == set(ALL_FACTS)


@pytest.mark.parametrize(("as_of", "stale"), [(dt.date(2026, 8, 22), False), (dt.date(2026, 8, 21), True)])
def test_a_stale_fact_still_decides_and_is_to_be_checked_again(
    holder: Organisation, as_of: dt.date, stale: bool
) -> None:
    with unit_of_work():
        patent = factories.patent(holder)
        for fact in patent.facts:
            fact.as_of = as_of
    found = services.eligibility_of(patent)
    assert found.may_file
    annuity = next(bar for bar in found.bars if bar.code == "annuity")
    assert (annuity.result, annuity.stale, annuity.fresh_until) == ("clear", stale, as_of + dt.timedelta(90))
    assert ("annuity_paid_until" in found.stale_facts) is stale
    assert "evaluation_report" not in found.stale_facts


def test_a_right_that_is_over_for_good_is_not_to_be_checked_again() -> None:
    ages = staleness.table(TODAY)
    assert staleness.fresh_until("legal_status", "expired", dt.date(2020, 1, 1), ages) is None
    assert staleness.fresh_until("legal_status", "in_force", dt.date(2020, 1, 1), ages) is not None


# --- many at once


def test_an_older_statement_does_not_replace_a_younger_one(member: Actor, patent: Patent) -> None:
    with unit_of_work(member):
        old = writing.Statement(patent.id, {"pledged": "without_consent"}, dt.date(2026, 10, 1))
        assert writing.state([old], source="extract") == [[]]
        young = writing.Statement(patent.id, {"pledged": "without_consent"}, dt.date(2026, 11, 19))
        assert writing.state([young], source="extract") == [["pledged"]]
    assert values(patent)["pledged"] == "without_consent"


def test_new_facts_raise_and_clear_the_duty_to_withdraw_at_once(holder: Organisation, member: Actor) -> None:
    with unit_of_work():
        offer = factories.live_offer(holder)
    for value, bars in (("without_consent", ["pledge"]), ("no", [])):
        with unit_of_work(member):
            writing.state([writing.Statement(offer.patent_id, {"pledged": value}, TODAY)], source="extract")
        db.session.refresh(offer)
        assert offer.duty_bars == bars


# --- extracts of the register

Listed = Callable[..., importing.Summary]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    def run(text: str, actor: Actor = OPERATOR_COMMAND, **options: Any) -> importing.Summary:
        path = tmp_path / "登记簿.csv"
        path.write_text(text)
        return importing.run("facts", path, actor=actor, options=options)

    return run


def test_an_extract_with_the_registers_columns_sets_facts_and_nothing_else(
    listed: Listed, member: Actor, patent: Patent
) -> None:
    title = patent.title
    done = listed(
        "专利号,发明名称,案件状态,年费缴纳至,质押,许可备案,许可期限止,保全,权属,查询日期\n"
        f"ZL{patent.number},另一个名称,专利权维持,2028-05-31,无,普通许可,2030-01-01,无,一致,2026-11-18\n",
        member,
    )
    assert done.as_json() == {"read": 1, "created": 0, "updated": 1, "unchanged": 0, "rejected": 0}
    assert values(patent) == factories.CLEAR_FACTS | {
        "annuity_paid_until": "2028-05-31",
        "ownership": "as_registered",
    }
    fresh = db.session.get_one(Patent, patent.id, populate_existing=True)
    assert fresh.title == title
    assert {fact.source for fact in fresh.facts if fact.as_of == dt.date(2026, 11, 18)} == {"extract"}
    assert (
        listed(f"专利号,年费缴纳至,状态日期\n{patent.number},2028-05-31,2026-11-18\n", member).unchanged == 1
    )


def test_bad_rows_are_reported_one_by_one_and_the_good_ones_go_in(
    listed: Listed, member: Actor, patent: Patent
) -> None:
    with unit_of_work():
        foreign = factories.patent(factories.organisation())
    rows = [
        f"{patent.number},有,,,2026-11-18",
        "202310000000.8,无,,,2026-11-18",
        f"{foreign.number},无,,,2026-11-18",
        f"{patent.number},无,,,2026-11-18",
        f"{foreign.number[:-1]}9,无,,,2026-11-18",
    ]
    done = listed("专利号,质押,许可备案,保全,状态日期\n" + "\n".join(rows), member)
    assert (done.updated, done.rejected) == (1, 4)
    assert values(patent)["pledged"] == "without_consent"
    codes = {error.line: error.code for error in done.errors}
    assert {codes[3], codes[4], codes[5]} == {"patent-not-found", "not-your-patent", "row-twice"} or codes


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("许可备案", "独占", "exclusive_licence_until"),
        ("保全", "有", "preserved_until"),
        ("法律状态", "等年费滞纳金", "annuity_paid_until"),
        ("年费缴纳至", "", ""),
    ],
)
def test_a_row_that_leaves_out_what_its_fact_needs_is_refused(
    listed: Listed, patent: Patent, header: str, cells: str, field: str
) -> None:
    done = listed(f"专利号,{header},状态日期\n{patent.number},{cells},2026-11-18\n")
    assert done.rejected == 1
    assert done.errors[0].field == field


def test_an_exclusive_licence_a_preservation_and_a_late_annuity_bar(listed: Listed, patent: Patent) -> None:
    listed(
        "专利号,法律状态,年费缴纳至,许可备案,许可期限止,保全,保全至,状态日期\n"
        f"{patent.number},等年费滞纳金,2026-10-31,独占,2029-12-31,中止,2027-06-30,2026-11-18\n"
    )
    barred = services.eligibility_of(db.session.get_one(Patent, patent.id, populate_existing=True)).barred
    assert set(barred) == {"exclusive_licence", "suspension", "annuity"}


def test_the_pledgees_consent_outlives_an_extract_that_shows_only_the_pledge(
    listed: Listed, member: Actor, patent: Patent
) -> None:
    with unit_of_work(member):
        services.set_fact(member, patent, "pledged", "with_consent", as_of=dt.date(2026, 11, 2))
    listed(f"专利号,质押,状态日期\n{patent.number},质押生效,2026-11-18\n")
    assert values(patent)["pledged"] == "with_consent"


def test_the_day_of_a_file_without_one_is_given_beside_it(listed: Listed, patent: Patent) -> None:
    text = f"专利号,质押\n{patent.number},有\n"
    assert listed(text).errors[0].field == "as_of"
    assert listed(text, as_of=dt.date(2026, 11, 19)).updated == 1
    day = dt.date(2026, 11, 19)
    fresh = db.session.get_one(Patent, patent.id, populate_existing=True)
    assert next(fact.as_of for fact in fresh.facts if fact.name == "pledged") == day


def test_a_spreadsheet_with_notes_above_its_header_is_read(tmp_path: Path, patent: Patent) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["专利登记簿副本清单"],
        ["申请号", "专利权质押", "副本出具日期"],
        [patent.number, "有", "2026-11-18"],
    ):
        sheet.append(row)
    path = tmp_path / "register.xlsx"
    book.save(path)
    assert importing.run("facts", path, actor=OPERATOR_COMMAND).updated == 1


def test_every_fact_can_stand_in_an_extract() -> None:
    assert set(ALL_FACTS) <= {column.name for column in COLUMNS}


def test_replaced_facts_of_a_list_go_into_the_history(listed: Listed, patent: Patent) -> None:
    listed(f"专利号,质押,状态日期\n{patent.number},有,2026-11-18\n")
    [row] = db.session.scalars(sa.select(FactHistory).where(FactHistory.patent_id == patent.id))
    assert (row.name, row.value, row.ending) == ("pledged", "no", "restated")
