"""Recordals after the deal: reminders once per mark, changes and cancellations, told to both sides."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, lookup
from marketplace.deals.evidence.services import papers_of
from marketplace.deals.models import Licence
from marketplace.deals.recordals import services
from marketplace.deals.recordals.rules import MARKS, mark_of
from marketplace.notifications.rules import tellings
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve

PDF = b"%PDF-1.7\n% an invented notice\n"


@pytest.fixture
def free(context: None) -> Deal:
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free: Deal) -> Licence:
    found = lookup.licence_of(serve(free.firm_actor, free.offer))
    assert found is not None
    return found


def entries(licence: Licence, action: str) -> list[JournalEntry]:
    query = sa.select(JournalEntry).where(
        JournalEntry.subject_type == "licences",
        JournalEntry.subject_id == licence.id,
        JournalEntry.action == action,
    )
    return list(db.session.scalars(query.order_by(JournalEntry.id)))


def recorded(deal: Deal, licence: Licence) -> None:
    with unit_of_work(deal.firm_actor):
        licences.record_recordal(deal.firm_actor, licence.id, number="X2026310000001", on=clock.today())


@given(st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1)), st.integers(-40, 60))
def test_a_mark_is_the_nearest_one_reached(due_on: dt.date, left: int) -> None:
    mark = mark_of(due_on, due_on - dt.timedelta(days=left))
    assert (mark is None) == (left < 0 or left > max(MARKS.values()))
    if mark is not None:
        assert left <= MARKS[mark]
        assert all(days >= MARKS[mark] for days in MARKS.values() if left <= days)


def test_both_sides_are_reminded_once_per_mark_until_it_is_filed(free: Deal, licence: Licence) -> None:
    due = licence.recordal_due_on
    assert due is not None
    told = []
    for left in (31, 30, 29, 15, 14, 13, 3, 2, 0):
        with clock.at(clock.start_of_day_utc(due - dt.timedelta(days=left))):
            services.remind()
            services.remind()
        told.append([one.data["mark"] for one in entries(licence, "licence.recordal_due_soon")])
    assert told[0] == []
    assert told[1] == told[2] == told[3] == ["due_30"]
    assert told[4] == told[5] == ["due_30", "due_14"]
    assert told[-1] == ["due_30", "due_14", "due_3"]
    last = tellings(entries(licence, "licence.recordal_due_soon")[-1])
    assert {(one.to, one.code) for one in last} == {
        (free.holder.id, "licence_recordal_due"),
        (free.firm.id, "licence_recordal_due"),
    }


def test_who_joins_late_is_told_the_nearest_mark_only_and_never_after_filing(
    free: Deal, licence: Licence
) -> None:
    due = licence.recordal_due_on
    assert due is not None
    with clock.at(clock.start_of_day_utc(due - dt.timedelta(days=5))):
        services.remind()
    assert [one.data["mark"] for one in entries(licence, "licence.recordal_due_soon")] == ["due_14"]
    with unit_of_work(free.holder_actor):
        licences.file_recordal(free.holder_actor, licence.id)
    with clock.at(clock.start_of_day_utc(due)):
        services.remind()
    assert len(entries(licence, "licence.recordal_due_soon")) == 1


def test_a_change_is_noted_once_with_its_paper_and_the_other_side_is_told(
    free: Deal, licence: Licence
) -> None:
    change = {"on": clock.today(), "item": "被许可人地址", "before": "甲路", "after": "乙路"}

    def note() -> None:
        with unit_of_work(free.firm_actor):
            services.change_recordal(
                free.firm_actor,
                licence.id,
                **change,
                content=PDF,
                name="变更.pdf",  # type: ignore[arg-type]
            )

    with pytest.raises(Conflict, match="recordal-missing"):
        note()
    recorded(free, licence)
    note()
    with pytest.raises(Conflict, match="change-known"):
        note()
    [row] = services.changes_of(licence)
    assert (row.item, row.before, row.after, row.side) == ("被许可人地址", "甲路", "乙路", "licensee")
    assert [one.kind for one in papers_of(licence)] == ["recordal"]
    [entry] = entries(licence, "licence.recordal_changed")
    assert [one.to for one in tellings(entry)] == [free.holder.id]
    assert licence.recordal_state == "recorded"


def test_a_recordal_is_cancelled_by_hand_only_when_the_licence_is_over(free: Deal, licence: Licence) -> None:
    recorded(free, licence)

    def cancel() -> None:
        with unit_of_work(free.holder_actor):
            services.cancel_recordal(free.holder_actor, licence.id, on=clock.today())

    with pytest.raises(Conflict, match="licence-not-over"):
        cancel()
    with unit_of_work(free.holder_actor):
        licences.end_licence(
            free.holder_actor, licence.id, reason="contractual_ground", ground="被许可人两期未付提成。"
        )
    cancel()
    assert (licence.recordal_state, licence.ended_reason) == ("cancelled", "contractual_ground")
    # The gazette had printed the licensee's name: it stays public.
    assert licences.check_certificate(licence.certificate_code or "").licensee == free.firm.name
    [entry] = entries(licence, "licence.recordal_cancelled")
    assert [one.to for one in tellings(entry)] == [free.firm.id]


def test_the_written_ground_of_a_termination_is_kept_and_told_to_the_licensee(
    free: Deal, licence: Licence
) -> None:
    with unit_of_work(free.holder_actor):
        licences.end_licence(
            free.holder_actor,
            licence.id,
            reason="statutory_ground",
            ground="依民法典第五百六十三条通知解除。",
            content=PDF,
            name="解除通知.pdf",
        )
    [paper] = papers_of(licence)
    assert (paper.kind, paper.text) == ("termination", "依民法典第五百六十三条通知解除。")
    assert paper.file is not None
    [entry] = entries(licence, "licence.paper_kept")
    assert [(one.to, one.code) for one in tellings(entry)] == [(free.firm.id, "licence_termination_kept")]


def test_strangers_note_nothing_and_no_day_lies_before_the_recordal(free: Deal, licence: Licence) -> None:
    recorded(free, licence)
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound), unit_of_work(stranger):
        services.change_recordal(stranger, licence.id, on=clock.today(), item="地址")
    with pytest.raises(Invalid, match="date-too-early"), unit_of_work(free.firm_actor):
        services.change_recordal(
            free.firm_actor, licence.id, on=clock.today() - dt.timedelta(days=1), item="地址"
        )
