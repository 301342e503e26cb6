"""Which periods are reported, when, and what royalty follows. Pure functions.

Money in 分; rates in per cent; dates are Shanghai dates, inclusive. CC is the Civil Code.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from marketplace.core import clock
from marketplace.core.errors import Conflict

# The announced terms name neither: CC 511(4) lets the creditor ask at any time and gives the debtor the time
# that it needs. A month for closing the books and another for the transfer is what contracts commonly leave.
REPORT_DAYS: Final = 30
PAY_DAYS: Final = 30
REMIND_BEFORE: Final = 14  # days
# What CC 563(3) calls a reasonable time after a demand; a holder may give more, not less.
CURE_DAYS: Final = 15

MONTHS: Final[Mapping[str, int]] = {"quarter": 3, "half_year": 6, "year": 12}

# Half-years before years and quarters: "每半年" holds "年".
_LENGTH_WORDS: Final = (
    ("half_year", re.compile(r"半年|每六个月|每6个月|half[- ]year|semi-?annual", re.IGNORECASE)),
    ("quarter", re.compile(r"季度|按季|每季|每三个月|每3个月|quarter", re.IGNORECASE)),
    ("year", re.compile(r"每年|按年|年度|逐年|annual|yearly|per year|each year", re.IGNORECASE)),
)
_DAYS: Final = re.compile(r"(\d{1,3})\s*(?:个)?(?:自然日|日|天|days?)", re.IGNORECASE)


@dataclass(frozen=True)
class Conditions:
    """What a period is reckoned by."""

    base: str
    rate_percent: Decimal
    minimum_minor: int | None = None
    cap_minor: int | None = None


@dataclass(frozen=True)
class Line:
    """What one product brought: `amount_minor` less `deductions_minor` counts."""

    amount_minor: int
    deductions_minor: int = 0

    @property
    def base_minor(self) -> int:
        return self.amount_minor - self.deductions_minor


@dataclass(frozen=True)
class Step:
    """One line of a reckoning: a code and the figures that it shows, with its result."""

    code: str
    result_minor: int
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Reckoning:
    """How a royalty comes about, step by step."""

    base_minor: int
    royalty_minor: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Stretch:
    """A reporting period with its due dates."""

    begins: dt.date
    ends: dt.date
    report_due_on: dt.date
    pay_due_on: dt.date
    provisional: bool


def bears_royalty(terms: Mapping[str, Any]) -> bool:
    """Whether the announced terms ask for a running royalty."""
    return base_of(terms) is not None and terms.get("rate_percent") is not None


def base_of(terms: Mapping[str, Any]) -> str | None:
    """`net_sales` or `profit`; None where no royalty is announced."""
    form = terms.get("fee_form")
    if form == "royalty_net_sales":
        return "net_sales"
    if form == "royalty_profit":
        return "profit"
    return (terms.get("rate_base") or "net_sales") if form == "entry_plus_royalty" else None


def length_of(terms: Mapping[str, Any]) -> tuple[str, str]:
    """How long a period is and where that comes from.

    Returns:
        `quarter`, `half_year` or `year`; and `announced` where the announced way of paying says so in
        words, else `default`: a year, as accounts are kept by calendar years (Accounting Law, Art. 11).
    """
    text = terms.get("payment_text") or ""
    for length, words in _LENGTH_WORDS:
        if words.search(text):
            return length, "announced"
    return "year", "default"


def grace_days(text: str) -> int | None:
    """The days of grace that an accepted clause names in figures; None when it uses other words."""
    found = _DAYS.search(text)
    return int(found[1]) if found else None


def period_of(day: dt.date, length: str) -> tuple[dt.date, dt.date]:
    """First and last day of the calendar quarter, half-year or year that holds a day."""
    months = MONTHS[length]
    first = dt.date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, clock.add_months(first, months) - dt.timedelta(days=1)


def stretch(
    begins: dt.date, length: str, last: dt.date | None, *, report_days: int, pay_days: int
) -> Stretch:
    """The period that begins on a day: to the end of its calendar period, or of the licence.

    Args:
        begins: its first day.
        last: the licence's last day, None where that is not on record.
        report_days, pay_days: calendar days; a due date on a holiday moves to the next working day (IR 5).

    Raises:
        ValueError: it would begin after the licence's end.
    """
    ends = period_of(begins, length)[1]
    if last is not None:
        ends = min(ends, last)
    if ends < begins:
        raise ValueError("a period begins within the licence")
    report, pay = clock.deadline(ends, days=report_days), clock.deadline(ends, days=report_days + pay_days)
    return Stretch(begins, ends, report.date, pay.date, report.provisional or pay.provisional)


def reckon(lines: Iterable[Line], conditions: Conditions) -> Reckoning:
    """The royalty of a period: base × rate, rounded half up to the 分, then the minimum, then the cap.

    A base below zero (a loss, or returns above the sales) counts as zero.
    """
    lines = list(lines)
    amount = sum(line.amount_minor for line in lines)
    deductions = sum(line.deductions_minor for line in lines)
    net = amount - deductions
    base = max(net, 0)
    exact = Decimal(base) * conditions.rate_percent / 100
    rounded = int(exact.to_integral_value(ROUND_HALF_UP))
    steps = [Step("base", base, {"amount": amount, "deductions": deductions, "net": net})]
    steps.append(Step("rate", rounded, {"base": base, "rate": conditions.rate_percent, "exact": exact}))
    royalty = rounded
    if conditions.minimum_minor is not None:
        royalty = max(royalty, conditions.minimum_minor)
        steps.append(Step("minimum", royalty, {"minimum": conditions.minimum_minor}))
    if conditions.cap_minor is not None:
        royalty = min(royalty, conditions.cap_minor)
        steps.append(Step("cap", royalty, {"cap": conditions.cap_minor}))
    return Reckoning(base, royalty, tuple(steps))


@dataclass(frozen=True)
class Settlement:
    """What a statement makes due anew, and what the licensee has in hand afterwards."""

    due_minor: int
    credit_left_minor: int


def settle(royalties_minor: int, claimed_minor: int) -> Settlement:
    """Compare all royalties of a licence by the statements that count with what was claimed for them.

    Args:
        royalties_minor: the sum of all periods' royalties, the new statement included.
        claimed_minor: the sum of all royalty obligations that were not cancelled, paid or open.
    """
    difference = royalties_minor - claimed_minor
    return Settlement(max(difference, 0), max(-difference, 0))


def require_over(ends: dt.date, today: dt.date) -> None:
    """Raise the Conflict `period-not-over` while a period still runs."""
    if today <= ends:
        raise Conflict(
            "period-not-over", "This period is not over yet: it can be reported from the next day on."
        )
