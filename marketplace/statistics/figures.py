"""Figures as sums over the facts: pure functions of facts and a question.

A figure is a list of cells. A cell counts members, and can name the very patents or licences that it
counted, so what a figure opens into is what it counted. Days are Shanghai dates, inclusive; an offer that
ends on a day is no longer in force on it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from marketplace.core.lazily import Lazily

from .columns import (
    DIMENSIONS,
    NEVER,
    SIDE_STAGES,
    STAGES,
    Array,
    Facts,
    Licences,
    day_number,
    month_numbers,
    to_day,
)
from .incidence import Estimate, estimate
from .landmark import at_landmark

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

QUICK_DAYS = (7, 30, 90, 180, 365)
LATE_RECORDALS = dt.timedelta(days=120)
INTERVALS = ("notice_to_payment", "payment_to_effect", "effect_to_recordal", "notice_to_effect")
GROUPINGS = ("month", *DIMENSIONS)
ALL = "all"
LEAST_PATENTS, LEAST_EVENTS = 30, 5

_KEPT_MASKS, _KEPT_DAYS = 48, 4

Unit = Literal["patent", "licence"]


@dataclass(frozen=True)
class Question:
    """What is asked of the facts.

    Attributes:
        figure: a code of `definitions.DEFINITIONS`.
        first: first day of the period or cohort.
        last: its last day; for figures of a day that day.
        as_of: the day of observation: what happened later is not known.
        by: one of GROUPINGS, or None for the whole.
        complete_from: first day from which the licence history is complete.
        outside: count the patents outside the region instead.
    """

    figure: str
    first: dt.date
    last: dt.date
    as_of: dt.date
    by: str | None = None
    complete_from: dt.date | None = None
    outside: bool = False


@dataclass(frozen=True)
class Members:
    """What a number counts: its `len`, how many of them are free of charge, and which they are.

    Attributes:
        unit: whether `places` are those of patents or of open licences among the facts.
        number: how many.
        free: how many of them are, or are on, patents that were free when first announced.
        places: names them, in their order.
    """

    unit: Unit
    number: int
    free: int
    places: Callable[[], Array]

    def __len__(self) -> int:
        return self.number

    def part(self, *, free: bool) -> int:
        """How many of them are free, or are not."""
        return self.free if free else self.number - self.free


@dataclass(frozen=True)
class Lengths:
    """How often each whole number of days was observed: `of[days]` times, `free[days]` of them free."""

    of: Array
    free: Array

    def split(self, *, free: bool) -> Array:
        """The free ones only, or the others."""
        return self.free if free else self.of - self.free


@dataclass
class Cell:
    """One number: what it counts, of what, and whether it may be shown.

    Attributes:
        group: code of the group, `all` for the whole, `unknown` where the facts say nothing.
        numerator: what is counted, None when it may not be shown.
        denominator: of what; None for plain counts.
        first: first day of its period or cohort.
        last: last day.
        note: `too-young`, `not-observed`, `small` or None.
        provisional: late recordals may still change it.
        days: N of the quick-licence rate.
        estimate: of a cohort too young to be counted: the share that will have been licensed within N days.
        stage: of the funnel.
        interval: of the deal speed; `lengths` then says how long the members of the numerator took.
    """

    group: str
    numerator: Members | None
    denominator: Members | None
    first: dt.date
    last: dt.date
    note: str | None = None
    provisional: bool = False
    days: int | None = None
    estimate: Estimate | None = None
    stage: str | None = None
    interval: str | None = None
    lengths: Lengths | None = None

    @property
    def value(self) -> float | None:
        """The share as a fraction, None if it may not be shown or there is nothing to divide by."""
        if self.numerator is None or not self.denominator:
            return None
        return len(self.numerator) / len(self.denominator)


def cells(facts: Facts, question: Question) -> list[Cell]:
    """The figure that is asked for: one cell a group (and N, stage or interval), groups in their order."""
    return _FIGURES[question.figure](_known(facts, question), question)


def quick_cells(facts: Facts, question: Question, days: Sequence[int]) -> list[Cell]:
    """The quick-licence rate for some N only, of those in QUICK_DAYS."""
    return _quick(_known(facts, question), question, days)


def side_cells(facts: Facts, question: Question) -> list[Cell]:
    """The funnel's side counts: recommended, contacted, passed over."""
    return _funnel(_known(facts, question), question, SIDE_STAGES)


# --- who is counted


class _Known:
    """The patents that a question is about: announced by the day of observation, inside or outside.

    A page asks for many figures of one period: what was found once is kept for a while, so it is read only.
    """

    def __init__(self, facts: Facts, as_of: dt.date, outside: bool) -> None:
        self.facts = facts
        patents = facts.patents
        self.mask: Array = (patents.announced <= day_number(as_of)) & (patents.in_region != outside)
        self._found: dict[tuple[object, ...], Array] = {}

    def _once(self, key: tuple[object, ...], find: Callable[[], Array]) -> Array:
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _KEPT_MASKS:
                self._found.pop(next(iter(self._found), ()), None)
            found = self._found[key] = find()
        return found

    def patents(self, places: Array) -> Array:
        """A mask of the patents at these places, as far as they are known."""
        found: Array = np.zeros(len(self.mask), np.bool_)
        found[places] = True
        found &= self.mask
        return found

    def with_spell(self, spells: Array) -> Array:
        """A mask of the patents that have one of the spells of a mask, as far as they are known."""
        first, later = self.facts.first_spells
        found: Array = spells[first]
        found[self.facts.spells.patent[later[spells[later]]]] = True
        found &= self.mask
        return found

    def in_force_on(self, day: dt.date) -> Array:
        spells, number = self.facts.spells, day_number(day)
        return self._once(
            ("in force", day),
            lambda: self.with_spell((spells.start <= number) & (number < spells.end)),
        )

    def in_force_between(self, first: dt.date, last: dt.date) -> Array:
        """On at least one day. A day on which it was announced and ended again counts as one."""
        spells, begin, end = self.facts.spells, day_number(first), day_number(last)

        def find() -> Array:
            overlaps = (spells.start <= end) & (
                (begin < spells.end) | ((begin <= spells.start) & (spells.start == spells.end))
            )
            return self.with_spell(overlaps)

        return self._once(("in force between", first, last), find)

    def took_effect(self, first: dt.date, last: dt.date) -> Array:
        """With an open licence that took effect in the period."""
        begin, end = _between(self.facts.open, first, last)
        return self._once(
            ("took effect", first, last), lambda: self.patents(self.facts.open.patent[begin:end])
        )

    def licensed_on(self, day: dt.date) -> Array:
        """With an open licence in effect on the day."""
        licences, number = self.facts.open, day_number(day)
        return self._once(
            ("licensed", day),
            lambda: self.patents(
                licences.patent[(licences.effective <= number) & (number <= licences.last_day)]
            ),
        )

    def exit_on(self, observed: int) -> Array:
        """The day on which each patent went, or will go: the end of its last spell begun by that day."""
        spells = self.facts.spells

        def find() -> Array:
            begun = np.flatnonzero(spells.start <= observed)
            last = np.full(len(self.mask), NEVER, np.int32)
            last[spells.patent[begun]] = spells.end[begun]
            return last

        return self._once(("exit", observed), find)

    def cohort(self, question: Question) -> Array:
        """Those first announced in the period."""
        announced = self.facts.patents.announced
        first, last = day_number(question.first), day_number(question.last)
        return self._once(
            ("cohort", first, last), lambda: self.mask & (announced >= first) & (announced <= last)
        )

    def deals(self, first: dt.date, last: dt.date) -> Array:
        """The places of the open licences that took effect in the period."""
        begin, end = _between(self.facts.open, first, last)
        return self._once(
            ("deals", first, last),
            lambda: begin + np.flatnonzero(self.mask[self.facts.open.patent[begin:end]]),
        )


def _known(facts: Facts, question: Question) -> _Known:
    """Those of a question; kept beside the facts, as they stay the same while these stand."""
    key = "known", question.as_of, question.outside
    found = facts.kept.get(key)
    if found is None:
        if len(facts.kept) >= _KEPT_DAYS:
            facts.kept.clear()
        found = facts.kept[key] = _Known(facts, question.as_of, question.outside)
    return cast("_Known", found)


def _between(licences: Licences, first: dt.date, last: dt.date) -> tuple[int, int]:
    """From where to where, exclusive, licences took effect in a period."""
    # Days of the column's own kind: for others numpy would turn the whole column into theirs at each search.
    begin, end = (licences.effective.dtype.type(day_number(day)) for day in (first, last))
    return (
        int(np.searchsorted(licences.effective, begin, "left")),
        int(np.searchsorted(licences.effective, end, "right")),
    )


class _Groups:
    """A grouping of patents or licences: per row a place among the codes, which are in their order."""

    def __init__(self, unit: Unit, free: Array, codes: Sequence[str], places: Array | None) -> None:
        """Without `places` everything is in one group."""
        self.unit = unit
        self.codes = codes
        self._free = free
        self._places = places

    def tally(self, mask: Array) -> list[Members]:
        """What a mask over all rows counts in each group."""
        if self._places is None:
            free = int(np.count_nonzero(mask & self._free))
            return [Members(self.unit, int(np.count_nonzero(mask)), free, lambda: np.flatnonzero(mask))]
        within = self._places[mask]
        size = len(self.codes)
        found = np.bincount(within, minlength=size)
        free_of = np.bincount(within[self._free[mask]], minlength=size)
        places = self._places
        return [
            Members(
                self.unit,
                int(found[place]),
                int(free_of[place]),
                lambda place=place: np.flatnonzero(mask & (places == place)),  # type: ignore[misc]
            )
            for place in range(size)
        ]

    def present(self, mask: Array) -> list[int]:
        """The places of the groups in which a mask has anything; the whole is always there."""
        if self._places is None:
            return [0]
        return [int(place) for place in np.flatnonzero(np.bincount(self._places[mask]))]

    def rows(self, mask: Array) -> tuple[Array, Array]:
        """The rows of a mask group by group, and where each group begins among them and the last one ends."""
        rows = np.flatnonzero(mask)
        if self._places is None:
            return rows, np.array([0, len(rows)])
        groups = self._places[rows]
        order = np.argsort(groups, kind="stable")
        return rows[order], np.searchsorted(groups[order], np.arange(len(self.codes) + 1))

    def ends(self, mask: Array) -> tuple[Array, Array]:
        """The first and the last row of a mask in each group; -1 where a group has none."""
        rows = np.flatnonzero(mask)
        if self._places is None:
            return (rows[:1], rows[-1:]) if len(rows) else (np.array([-1]), np.array([-1]))
        groups = self._places[rows]
        first, last = (np.full(len(self.codes), -1) for _ in range(2))
        first[groups[::-1]] = rows[::-1]  # where a group comes again, what is written last stays
        last[groups] = rows
        return first, last


def _of_patents(facts: Facts, by: str | None) -> _Groups:
    """Patents by a dimension, or as a whole."""
    if by is None:
        return _Groups("patent", facts.free, (ALL,), None)
    return _Groups("patent", facts.free, facts.labels[by], facts.group(by))


# --- figures of a day


def _in_force(known: _Known, question: Question) -> list[Cell]:
    return [
        Cell(group, members, None, day, day)
        for day, groups, shown in _at_days(known, question)
        for group, members in _named(groups, shown, known.in_force_on(day), question, day)
    ]


def _stock(known: _Known, question: Question) -> list[Cell]:
    found = []
    for day, groups, shown in _at_days(known, question):
        standing = known.in_force_on(day)
        licensed = groups.tally(standing & known.licensed_on(day))
        for (group, members), place in zip(
            _named(groups, shown, standing, question, day), shown, strict=True
        ):
            found.append(_rate(group, licensed[place], members, day, day, question))
    return found


def _unasked(known: _Known, question: Question) -> list[Cell]:
    facts = known.facts
    reached = np.minimum(facts.reached("recommended"), facts.implied[STAGES.index("notice")])
    found = []
    for day, groups, shown in _at_days(known, question):
        standing = known.in_force_on(day)
        unasked = groups.tally(standing & (reached > day_number(day)))
        for (group, members), place in zip(
            _named(groups, shown, standing, question, day), shown, strict=True
        ):
            found.append(Cell(group, unasked[place], members, day, day))
    return found


def _stuck(known: _Known, question: Question) -> list[Cell]:
    """Of the offers in force that came as far as one stage, those that came no further."""
    came, further = _STUCK[question.figure]
    implied = known.facts.implied
    found = []
    for day, groups, shown in _at_days(known, question):
        number = day_number(day)
        there = known.in_force_on(day) & (implied[STAGES.index(came)] <= number)
        stuck = groups.tally(there & (implied[STAGES.index(further)] > number))
        for (group, members), place in zip(_named(groups, shown, there, question, day), shown, strict=True):
            found.append(Cell(group, stuck[place], members, day, day))
    return found


_STUCK = {
    "not-opened": ("shown", "opened"),
    "not-noticed": ("opened", "notice"),
    "not-paid": ("notice", "paid"),
}


def _landmark(known: _Known, question: Question) -> list[Cell]:
    """Patents recommended by the landmark and the others, as two groups, however the question is cut."""
    facts, observed = known.facts, day_number(question.as_of)
    announced = facts.patents.announced.astype(np.int64)
    at_risk, reached, by_then = at_landmark(
        facts.reached("recommended") - announced,
        facts.reached("in_effect") - announced,
        known.exit_on(observed) - announced,
        observed - announced,
    )
    at_risk = at_risk & known.cohort(question)
    whole = _of_patents(facts, None)
    found = []
    for group, side in (("recommended", by_then), ("others", ~by_then)):
        numerator, denominator = whole.tally(reached & at_risk & side)[0], whole.tally(at_risk & side)[0]
        note = "small" if _small(numerator, denominator) else None
        found.append(Cell(group, numerator, denominator, question.first, question.last, note))
    return found


def _at_days(known: _Known, question: Question) -> Iterator[tuple[dt.date, _Groups, list[int]]]:
    """Groups on the last day of the question; by month, everything at the end of each month."""
    if question.by == "month":
        whole = _of_patents(known.facts, None)
        for _, _, last in months(question.first, question.last):
            yield last, whole, [0]
        return
    groups = _of_patents(known.facts, question.by)
    yield question.last, groups, groups.present(known.mask)


def _named(
    groups: _Groups, shown: Sequence[int], mask: Array, question: Question, day: dt.date
) -> list[tuple[str, Members]]:
    """The groups that are shown, by name, with what a mask counts in each."""
    tally = groups.tally(mask)
    if question.by == "month":
        return [(f"{day:%Y-%m}", tally[0])]
    return [(groups.codes[place], tally[place]) for place in shown]


# --- figures of a period


def _conversion(known: _Known, question: Question) -> list[Cell]:
    by_month = question.by == "month"
    groups = _of_patents(known.facts, None if by_month else question.by)
    shown = groups.present(known.mask)
    periods = months(question.first, question.last) if by_month else [("", question.first, question.last)]
    found = []
    for month, first, last in periods:
        taken = known.took_effect(first, last)
        # A licence presupposes an offer in force on its day, though the offer may end on that same day.
        offered = known.in_force_between(first, last) | taken
        numerators, denominators = groups.tally(taken), groups.tally(offered)
        found += [
            _rate(month or groups.codes[place], numerators[place], denominators[place], first, last, question)
            for place in shown
        ]
    return found


def _rate(
    group: str,
    numerator: Members,
    denominator: Members,
    first: dt.date,
    last: dt.date,
    question: Question,
) -> Cell:
    if question.complete_from is not None and first < question.complete_from:
        return Cell(group, None, denominator, first, last, "not-observed")
    return Cell(
        group,
        numerator,
        denominator,
        first,
        last,
        "small" if _small(numerator, denominator) else None,
        provisional=last + LATE_RECORDALS > question.as_of,
    )


def _small(numerator: Members, denominator: Members) -> bool:
    return len(denominator) < LEAST_PATENTS or len(numerator) < LEAST_EVENTS


# --- figures of a cohort


def _announced(known: _Known, question: Question) -> list[Cell]:
    cohort = known.cohort(question)
    groups, shown = _cohorts(known, cohort, question)
    tally = groups.tally(cohort)
    return [
        Cell(groups.codes[place], tally[place], None, *_span(groups.codes[place], question))
        for place in shown
    ]


def _quick(known: _Known, question: Question, each: Sequence[int] = QUICK_DAYS) -> list[Cell]:
    facts = known.facts
    cohort = known.cohort(question)
    groups, shown = _cohorts(known, cohort, question)
    whole = groups.tally(cohort)
    announced = facts.patents.announced
    licensed = cohort & (facts.reached("in_effect") != NEVER)
    waited = facts.reached("in_effect") - announced
    within = {days: groups.tally(licensed & (waited <= days)) for days in each}
    young = _Young(known, groups, cohort, question)
    earliest, latest = groups.ends(cohort)  # patents are in the order of their announcement
    found = []
    for place in shown:
        code = groups.codes[place]
        first, last = _span(code, question)
        oldest, youngest = first, last
        if len(whole[place]):
            oldest = to_day(announced[earliest[place]])
            youngest = to_day(announced[latest[place]])
        for days in each:
            cell = Cell(code, None, whole[place], first, last, days=days)
            age = dt.timedelta(days=days)
            if question.complete_from is not None and oldest < question.complete_from:
                cell.note = "not-observed"
            elif youngest + age > question.as_of:
                cell.note = "too-young"
                cell.estimate = young.estimate(place, days)
            else:
                cell.numerator = within[days][place]
                cell.provisional = youngest + age + LATE_RECORDALS > question.as_of
                cell.note = "small" if _small(cell.numerator, whole[place]) else None
            found.append(cell)
    return found


class _Young:
    """How long the patents of a cohort were watched, and what ended that: for estimates of each group."""

    def __init__(self, known: _Known, groups: _Groups, cohort: Array, question: Question) -> None:
        self._known, self._groups, self._cohort = known, groups, cohort
        self._observed = day_number(question.as_of)

    @cached_property
    def _watched(self) -> tuple[Array, Array, Array, Array, Array]:
        """Days watched, whether licensed, whether gone, and holder of each; and where each group begins."""
        facts, observed = self._known.facts, self._observed
        rows, bounds = self._groups.rows(self._cohort)
        exit_on = self._known.exit_on(self._observed)[rows]
        licensed_on = facts.reached("in_effect")[rows]
        licensed = licensed_on <= observed
        gone = ~licensed & (exit_on <= observed)
        end = np.where(licensed, licensed_on, np.where(gone, exit_on, observed))
        waited = np.maximum(end - facts.patents.announced[rows], 0)
        return waited, licensed, gone, facts.patents.holder[rows], bounds

    def estimate(self, place: int, days: int) -> Estimate | None:
        *watched, bounds = self._watched
        waited, licensed, gone, holder = (column[bounds[place] : bounds[place + 1]] for column in watched)
        return estimate(waited, licensed, gone, holder, days)


def _funnel(known: _Known, question: Question, stages: tuple[str, ...] = STAGES) -> list[Cell]:
    facts, observed = known.facts, day_number(question.as_of)
    cohort = known.cohort(question)
    groups, shown = _cohorts(known, cohort, question)
    whole = groups.tally(cohort)
    by_stage = {}
    for stage in stages:
        days = facts.implied[STAGES.index(stage)] if stage in STAGES else facts.reached(stage)
        by_stage[stage] = groups.tally(cohort & (days <= observed))
    found = []
    for place in shown:
        code = groups.codes[place]
        for stage in stages:
            cell = _rate(code, by_stage[stage][place], whole[place], *_span(code, question), question)
            cell.stage = stage
            found.append(cell)
    return found


def _cohorts(known: _Known, cohort: Array, question: Question) -> tuple[_Groups, list[int]]:
    """How a cohort is grouped, and which groups are shown; by month, by that of the first announcement."""
    if question.by != "month":
        groups = _of_patents(known.facts, question.by)
        return groups, groups.present(cohort)
    names = [month for month, _, _ in months(question.first, question.last)]
    places = _month_places(known.facts.announced_month, question, len(names))
    return _Groups("patent", known.facts.free, names, places), list(range(len(names)))


def _month_places(month: Array, question: Question, size: int) -> Array:
    """The place of each row's month among those of the question; rows of other months are masked out."""
    begin = int(month_numbers(np.array([day_number(question.first)]))[0])
    places: Array = np.clip(month - begin, 0, size - 1)
    return places


# --- figures of licences


class _Deals:
    """The open licences of a question's period, and how they are grouped."""

    def __init__(self, known: _Known, question: Question) -> None:
        facts = self.facts = known.facts
        self.places = known.deals(question.first, question.last)
        patents = facts.open.patent[self.places]
        self.free = facts.free[patents]
        self.codes: Sequence[str] = (ALL,)
        self.shown = [0]
        self._group: Array | None = None
        if question.by == "month":
            self.codes = [month for month, _, _ in months(question.first, question.last)]
            self._group = _month_places(facts.effective_month[self.places], question, len(self.codes))
            self.shown = list(range(len(self.codes)))
        elif question.by is not None:
            self.codes = facts.labels[question.by]
            self._group = facts.group(question.by)[patents]
            self.shown = [int(place) for place in np.flatnonzero(np.bincount(self._group))]

    def column(self, name: str) -> Array:
        """A property of these licences."""
        found: Array = getattr(self.facts.open, name)[self.places]
        return found

    def tally(self, mask: Array | None = None) -> list[Members]:
        """What a mask over these licences counts in each group; without one, all."""
        chosen = slice(None) if mask is None else mask
        places, free = self.places[chosen], self.free[chosen]
        if self._group is None:
            return [Members("licence", len(places), int(np.count_nonzero(free)), lambda: places)]
        size, group = len(self.codes), self._group[chosen]
        found = np.bincount(group, minlength=size)
        free_of = np.bincount(group[free], minlength=size)
        return [
            Members(
                "licence",
                int(found[place]),
                int(free_of[place]),
                lambda place=place: places[group == place],  # type: ignore[misc]
            )
            for place in range(size)
        ]

    def histograms(self, mask: Array, days: Array) -> Array:
        """How often each number of days occurs: of all and of the free ones, by group, by days.

        Args:
            mask: over these licences.
            days: of those that it chooses.
        """
        longest, size = int(days.max(initial=0)) + 1, len(self.codes)
        at = days if self._group is None else self._group[mask].astype(np.int64) * longest + days
        return np.stack(
            [
                np.bincount(some, minlength=size * longest).reshape(size, longest)
                for some in (at, at[self.free[mask]])
            ]
        )


def _licences(known: _Known, question: Question) -> list[Cell]:
    deals = _Deals(known, question)
    tally = deals.tally()
    return [
        Cell(deals.codes[place], tally[place], None, *_span(deals.codes[place], question))
        for place in deals.shown
    ]


def _recordal(known: _Known, question: Question) -> list[Cell]:
    deals = _Deals(known, question)
    observed = day_number(question.as_of)
    filed, due = deals.column("filed"), deals.column("due")
    decided = deals.tally((filed <= observed) | (due < observed))
    on_time = deals.tally(filed <= np.minimum(due, observed))
    return [
        Cell(
            deals.codes[place],
            on_time[place],
            decided[place],
            *_span(deals.codes[place], question),
            "small" if _small(on_time[place], decided[place]) else None,
        )
        for place in deals.shown
    ]


def _speed(known: _Known, question: Question) -> list[Cell]:
    deals = _Deals(known, question)
    observed = day_number(question.as_of)
    measured = {}
    for interval in INTERVALS:
        start, end = (deals.column(name) for name in _ENDS[interval])
        # A later day before an earlier one is a fault of the source and says nothing of speed.
        timed = (end <= observed) & (start <= end)
        measured[interval] = deals.tally(timed), deals.histograms(timed, (end - start)[timed])
    return [
        Cell(
            deals.codes[place],
            measured[interval][0][place],
            None,
            *_span(deals.codes[place], question),
            "small" if len(measured[interval][0][place]) < LEAST_EVENTS else None,
            interval=interval,
            lengths=Lengths(*measured[interval][1][:, place]),
        )
        for place in deals.shown
        for interval in INTERVALS
    ]


_ENDS = {
    "notice_to_payment": ("notice", "paid"),
    "payment_to_effect": ("paid", "effective"),
    "effect_to_recordal": ("effective", "recorded"),
    "notice_to_effect": ("notice", "effective"),
}


_FIGURES: dict[str, Callable[[_Known, Question], list[Cell]]] = {
    "in-force": _in_force,
    "announced": _announced,
    "licences": _licences,
    "conversion": _conversion,
    "stock": _stock,
    "unasked": _unasked,
    **dict.fromkeys(_STUCK, _stuck),
    "landmark": _landmark,
    "quick-licence": _quick,
    "funnel": _funnel,
    "deal-speed": _speed,
    "recordal": _recordal,
}


# --- what stands beside a pooled figure


def counts(facts: Facts, question: Question) -> dict[str, Any]:
    """Patents, contracts, licensees, pairs and the top five holders' share, of the question's period.

    Returns:
        `patents` with an offer in force in the period, `licensed` ones of them, `holders` of these patents,
        open `licences` that took effect, their `licensees`, holder–licensee `pairs`, `top5_share` of the
        licences that the five holders with most of them have (a fraction, None without licences),
        `paid_minor` (分, CNY only) and negotiated `ordinary` licences, which enter nothing else.
    """
    known = _known(facts, question)
    taken = known.took_effect(question.first, question.last)
    offered = known.in_force_between(question.first, question.last) | taken
    holders, licences = facts.patents.holder, facts.open
    deals = known.deals(question.first, question.last)
    by_holder = np.bincount(holders[licences.patent[deals]], minlength=5)
    begin, end = _between(facts.ordinary, question.first, question.last)
    return {
        "patents": int(np.count_nonzero(offered)),
        "licensed": int(np.count_nonzero(taken)),
        "holders": _distinct(holders[offered]),
        "licences": len(deals),
        "licensees": _distinct(licences.licensee[deals]),
        "pairs": _distinct(licences.pair[deals]),
        "top5_share": int(np.partition(by_holder, -5)[-5:].sum()) / len(deals) if len(deals) else None,
        "paid_minor": int(licences.amount[deals][licences.yuan[deals]].sum()),
        "ordinary": int(np.count_nonzero(known.mask[facts.ordinary.patent[begin:end]])),
    }


def _distinct(places: Array) -> int:
    """How many different ones: places are small whole numbers, so counting is cheaper than sorting."""
    return int(np.count_nonzero(np.bincount(places))) if len(places) else 0


def nearest_rank(lengths: Array, share: float) -> int | None:
    """The smallest observed value that at least `share` of all do not exceed; None without values.

    Args:
        lengths: how often each value from 0 was observed.
    """
    total = int(lengths.sum())
    if not total:
        return None
    return int(np.searchsorted(np.cumsum(lengths), max(int(np.ceil(share * total)), 1)))


@dataclass(frozen=True)
class FirstLicence:
    """Days from announcement to the first licence, of a cohort.

    Attributes:
        patents: how many there are.
        licensed: how many of them had an open licence by the day of observation.
        lengths: how often each number of days was observed among the licensed.
        half: the days within which half of *all* had one; None when that was never reached.
    """

    patents: int
    licensed: int
    lengths: Array
    half: int | None


def first_licence(facts: Facts, question: Question) -> FirstLicence:
    """How long the patents first announced in the question's period waited for their first licence."""
    cohort = _known(facts, question).cohort(question)
    effective = facts.reached("in_effect")
    licensed = cohort & (effective <= day_number(question.as_of))
    lengths = np.bincount((effective - facts.patents.announced)[licensed])
    patents, half = int(np.count_nonzero(cohort)), None
    needed = -(-patents // 2)
    if 0 < needed <= int(lengths.sum()):
        half = int(np.searchsorted(np.cumsum(lengths), needed))
    return FirstLicence(patents, int(np.count_nonzero(licensed)), lengths, half)


# --- months


def months(first: dt.date, last: dt.date) -> list[tuple[str, dt.date, dt.date]]:
    """Months from `first` to `last` as (`2026-11`, first day, last day), the outer ones cut."""
    found = []
    begin = first
    while begin <= last:
        following = (begin.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        found.append((f"{begin:%Y-%m}", begin, min(last, following - dt.timedelta(days=1))))
        begin = following
    return found


def _span(group: str, question: Question) -> tuple[dt.date, dt.date]:
    """The days a group's period or cohort covers."""
    if question.by != "month":
        return question.first, question.last
    begin = dt.date.fromisoformat(f"{group}-01")
    end = (begin + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    return max(begin, question.first), min(end, question.last)
