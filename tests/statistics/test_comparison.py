"""Comparisons of groups: never of few, by holders, and right about as often as they claim."""

from __future__ import annotations

import numpy as np
import pytest

from marketplace.statistics.columns import Array
from marketplace.statistics.comparison import Difference, Side, difference


def side(holders: Array, licensed: Array) -> Side:
    return Side(counted=holders[licensed], of=holders)


def drawn(chance: np.random.Generator, holders: int, rate: float, first: int = 0) -> Side:
    """Patents of holders that differ: each has a rate of its own around the given one."""
    of = np.repeat(np.arange(holders), chance.integers(1, 30, holders))
    own = chance.beta(4 * rate, 4 * (1 - rate), holders)
    return side(of + first, chance.random(len(of)) < own[of])


def test_the_difference_is_that_of_the_rates_and_lies_in_its_interval() -> None:
    chance = np.random.default_rng(1)
    first, second = drawn(chance, 60, 0.5), drawn(chance, 60, 0.2, first=1000)
    found = difference(first, second)
    assert found is not None
    assert found.value == pytest.approx(first.rate - second.rate)
    assert found.low < found.value < found.high
    assert found.holders == 120
    assert found.beyond_chance
    assert difference(first, second) == found, "equal facts give equal bounds"
    turned = difference(second, first)
    assert turned is not None
    assert turned.value == pytest.approx(-found.value)


def test_few_patents_few_events_and_few_holders_are_not_compared() -> None:
    many = drawn(np.random.default_rng(2), 60, 0.5)
    few_patents = side(np.arange(29), np.arange(29) < 10)
    few_events = side(np.arange(60), np.arange(60) < 4)
    few_holders = side(np.arange(60) % 9, np.arange(60) < 20)
    for small in (few_patents, few_events, few_holders):
        assert difference(many, small) is None
        assert difference(small, many) is None


def test_patents_of_one_holder_are_not_taken_for_independent_ones() -> None:
    """Twelve holders, all of whose patents are licensed or none: as good as twelve patents, not 1,200."""
    holders = np.repeat(np.arange(12), 100)
    one = side(holders, holders < 6)
    other = side(holders + 100, holders < 5)
    found = difference(one, other)
    assert found is not None
    assert found.high - found.low > 0.5
    assert not found.beyond_chance


def test_what_is_common_to_both_sides_is_drawn_together() -> None:
    """The same patents on both sides do not differ, however uncertain the rate itself is."""
    holders = np.repeat(np.arange(20), 10)
    one = side(holders, holders < 10)
    assert difference(one, one) == Difference(0.0, 0.0, 0.0, 20)


def test_equal_groups_are_called_different_about_once_in_twenty_times() -> None:
    chance = np.random.default_rng(3)
    wrong = 0
    for _ in range(40):
        found = difference(drawn(chance, 80, 0.4), drawn(chance, 80, 0.4, first=1000))
        assert found is not None
        wrong += found.beyond_chance
    assert wrong <= 5  # of 40; twice as many as claimed would be 4, and chance may add one
