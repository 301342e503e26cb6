"""What time it is, and how the law counts days.

Instants are aware datetimes in UTC. Legal dates are dates in Asia/Shanghai and inclusive. Rules are those
of the Implementing Regulations of the Patent Law in force since 20 January 2024 (IR), articles those of the
Patent Law (PL).
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

import chinese_calendar

from .identifiers import PatentKind

# China has had one time without summer time since 1992, so a fixed offset needs no time zone database.
SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")

_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


# --- now


@dataclass(frozen=True, slots=True)
class _SetClock:
    instant: datetime
    started: datetime | None
    monotonic: float
    frozen: bool

    def read(self) -> datetime:
        if self.frozen:
            return self.instant
        if self.started is not None:
            return self.instant + (datetime.now(UTC) - self.started)
        return self.instant + timedelta(seconds=time.monotonic() - self.monotonic)


_set_clock: _SetClock | None = None


def now() -> datetime:
    """The present instant in UTC, or what the set clock shows."""
    return _set_clock.read() if _set_clock is not None else datetime.now(UTC)


def set_now(instant: datetime | None, *, frozen: bool = False, started: datetime | None = None) -> None:
    """Set the clock of this process to an aware `instant`; None goes back to real time.

    It ticks on from there unless `frozen`. Processes that must agree pass the same real `started`, the
    instant at which the set clock showed `instant`; without it that is the moment of the call. Raises
    `ValueError` for a naive instant.
    """
    global _set_clock
    if instant is None:
        _set_clock = None
        return
    _set_clock = _SetClock(_aware(instant), started and _aware(started), time.monotonic(), frozen)


@contextmanager
def at(instant: datetime, *, frozen: bool = True) -> Iterator[None]:
    """Within the block the clock shows `instant`, standing still unless told otherwise; then as before."""
    global _set_clock
    before = _set_clock
    set_now(instant, frozen=frozen)
    try:
        yield
    finally:
        _set_clock = before


def today() -> date:
    """The present legal date."""
    return legal_date(now())


def legal_date(instant: datetime) -> date:
    """The date in Shanghai at an aware `instant`. Raises `ValueError` for a naive one."""
    return _aware(instant).astimezone(SHANGHAI).date()


def start_of_day_utc(day: date) -> datetime:
    """The instant at which the legal date `day` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def end_of_day_utc(day: date) -> datetime:
    """The instant at which the legal date `day` is over: what happens before it still happens on that day."""
    return start_of_day_utc(day) + _ONE_DAY


def parse_instant(text: str) -> datetime:
    """The instant in UTC written in ISO 8601; without an offset it is Shanghai time. Raises `ValueError`."""
    instant = datetime.fromisoformat(text.strip())
    return (instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """An aware `instant` as the API writes it: `2026-11-24T03:30:00Z`, with a fraction if it has one."""
    return _aware(instant).isoformat().replace("+00:00", "Z")


def _aware(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"an instant needs its offset from UTC: {instant.isoformat()}")
    return instant.astimezone(UTC)


# --- counting by the law


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """The last day of a term; `provisional` while the State Council's holidays of its year are not known."""

    date: date
    provisional: bool


def add_months(start: date, n: int) -> date:
    """The day on which a term of `n` months that begins on `start` runs out, holidays aside.

    IR 5: the first day is not counted, the term ends on the corresponding day of its last month, and on
    that month's last day where there is none. So 31 January and one month give 28 (29) February.
    """
    month_index = start.year * 12 + start.month - 1 + n
    year, month = divmod(month_index, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def deadline(start: date, *, months: int | None = None, days: int | None = None) -> Deadline:
    """The last day of a term of `months` or `days` that begins on `start`, with holidays.

    IR 5: the first day is not counted; a last day on a statutory holiday moves to the next working day.
    Raises `ValueError` unless exactly one length is given.
    """
    if months is not None and days is None:
        last = add_months(start, months)
    elif days is not None and months is None:
        last = start + timedelta(days=days)
    else:
        raise ValueError("a term has either months or days")
    provisional = not holidays_known(last.year)
    while not is_working_day(last):
        last += _ONE_DAY
        provisional = provisional or not holidays_known(last.year)
    return Deadline(last, provisional)


def working_days_after(start: date, n: int) -> Deadline:
    """The `n`-th working day after `start`, by the State Council's yearly table."""
    day, left = start, n
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return Deadline(day, not (holidays_known(start.year) and holidays_known(day.year)))


def holidays_known(year: int) -> bool:
    """Whether the State Council's holiday table of `year` is at hand; it appears in the autumn before."""
    return _FIRST_YEAR <= year <= _LAST_YEAR


_FIRST_YEAR: Final[int] = min(chinese_calendar.holidays).year
_LAST_YEAR: Final[int] = max(chinese_calendar.holidays).year


def is_working_day(day: date) -> bool:
    """Whether `day` is a working day by the State Council's yearly table, make-up days (调休) included.

    For a year without a table only weekends are days off.
    """
    if holidays_known(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < _SATURDAY


# PL 42 of 2020 gave designs 15 years; those filed before it came into force keep the 10 years of the old law.
_FIFTEEN_YEAR_DESIGNS_FROM: Final = date(2021, 6, 1)


def patent_expiry(kind: PatentKind, filing_date: date) -> date:
    """The last day on which a patent filed on `filing_date` can be in force, term compensation aside.

    PL 42: 20 years from filing for inventions, 10 for utility models, 15 for designs. A utility model filed
    on 6 September 1999 is in force to 5 September 2009, and no holiday moves that (Guidelines, Part V Ch. 9
    §2.1).
    """
    if kind == "invention":
        years = 20
    elif kind == "design" and filing_date >= _FIFTEEN_YEAR_DESIGNS_FROM:
        years = 15
    else:
        years = 10
    corresponding = add_months(filing_date, 12 * years)
    return corresponding - _ONE_DAY if corresponding.day == filing_date.day else corresponding
