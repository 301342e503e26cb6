"""Which annuities an open licence reduces: Guidelines V-11 §8, held against its own words."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import lookup
from marketplace.deals.models import Licence
from marketplace.deals.recordals.reliefs import Relief, state_relief
from marketplace.pricing import reductions
from marketplace.pricing.reductions import Practice, lines, reduced_years
from marketplace.pricing.rules import Band, patent_year
from tests.deals.conftest import make_deal, serve

SCALE = (Band(1, 3, 90_000), Band(4, 6, 120_000), Band(7, 9, 200_000), Band(10, 20, 400_000))
FILED, GRANTED = dt.date(2019, 3, 1), dt.date(2021, 6, 1)
DAYS = st.dates(dt.date(2021, 6, 1), dt.date(2038, 12, 31))


def years(*practices: Practice, relief: Relief | None = None) -> dict[int, int | None]:
    found = reduced_years("invention", FILED, GRANTED, dt.date(2039, 2, 28), SCALE, practices, relief=relief)
    return {one.annuity.year: one.annuity.saved_minor for one in found}


@given(DAYS, st.integers(0, 6000), st.none() | DAYS)
def test_a_year_is_reduced_exactly_while_the_words_of_the_guidelines_say_so(
    recorded: dt.date, length: int, withdrawn: dt.date | None
) -> None:
    ends = recorded + dt.timedelta(days=length)
    reduced = years(Practice(1, recorded, ends, withdrawn))
    for year in range(patent_year(FILED, GRANTED) + 1, 21):
        due = dt.date(2019 + year - 1, 3, 1)
        not_yet_due, practised = recorded < due, due <= ends
        standing = withdrawn is None or year <= patent_year(FILED, withdrawn)
        assert (year in reduced) == (not_yet_due and practised and standing)
    assert all(saved is not None and saved > 0 for saved in reduced.values())


@given(st.lists(st.tuples(DAYS, st.integers(0, 3000)), max_size=4))
def test_several_licences_reduce_a_year_once(given_: list[tuple[dt.date, int]]) -> None:
    practices = [
        Practice(number, day, day + dt.timedelta(days=length)) for number, (day, length) in enumerate(given_)
    ]
    alone: dict[int, int | None] = {}
    for one in practices:
        alone |= years(one)
    assert years(*practices) == alone


def test_the_higher_of_two_reductions_counts_and_only_while_both_could() -> None:
    practice = Practice(1, dt.date(2026, 1, 10), dt.date(2036, 1, 9))
    plain = years(practice)
    # Year 9 begins on 1 March 2027: fifteen per cent of 2,000 yuan.
    assert plain[9] == 30_000
    small = years(practice, relief=Relief(85, dt.date(2020, 1, 1), None))
    # The relief lasts ten years from that of the grant, the third: year 13 has the licence's cut alone.
    assert {year for year, saved in small.items() if saved == 0} == set(range(8, 13))
    assert small[13] == plain[13] == 60_000
    ended = years(practice, relief=Relief(85, dt.date(2020, 1, 1), dt.date(2027, 12, 31)))
    assert (ended[9], ended[10]) == (0, 60_000)


def test_withdrawal_leaves_the_present_year_and_ends_with_the_next() -> None:
    practice = Practice(1, dt.date(2026, 1, 10), dt.date(2036, 1, 9), withdrawn_on=dt.date(2027, 5, 1))
    assert set(years(practice)) == {8, 9}


def test_the_list_holds_recorded_open_licences_and_what_a_relief_leaves(context: None) -> None:
    deal = make_deal(fee_form="free", fee_minor=None)
    licence = lookup.licence_of(serve(deal.firm_actor, deal.offer))
    assert licence is not None
    assert list(lines(deal.holder.id)) == []
    with unit_of_work():
        row = db.session.get_one(Licence, licence.id)
        row.recordal_state, row.recordal_number = "recorded", "X2026310000055"
        row.recorded_on = licence.effective_on
    found = list(lines(deal.holder.id))
    assert [one.annuity.due_on.year for one in found] == [2027, 2028, 2029, 2030, 2031]
    assert all(one.annuity.saved_minor for one in found)
    assert list(lines(deal.firm.id)) == []
    assert reductions.page(deal.holder.id, 1, 50) == found
    assert reductions.page(deal.holder.id, 2, 50) == []
    sums = reductions.totals(deal.holder.id)
    assert sums is not None
    assert (sums.years, sums.so_far_minor, sums.unknown) == (5, 0, 0)
    assert sums.saved_minor == sum(one.annuity.saved_minor or 0 for one in found)
    with unit_of_work(deal.holder_actor):
        state_relief(deal.holder_actor, since=dt.date(2026, 1, 1))
    # The thirteenth year lies behind the ten of the relief.
    assert [one.annuity.saved_minor for one in lines(deal.holder.id)] == [0, 0, 0, 0, 90_000]
    with unit_of_work():
        deal.offer.withdrawn_on = dt.date(2027, 6, 1)
    assert [one.annuity.due_on.year for one in lines(deal.holder.id)] == [2027]
