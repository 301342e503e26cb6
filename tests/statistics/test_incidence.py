"""The estimator for young cohorts: against its definition, a library, resampling, and its own derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter
from numpy.testing import assert_allclose

from marketplace.statistics.columns import Array
from marketplace.statistics.incidence import Estimate, estimate


def story(seed: int, size: int = 400, holders: int = 40) -> tuple[Array, Array, Array, Array]:
    """Patents of holders that differ, licensed, gone or still watched, with many events on one day."""
    chance = np.random.default_rng(seed)
    holder = chance.integers(0, holders, size)
    liking = chance.gamma(2.0, 1.0, holders)[holder]
    licence = np.floor(chance.exponential(300 / liking)).astype(int)
    exit_ = np.floor(chance.exponential(500, size)).astype(int)
    observed = chance.integers(10, 400, size)
    waited = np.minimum(np.minimum(licence, exit_), observed)
    licensed = (licence <= exit_) & (licence <= observed)
    return waited, licensed, ~licensed & (exit_ <= observed), holder


def by_definition(
    waited: Array, licensed: Array, gone: Array, days: int, weights: Array | None = None
) -> float:
    """The sum over days of the chance to be there still, times the chance to be licensed on that day."""
    weights = np.ones(len(waited)) if weights is None else weights
    there, sum_ = 1.0, 0.0
    for day in range(days + 1):
        at_risk = weights[waited >= day].sum()
        if at_risk > 0:
            on_day = waited == day
            sum_ += there * weights[on_day & licensed].sum() / at_risk
            there *= 1 - weights[on_day & (licensed | gone)].sum() / at_risk
    return float(sum_)


@pytest.mark.parametrize("days", [0, 7, 90, 200])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_what_its_definition_says(seed: int, days: int) -> None:
    waited, licensed, gone, holder = story(seed)
    found = estimate(waited, licensed, gone, holder, days)
    assert found is not None
    assert found.value == pytest.approx(by_definition(waited, licensed, gone, days), abs=1e-12)


def test_it_agrees_with_a_library_where_no_two_events_share_a_day() -> None:
    """`lifelines` shakes days that are equal, so each day has one event here."""
    chance = np.random.default_rng(5)
    waited = chance.permutation(np.arange(1, 301))
    kind = chance.choice([0, 1, 2], 300, p=[0.3, 0.4, 0.3])
    fitted = AalenJohansenFitter(calculate_variance=False).fit(waited, kind, event_of_interest=1)
    for days in (10, 60, 180, 250):
        found = estimate(waited, kind == 1, kind == 2, np.arange(300), days)
        assert found is not None
        assert found.value == pytest.approx(fitted.predict(days).item(), abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from((7, 30, 90, 180)))
def test_where_nobody_is_censored_it_is_the_plain_share(seed: int, days: int) -> None:
    chance = np.random.default_rng(seed)
    waited = chance.integers(0, 400, 200)
    licensed = chance.random(200) < 0.5
    watched_long_enough = np.where(licensed | (chance.random(200) < 0.5), waited, 400)
    gone = ~licensed & (watched_long_enough < 400)
    found = estimate(watched_long_enough, licensed, gone, np.arange(200), days)
    if found is not None:
        assert_allclose(found.value, np.mean(licensed & (waited <= days)), atol=1e-12)


def test_what_a_holder_contributes_is_the_derivative_of_the_estimate() -> None:
    waited, licensed, gone, holder = story(3, size=120, holders=12)
    found = estimate(waited, licensed, gone, holder, 90)
    assert found is not None
    assert found.error is not None
    step = 1e-6
    changes = []
    for one in range(12):
        weights = 1 + step * (holder == one)
        changed = by_definition(waited, licensed, gone, 90, weights)
        changes.append((changed - by_definition(waited, licensed, gone, 90)) / step)
    assert_allclose(found.error**2, np.sum(np.square(changes)) * 12 / 11, rtol=1e-4)


def test_its_error_is_what_resampling_of_holders_shows() -> None:
    waited, licensed, gone, holder = story(8, size=3000, holders=150)
    found = estimate(waited, licensed, gone, holder, 90)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    chance = np.random.default_rng(0)
    drawn = [
        by_definition(
            waited, licensed, gone, 90, chance.multinomial(150, [1 / 150] * 150)[holder].astype(float)
        )
        for _ in range(300)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    assert found.high - found.low == pytest.approx(high - low, rel=0.15)
    assert found.low < found.value < found.high


def test_nothing_is_said_where_too_few_were_watched_and_no_interval_of_few_holders() -> None:
    waited = np.full(60, 40)
    nobody = np.zeros(60, bool)
    licensed = np.arange(60) < 6
    assert estimate(waited, licensed, nobody, np.arange(60), 41) is None
    found = estimate(waited, licensed, nobody, np.arange(60) % 9, 40)
    assert found == Estimate(0.1, None, None, None, 60)
