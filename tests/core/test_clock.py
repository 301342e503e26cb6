"""The clock can be set; terms are counted as Implementing Rule 5 and the State Council's tables say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.clock import Deadline
from marketplace.core.identifiers import PatentKind

dates = st.dates(date(1985, 4, 1), date(2090, 12, 31))


@pytest.fixture(autouse=True)
def _real_clock() -> Iterator[None]:
    with clock.at(datetime.now(UTC), frozen=False):
        clock.set_now(None)
        yield


def test_without_a_set_clock_it_is_the_real_time() -> None:
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().utcoffset() == timedelta(0)


def test_a_set_clock_ticks_on_from_the_set_instant() -> None:
    start = datetime(2025, 3, 1, 8, tzinfo=UTC)
    clock.set_now(start)
    first, second = clock.now(), clock.now()
    assert start <= first <= second < start + timedelta(seconds=5)
    assert first < clock.now()
    clock.set_now(None)
    assert clock.now() > start + timedelta(days=1)


def test_a_frozen_clock_stands_still_and_the_block_gives_the_old_one_back() -> None:
    start = datetime(2025, 3, 1, 8, tzinfo=UTC)
    clock.set_now(start, frozen=True)
    with clock.at(start + timedelta(days=9)):
        assert clock.now() == start + timedelta(days=9)
        assert clock.now() == start + timedelta(days=9)
    assert clock.now() == start


def test_processes_that_share_the_start_show_the_same_time() -> None:
    start = datetime(2025, 3, 1, 8, tzinfo=UTC)
    clock.set_now(start, started=datetime.now(UTC) - timedelta(hours=3))
    assert timedelta(0) <= clock.now() - (start + timedelta(hours=3)) < timedelta(seconds=5)


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2025, 3, 1)
    for call in (clock.set_now, clock.legal_date, clock.format_instant):
        with pytest.raises(ValueError, match="offset"):
            call(naive)


def test_the_legal_date_changes_at_midnight_in_shanghai() -> None:
    assert clock.legal_date(datetime(2026, 1, 1, 15, 59, 59, tzinfo=UTC)) == date(2026, 1, 1)
    assert clock.legal_date(datetime(2026, 1, 1, 16, tzinfo=UTC)) == date(2026, 1, 2)
    with clock.at(datetime(2026, 1, 1, 16, tzinfo=UTC)):
        assert clock.today() == date(2026, 1, 2)


@given(dates)
def test_a_legal_day_begins_and_ends_where_its_neighbours_do(day: date) -> None:
    start, end = clock.start_of_day_utc(day), clock.end_of_day_utc(day)
    assert clock.legal_date(start) == day
    assert clock.legal_date(end - timedelta(microseconds=1)) == day
    assert end == clock.start_of_day_utc(day + timedelta(days=1))
    assert start.utcoffset() == timedelta(0)


def test_instants_are_written_with_z_and_read_back() -> None:
    instant = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    assert clock.format_instant(instant) == "2026-11-24T03:30:00Z"
    assert clock.parse_instant("2026-11-24T03:30:00Z") == instant
    assert clock.parse_instant("2026-11-24T11:30:00") == instant
    assert clock.parse_instant("2026-11-24") == clock.start_of_day_utc(date(2026, 11, 24))
    with pytest.raises(ValueError, match="yesterday"):
        clock.parse_instant("yesterday")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2024, 1, 20), 3, date(2024, 4, 20)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 11, 30), 3, date(2025, 2, 28)),
        (date(2024, 12, 31), 6, date(2025, 6, 30)),
        (date(2024, 8, 31), 0, date(2024, 8, 31)),
    ],
)
def test_a_term_in_months_ends_on_the_corresponding_day(start: date, months: int, end: date) -> None:
    assert clock.add_months(start, months) == end


@given(dates, st.integers(0, 600))
def test_the_corresponding_day_is_kept_or_it_is_the_last_of_the_month(start: date, months: int) -> None:
    end = clock.add_months(start, months)
    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("start", "last"),
    [
        # 5 April 2024 was Qingming, the 6th a Saturday; Sunday the 7th was a make-up working day
        (date(2024, 1, 5), Deadline(date(2024, 4, 7), provisional=False)),
        # 1 October 2024 opens the national holiday, which ended with the 7th
        (date(2024, 7, 1), Deadline(date(2024, 10, 8), provisional=False)),
        # an ordinary Saturday moves to Monday
        (date(2024, 3, 15), Deadline(date(2024, 6, 17), provisional=False)),
        (date(2024, 3, 14), Deadline(date(2024, 6, 14), provisional=False)),
        # no table for that year: only the weekend counts, and the answer says so
        (date(2089, 7, 1), Deadline(date(2089, 10, 3), provisional=True)),
        (date(2089, 7, 5), Deadline(date(2089, 10, 5), provisional=True)),
    ],
)
def test_a_deadline_moves_past_days_off(start: date, last: Deadline) -> None:
    assert clock.deadline(start, months=3) == last


def test_the_first_day_is_not_counted() -> None:
    assert clock.deadline(date(2024, 6, 3), days=15) == Deadline(date(2024, 6, 18), provisional=False)
    assert clock.deadline(date(2024, 6, 3), days=0) == Deadline(date(2024, 6, 3), provisional=False)


def test_a_deadline_that_moves_into_an_unpublished_year_is_provisional() -> None:
    last_known = next(year for year in range(2020, 2090) if not clock.holidays_known(year + 1))
    start = date(last_known, 12, 31)
    answer = clock.deadline(start, days=1)
    assert answer.date > start
    assert answer.provisional


def test_a_term_has_one_length() -> None:
    with pytest.raises(ValueError, match="either months or days"):
        clock.deadline(date(2024, 1, 1))
    with pytest.raises(ValueError, match="either months or days"):
        clock.deadline(date(2024, 1, 1), months=1, days=1)


@given(dates, st.integers(0, 240))
def test_a_deadline_is_the_first_working_day_not_before_the_term_ends(start: date, months: int) -> None:
    unmoved, answer = clock.add_months(start, months), clock.deadline(start, months=months)
    assert answer.date >= unmoved
    assert clock.is_working_day(answer.date)
    gap = (answer.date - unmoved).days
    assert not any(clock.is_working_day(unmoved + timedelta(days=n)) for n in range(gap))
    assert answer.provisional == (
        not clock.holidays_known(answer.date.year) or not clock.holidays_known(unmoved.year)
    )


def test_working_days_skip_the_spring_festival_and_count_make_up_days() -> None:
    assert clock.is_working_day(date(2024, 2, 4))  # a Sunday that was worked
    assert not clock.is_working_day(date(2024, 2, 12))
    assert clock.is_working_day(date(2024, 2, 18))  # again a Sunday that was worked


@pytest.mark.parametrize(
    ("kind", "filed", "last"),
    [
        ("utility_model", date(1999, 9, 6), date(2009, 9, 5)),  # the Guidelines' own example
        ("invention", date(2010, 1, 1), date(2029, 12, 31)),
        ("design", date(2021, 5, 31), date(2031, 5, 30)),
        ("design", date(2021, 6, 1), date(2036, 5, 31)),
        ("utility_model", date(2024, 2, 29), date(2034, 2, 28)),
        ("invention", date(2024, 2, 29), date(2044, 2, 28)),
    ],
)
def test_a_patent_ends_with_the_last_day_of_its_term(kind: PatentKind, filed: date, last: date) -> None:
    assert clock.patent_expiry(kind, filed) == last
