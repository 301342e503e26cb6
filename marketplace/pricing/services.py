"""Estimating a fee for one patent: every basis as far as there are data, each with its sample and source.

The bases are those of the guidance of 2022 (国知办发运字〔2022〕56号): 1 the holder's own income, 2 fees
already received for this patent, 3 statistics of the same industry, 4 usual international rates, 5 a
valuation. An estimate is a reference and binds nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import allowed, require
from marketplace.deals.models import Licence
from marketplace.listings.models import Patent

from . import comparables, figures, rules
from .comparables import Comparison, Subject
from .models import ReferenceFee
from .rules import ENOUGH, AnnuityYear, Bin, Sample

# Code → which of the five bases of the guidance it belongs to, in the order of the page.
BASES: Final = {
    "comparable_offers": 3,
    "comparable_licences": 3,
    "reference": 3,
    "published": 3,
    "past_licences": 2,
    "own_income": 1,
    "international": 4,
    "valuation": 5,
}
_PAST_SHOWN: Final = 50
_NO_SAMPLE: Final = Sample()


@dataclass(frozen=True)
class Own:
    """What the holder knows and types; kept nowhere. Sums in 分, rates in per cent.

    Attributes:
        income_minor: the holder's own yearly income from practising the patent.
        share: the part of it that a licensee would pay.
        rate_low, rate_high, rate_source: usual international rates on net sales, and where they are from.
        value_minor, value_source: an appraised value, and whose report it is.
    """

    income_minor: int | None = None
    share: Decimal | None = None
    rate_low: Decimal | None = None
    rate_high: Decimal | None = None
    rate_source: str | None = None
    value_minor: int | None = None
    value_source: str | None = None


@dataclass(frozen=True)
class Figure:
    """Low, middle and high for one form of payment: sums in 分 (`fixed`) or rates in per cent.

    Attributes:
        middle: a median, or with `mean` the arithmetic mean, the only one that was published.
        span: what low and high are: `quartiles`, `range` (least and most), or None where there are none.
    """

    form: str
    middle: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    mean: bool = False
    span: str | None = None
    sample: Sample = _NO_SAMPLE
    rung: str | None = None
    bins: tuple[Bin, ...] = ()
    passed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Basis:
    """One basis and what it comes to.

    Attributes:
        n: how many prices or contracts there are, whether enough or not.
        too_small: there are some, but fewer than say anything.
    """

    code: str
    figures: tuple[Figure, ...] = ()
    n: int = 0
    too_small: bool = False

    @property
    def guidance(self) -> int:
        """The number of the basis in the guidance."""
        return BASES[self.code]

    @property
    def usable(self) -> bool:
        """Whether it gives a figure that an explanation can rest on."""
        return bool(self.figures)


@dataclass(frozen=True)
class FeeEstimate:
    """Everything there is to estimate the fee of one patent by."""

    patent: Patent
    subject: Subject
    years: int
    comparisons: Mapping[str, Comparison]
    past: tuple[Licence, ...]
    references: tuple[ReferenceFee, ...]
    own: Own
    bases: tuple[Basis, ...]

    def basis(self, code: str) -> Basis | None:
        """The basis with this code."""
        return next((basis for basis in self.bases if basis.code == code), None)


def estimate(actor: Actor, patent: Patent, own: Own | None = None) -> FeeEstimate:
    """Estimate the fee of a patent by every basis.

    Raises:
        Forbidden: the actor acts for none of the patentees.
    """
    require(actor, "fee.estimate", patent)
    own = own or Own()
    today = clock.today()
    subject = comparables.subject_of(patent, today)
    comparisons = comparables.compare(actor, patent)
    references = tuple(figures.reference_fees(subject.industry))
    past = _past_licences(actor, patent)
    years = years_of(patent, None)
    return FeeEstimate(
        patent,
        subject,
        years,
        comparisons,
        past,
        references,
        own,
        (
            _offers(comparisons),
            _licences(comparisons),
            _reference(references),
            _published(),
            _past(past),
            _own_income(own, years),
            _international(own),
            _valuation(own),
        ),
    )


def years_of(patent: Patent, last_day: dt.date | None) -> int:
    """Years that a licence from today may run: to its last day, and no longer than the patent (CC 865)."""
    today = clock.today()
    ends = [day for day in (last_day, patent.expires_on) if day is not None]
    return rules.years_left(today, min(ends)) if ends else 0


def annuities(
    patent: Patent, *, relief: int, years: int, scale: figures.Scale
) -> tuple[AnnuityYear, ...] | None:
    """The annuities that a licence recorded today and running so many years would make cheaper.

    Args:
        relief: per cent of the holder's present reduction, one of `rules.RELIEFS`.

    Returns:
        None where the days of filing or grant are unknown.
    """
    if patent.filing_date is None or patent.grant_date is None:
        return None
    today = clock.today()
    return rules.annuity_years(
        patent.kind,
        patent.filing_date,
        patent.grant_date,
        patent.expires_on,
        scale.bands,
        recorded_on=today,
        practised_to=rules.anniversary(today, years) - dt.timedelta(days=1),
        relief=relief,
    )


# --- the bases


def _past_licences(actor: Actor, patent: Patent) -> tuple[Licence, ...]:
    """Licences of this patent with a known sum that the asking side may see, newest first."""
    rows = db.session.scalars(
        sa.select(Licence)
        .where(Licence.patent_id == patent.id, Licence.amount_minor > 0, Licence.currency == "CNY")
        .order_by(Licence.effective_on.desc(), Licence.id.desc())
        .limit(_PAST_SHOWN)
    )
    return tuple(row for row in rows if allowed(actor, "licence.view", row).allowed)


def _figure(comparison: Comparison) -> Figure | None:
    spread = comparison.spread
    if spread is None:
        return None
    return Figure(
        "fixed" if comparison.metric == "licence" else comparison.metric,
        spread.median,
        spread.low,
        spread.high,
        span="quartiles",
        sample=comparison.sample,
        rung=comparison.rung,
        bins=comparison.bins,
        passed=comparison.passed,
    )


def _compared(code: str, comparisons: Mapping[str, Comparison], metrics: tuple[str, ...]) -> Basis:
    known = [comparisons[metric] for metric in metrics if metric in comparisons]
    found = tuple(figure for figure in map(_figure, known) if figure is not None)
    n = sum(comparison.sample.n for comparison in known)
    return Basis(code, found, n, too_small=n > 0 and not found)


def _offers(comparisons: Mapping[str, Comparison]) -> Basis:
    return _compared("comparable_offers", comparisons, ("fixed", *comparables.IN_PER_CENT))


def _licences(comparisons: Mapping[str, Comparison]) -> Basis:
    return _compared("comparable_licences", comparisons, ("licence",))


def _reference(references: tuple[ReferenceFee, ...]) -> Basis:
    if not references:
        return Basis("reference")
    newest = next((row for row in references if row.sample_size >= ENOUGH), None)
    if newest is None:
        return Basis("reference", n=references[0].sample_size, too_small=True)
    sample = Sample(newest.sample_size, 0, newest.year, newest.year)
    found = []
    if newest.mean_lump_sum_minor is not None:
        found.append(Figure("fixed", Decimal(newest.mean_lump_sum_minor), mean=True, sample=sample))
    rate = newest.mean_rate if newest.median_rate is None else newest.median_rate
    if rate is not None:
        form = "royalty_profit" if newest.rate_base == "profit" else "royalty_net_sales"
        found.append(Figure(form, rate, mean=newest.median_rate is None, sample=sample))
    return Basis("reference", tuple(found), newest.sample_size)


def _published() -> Basis:
    newest = figures.published_years()[0]
    sample = Sample(newest.fixed_contracts, 0, newest.year, newest.year)
    figure = Figure("fixed", Decimal(newest.fixed_mean_minor), mean=True, sample=sample)
    return Basis("published", (figure,), newest.fixed_contracts)


def _past(past: tuple[Licence, ...]) -> Basis:
    """One's own prices are no sample: a single one is shown, and said to be few."""
    if not past:
        return Basis("past_licences")
    counted = [(row.amount_minor or 0, 1) for row in past]
    amounts = [Decimal(amount) for amount, _ in counted]
    days = [row.effective_on for row in past]
    figure = Figure(
        "fixed",
        rules.quantile(counted, Decimal("0.5")).quantize(Decimal(1)),
        min(amounts),
        max(amounts),
        span="range",
        sample=Sample(len(past), 1, min(days).year, max(days).year),
    )
    return Basis("past_licences", (figure,), len(past), too_small=len(past) < ENOUGH)


def _own_income(own: Own, years: int) -> Basis:
    if not own.income_minor or not own.share or not years:
        return Basis("own_income")
    total = rules.own_income(own.income_minor, own.share, years)
    return Basis("own_income", (Figure("fixed", Decimal(total)),))


def _international(own: Own) -> Basis:
    """Usual rates have to be brought with their source: none come with the product."""
    if own.rate_low is None or own.rate_high is None or not own.rate_source:
        return Basis("international")
    low, high = sorted((own.rate_low, own.rate_high))
    figure = Figure("royalty_net_sales", (low + high) / 2, low, high, span="range")
    return Basis("international", (figure,))


def _valuation(own: Own) -> Basis:
    if not own.value_minor or not own.value_source:
        return Basis("valuation")
    return Basis("valuation", (Figure("fixed", Decimal(own.value_minor)),))
