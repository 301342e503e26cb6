"""What fees are estimated by: quantiles, bins, income, annuities. Pure functions over plain values.

Nothing here is an official formula: the guidance of 2022 on estimating open-licence fees
(国知办发运字〔2022〕56号) names five bases and is a reference only. Money in 分, rates in per cent as
`Decimal`, no floats.

PL is the Patent Law, IR the Implementing Regulations, GL the Guidelines for Patent Examination, TTL the Law
on Promoting the Transformation of Scientific and Technological Achievements.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import accumulate
from typing import Final

# Below this many values a quartile says next to nothing, and it would show single prices.
ENOUGH: Final = 5
# Figures of licences, whose prices may be private, rest on the prices of at least so many holders.
ENOUGH_HOLDERS: Final = 3

# From the nearest to the widest comparison.
RUNGS: Final = ("subclass_kind_age", "subclass", "class", "industry", "section", "all")

# Years from filing to the announcement, by calendar years: early, middle and late life of a patent.
AGE_BANDS: Final = ((0, 4), (5, 9), (10, 99))

# GL V-11 §8 with CNIPA Announcement No. 594 (2024): while the open licence is practised.
OPEN_LICENCE_REDUCTION: Final = Decimal(15)  # per cent
RELIEFS: Final = (0, 70, 85)  # per cent: none, joint owners, a single owner
RELIEF_YEARS: Final = 10  # counted from the year of grant
INVENTORS_FLOOR: Final = Decimal(50)  # per cent of net licence income, TTL 45
YEARS_OF_RIGHT: Final = {"invention": 20, "utility_model": 10, "design": 15}  # PL 42

Frequencies = Sequence[tuple[int | Decimal, int]]


# --- distributions


@dataclass(frozen=True)
class Spread:
    """Lower quartile, median and upper quartile of `n` values: sums in 分, or rates in per cent."""

    n: int
    low: Decimal
    median: Decimal
    high: Decimal


def count_of(frequencies: Frequencies) -> int:
    """How many values there are."""
    return sum(count for _, count in frequencies)


def quantile(frequencies: Frequencies, share: Decimal) -> Decimal:
    """The value below which `share` of the values lie, interpolated between neighbours (type 7).

    Args:
        frequencies: each value with how often it occurs.
        share: between 0 and 1.

    Raises:
        ValueError: there is no value.
    """
    ordered = sorted((Decimal(value), count) for value, count in frequencies if count > 0)
    if not ordered:
        raise ValueError("no values")
    ends = list(accumulate(count for _, count in ordered))
    place = share * (ends[-1] - 1)
    below = int(place)
    lower = ordered[bisect_right(ends, below)][0]
    upper = ordered[bisect_right(ends, min(below + 1, ends[-1] - 1))][0]
    return lower + (upper - lower) * (place - below)


def spread_of(frequencies: Frequencies, *, unit: Decimal = Decimal(1)) -> Spread | None:
    """The quartiles, rounded half up to `unit`; None when the sample is too small (below `ENOUGH`)."""
    n = count_of(frequencies)
    if n < ENOUGH:
        return None
    quarters = (quantile(frequencies, Decimal(part) / 4) for part in (1, 2, 3))
    return Spread(n, *(value.quantize(unit, ROUND_HALF_UP) for value in quarters))


def coarse(spread: Spread) -> Spread:
    """The same to two significant figures, so that no single price can be read from it."""
    return Spread(spread.n, *(_two_figures(value) for value in (spread.low, spread.median, spread.high)))


def _two_figures(value: Decimal) -> Decimal:
    if not value:
        return value
    unit = Decimal(1).scaleb(value.adjusted() - 1)
    return Decimal(f"{value.quantize(unit, ROUND_HALF_UP):f}")


@dataclass(frozen=True)
class Bin:
    """How many values lie from `start` up to but without `end` (None: no upper end)."""

    start: Decimal
    end: Decimal | None
    count: int


_WAN: Final = 1_000_000  # 分 in 10,000 yuan
FEE_EDGES: Final = tuple(
    Decimal(wan) * _WAN for wan in ("0", "0.5", "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000")
)
RATE_EDGES: Final = tuple(map(Decimal, ("0", "0.5", "1", "2", "3", "5", "8", "10", "15", "20", "30", "40")))


def bins_of(frequencies: Frequencies, edges: Sequence[Decimal]) -> tuple[Bin, ...]:
    """A histogram over rising `edges`, from the first bin that holds anything to the last."""
    counts = [0] * len(edges)
    for value, count in frequencies:
        counts[max(bisect_right(edges, Decimal(value)) - 1, 0)] += count
    filled = [index for index, count in enumerate(counts) if count]
    if not filled:
        return ()
    ends: list[Decimal | None] = [*edges[1:], None]
    return tuple(Bin(edges[i], ends[i], counts[i]) for i in range(filled[0], filled[-1] + 1))


@dataclass(frozen=True)
class Sample:
    """How much there is to compare with: prices, holders who set them, first and last year."""

    n: int = 0
    holders: int = 0
    first_year: int | None = None
    last_year: int | None = None


def rung_of(samples: Mapping[str, Sample], *, holders: int = 1) -> str | None:
    """The nearest comparison that is large enough; None when even the widest is too small.

    Args:
        samples: by rung.
        holders: how many holders it needs at least.
    """
    for rung in RUNGS:
        sample = samples.get(rung, Sample())
        if sample.n >= ENOUGH and sample.holders >= holders:
            return rung
    return None


def age_band(years: int) -> tuple[int, int]:
    """The band of `AGE_BANDS` that an age in years lies in."""
    return next((band for band in AGE_BANDS if years <= band[1]), AGE_BANDS[-1])


# --- income


@dataclass(frozen=True)
class Price:
    """A price form with its sum in 分 and its rate in per cent of sales or profit."""

    form: str
    fee_minor: int = 0
    rate_percent: Decimal = Decimal(0)


@dataclass(frozen=True)
class Income:
    """What a number of licensees pay over the term, in 分, before costs and taxes."""

    licensees: int
    once_minor: int
    yearly_minor: int
    total_minor: int
    inventors_minor: int


PAYS_ONCE: Final = ("fixed", "entry_plus_royalty")
PAYS_YEARLY: Final = ("royalty_net_sales", "royalty_profit", "entry_plus_royalty")


def income(price: Price, *, licensees: int, years: int, base_minor: int, share: Decimal) -> Income:
    """Income over the term when each licensee pays the price and sells (or earns) as assumed.

    Args:
        years: of the term, in which each licensee pays the royalty every year.
        base_minor: what the royalty is a share of, per licensee and year, in 分.
        share: per cent of the income that goes to those who made the result (TTL 45), rounded up: it is a
            floor. The law counts the *net* income, so this is the most it can come to.
    """
    once = price.fee_minor * licensees if price.form in PAYS_ONCE else 0
    yearly = _share(base_minor, price.rate_percent) * licensees if price.form in PAYS_YEARLY else 0
    total = once + yearly * years
    inventors = (Decimal(total) * share / 100).to_integral_value(ROUND_CEILING)
    return Income(licensees, once, yearly, total, int(inventors))


def own_income(yearly_minor: int, share: Decimal, years: int) -> int:
    """What a share of one's own yearly income from practising the patent comes to over the term, in 分.

    Simple multiplication, nothing discounted.
    """
    return _share(yearly_minor, share) * years


def _share(amount_minor: int, percent: Decimal) -> int:
    return int((Decimal(amount_minor) * percent / 100).to_integral_value(ROUND_HALF_UP))


# --- annuities


@dataclass(frozen=True)
class Band:
    """The annuity of the patent years from `year_from` to `year_to`, in 分 a year."""

    year_from: int
    year_to: int
    amount_minor: int


@dataclass(frozen=True)
class AnnuityYear:
    """One patent year: when its annuity is due, what is paid without and with an open licence, in 分.

    The sums are None where the scale has no figure for the year.
    """

    year: int
    due_on: dt.date
    full_minor: int | None
    relief_percent: int
    without_minor: int | None
    with_minor: int | None

    @property
    def saved_minor(self) -> int | None:
        """What the open licence saves in this year."""
        if self.without_minor is None or self.with_minor is None:
            return None
        return self.without_minor - self.with_minor


def annuity_years(
    kind: str,
    filed_on: dt.date,
    granted_on: dt.date,
    expires_on: dt.date | None,
    scale: Sequence[Band],
    *,
    recorded_on: dt.date,
    practised_to: dt.date,
    relief: int = 0,
) -> tuple[AnnuityYear, ...]:
    """The annuities that an open licence makes cheaper: GL V-11 §8, 15 per cent while it is practised.

    Only annuities that are not yet due on the day of recordal and fall due while the licence is practised.
    Of two reductions the better one counts, never both. The annuity of a patent year is due on the
    anniversary of the filing date with which the year begins (IR 115).

    Args:
        recorded_on: the day of recordal.
        practised_to: last day of the licence term.
        relief: per cent of the relief for holders of small means, which ends ten years from grant.
    """
    granted_in = patent_year(filed_on, granted_on)
    rows = []
    for year in range(granted_in + 1, YEARS_OF_RIGHT[kind] + 1):
        due_on = anniversary(filed_on, year - 1)
        if due_on <= recorded_on or due_on > practised_to or (expires_on and due_on >= expires_on):
            continue
        full = next((band.amount_minor for band in scale if band.year_from <= year <= band.year_to), None)
        reduced = relief if year < granted_in + RELIEF_YEARS else 0
        rows.append(
            AnnuityYear(
                year,
                due_on,
                full,
                reduced,
                None if full is None else full - _share(full, Decimal(reduced)),
                None if full is None else full - _share(full, max(OPEN_LICENCE_REDUCTION, Decimal(reduced))),
            )
        )
    return tuple(rows)


def saved(years: Sequence[AnnuityYear]) -> int:
    """What the open licence saves in all, in 分; years without a figure count nothing."""
    return sum(year.saved_minor or 0 for year in years)


def patent_year(filed_on: dt.date, day: dt.date) -> int:
    """The patent year that a day lies in, counted from the filing date (GL V-9 §4.2.1.1), from 1."""
    years = day.year - filed_on.year
    return years + (day >= anniversary(filed_on, years))


def anniversary(day: dt.date, years: int) -> dt.date:
    """The corresponding day so many years later; 28 February where a leap day is missing."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return dt.date(day.year + years, 2, 28)


def years_left(first: dt.date, last: dt.date) -> int:
    """Years from one day to another, both inclusive, a part of a year counted as one; 0 when it is over."""
    if last < first:
        return 0
    years = last.year - first.year
    return years + (last >= anniversary(first, years))
