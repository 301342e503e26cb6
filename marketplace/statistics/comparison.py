"""Whether two groups differ by more than chance: by drawing holders anew, not patents. Pure functions.

The patents of one holder are alike, and one university may announce hundreds on one day; so a difference of
rates is drawn again and again from the holders, with replacement (the cluster bootstrap: Davison and Hinkley
1997, 3.8; Field and Welsh 2007). The draws are seeded: equal facts give equal bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketplace.core.lazily import Lazily

from .columns import Array
from .figures import LEAST_EVENTS, LEAST_PATENTS

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

DRAWS = 2000
LEAST_HOLDERS = 10
_SEED = 20240120  # the Implementing Rules on open licensing took effect on 2024-01-20
_AT_ONCE = 2_000_000  # drawn numbers in memory


@dataclass(frozen=True)
class Difference:
    """How far two rates lie apart.

    Attributes:
        value: the first rate minus the second, as a fraction.
        low, high: the 95 per cent interval.
        holders: how many holders were drawn from.
    """

    value: float
    low: float
    high: float
    holders: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Side:
    """One of the two rates: the holder of each patent that is counted, and of each that it is divided by."""

    counted: Array
    of: Array

    @property
    def too_small(self) -> bool:
        """Fewer than 30 patents or 5 events: then nothing is compared."""
        return len(self.of) < LEAST_PATENTS or len(self.counted) < LEAST_EVENTS

    @property
    def rate(self) -> float:
        return len(self.counted) / len(self.of)


def difference(first: Side, second: Side) -> Difference | None:
    """The difference of two rates with its interval; None where one of them is too small, or holders are few.

    A holder with patents on both sides is drawn with all of them at once.
    """
    if first.too_small or second.too_small:
        return None
    holders, places = np.unique(
        np.concatenate([first.counted, first.of, second.counted, second.of]), return_inverse=True
    )
    if min(len(np.unique(first.of)), len(np.unique(second.of))) < LEAST_HOLDERS:
        return None
    ends = np.cumsum([len(part) for part in (first.counted, first.of, second.counted)])
    sums = np.stack([np.bincount(part, minlength=len(holders)) for part in np.split(places, ends)])
    chance = np.random.default_rng(_SEED)
    drawn = []
    for size in _portions(DRAWS, max(1, _AT_ONCE // len(holders))):
        weights = chance.multinomial(len(holders), np.full(len(holders), 1 / len(holders)), size=size)
        drawn.append(weights @ sums.T.astype(np.float64))
    totals = np.concatenate(drawn)
    possible = totals[(totals[:, 1] > 0) & (totals[:, 3] > 0)]
    low, high = np.quantile(possible[:, 0] / possible[:, 1] - possible[:, 2] / possible[:, 3], (0.025, 0.975))
    return Difference(first.rate - second.rate, float(low), float(high), len(holders))


def _portions(whole: int, part: int) -> list[int]:
    """A number in parts of a certain size, the last one smaller."""
    return [min(part, whole - begin) for begin in range(0, whole, part)]
