"""Cumulative incidence: the share that was licensed within N days, of cohorts that are still young.

The Aalen-Johansen estimator (Aalen and Johansen 1978) for two events that exclude each other: a first
licence, and an exit without one (withdrawn, revoked, term over, patent ended). Only the day of observation
censors. One minus Kaplan-Meier would take a withdrawn offer for one that may still be licensed, and
overstate. Patents of one holder are alike, so errors are reckoned from what each holder contributes (the
infinitesimal jackknife, Efron 1982), not from single patents. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketplace.core.lazily import Lazily

from .columns import Array

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

LEAST_AT_RISK = 20
LEAST_HOLDERS = 10
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A share that is estimated, as a fraction.

    Attributes:
        value: the estimate.
        error: its standard error; None where too few holders contribute to tell.
        low, high: its 95 per cent interval; None likewise.
        at_risk: how many were watched, neither licensed nor gone, up to the last day of it.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    at_risk: int


def estimate(waited: Array, licensed: Array, gone: Array, holder: Array, days: int) -> Estimate | None:
    """The share licensed within `days`, of patents that were watched for different times.

    Args:
        waited: per patent, days from announcement to its licence, its exit, or the day of observation.
        licensed: which ended in a licence.
        gone: which ended without one.
        holder: whose it is, a small whole number.
        days: N; an event of the Nth day counts.

    Returns:
        None when fewer than LEAST_AT_RISK were watched up to that day: then nothing can be said of it.
    """
    watched = int(np.count_nonzero(waited >= days))
    if watched < LEAST_AT_RISK:
        return None
    size = days + 1
    by_day = np.minimum(waited, size)
    at_risk = np.bincount(by_day, minlength=size + 1)[::-1].cumsum()[::-1][:size].astype(float)
    takes = np.bincount(by_day[licensed], minlength=size + 1)[:size]
    ends = takes + np.bincount(by_day[gone], minlength=size + 1)[:size]
    hazard_of_licence, hazard = takes / at_risk, ends / at_risk
    stays = np.cumprod(1 - hazard)
    stayed_before = np.concatenate(([1.0], stays[:-1]))
    incidence = np.cumsum(stayed_before * hazard_of_licence)
    value = float(incidence[-1])

    # What a patent's weight changes: by its own event, and by having been at risk on every day before.
    to_come = value - incidence
    left = at_risk * (1 - hazard)
    spread = np.divide(to_come, left, out=np.zeros(size), where=left > 0)
    while_watched = np.cumsum(hazard * spread - stayed_before * hazard_of_licence / at_risk)
    own = np.minimum(by_day, days)
    change = while_watched[own]
    happened = by_day <= days
    change = change - np.where(happened & (licensed | gone), spread[own], 0.0)
    change = change + np.where(happened & licensed, (stayed_before / at_risk)[own], 0.0)
    by_holder = np.bincount(holder, weights=change)
    holders = int(np.count_nonzero(np.bincount(holder)))
    if holders < LEAST_HOLDERS or not 0 < value < 1:
        return Estimate(value, None, None, None, watched)
    variance = float(np.sum(by_holder**2)) * holders / (holders - 1)
    error = variance**0.5
    return Estimate(value, error, *_interval(value, error), watched)


def _interval(value: float, error: float) -> tuple[float, float]:
    """On the scale log(-log), so that it stays between 0 and 1 (Kalbfleisch and Prentice 2002, 1.4)."""
    logarithm = float(np.log(value))
    wide = float(np.exp(_NORMAL_95 * error / abs(value * logarithm)))
    return value**wide, value ** (1 / wide)
