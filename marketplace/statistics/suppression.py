"""Keeping small numbers back from published tables, so that none can be reckoned from the sums.

A number from 1 to LEAST - 1 would tell of single firms: it is kept back (primary suppression). With the sum
of its column it could be reckoned again, so other cells of the column are kept back with it, until together
they leave room for every value that a small number may have (secondary suppression): see Hundepool et al.,
Statistical Disclosure Control (2012), chapter 4. Companions are taken in the order of their codes and not by
size, which would itself tell of them. Zero tells of nobody and is shown.

This holds against whoever knows the published numbers and sums. Who also knows this very rule may now and
then narrow a number down further (a minimality attack), as may one who compares columns that bound each
other, or editions that differ in what they hide; licences and offers themselves are public, in register and
catalogue. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEAST: Final = 5
"""The smallest number that is published."""


def kept_back(column: Mapping[str, int]) -> frozenset[str]:
    """Which groups of a column are kept back, whose sum is published.

    Args:
        column: group → its number, zero or more.

    Returns:
        Every group with 1 to LEAST - 1, and others until the sum of all of them leaves each small one any
        small value; all groups that are not zero, where these do not suffice.
    """
    hidden = {group for group, number in column.items() if 0 < number < LEAST}
    if not hidden:
        return frozenset()
    room = (LEAST - 1) * len(hidden) + LEAST
    for group in sorted(column):
        if sum(column[one] for one in hidden) >= room:
            break
        if column[group]:
            hidden.add(group)
    return frozenset(hidden)


def total_kept_back(number: int) -> bool:
    """Whether a sum is itself too small to be published."""
    return 0 < number < LEAST
