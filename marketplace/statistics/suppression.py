"""Keeping small numbers back from published tables, so that none can be reckoned from the others.

A number from 1 to LEAST - 1 would tell of single firms: it is kept back (primary suppression). With the sum
of its column it could be reckoned again, so another cell of the column is kept back with it (secondary
suppression), large enough that every small number stays as possible as it was: see Hundepool et al.,
Statistical Disclosure Control (2012), chapter 4. Zero tells of nobody and is shown. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEAST: Final = 5
"""The smallest number that is published: official statistics use 3 to 10, most of them 5."""

ENOUGH: Final = 2 * LEAST - 1
"""A companion of this size hides any small number: it stays above the small ones whatever these are."""


def kept_back(column: Mapping[str, int]) -> frozenset[str]:
    """Which groups of a column are kept back, whose sum is published.

    Args:
        column: group → its number, zero or more.

    Returns:
        Every group with 1 to LEAST - 1, and the smallest group of at least ENOUGH; where there is none, all
        groups that are not zero.
    """
    small = {group for group, number in column.items() if 0 < number < LEAST}
    if not small:
        return frozenset()
    large = [(number, group) for group, number in column.items() if number >= ENOUGH]
    if large:
        return frozenset(small | {min(large)[1]})
    return frozenset(group for group, number in column.items() if number)


def total_kept_back(number: int) -> bool:
    """Whether a sum is itself too small to be published."""
    return 0 < number < LEAST
