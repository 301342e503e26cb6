"""Supply against demand (专利导航): what is offered and what is looked for, place by place.

Places are those of the International Patent Classification and the divisions of GB/T 4754-2017. A patent lies
in the place of its main symbol, as everywhere in the figures. A demand lies where it says itself; where it
says nothing, in that of the best offer recommended to it; else its place is not known, which is a line of its
own, so that the lines add up. Supply comes from the facts, demand from the rows as they are now.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from flask import current_app

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.journal import last_id
from marketplace.core.lazily import Lazily
from marketplace.core.permissions import require
from marketplace.demands.models import Demand, DemandAnswer, Recommendation
from marketplace.listings.models import Offer, PatentClass

from . import dimensions, figures, services
from .columns import UNKNOWN, day_number
from .figures import Question
from .services import RowsUrl

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

PLACES: Final = ("ipc_section", "ipc_class", "ipc_subclass", "industry")
_LEVELS: Final = PLACES[:3]
SUPPLY: Final = ("in-force", "announced", "licences", "unasked")
"""Figures of the supply side that stand in each line."""

_HELD: Final = "marketplace.statistics.demands"


@dataclass(frozen=True)
class Wanted:
    """A published demand as it is counted here.

    Attributes:
        places: grouping of PLACES → code of its place, UNKNOWN where it has none.
        said: grouping → how that is known: `stated`, `matched` or `unknown`.
        closed_on: the day on which it was closed or ran out, None while it is open.
        answered: whether an answer stands.
        matched: whether an offer was recommended to it that it did not pass over.
    """

    id: int
    title: str
    title_en: str | None
    published_on: dt.date
    closed_on: dt.date | None
    answered: bool
    matched: bool
    places: dict[str, str]
    said: dict[str, str]

    def open_on(self, day: dt.date) -> bool:
        """Whether it was published and not closed by that day."""
        return self.published_on <= day and (self.closed_on is None or day < self.closed_on)


Test = Callable[[Wanted, Question], bool]

DEMAND_FIGURES: Final[dict[str, Test]] = {
    "demands-open": lambda one, asked: one.open_on(asked.last),
    "demands-published": lambda one, asked: asked.first <= one.published_on <= asked.last,
    "demands-answered": lambda one, asked: asked.first <= one.published_on <= asked.last and one.answered,
    "demands-unmet": lambda one, asked: one.open_on(asked.last) and not one.answered and not one.matched,
}
"""Figure of the demand side → which demands it counts."""


@dataclass(frozen=True)
class Line:
    """One place: its numbers, each with the address of the rows that it counts.

    Attributes:
        group: code of the place.
        supply: figure of SUPPLY → row as `services.plain` gives it.
        demand: figure of DEMAND_FIGURES → `numerator` and `rows_url`.
        per_hundred: open demands for each hundred offers in force; None where there is no offer.
        gap: `no-offers` where open demands meet no offer, `no-demands` the other way round, else None.
    """

    group: str
    supply: dict[str, dict[str, Any]]
    demand: dict[str, dict[str, Any]]
    per_hundred: float | None
    gap: str | None


def lines(asked: Question, under: str | None, *, rows_url: RowsUrl, demands_url: RowsUrl) -> list[Line]:
    """Every place of a grouping that has an offer or a demand, the unknown one last.

    Args:
        asked: its `by` is one of PLACES; the figures of a day are those of its last day.
        under: only places below this one of the grouping above, e.g. `H01` for subclasses.
        rows_url: makes the address of the patents or licences behind a number.
        demands_url: the same for demands.
    """
    supply = {
        figure: {
            row["group"]: row
            for cell in services.answer(replace(asked, figure=figure))
            for row in (services.plain(cell, replace(asked, figure=figure), rows_url),)
        }
        for figure in SUPPLY
    }
    demand = count(wanted(), asked)
    present = {
        group
        for rows in supply.values()
        for group, row in rows.items()
        if row["numerator"] or row["denominator"]
    } | set(demand)
    shown = sorted((one for one in present if _below(one, under)), key=lambda one: (one == UNKNOWN, one))
    return [_line(group, supply, demand, asked, demands_url) for group in shown]


def _below(group: str, under: str | None) -> bool:
    return under is None or (group != UNKNOWN and under in dimensions.path_of(group))


def _line(
    group: str,
    supply: dict[str, dict[str, dict[str, Any]]],
    demand: dict[str, dict[str, int]],
    asked: Question,
    demands_url: RowsUrl,
) -> Line:
    numbers = demand.get(group, {})
    address = {
        "by": asked.by or "", "group": group, "from": asked.first.isoformat(), "to": asked.last.isoformat(),
    }  # fmt: skip
    wanted_here = {
        figure: {
            "numerator": numbers.get(figure, 0),
            "rows_url": demands_url({"figure": figure, **address}),
        }
        for figure in DEMAND_FIGURES
    }
    offered = {figure: rows[group] for figure, rows in supply.items() if group in rows}
    offers = offered["in-force"]["numerator"] if "in-force" in offered else 0
    looked_for = numbers.get("demands-open", 0)
    gap = None
    if group != UNKNOWN:
        gap = (
            "no-offers" if looked_for and not offers else "no-demands" if offers and not looked_for else None
        )
    return Line(group, offered, wanted_here, round(100 * looked_for / offers, 1) if offers else None, gap)


def count(demands: Iterable[Wanted], asked: Question) -> dict[str, dict[str, int]]:
    """Place → figure of DEMAND_FIGURES → how many; places and figures without any are left out."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in demands:
        place = one.places[asked.by or PLACES[0]]
        for figure, counts in DEMAND_FIGURES.items():
            if counts(one, asked):
                found[place][figure] += 1
    return {place: dict(numbers) for place, numbers in found.items()}


@dataclass(frozen=True)
class Month:
    """A month of a place: patents first announced in it, demands published in it."""

    month: str
    first: dt.date
    last: dt.date
    announced: int
    published: int


def trend(asked: Question, group: str | None) -> list[Month]:
    """The months of the period in one place, or in all of them without a group."""
    facts = services.snapshot().facts
    patents = facts.patents
    chosen = (patents.in_region != asked.outside) & (patents.announced <= day_number(asked.as_of))
    if group is not None and asked.by is not None:
        codes = facts.labels[asked.by]
        chosen &= facts.group(asked.by) == (codes.index(group) if group in codes else -1)
    days = patents.announced[chosen]
    published = [
        one.published_on for one in wanted() if group is None or one.places[asked.by or PLACES[0]] == group
    ]
    return [
        Month(
            month,
            first,
            last,
            int(np.count_nonzero((days >= day_number(first)) & (days <= day_number(last)))),
            sum(first <= day <= last for day in published),
        )
        for month, first, last in figures.months(asked.first, asked.last)
    ]


def rows(actor: Actor, asked: Question, figure: str, group: str | None) -> list[Wanted]:
    """The demands that a number counts, the newest first.

    Args:
        actor: someone of the bureau or an operator.
        asked: as for the number.
        figure: one of DEMAND_FIGURES.
        group: the place; None for all.

    Raises:
        Unauthenticated, Forbidden: not staff.
        NotFound: `figure-unknown`.
    """
    require(actor, "statistics.rows")
    if figure not in DEMAND_FIGURES or asked.by not in PLACES:
        raise NotFound("figure-unknown", "There is no such figure.")
    counts = DEMAND_FIGURES[figure]
    found = [
        one for one in wanted() if (group is None or one.places[asked.by] == group) and counts(one, asked)
    ]
    return sorted(found, key=lambda one: (one.published_on, one.id), reverse=True)


# --- from the rows


def wanted() -> Sequence[Wanted]:
    """All demands that were ever published; read again when anything has happened, or facts are new."""
    place = services.snapshot().build, last_id()
    held: tuple[tuple[str, int], Sequence[Wanted]] | None = current_app.extensions.get(_HELD)
    if held is None or held[0] != place:
        held = current_app.extensions[_HELD] = place, _read()
    return held[1]


def _read() -> list[Wanted]:
    answered = set(
        db.session.scalars(
            sa.select(DemandAnswer.demand_id).where(DemandAnswer.state != "withdrawn").distinct()
        )
    )
    matched, best = _recommended()
    query = sa.select(
        Demand.id, Demand.title, Demand.title_en, Demand.published_on, Demand.closed_on, Demand.ipc,
        Demand.industry,
    ).where(Demand.published_on.is_not(None), Demand.state != "draft")  # fmt: skip
    place = partial(_places, best=best)
    return [
        Wanted(row.id, row.title, row.title_en, row.published_on, row.closed_on, row.id in answered,
               row.id in matched, *place(row.id, row.ipc, row.industry))
        for row in db.session.execute(query)
    ]  # fmt: skip


def _recommended() -> tuple[set[int], dict[int, str]]:
    """Demands with a recommendation that stands, and the main symbol of the best one ever made to each."""
    matched = sa.select(Recommendation.demand_id).where(
        Recommendation.demand_id.is_not(None), Recommendation.state != "passed"
    )
    place = sa.func.row_number().over(
        partition_by=Recommendation.demand_id, order_by=(Recommendation.rank, Recommendation.id)
    )
    ranked = (
        sa.select(Demand.id, PatentClass.symbol, place.label("place"))
        .join(Recommendation, Recommendation.demand_id == Demand.id)
        .join(Offer, Offer.id == Recommendation.offer_id)
        .join(PatentClass, sa.and_(PatentClass.patent_id == Offer.patent_id, PatentClass.position == 0))
        .subquery()
    )
    best = sa.select(ranked.c.id, ranked.c.symbol).where(ranked.c.place == 1)
    return (
        {key for key in db.session.scalars(matched.distinct()) if key is not None},
        {row.id: row.symbol for row in db.session.execute(best)},
    )


def _places(
    demand_id: int, ipc: Sequence[str], industry: str | None, *, best: dict[int, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Grouping → place of a demand; and grouping → how that is known."""
    symbol = ipc[0] if ipc else best.get(demand_id)
    places = dict(zip(_LEVELS, dimensions.places_of(symbol), strict=True))
    places["industry"] = industry or dimensions.industry_of(symbol)
    known = "stated" if ipc else "matched"
    how = {name: "unknown" if code is None else known for name, code in places.items()}
    if industry:
        how["industry"] = "stated"
    return {name: code or UNKNOWN for name, code in places.items()}, how
