"""Recommended against not recommended, held against each other at one age. Pure functions.

A patent licensed early has had less time to be recommended, and one recommended late was by then known to be
unlicensed: counted naively, that time speaks for or against recommending (immortal time). So both groups
are formed at a landmark, of the patents unlicensed until then, by what had happened by then, and followed
from there (Anderson, Cain and Gelber 1983, J Clin Oncol 1:710). What it finds is an observation, not a cause.
"""

from __future__ import annotations

from .columns import Array

LANDMARK_DAYS = 30
FOLLOWED_DAYS = 90


def at_landmark(
    recommended: Array, licensed: Array, ended: Array, observed: Array
) -> tuple[Array, Array, Array]:
    """Who is held against whom: the patents, those licensed while followed, those recommended by then.

    Args:
        recommended, licensed, ended: days from the announcement to the first recommendation, the first
            licence and the end of the offer; a large number where there was none.
        observed: days from the announcement to the day of observation.

    Returns:
        Three masks. Patents followed for less than FOLLOWED_DAYS, and those licensed or ended by the
        landmark, are not held against others; one that ends later is, unlicensed.
    """
    until = LANDMARK_DAYS + FOLLOWED_DAYS
    at_risk = (licensed > LANDMARK_DAYS) & (ended > LANDMARK_DAYS) & (observed >= until)
    return at_risk, at_risk & (licensed <= until), recommended <= LANDMARK_DAYS
