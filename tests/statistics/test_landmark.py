"""Groups of recommended patents are formed at one age."""

from __future__ import annotations

import numpy as np

from marketplace.statistics import landmark

NEVER = np.inf


def made_history(patents=20_000):
    """Recommending does nothing here: licences and recommendations come by chance, each on its own.

    No one recommends a patent that has a licence.
    """
    chance = np.random.default_rng(7)
    licensed = chance.exponential(100, patents)
    recommended = chance.exponential(60, patents)
    recommended[recommended >= licensed] = NEVER
    return recommended, licensed


def test_a_recommendation_that_does_nothing_seems_to_harm_only_where_counted_naively():
    recommended, licensed = made_history()
    quick = licensed <= landmark.FOLLOWED_DAYS
    ever = recommended < NEVER
    assert quick[~ever].mean() - quick[ever].mean() > 0.2
    always = np.full(len(licensed), NEVER)
    at_risk, reached, by_then = landmark.at_landmark(recommended, licensed, always, always)
    assert abs(reached[at_risk & by_then].mean() - reached[at_risk & ~by_then].mean()) < 0.03


def test_patents_licensed_ended_or_not_yet_followed_are_on_neither_side():
    whole = landmark.LANDMARK_DAYS + landmark.FOLLOWED_DAYS
    at_risk, reached, by_then = landmark.at_landmark(
        recommended=np.array([5.0, 5.0, 5.0, 30.0, 31.0, NEVER]),
        licensed=np.array([30.0, NEVER, 40.0, whole, whole + 1.0, NEVER]),
        ended=np.array([NEVER, 30.0, NEVER, NEVER, NEVER, 31.0]),
        observed=np.array([whole, whole, whole - 1.0, whole, whole, whole]),
    )
    assert np.flatnonzero(at_risk).tolist() == [3, 4, 5]
    assert np.flatnonzero(reached).tolist() == [3]
    assert np.flatnonzero(at_risk & by_then).tolist() == [3]
