"""The periods that reports are of: months, quarters and years of the calendar in Shanghai, or any others."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from babel.dates import format_date
from flask_babel import get_locale, gettext

from marketplace.core import clock
from marketplace.core.errors import Invalid

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WRITTEN = {
    "month": re.compile(r"(\d{4})-(\d{2})"),
    "quarter": re.compile(r"(\d{4})-?[Qq]([1-4])"),
    "year": re.compile(r"(\d{4})"),
}
_EARLIEST = dt.date(1985, 4, 1)  # the Patent Law took effect


@dataclass(frozen=True)
class Period:
    """A period with its first and last day, both inclusive.

    Attributes:
        kind: `month`, `quarter`, `year`, or `range` for any other.
    """

    kind: str
    first: dt.date
    last: dt.date

    def before(self) -> Period:
        """The period right before it, of the same kind; for a range as many days."""
        if self.kind in _MONTHS:
            return containing(self.kind, self.first - dt.timedelta(days=1))
        last = self.first - dt.timedelta(days=1)
        return Period("range", last - (self.last - self.first), last)

    def a_year_before(self) -> Period:
        """The same period of the year before. The last of February stands for the 29th."""
        if self.kind in _MONTHS:
            return containing(self.kind, clock.add_months(self.first, -12))
        return Period("range", clock.add_months(self.first, -12), clock.add_months(self.last, -12))

    @property
    def code(self) -> str:
        """As in addresses and names of files: 2026-10, 2026-Q3, 2026, or both days."""
        if self.kind == "month":
            return f"{self.first:%Y-%m}"
        if self.kind == "quarter":
            return f"{self.first.year}-Q{(self.first.month + 2) // 3}"
        if self.kind == "year":
            return f"{self.first.year}"
        return f"{self.first}--{self.last}"

    def title(self, place: str) -> str:
        """The title of its report, in the reader's language."""
        values = {"place": place, "period": self.words()}
        if self.kind == "month":
            return str(gettext("%(place)s: monthly report on patent open licensing (%(period)s)", **values))
        if self.kind == "quarter":
            return str(gettext("%(place)s: quarterly report on patent open licensing (%(period)s)", **values))
        if self.kind == "year":
            return str(gettext("%(place)s: yearly report on patent open licensing (%(period)s)", **values))
        return str(gettext("%(place)s: report on patent open licensing (%(period)s)", **values))

    def words(self) -> str:
        """The period in words, in the reader's language."""
        locale = get_locale()
        chinese = locale is not None and locale.language == "zh"
        if self.kind == "month":
            return format_date(self.first, "y年M月" if chinese else "MMMM y", locale)
        if self.kind == "quarter":
            number = (self.first.month + 2) // 3
            return (
                f"{self.first.year}年第{'一二三四'[number - 1]}季度"
                if chinese
                else f"Q{number} {self.first.year}"
            )
        if self.kind == "year":
            return f"{self.first.year}年" if chinese else f"{self.first.year}"
        if chinese:
            return "至".join(format_date(day, "y年M月d日", locale) for day in (self.first, self.last))
        return (
            f"{format_date(self.first, 'd MMMM y', locale)} to {format_date(self.last, 'd MMMM y', locale)}"
        )


def containing(kind: str, day: dt.date) -> Period:
    """The month, quarter or year that a day lies in."""
    months = _MONTHS[kind]
    first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
    end = first.replace(month=first.month + months - 1)
    return Period(kind, first, end.replace(day=calendar.monthrange(end.year, end.month)[1]))


def between(first: dt.date, last: dt.date) -> Period:
    """The period of two days: a whole month, quarter or year is one, whoever wrote it as days.

    Raises:
        Invalid: `dates-in-wrong-order`.
    """
    if first > last:
        raise _wrong("from", "dates-in-wrong-order", "The first day is after the last one.")
    for kind in _MONTHS:
        whole = containing(kind, first)
        if (whole.first, whole.last) == (first, last):
            return whole
    return Period("range", first, last)


def written(kind: str, text: str) -> Period:
    """The period that someone wrote: 2026-10, 2026-Q3 or 2026.

    Raises:
        Invalid: `report-period-unknown`: it cannot be read, or is no such period.
    """
    found = _WRITTEN[kind].fullmatch(text.strip()) if kind in _WRITTEN else None
    if found is None:
        raise _unknown()
    year, number = int(found[1]), int(found[2]) if kind != "year" else 1
    try:
        day = dt.date(year, number * 3 if kind == "quarter" else number, 1)
    except ValueError:
        raise _unknown() from None
    if day < _EARLIEST or year > clock.today().year + 1:
        raise _unknown()
    return containing(kind, day)


def last_over(kind: str, today: dt.date) -> Period:
    """The last month, quarter or year that is over."""
    return containing(kind, today).before()


def _unknown() -> Invalid:
    return _wrong(
        "period", "report-period-unknown", "Please write a period such as 2026-10, 2026-Q3 or 2026."
    )


def _wrong(field: str, code: str, sentence: str) -> Invalid:
    return Invalid(code, sentence, fields={field: [sentence]})
