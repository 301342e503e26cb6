"""What others ask and have been paid for like patents: two aggregate queries, whatever there is.

The first counts the prices on every rung of a widening ladder, the second reads the values of the nearest
rung that is large enough, each with how often it occurs. Announced terms are public. What licensees paid is
not: the licences of the asking side are left out, and figures rest on enough prices of enough holders.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import Rate, db
from marketplace.deals.models import Licence
from marketplace.listings.industries import Prefix, industry_of, prefixes_of
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentClass, PatentParty

from . import rules
from .rules import Bin, Sample, Spread

# A revoked declaration rested on a false statement or should not have stood: no price to follow.
COMPARED: Final = (*IN_FORCE, "withdrawn", "lapsed")
# What is compared: announced prices by form, and what licensees paid up front.
METRICS: Final = ("fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty", "free", "licence")
IN_MONEY: Final = ("fixed", "licence")
IN_PER_CENT: Final = ("royalty_net_sales", "royalty_profit")


@dataclass(frozen=True)
class Comparison:
    """What one metric comes to.

    Attributes:
        metric: one of METRICS.
        rung: the nearest comparison that was large enough, None when none was.
        sample: of that rung, else of the widest.
        spread: quartiles, in 分 or per cent; None when the sample is too small or has no price.
        bins: the histogram of public prices; empty for licences.
        passed: the nearer rungs that were passed over as too small, each with its size.
    """

    metric: str
    rung: str | None
    sample: Sample
    spread: Spread | None
    bins: tuple[Bin, ...]
    passed: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Subject:
    """What a patent is compared by: the main class, kind and age in years."""

    patent_id: int
    symbol: str | None
    kind: str
    age: int | None

    @property
    def design(self) -> bool:
        """Whether the symbol is of the Locarno classification."""
        return (self.symbol or "")[:1].isdigit()

    @property
    def subclass(self) -> str | None:
        """`H01M` of `H01M10/0525`, for designs `09-03`."""
        return None if not self.symbol else self.symbol[:5] if self.design else self.symbol[:4]

    @property
    def main_class(self) -> str | None:
        """`H01`, for designs `09`."""
        return None if not self.symbol else self.symbol[:2] if self.design else self.symbol[:3]

    @property
    def section(self) -> str | None:
        """`H`; designs have no section."""
        return None if not self.symbol or self.design else self.symbol[:1]

    @property
    def industry(self) -> str | None:
        """The division of GB/T 4754-2017."""
        return industry_of(self.symbol)


def subject_of(patent: Patent, today: dt.date) -> Subject:
    """What a patent is compared by."""
    symbol = patent.classes[0].symbol if patent.classes else None
    age = None if patent.filing_date is None else max(today.year - patent.filing_date.year, 0)
    return Subject(patent.id, symbol, patent.kind, age)


def compare(actor: Actor, patent: Patent) -> dict[str, Comparison]:
    """Metric → what it comes to, for every metric of which there is any price."""
    subject = subject_of(patent, clock.today())
    prices = _prices(actor, subject)
    rungs = _rungs(prices, subject)
    samples = _samples(prices, rungs)
    chosen = {metric: _chosen(metric, found) for metric, found in samples.items()}
    values = _values(prices, rungs, {metric: rung for metric, rung in chosen.items() if rung})
    return {
        metric: _comparison(metric, samples[metric], chosen[metric], values.get(metric, []), rungs)
        for metric in METRICS
        if metric in samples
    }


def _chosen(metric: str, samples: Mapping[str, Sample]) -> str | None:
    return rules.rung_of(samples, holders=rules.ENOUGH_HOLDERS if metric == "licence" else 1)


def _comparison(
    metric: str,
    samples: Mapping[str, Sample],
    rung: str | None,
    values: list[tuple[Any, int]],
    rungs: Mapping[str, Any],
) -> Comparison:
    known = [name for name in rules.RUNGS if name in rungs]
    passed = known[: known.index(rung)] if rung else known[:-1]
    spread: Spread | None = None
    bins: tuple[Bin, ...] = ()
    if metric in IN_PER_CENT:
        spread = rules.spread_of(values, unit=Decimal("0.01"))
        bins = rules.bins_of(values, rules.RATE_EDGES)
    elif metric in IN_MONEY:
        spread = rules.spread_of(values)
        bins = rules.bins_of(values, rules.FEE_EDGES)
    if metric == "licence":
        spread, bins = None if spread is None else rules.coarse(spread), ()
    return Comparison(
        metric,
        rung,
        samples[rung or known[-1]],
        spread,
        bins,
        tuple((name, samples[name].n) for name in passed),
    )


# --- the queries


def _prices(actor: Actor, subject: Subject) -> sa.Subquery:
    """One row for each price: metric, value, holder, year, and what it is compared by."""
    main = aliased(PatentClass)
    latest = (
        sa.select(sa.func.max(Offer.id))
        .where(Offer.evidence == "verified", Offer.status.in_(COMPARED), Offer.currency == "CNY")
        .group_by(Offer.patent_id)
    )
    compared_by = (Patent.kind, main.symbol, sa.extract("year", Patent.filing_date).label("filed_in"))
    free = sa.and_(Offer.fee_form == "fixed", Offer.fee_minor == 0)
    offers = (
        sa.select(
            sa.case((free, "free"), else_=Offer.fee_form).label("metric"),
            sa.case((Offer.fee_form == "fixed", Offer.fee_minor)).label("fee_minor"),
            sa.case((Offer.fee_form.in_(IN_PER_CENT), Offer.rate_percent)).label("rate_percent"),
            Offer.holder_id.label("holder_id"),
            sa.extract("year", Offer.announced_on).label("year"),
            *compared_by,
        )
        .join(Patent, Patent.id == Offer.patent_id)
        .outerjoin(main, sa.and_(main.patent_id == Patent.id, main.position == 0))
        .where(
            Offer.id.in_(latest),
            Offer.patent_id != subject.patent_id,
            Offer.announced_on.is_not(None),
            sa.case(
                (Offer.fee_form == "fixed", Offer.fee_minor.is_not(None)),
                (Offer.fee_form.in_(IN_PER_CENT), Offer.rate_percent.is_not(None)),
                else_=Offer.fee_form.is_not(None),
            ),
        )
    )
    first, declared = aliased(PatentParty), aliased(Offer)
    holder = sa.func.coalesce(declared.holder_id, first.organisation_id)
    own = actor.holders | actor.licensees
    licences = (
        sa.select(
            sa.literal("licence"),
            Licence.amount_minor,
            sa.cast(sa.null(), Rate()),
            holder,
            sa.extract("year", Licence.effective_on),
            *compared_by,
        )
        .join(Patent, Patent.id == Licence.patent_id)
        .outerjoin(main, sa.and_(main.patent_id == Patent.id, main.position == 0))
        .outerjoin(declared, declared.id == Licence.offer_id)
        .outerjoin(first, sa.and_(first.patent_id == Patent.id, first.position == 0))
        .where(
            Licence.amount_minor > 0,
            Licence.currency == "CNY",
            Licence.evidence.in_(("platform", "verified")),
            Licence.patent_id != subject.patent_id,
            # Who knows some of the prices could work out the others.
            sa.or_(holder.is_(None), holder.not_in(own)),
            Licence.licensee_id.not_in(own),
        )
    )
    return sa.union_all(offers, licences).subquery("prices")


def _rungs(prices: sa.Subquery, subject: Subject) -> dict[str, sa.ColumnElement[bool]]:
    """Rung → whether a price stands on it; rungs that the patent's class cannot tell are left out."""
    found: dict[str, sa.ColumnElement[bool]] = {}
    if subject.subclass:
        same = _begins(prices, subject.subclass)
        if subject.age is not None:
            first, last = rules.age_band(subject.age)
            age = prices.c.year - prices.c.filed_in
            found["subclass_kind_age"] = sa.and_(
                same, prices.c.kind == subject.kind, age >= first, age <= last
            )
        found["subclass"] = same
    if subject.main_class:
        found["class"] = _begins(prices, subject.main_class)
    if subject.industry:
        found["industry"] = sa.or_(*(_belongs(prices, each) for each in prefixes_of(subject.industry)))
    if subject.section:
        found["section"] = _begins(prices, subject.section)
    found["all"] = sa.true()
    return found


def _begins(prices: sa.Subquery, *beginnings: str) -> sa.ColumnElement[bool]:
    """Whether the class begins with one of these, which are of one length."""
    return sa.func.substr(prices.c.symbol, 1, len(beginnings[0])).in_(beginnings)


def _belongs(prices: sa.Subquery, prefix: Prefix) -> sa.ColumnElement[bool]:
    others = [sa.not_(_begins(prices, other)) for other in prefix.unless]
    return sa.and_(_begins(prices, prefix.begins), *others)


def _samples(
    prices: sa.Subquery, rungs: Mapping[str, sa.ColumnElement[bool]]
) -> dict[str, dict[str, Sample]]:
    """Metric → rung → how much there is: the first query, which counts by holder and set of rungs."""
    bits = {rung: 1 << place for place, rung in enumerate(rungs)}
    stands_on = sum(
        (sa.case((condition, bits[rung]), else_=0) for rung, condition in rungs.items()), sa.literal(0)
    ).label("stands_on")
    counted = sa.select(prices.c.metric, prices.c.holder_id, prices.c.year, stands_on).subquery("counted")
    query = sa.select(
        counted.c.metric,
        counted.c.stands_on,
        counted.c.holder_id,
        sa.func.count(),
        sa.func.min(counted.c.year),
        sa.func.max(counted.c.year),
    ).group_by(counted.c.metric, counted.c.stands_on, counted.c.holder_id)
    groups: dict[str, list[Any]] = {}
    for metric, *group in db.session.execute(query):
        groups.setdefault(metric, []).append(group)
    return {
        metric: {rung: _sample([group for group in found if group[0] & bit]) for rung, bit in bits.items()}
        for metric, found in groups.items()
    }


def _sample(groups: list[Any]) -> Sample:
    if not groups:
        return Sample()
    return Sample(
        sum(n for _, _, n, _, _ in groups),
        len({holder for _, holder, _, _, _ in groups if holder is not None}),
        int(min(first for _, _, _, first, _ in groups)),
        int(max(last for _, _, _, _, last in groups)),
    )


def _values(
    prices: sa.Subquery, rungs: Mapping[str, sa.ColumnElement[bool]], chosen: Mapping[str, str]
) -> dict[str, list[tuple[Any, int]]]:
    """Metric → its values on the chosen rung, each with how often it occurs: the second query."""
    wanted = {metric: rung for metric, rung in chosen.items() if metric in (*IN_MONEY, *IN_PER_CENT)}
    if not wanted:
        return {}
    query = (
        sa.select(prices.c.metric, prices.c.fee_minor, prices.c.rate_percent, sa.func.count())
        .where(sa.or_(*(sa.and_(prices.c.metric == metric, rungs[rung]) for metric, rung in wanted.items())))
        .group_by(prices.c.metric, prices.c.fee_minor, prices.c.rate_percent)
    )
    found: dict[str, list[tuple[Any, int]]] = {}
    for metric, fee_minor, rate_percent, count in db.session.execute(query):
        found.setdefault(metric, []).append((rate_percent if metric in IN_PER_CENT else fee_minor, count))
    return found
