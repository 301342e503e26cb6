"""The figures once more, patent by patent, as their definitions read: what the columns are held against."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.statistics.columns import SIDE_STAGES, STAGES, UNKNOWN
from marketplace.statistics.figures import (
    ALL,
    INTERVALS,
    LATE_RECORDALS,
    LEAST_EVENTS,
    LEAST_PATENTS,
    QUICK_DAYS,
    Question,
    months,
)


@dataclass(frozen=True, slots=True)
class LicenceFact:
    """A licence, as the figures see it."""

    licence_id: int
    kind: str
    licensee_id: int
    notice_on: dt.date | None
    paid_on: dt.date | None
    effective_on: dt.date
    last_day: dt.date | None
    recordal_due_on: dt.date
    filed_on: dt.date | None
    recorded_on: dt.date | None
    amount_minor: int | None
    currency: str

    def in_effect_on(self, day: dt.date) -> bool:
        return self.effective_on <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class PatentFacts:
    """A patent, as the figures see it, with its open licences in the order of their effect."""

    patent_id: int
    offer_id: int
    holder_id: int
    first_announced_on: dt.date
    in_region: bool
    kind: str
    fee_form: str
    owner_type: str
    district: str | None
    ipc_section: str | None
    ipc_class: str | None
    ipc_subclass: str | None
    industry: str | None
    spells: tuple[tuple[dt.date, dt.date | None], ...]
    reached: dict[str, dt.date]
    licences: tuple[LicenceFact, ...] = ()
    ordinary: tuple[LicenceFact, ...] = ()

    def in_force_on(self, day: dt.date) -> bool:
        return any(start <= day and (end is None or day < end) for start, end in self.spells)

    def in_force_between(self, first: dt.date, last: dt.date) -> bool:
        """On at least one day. A day on which it was announced and ended again counts as one."""
        return any(
            start <= last and (end is None or first < end or first <= start == end)
            for start, end in self.spells
        )

    def took_effect(self, first: dt.date, last: dt.date) -> bool:
        return any(first <= licence.effective_on <= last for licence in self.licences)

    def reached_by(self, stage: str, day: dt.date) -> bool:
        """Whether it came to a stage of the funnel, or to a later one, by that day."""
        later = STAGES[STAGES.index(stage) :] if stage in STAGES else (stage,)
        return any(one in self.reached and self.reached[one] <= day for one in later)

    @property
    def free(self) -> bool:
        return self.fee_form == "free"


@dataclass(frozen=True, slots=True)
class Deal:
    """A licence with the patent it is on."""

    patent: PatentFacts
    licence: LicenceFact


Member = PatentFacts | Deal


@dataclass
class Cell:
    """One number: what it counts, of what, and whether it may be shown.

    Attributes:
        group: code of the group, `all` for the whole, `unknown` where the facts say nothing.
        numerator: what is counted, None when it may not be shown.
        denominator: of what; None for plain counts.
        note: `too-young`, `not-observed`, `small` or None.
        provisional: late recordals may still change it.
        first: first day of its period or cohort.
        last: last day.
        days: N of the quick-licence rate.
        stage: of the funnel.
        interval: of the deal speed; `lengths` are then its whole days, in the order of the numerator.
    """

    group: str
    numerator: Sequence[Member] | None
    denominator: Sequence[Member] | None
    first: dt.date
    last: dt.date
    note: str | None = None
    provisional: bool = False
    days: int | None = None
    stage: str | None = None
    interval: str | None = None
    lengths: list[int] = field(default_factory=list)

    @property
    def value(self) -> float | None:
        """The share as a fraction, None if it may not be shown or there is nothing to divide by."""
        if self.numerator is None or not self.denominator:
            return None
        return len(self.numerator) / len(self.denominator)

    def split(self, *, free: bool) -> Cell:
        """The same cell of free, or of paid, patents only."""

        def kept(members: Sequence[Member] | None) -> Sequence[Member] | None:
            if members is None:
                return None
            return [one for one in members if patent_of(one).free == free]

        return Cell(
            self.group, kept(self.numerator), kept(self.denominator), self.first, self.last, self.note
        )


def patent_of(member: Member) -> PatentFacts:
    """The patent behind a patent or a licence."""
    return member.patent if isinstance(member, Deal) else member


def cells(facts: Sequence[PatentFacts], question: Question) -> list[Cell]:
    """The figure that is asked for: one cell a group (and N, stage or interval), groups in their order."""
    known = [
        one for one in facts if one.first_announced_on <= question.as_of and one.in_region != question.outside
    ]
    return _FIGURES[question.figure](known, question)


def side_cells(facts: Sequence[PatentFacts], question: Question) -> list[Cell]:
    """The funnel's side counts: recommended, contacted, passed over."""
    known = [
        one for one in facts if one.first_announced_on <= question.as_of and one.in_region != question.outside
    ]
    return _funnel(known, question, SIDE_STAGES)


# --- figures of a day


def _in_force(facts: list[PatentFacts], question: Question) -> list[Cell]:
    return [
        Cell(group, [one for one in members if one.in_force_on(day)], None, day, day)
        for group, members, day in _at_days(facts, question)
    ]


def _stock(facts: list[PatentFacts], question: Question) -> list[Cell]:
    found = []
    for group, members, day in _at_days(facts, question):
        standing = [one for one in members if one.in_force_on(day)]
        licensed = [one for one in standing if any(each.in_effect_on(day) for each in one.licences)]
        found.append(_rate(group, licensed, standing, day, day, question))
    return found


def _unasked(facts: list[PatentFacts], question: Question) -> list[Cell]:
    led_to = ("recommended", "notice", "paid", "in_effect", "recorded")
    found = []
    for group, members, day in _at_days(facts, question):
        standing = [one for one in members if one.in_force_on(day)]
        unasked = [
            one
            for one in standing
            if not any(step in one.reached and one.reached[step] <= day for step in led_to)
        ]
        found.append(Cell(group, unasked, standing, day, day))
    return found


def _stuck(facts: list[PatentFacts], question: Question) -> list[Cell]:
    came, further = {
        "not-opened": ("shown", "opened"), "not-noticed": ("opened", "notice"),
        "not-paid": ("notice", "paid"),
    }[question.figure]  # fmt: skip

    def reached(one: PatentFacts, stage: str, day: dt.date) -> bool:
        later = STAGES[STAGES.index(stage) :]
        return any(step in one.reached and one.reached[step] <= day for step in later)

    found = []
    for group, members, day in _at_days(facts, question):
        there = [one for one in members if one.in_force_on(day) and reached(one, came, day)]
        found.append(Cell(group, [one for one in there if not reached(one, further, day)], there, day, day))
    return found


def _landmark(facts: list[PatentFacts], question: Question) -> list[Cell]:
    def passed(one: PatentFacts, day: dt.date | None) -> float:
        return float("inf") if day is None else (day - one.first_announced_on).days

    sides: dict[str, tuple[list[PatentFacts], list[PatentFacts]]] = {
        "recommended": ([], []),
        "others": ([], []),
    }
    for one in facts:
        begun = [end for start, end in sorted(one.spells) if start <= question.as_of]
        if (
            question.first <= one.first_announced_on <= question.last
            and passed(one, one.reached.get("in_effect")) > 30
            and passed(one, begun[-1]) > 30
            and passed(one, question.as_of) >= 120
        ):
            by_then = passed(one, one.reached.get("recommended")) <= 30
            taken, whole = sides["recommended" if by_then else "others"]
            whole.append(one)
            if passed(one, one.reached.get("in_effect")) <= 120:
                taken.append(one)
    return [
        Cell(group, taken, whole, question.first, question.last,
             "small" if len(whole) < 30 or len(taken) < 5 else None)
        for group, (taken, whole) in sides.items()
    ]  # fmt: skip


def _at_days(
    facts: list[PatentFacts], question: Question
) -> Iterator[tuple[str, list[PatentFacts], dt.date]]:
    """Groups on the last day of the question; by month, everything at the end of each month."""
    if question.by == "month":
        for month, _, last in months(question.first, question.last):
            yield month, facts, last
        return
    for group, members in _grouped(facts, question.by):
        yield group, members, question.last


# --- figures of a period


def _conversion(facts: list[PatentFacts], question: Question) -> list[Cell]:
    found = []
    for group, members, first, last in _in_periods(facts, question):
        taken = [one for one in members if one.took_effect(first, last)]
        # A licence presupposes an offer in force on its day, though the offer may end on that same day.
        offered = [
            one for one in members if one.in_force_between(first, last) or one.took_effect(first, last)
        ]
        found.append(_rate(group, taken, offered, first, last, question))
    return found


def _in_periods(
    facts: list[PatentFacts], question: Question
) -> Iterator[tuple[str, list[PatentFacts], dt.date, dt.date]]:
    if question.by == "month":
        for month, first, last in months(question.first, question.last):
            yield month, facts, first, last
        return
    for group, members in _grouped(facts, question.by):
        yield group, members, question.first, question.last


def _rate(
    group: str,
    numerator: Sequence[Member],
    denominator: Sequence[Member],
    first: dt.date,
    last: dt.date,
    question: Question,
) -> Cell:
    if question.complete_from is not None and first < question.complete_from:
        return Cell(group, None, denominator, first, last, "not-observed")
    small = len(denominator) < LEAST_PATENTS or len(numerator) < LEAST_EVENTS
    return Cell(
        group,
        numerator,
        denominator,
        first,
        last,
        "small" if small else None,
        provisional=last + LATE_RECORDALS > question.as_of,
    )


# --- figures of a cohort


def _cohort(facts: list[PatentFacts], question: Question) -> list[PatentFacts]:
    return [one for one in facts if question.first <= one.first_announced_on <= question.last]


def _announced(facts: list[PatentFacts], question: Question) -> list[Cell]:
    return [
        Cell(group, members, None, *_span(group, question))
        for group, members in _cohorts(_cohort(facts, question), question)
    ]


def _quick(facts: list[PatentFacts], question: Question) -> list[Cell]:
    return [
        _quick_cell(group, members, days, question)
        for group, members in _cohorts(_cohort(facts, question), question)
        for days in QUICK_DAYS
    ]


def _quick_cell(group: str, cohort: list[PatentFacts], days: int, question: Question) -> Cell:
    first, last = _span(group, question)
    within = dt.timedelta(days=days)
    cell = Cell(group, None, cohort, first, last, days=days)
    youngest = max((one.first_announced_on for one in cohort), default=last)
    oldest = min((one.first_announced_on for one in cohort), default=first)
    if question.complete_from is not None and oldest < question.complete_from:
        cell.note = "not-observed"
    elif youngest + within > question.as_of:
        cell.note = "too-young"
    else:
        cell.numerator = [
            one
            for one in cohort
            if one.licences and one.licences[0].effective_on - one.first_announced_on <= within
        ]
        cell.provisional = youngest + within + LATE_RECORDALS > question.as_of
        if len(cohort) < LEAST_PATENTS or len(cell.numerator) < LEAST_EVENTS:
            cell.note = "small"
    return cell


def _funnel(facts: list[PatentFacts], question: Question, stages: tuple[str, ...] = STAGES) -> list[Cell]:
    found = []
    for group, members in _cohorts(_cohort(facts, question), question):
        for stage in stages:
            reached = [one for one in members if one.reached_by(stage, question.as_of)]
            cell = _rate(group, reached, members, *_span(group, question), question)
            cell.stage = stage
            found.append(cell)
    return found


def _cohorts(cohort: list[PatentFacts], question: Question) -> list[tuple[str, list[PatentFacts]]]:
    """Groups of a cohort; by month, by the month of the first announcement."""
    if question.by != "month":
        return _grouped(cohort, question.by)
    by_month: dict[str, list[PatentFacts]] = defaultdict(list)
    for one in cohort:
        by_month[f"{one.first_announced_on:%Y-%m}"].append(one)
    return [(month, by_month[month]) for month, _, _ in months(question.first, question.last)]


# --- figures of licences


def deals(facts: Iterable[PatentFacts], first: dt.date, last: dt.date) -> list[Deal]:
    """Open licences that took effect in the period."""
    return [
        Deal(one, licence)
        for one in facts
        for licence in one.licences
        if first <= licence.effective_on <= last
    ]


def _licences(facts: list[PatentFacts], question: Question) -> list[Cell]:
    return [
        Cell(group, members, None, *_span(group, question))
        for group, members in _of_deals(deals(facts, question.first, question.last), question)
    ]


def _recordal(facts: list[PatentFacts], question: Question) -> list[Cell]:
    found = []
    for group, members in _of_deals(deals(facts, question.first, question.last), question):
        decided = [
            deal
            for deal in members
            if _by(deal.licence.filed_on, question.as_of) or deal.licence.recordal_due_on < question.as_of
        ]
        on_time = [
            deal
            for deal in decided
            if deal.licence.filed_on is not None
            and deal.licence.filed_on <= min(deal.licence.recordal_due_on, question.as_of)
        ]
        small = len(decided) < LEAST_PATENTS or len(on_time) < LEAST_EVENTS
        found.append(Cell(group, on_time, decided, *_span(group, question), "small" if small else None))
    return found


def _speed(facts: list[PatentFacts], question: Question) -> list[Cell]:
    found = []
    for group, members in _of_deals(deals(facts, question.first, question.last), question):
        for interval in INTERVALS:
            timed = [(deal, length_of(deal.licence, interval, question.as_of)) for deal in members]
            # A later day before an earlier one is a fault of the source and says nothing of speed.
            kept = [(deal, length) for deal, length in timed if length is not None and length >= 0]
            found.append(
                Cell(
                    group,
                    [deal for deal, _ in kept],
                    None,
                    *_span(group, question),
                    "small" if len(kept) < LEAST_EVENTS else None,
                    interval=interval,
                    lengths=[length for _, length in kept],
                )
            )
    return found


def length_of(licence: LicenceFact, interval: str, as_of: dt.date) -> int | None:
    """Whole days of an interval of INTERVALS, None while one of its days is not on record."""
    start, end = {
        "notice_to_payment": (licence.notice_on, licence.paid_on),
        "payment_to_effect": (licence.paid_on, licence.effective_on),
        "effect_to_recordal": (licence.effective_on, licence.recorded_on),
        "notice_to_effect": (licence.notice_on, licence.effective_on),
    }[interval]
    if start is None or end is None or end > as_of:
        return None
    return (end - start).days


def _by(day: dt.date | None, as_of: dt.date) -> bool:
    return day is not None and day <= as_of


def _of_deals(found: list[Deal], question: Question) -> list[tuple[str, list[Deal]]]:
    """Groups of licences; by month, by the month of effect."""
    if question.by is None:
        return [(ALL, found)]
    by_group: dict[str, list[Deal]] = defaultdict(list)
    if question.by == "month":
        for deal in found:
            by_group[f"{deal.licence.effective_on:%Y-%m}"].append(deal)
        return [(month, by_group[month]) for month, _, _ in months(question.first, question.last)]
    for deal in found:
        by_group[getattr(deal.patent, question.by) or UNKNOWN].append(deal)
    return sorted(by_group.items(), key=_unknown_last)


_FIGURES: dict[str, Callable[[list[PatentFacts], Question], list[Cell]]] = {
    "in-force": _in_force,
    "announced": _announced,
    "licences": _licences,
    "conversion": _conversion,
    "stock": _stock,
    "unasked": _unasked,
    "not-opened": _stuck,
    "not-noticed": _stuck,
    "not-paid": _stuck,
    "landmark": _landmark,
    "quick-licence": _quick,
    "funnel": _funnel,
    "deal-speed": _speed,
    "recordal": _recordal,
}


# --- groups


def _span(group: str, question: Question) -> tuple[dt.date, dt.date]:
    """The days a group's period or cohort covers."""
    if question.by != "month":
        return question.first, question.last
    begin = dt.date.fromisoformat(f"{group}-01")
    end = (begin + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    return max(begin, question.first), min(end, question.last)


def _grouped(facts: list[PatentFacts], by: str | None) -> list[tuple[str, list[PatentFacts]]]:
    if by is None:
        return [(ALL, facts)]
    groups: dict[str, list[PatentFacts]] = defaultdict(list)
    for one in facts:
        groups[getattr(one, by) or UNKNOWN].append(one)
    return sorted(groups.items(), key=_unknown_last)


def _unknown_last(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] == UNKNOWN, item[0]
