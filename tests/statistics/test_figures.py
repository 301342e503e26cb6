"""Figures against numbers worked out by hand, and laws that hold for every history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.statistics import columns, figures
from marketplace.statistics.columns import STAGES
from marketplace.statistics.figures import GROUPINGS, QUICK_DAYS, Cell, Members, Question, nearest_rank

from . import rowwise
from .history import fact, in_columns, licence_fact
from .rowwise import PatentFacts

D = dt.date
NOW = D(2026, 11, 20)


def cells(facts: list[PatentFacts], question: Question) -> list[Cell]:
    return figures.cells(in_columns(facts), question)


def ask(figure: str, first: dt.date, last: dt.date, by: str | None = None, **values: object) -> Question:
    return Question(figure, first, last, **({"as_of": NOW, "by": by} | values))


def numbers(cell: Cell) -> tuple[int | None, int | None]:
    return (
        None if cell.numerator is None else len(cell.numerator),
        None if cell.denominator is None else len(cell.denominator),
    )


def test_conversion_counts_patents_once_and_offers_of_a_single_day() -> None:
    facts = [
        fact(D(2025, 1, 1), D(2026, 3, 1), D(2026, 4, 1)),  # licensed twice: one patent
        fact(D(2025, 1, 1)),
        fact(D(2025, 1, 1), ends=D(2026, 1, 1)),  # over when the year begins
        fact(D(2025, 1, 1), ends=D(2026, 1, 2)),  # in force on one day of it
        fact(D(2026, 6, 1), D(2025, 7, 1)),
        fact(D(2026, 12, 1)),  # announced after the day of observation
    ]
    (cell,) = cells(facts, ask("conversion", D(2026, 1, 1), D(2026, 10, 31)))
    assert numbers(cell) == (1, 4)
    assert cell.value == 0.25
    assert cell.note == "small"


def test_a_licence_of_the_day_on_which_its_offer_ended_counts() -> None:
    facts = [fact(D(2025, 1, 1), D(2026, 1, 1), ends=D(2026, 1, 1))]
    (cell,) = cells(facts, ask("conversion", D(2026, 1, 1), D(2026, 1, 31)))
    assert numbers(cell) == (1, 1)


def test_conversion_by_month_takes_each_month_as_a_period() -> None:
    facts = [fact(D(2026, 1, 10), D(2026, 2, 3)), fact(D(2026, 2, 20), ends=D(2026, 3, 1))]
    found = cells(facts, ask("conversion", D(2026, 1, 5), D(2026, 3, 31), "month"))
    assert [(cell.group, numbers(cell)) for cell in found] == [
        ("2026-01", (0, 1)),
        ("2026-02", (1, 2)),
        ("2026-03", (0, 1)),
    ]


def test_the_stock_is_that_of_one_day() -> None:
    facts = [
        fact(D(2025, 1, 1), licences=(licence_fact(D(2025, 2, 1), last_day=D(2026, 5, 31)),)),
        fact(D(2025, 1, 1), D(2026, 6, 1)),
        fact(D(2025, 1, 1), D(2025, 6, 1), ends=D(2026, 5, 31)),
    ]
    for day, expected in (
        (D(2026, 5, 30), (2, 3)),
        (D(2026, 5, 31), (1, 2)),
        (D(2026, 6, 1), (1, 2)),
        (D(2026, 5, 29), (2, 3)),
    ):
        (cell,) = cells(facts, ask("stock", D(2025, 1, 1), day))
        assert numbers(cell) == expected, day


def test_offers_in_force_by_month_are_those_at_its_end() -> None:
    facts = [fact(D(2026, 1, 31)), fact(D(2026, 1, 2), ends=D(2026, 2, 28))]
    found = cells(facts, ask("in-force", D(2026, 1, 1), D(2026, 3, 15), "month"))
    assert [(cell.group, len(cell.numerator or ())) for cell in found] == [
        ("2026-01", 2),
        ("2026-02", 1),
        ("2026-03", 1),
    ]


def test_the_quick_rate_keeps_exits_in_and_counts_the_nth_day() -> None:
    facts = [
        fact(D(2026, 1, 1), D(2026, 1, 31)),  # the 30th day
        fact(D(2026, 1, 1), D(2026, 2, 1)),  # the 31st
        fact(D(2026, 1, 2), ends=D(2026, 1, 5)),  # withdrawn without a licence
        fact(D(2026, 1, 2), D(2026, 1, 2)),  # at once
    ]
    found = {cell.days: cell for cell in cells(facts, ask("quick-licence", D(2026, 1, 1), D(2026, 1, 31)))}
    assert set(found) == set(QUICK_DAYS)
    assert numbers(found[7]) == (1, 4)
    assert numbers(found[30]) == (2, 4)
    assert numbers(found[90]) == (3, 4)
    assert found[365].note == "too-young"
    assert numbers(found[365]) == (None, 4)
    assert found[365].value is None


def test_a_cohort_is_shown_once_its_youngest_is_old_enough_and_preliminary_for_120_days_more() -> None:
    cohort = [fact(D(2026, 10, 1)), fact(D(2026, 10, 21))]
    question = ask("quick-licence", D(2026, 10, 1), D(2026, 10, 31))

    def at(day: dt.date) -> Cell:
        return next(cell for cell in cells(cohort, replace(question, as_of=day)) if cell.days == 30)

    assert at(D(2026, 11, 19)).note == "too-young"
    assert (numbers(at(D(2026, 11, 20))), at(D(2026, 11, 20)).provisional) == ((0, 2), True)
    assert at(D(2027, 3, 19)).provisional is True
    assert at(D(2027, 3, 20)).provisional is False


def test_cohorts_from_before_the_complete_history_are_not_observed_never_zero() -> None:
    facts = [fact(D(2023, 5, 1)), fact(D(2024, 5, 1))]
    found = cells(
        facts, ask("quick-licence", D(2023, 1, 1), D(2024, 12, 31), "month", complete_from=D(2024, 1, 1))
    )
    by_month = {cell.group: cell for cell in found if cell.days == 7}
    assert by_month["2023-05"].note == "not-observed"
    assert by_month["2023-05"].value is None
    assert by_month["2024-05"].value == 0
    (conversion,) = cells(
        facts, ask("conversion", D(2023, 12, 31), D(2024, 12, 31), complete_from=D(2024, 1, 1))
    )
    assert (conversion.note, conversion.numerator) == ("not-observed", None)


def test_a_later_stage_of_the_funnel_implies_the_earlier_ones() -> None:
    facts = [
        fact(D(2026, 1, 1)),
        fact(D(2026, 1, 1), reached={"shown": D(2026, 1, 2)}),
        fact(D(2026, 1, 1), reached={"notice": D(2026, 2, 1)}),  # its views were never noted
        fact(D(2026, 1, 1), D(2026, 3, 1), reached={"recorded": D(2026, 12, 24)}),
    ]
    found = cells(facts, ask("funnel", D(2026, 1, 1), D(2026, 1, 31)))
    assert [(cell.stage, len(cell.numerator or ())) for cell in found] == [
        ("announced", 4),
        ("shown", 3),
        ("opened", 2),
        ("notice", 2),
        ("paid", 1),
        ("in_effect", 1),
        ("recorded", 0),  # not yet on the day of observation
    ]


def test_side_counts_imply_nothing() -> None:
    facts = [fact(D(2026, 1, 1), reached={"passed": D(2026, 2, 1)})]
    found = figures.side_cells(in_columns(facts), ask("funnel", D(2026, 1, 1), D(2026, 1, 31)))
    assert [(cell.stage, len(cell.numerator or ())) for cell in found] == [
        ("recommended", 0),
        ("contacted", 0),
        ("passed", 1),
    ]


def observed(cell: Cell) -> list[int]:
    """The days of a cell, each as often as it was observed."""
    assert cell.lengths is not None
    return [day for day, times in enumerate(cell.lengths.of) for _ in range(times)]


def test_deal_speed_is_in_whole_days_that_were_observed() -> None:
    steps = [(1, 2, 2, 40), (1, 4, 4, None), (1, 11, 12, 30)]
    licences = tuple(
        licence_fact(
            D(2026, 3, effect),
            notice_on=D(2026, 3, notice),
            paid_on=D(2026, 3, paid),
            recorded_on=None if recorded is None else D(2026, 3, effect) + dt.timedelta(days=recorded),
        )
        for notice, paid, effect, recorded in steps
    )
    found = {
        cell.interval: observed(cell)
        for cell in cells([fact(D(2026, 1, 1), licences=licences)], ask("deal-speed", D(2026, 1, 1), NOW))
    }
    assert found == {
        "notice_to_payment": [1, 3, 10],
        "payment_to_effect": [0, 0, 1],
        "effect_to_recordal": [30, 40],
        "notice_to_effect": [1, 3, 11],
    }
    assert nearest_rank(np.bincount([1, 3, 10]), 0.5) == 3
    assert nearest_rank(np.bincount([1, 3, 10]), 0.9) == 10
    assert nearest_rank(np.bincount([1, 2]), 0.5) == 1
    assert nearest_rank(np.bincount([]), 0.5) is None


def test_days_in_the_wrong_order_say_nothing_of_speed() -> None:
    wrong = licence_fact(D(2026, 3, 1), notice_on=D(2026, 3, 5), paid_on=D(2026, 3, 1))
    found = cells([fact(D(2026, 1, 1), licences=(wrong,))], ask("deal-speed", D(2026, 1, 1), NOW))
    assert [len(observed(cell)) for cell in found] == [0, 1, 0, 0]


def test_recordals_are_judged_once_filed_or_overdue() -> None:
    due = D(2026, 6, 1)
    licences = tuple(
        licence_fact(D(2026, 3, 1), recordal_due_on=when, filed_on=filed)
        for when, filed in ((due, due), (due, D(2026, 6, 2)), (due, None), (D(2026, 12, 1), None))
    )
    (cell,) = cells([fact(D(2026, 1, 1), licences=licences)], ask("recordal", D(2026, 1, 1), NOW))
    assert numbers(cell) == (1, 3)


def test_what_happened_after_the_day_of_observation_is_not_known() -> None:
    facts = [fact(D(2026, 1, 1), D(2026, 3, 1), ends=D(2026, 5, 1)), fact(D(2026, 9, 1))]
    question = ask("stock", D(2026, 1, 1), D(2026, 2, 1), as_of=D(2026, 2, 1))
    assert numbers(cells(facts, question)[0]) == (0, 1)


def test_patents_from_outside_the_region_have_figures_of_their_own() -> None:
    facts = [fact(D(2026, 1, 1)), fact(D(2026, 1, 1), in_region=False)]
    inside = ask("in-force", D(2026, 1, 1), NOW)
    assert len(cells(facts, inside)[0].numerator or ()) == 1
    assert len(cells(facts, replace(inside, outside=True))[0].numerator or ()) == 1


def test_counts_tell_contracts_licensees_pairs_and_the_five_largest_holders() -> None:
    facts = [fact(D(2026, 1, 1), D(2026, 2, 1), holder_id=holder) for holder in range(1, 7)]
    facts.append(
        fact(D(2026, 1, 1), holder_id=1, licences=(licence_fact(D(2026, 2, 1), licensee_id=99),) * 2)
    )
    facts.append(fact(D(2026, 1, 1), holder_id=9, ordinary=(licence_fact(D(2026, 2, 1), kind="ordinary"),)))
    found = figures.counts(in_columns(facts), ask("conversion", D(2026, 1, 1), NOW))
    assert found == {
        "patents": 8,
        "licensed": 7,
        "holders": 7,
        "licences": 8,
        "licensees": 7,
        "pairs": 7,
        "top5_share": 7 / 8,
        "paid_minor": 800,
        "ordinary": 1,
    }


def test_the_median_is_reached_only_when_half_of_all_were_licensed() -> None:
    cohort = [fact(D(2026, 1, 1), D(2026, 1, 11)), fact(D(2026, 1, 1)), fact(D(2026, 1, 1))]
    question = ask("announced", D(2026, 1, 1), NOW)
    found = figures.first_licence(in_columns(cohort), question)
    assert (found.patents, found.licensed, found.half) == (3, 1, None)
    assert nearest_rank(found.lengths, 0.5) == 10
    assert figures.first_licence(in_columns(cohort[:2]), question).half == 10
    nothing = figures.first_licence(in_columns([]), question)
    assert (nothing.patents, nothing.half, nearest_rank(nothing.lengths, 0.5)) == (0, None, None)


def test_months_are_cut_at_both_ends() -> None:
    assert figures.months(D(2025, 12, 30), D(2026, 2, 1)) == [
        ("2025-12", D(2025, 12, 30), D(2025, 12, 31)),
        ("2026-01", D(2026, 1, 1), D(2026, 1, 31)),
        ("2026-02", D(2026, 2, 1), D(2026, 2, 1)),
    ]


# --- laws

_day = st.dates(D(2025, 1, 1), D(2026, 11, 20))


@st.composite
def _patents(draw: st.DrawFn) -> PatentFacts:
    announced = draw(_day)
    offset = st.integers(0, 400)
    ends = draw(st.none() | offset.map(lambda days: announced + dt.timedelta(days=days)))
    licences = tuple(
        sorted(
            (
                licence_fact(
                    announced + dt.timedelta(days=begin),
                    notice_on=announced
                    + dt.timedelta(days=begin)
                    - dt.timedelta(days=draw(st.integers(0, 9))),
                    last_day=draw(st.none() | st.just(announced + dt.timedelta(days=begin + 100))),
                    recorded_on=draw(st.none() | st.just(announced + dt.timedelta(days=begin + 20))),
                )
                for begin in draw(st.lists(offset, max_size=3))
            ),
            key=lambda one: one.effective_on,
        )
    )
    reached = draw(
        st.dictionaries(st.sampled_from(("shown", "opened", "notice", "paid", "passed")), _day, max_size=3)
    )
    return fact(
        announced,
        ends=ends,
        licences=licences,
        reached=reached,
        holder_id=draw(st.integers(1, 4)),
        fee_form=draw(st.sampled_from(("free", "fixed", "unknown"))),
        district=draw(st.sampled_from(("310112", "310115", None))),
        ipc_section=draw(st.sampled_from(("A", "H", None))),
        in_region=draw(st.booleans()),
    )


_histories = st.lists(_patents(), max_size=8)
_questions = st.builds(
    lambda figure, a, b, as_of, outside: Question(
        figure, min(a, b, as_of), min(max(a, b), as_of), as_of, outside=outside
    ),
    st.sampled_from(sorted(figures._FIGURES)),
    _day,
    _day,
    _day,
    st.booleans(),
)


def _key(cell: Cell) -> tuple[object, ...]:
    return cell.days, cell.stage, cell.interval


@settings(max_examples=150, deadline=None)
@given(_histories, _questions, st.sampled_from(GROUPINGS))
def test_a_numerator_is_part_of_its_denominator(
    facts: list[PatentFacts], question: Question, by: str
) -> None:
    for cell in cells(facts, replace(question, by=by)):
        if cell.numerator is not None and cell.denominator is not None:
            assert set(cell.numerator.places()) <= set(cell.denominator.places())
            assert cell.value is None or 0 <= cell.value <= 1


@settings(max_examples=150, deadline=None)
@given(_histories, _questions, st.sampled_from(GROUPINGS[1:]))
def test_the_groups_add_up_to_the_whole(facts: list[PatentFacts], question: Question, by: str) -> None:
    whole = {_key(cell): cell for cell in cells(facts, question)}
    grouped = cells(facts, replace(question, by=by))
    for key, cell in whole.items():
        parts = [part for part in grouped if _key(part) == key]
        if cell.denominator is not None:
            assert sum(len(part.denominator or ()) for part in parts) == len(cell.denominator)
        if cell.numerator is not None and all(part.numerator is not None for part in parts):
            assert sum(len(part.numerator or ()) for part in parts) == len(cell.numerator)


@settings(max_examples=100, deadline=None)
@given(_histories, _questions)
def test_free_and_paid_add_up_to_the_pooled_figure(facts: list[PatentFacts], question: Question) -> None:
    for cell in cells(facts, question):
        if cell.numerator is not None:
            assert sum(cell.numerator.part(free=free) for free in (True, False)) == len(cell.numerator)


@settings(max_examples=100, deadline=None)
@given(_histories, _questions)
def test_cohorts_by_month_add_up_to_the_cohort(facts: list[PatentFacts], question: Question) -> None:
    for figure in ("announced", "funnel", "licences"):
        asked = replace(question, figure=figure)
        whole = sum(len(cell.numerator or ()) for cell in cells(facts, asked))
        assert sum(len(cell.numerator or ()) for cell in cells(facts, replace(asked, by="month"))) == whole


@settings(max_examples=100, deadline=None)
@given(_histories, _questions)
def test_the_funnel_only_narrows(facts: list[PatentFacts], question: Question) -> None:
    found = [len(cell.numerator or ()) for cell in cells(facts, replace(question, figure="funnel"))]
    assert found == sorted(found, reverse=True)
    assert len(found) == len(STAGES)


@pytest.mark.parametrize("figure", sorted(figures._FIGURES))
def test_a_figure_of_nothing_is_empty_not_wrong(figure: str) -> None:
    for by in (None, *GROUPINGS):
        for cell in cells([], ask(figure, D(2026, 1, 1), NOW, by)):
            assert not cell.numerator
            assert cell.value is None


# --- the same from single rows


def _as_counted(cell: Cell | rowwise.Cell, facts: columns.Facts | None) -> tuple[object, ...]:
    """Everything that a cell says; what it counts by ids."""
    said = (cell.group, cell.first, cell.last, cell.note, cell.provisional, cell.days, cell.stage)
    if isinstance(cell, Cell):
        assert facts is not None
        counted = [_ids(part, facts) for part in (cell.numerator, cell.denominator)]
        lengths = () if cell.lengths is None else tuple(observed(cell))
    else:
        counted = [_ids_of_rows(part) for part in (cell.numerator, cell.denominator)]
        lengths = tuple(sorted(cell.lengths))
    return *said, cell.interval, *counted, lengths, cell.value


def _ids(members: Members | None, facts: columns.Facts) -> object:
    if members is None:
        return None
    table = facts.patents.id if members.unit == "patent" else facts.open.id
    places = members.places()
    free = facts.free[places if members.unit == "patent" else facts.open.patent[places]]
    assert (len(places), int(free.sum())) == (members.number, members.free)
    return sorted(int(one) for one in table[places])


def _ids_of_rows(members: Sequence[rowwise.Member] | None) -> object:
    if members is None:
        return None
    return sorted(
        one.licence.licence_id if isinstance(one, rowwise.Deal) else one.patent_id for one in members
    )


@settings(max_examples=400, deadline=None)
@given(_histories, _questions, st.sampled_from((None, *GROUPINGS)), st.none() | _day)
def test_figures_from_columns_equal_figures_from_single_patents(
    patents: list[PatentFacts], question: Question, by: str | None, complete_from: dt.date | None
) -> None:
    asked = replace(question, by=by, complete_from=complete_from)
    facts = in_columns(patents)
    found = [_as_counted(cell, facts) for cell in figures.cells(facts, asked)]
    assert found == [_as_counted(cell, None) for cell in rowwise.cells(patents, asked)]
    if asked.figure == "funnel":
        beside = [_as_counted(cell, facts) for cell in figures.side_cells(facts, asked)]
        assert beside == [_as_counted(cell, None) for cell in rowwise.side_cells(patents, asked)]


def test_a_young_cohort_is_estimated_where_enough_were_watched_to_the_end() -> None:
    old = [fact(D(2026, 1, 1), holder_id=n) for n in range(30)]
    licensed = [fact(D(2026, 1, 1), D(2026, 1, 21), holder_id=n) for n in range(10)]
    gone = [fact(D(2026, 1, 1), ends=D(2026, 1, 11), holder_id=n) for n in range(10)]
    anew = fact(D(2026, 1, 1), spells=((D(2026, 1, 1), D(2026, 1, 5)), (D(2026, 6, 1), None)), holder_id=3)
    young = fact(D(2026, 11, 1), holder_id=5)
    found = {
        cell.days: cell
        for cell in cells([*old, *licensed, *gone, anew, young], ask("quick-licence", D(2026, 1, 1), NOW))
    }
    assert found[7].estimate is None
    assert found[30].note == "too-young"
    estimated = found[30].estimate
    assert estimated is not None
    # The young one was watched for 19 days; who was declared anew is not gone.
    assert estimated.at_risk == 31
    assert estimated.value == pytest.approx(10 / 52 + (1 / 52) * (10 / 41), abs=1e-3)
    assert estimated.low is not None
    assert 0 < estimated.low < estimated.value < (estimated.high or 0) < 1
    assert found[365].estimate is None, "nobody was watched for so long"
