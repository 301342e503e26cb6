"""Recommended against not recommended, held against each other at one age. Pure functions.

A patent licensed early has had less time to be recommended, and one recommended late was by then known to be
unlicensed: counted naively, that time speaks for or against recommending (immortal time). So both groups
are formed at a landmark, of the patents unlicensed until then, by what had happened by then, and followed
from there (Anderson, Cain and Gelber 1983, J Clin Oncol 1:710). What it finds is an observation, not a cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace.core.lazily import Lazily

from .columns import Array
from .comparison import Side

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

LANDMARK_DAYS = 30
FOLLOWED_DAYS = 90


def sides(
    holders: Array, recommended: Array, licensed: Array, ended: Array, observed: Array
) -> tuple[Side, Side]:
    """The patents recommended by the landmark, and the others, with those licensed while followed.

    Args:
        holders: the holder of each patent, as its place in a list.
        recommended, licensed, ended: days from the announcement to the first recommendation, the first
            licence and the end of the offer; infinite where there was none.
        observed: days from the announcement to the day the facts are computed for.

    Returns:
        Both sides, for `comparison.difference`. Patents followed for less than FOLLOWED_DAYS, and those
        licensed or ended by the landmark, are on neither; one that ends later stays, unlicensed.
    """
    until = LANDMARK_DAYS + FOLLOWED_DAYS
    at_risk = (licensed > LANDMARK_DAYS) & (ended > LANDMARK_DAYS) & (observed >= until)
    reached = at_risk & (licensed <= until)
    by_then = recommended <= LANDMARK_DAYS
    return (
        Side(holders[reached & by_then], holders[at_risk & by_then]),
        Side(holders[reached & ~by_then], holders[at_risk & ~by_then]),
    )
