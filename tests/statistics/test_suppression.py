"""Small numbers stay hidden from whoever knows the published numbers and their sums."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketplace.statistics.suppression import LEAST, kept_back

COLUMNS = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 40), min_size=1, max_size=6)


@given(COLUMNS)
def test_no_small_number_is_published_and_zero_always_is(column: dict[str, int]) -> None:
    hidden = kept_back(column)
    for group, number in column.items():
        assert group in hidden or number == 0 or number >= LEAST
        assert number or group not in hidden


@given(COLUMNS)
def test_the_sum_of_what_is_hidden_allows_each_small_number_any_small_value(column: dict[str, int]) -> None:
    hidden = kept_back(column)
    if not hidden or hidden == {group for group, number in column.items() if number}:
        return
    whole = sum(column[group] for group in hidden)
    rest = len(hidden) - 1
    assert rest, "a hidden number never stands alone beside published ones"
    # Whatever small value one has, the others can make up the difference, each of them one at least.
    assert whole - (LEAST - 1) >= rest


@given(COLUMNS, st.permutations("ABCDEF"))
def test_companions_do_not_depend_on_the_order_of_the_lines(column: dict[str, int], order: list[str]) -> None:
    assert kept_back({group: column[group] for group in order if group in column}) == kept_back(column)


def test_a_column_without_small_numbers_is_published_whole() -> None:
    assert kept_back({"A": 5, "B": 0, "C": 17}) == frozenset()
