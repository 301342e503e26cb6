"""Fees are held against quartiles, incomes and annuities that hold for any figures."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.pricing import rules
from marketplace.pricing.rules import Band, Price, Sample

AMOUNTS = st.integers(0, 2_000_000_000)
FREQUENCIES = st.dictionaries(AMOUNTS, st.integers(1, 9), min_size=1, max_size=30).map(
    lambda table: list(table.items())
)
SCALE = (Band(1, 3, 90_000), Band(4, 6, 120_000), Band(7, 9, 200_000), Band(10, 20, 400_000))


RELIEFS = st.sampled_from((0, 70, 85))


# --- quantiles


@given(st.lists(AMOUNTS, min_size=1, max_size=60), st.integers(0, 100))
def test_a_quantile_of_frequencies_is_that_of_the_single_values(values: list[int], percent: int) -> None:
    ordered = sorted(values)
    place = Decimal(percent) / 100 * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    wanted = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
    counted = [(value, values.count(value)) for value in set(values)]
    assert rules.quantile(counted, Decimal(percent) / 100) == wanted


@given(FREQUENCIES)
def test_quartiles_rise_and_stay_inside_the_sample(frequencies: list[tuple[int, int]]) -> None:
    spread = rules.spread_of(frequencies)
    n = rules.count_of(frequencies)
    assert (spread is None) == (n < rules.ENOUGH)
    if spread is not None:
        lowest, highest = min(frequencies)[0], max(frequencies)[0]
        assert lowest <= spread.low <= spread.median <= spread.high <= highest
        assert spread.n == n


@given(FREQUENCIES)
def test_coarse_quartiles_have_two_figures_and_are_near(frequencies: list[tuple[int, int]]) -> None:
    spread = rules.spread_of([*frequencies, (0, 5)])
    assert spread is not None
    rough = rules.coarse(spread)
    for exact, rounded in ((spread.low, rough.low), (spread.median, rough.median), (spread.high, rough.high)):
        assert len(f"{rounded:f}".strip("0.").lstrip("0")) <= 2
        assert abs(exact - rounded) * 20 <= max(exact, rounded)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        rules.quantile([(5, 0)], Decimal("0.5"))


@given(FREQUENCIES)
def test_a_histogram_counts_every_value_once(frequencies: list[tuple[int, int]]) -> None:
    bins = rules.bins_of(frequencies, rules.FEE_EDGES)
    assert sum(each.count for each in bins) == rules.count_of(frequencies)
    assert bins[0].count
    assert bins[-1].count
    for earlier, later in itertools.pairwise(bins):
        assert earlier.end == later.start
    for value, _ in frequencies:
        assert any(each.start <= value and (each.end is None or value < each.end) for each in bins)


def test_no_values_make_no_bins() -> None:
    assert rules.bins_of([], rules.RATE_EDGES) == ()


@given(st.dictionaries(st.sampled_from(rules.RUNGS), st.builds(Sample, st.integers(0, 9), st.integers(0, 9))))
def test_the_nearest_large_enough_comparison_is_taken(samples: dict[str, Sample]) -> None:
    found = rules.rung_of(samples, holders=rules.ENOUGH_HOLDERS)
    enough = [
        rung
        for rung in rules.RUNGS
        if rung in samples and samples[rung].n >= 5 and samples[rung].holders >= 3
    ]
    assert found == (enough[0] if enough else None)


# --- income


PRICES = st.builds(
    Price,
    st.sampled_from(("free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty")),
    AMOUNTS,
    st.decimals(0, 40, places=2),
)


@given(PRICES, st.integers(0, 500), st.integers(0, 20), AMOUNTS, st.decimals(50, 100, places=1))
def test_income_grows_with_every_licensee_by_the_same_sum(
    price: Price, licensees: int, years: int, base: int, share: Decimal
) -> None:
    one = rules.income(price, licensees=1, years=years, base_minor=base, share=share)
    many = rules.income(price, licensees=licensees, years=years, base_minor=base, share=share)
    assert many.total_minor == one.total_minor * licensees
    assert many.total_minor == many.once_minor + many.yearly_minor * years
    assert many.total_minor * share / 100 <= many.inventors_minor <= many.total_minor
    if price.form == "free":
        assert many.total_minor == 0


@given(PRICES, st.integers(1, 20), AMOUNTS)
def test_only_a_royalty_depends_on_sales(price: Price, years: int, base: int) -> None:
    def total(base_minor: int) -> int:
        return rules.income(
            price, licensees=3, years=years, base_minor=base_minor, share=Decimal(50)
        ).total_minor

    if price.form in ("free", "fixed"):
        assert total(base) == total(0)
    assert total(base) >= total(0)


def test_a_fee_is_paid_once_and_a_royalty_every_year() -> None:
    price = Price("entry_plus_royalty", 2_000_000, Decimal("1.5"))
    found = rules.income(price, licensees=4, years=5, base_minor=100_000_000, share=Decimal(50))
    assert (found.once_minor, found.yearly_minor, found.total_minor, found.inventors_minor) == (
        8_000_000,
        6_000_000,
        38_000_000,
        19_000_000,
    )
    assert rules.own_income(10_000_000, Decimal("2.5"), 4) == 1_000_000


# --- annuities


FILED = st.dates(dt.date(2010, 1, 1), dt.date(2024, 12, 31))


@given(
    FILED, st.integers(200, 2000), st.integers(0, 4000), st.integers(0, 6000), st.sampled_from((0, 70, 85))
)
def test_the_better_reduction_counts_and_never_both(
    filed: dt.date, to_grant: int, to_recordal: int, practised: int, relief: int
) -> None:
    granted = filed + dt.timedelta(days=to_grant)
    recorded = granted + dt.timedelta(days=to_recordal)
    until = recorded + dt.timedelta(days=practised)
    expires = rules.anniversary(filed, 20)
    rows = rules.annuity_years(
        "invention", filed, granted, expires, SCALE, recorded_on=recorded, practised_to=until, relief=relief
    )
    granted_in = rules.patent_year(filed, granted)
    for row in rows:
        assert recorded < row.due_on <= until
        assert granted_in < row.year <= 20
        assert row.full_minor is not None
        assert row.without_minor is not None
        assert row.with_minor == row.full_minor * (100 - max(15, row.relief_percent)) // 100
        if relief and row.year < granted_in + 10:
            assert row.saved_minor == 0
        else:
            assert row.saved_minor == row.full_minor * 15 // 100
    assert rules.saved(rows) >= 0
    assert [row.year for row in rows] == sorted({row.year for row in rows})


def test_annuities_that_are_due_on_the_day_of_recordal_are_not_reduced_any_more() -> None:
    filed = dt.date(2019, 3, 1)

    def years(recorded: dt.date) -> list[int]:
        rows = rules.annuity_years(
            "invention",
            filed,
            dt.date(2021, 6, 1),
            dt.date(2039, 3, 1),
            SCALE,
            recorded_on=recorded,
            practised_to=dt.date(2030, 3, 1),
        )
        return [row.year for row in rows]

    assert years(dt.date(2027, 3, 1)) == [10, 11, 12]
    assert years(dt.date(2027, 2, 28)) == [9, 10, 11, 12]


def test_a_year_without_a_figure_in_the_scale_saves_nothing_that_is_known() -> None:
    rows = rules.annuity_years(
        "design",
        dt.date(2022, 1, 10),
        dt.date(2022, 7, 1),
        dt.date(2037, 1, 10),
        (Band(1, 3, 60_000),),
        recorded_on=dt.date(2023, 1, 1),
        practised_to=dt.date(2026, 12, 31),
    )
    assert [(row.year, row.saved_minor) for row in rows] == [(2, 9_000), (3, 9_000), (4, None), (5, None)]
    assert rules.saved(rows) == 18_000


@given(FILED, st.integers(0, 7300))
def test_a_patent_year_begins_with_the_anniversary(filed: dt.date, days: int) -> None:
    day = filed + dt.timedelta(days=days)
    year = rules.patent_year(filed, day)
    assert rules.anniversary(filed, year - 1) <= day < rules.anniversary(filed, year)


@given(FILED, st.integers(0, 7300))
def test_years_left_cover_the_days_left(first: dt.date, days: int) -> None:
    last = first + dt.timedelta(days=days)
    years = rules.years_left(first, last)
    assert years >= 1
    assert last < rules.anniversary(first, years)
    assert rules.years_left(last + dt.timedelta(days=1), last) == 0
