"""Small numbers stay hidden from whoever knows the rule, the sum and all that is published."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketplace.statistics.suppression import ENOUGH, LEAST, kept_back

COLUMNS = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(0, 40), min_size=1, max_size=6)


@given(COLUMNS)
def test_no_small_number_is_published_and_zero_always_is(column: dict[str, int]) -> None:
    hidden = kept_back(column)
    for group, number in column.items():
        assert group in hidden or number == 0 or number >= LEAST
        assert number or group not in hidden


@given(COLUMNS)
def test_with_a_companion_each_small_number_may_be_any_small_number(column: dict[str, int]) -> None:
    hidden = kept_back(column)
    small = [group for group in hidden if column[group] < LEAST]
    companions = [group for group in hidden if column[group] >= ENOUGH]
    if not small or len(companions) != 1:
        return
    (companion,) = companions
    for group in small:
        for other in range(1, LEAST):
            told = column | {group: other, companion: column[companion] + column[group] - other}
            assert sum(told.values()) == sum(column.values())
            assert told[companion] >= LEAST, "the companion could still be one that may be shown"
            published = {one: number for one, number in column.items() if one not in hidden}
            assert {one: number for one, number in told.items() if one not in hidden} == published


@given(COLUMNS)
def test_a_hidden_cell_never_stands_alone_unless_its_sum_tells_no_more_than_itself(
    column: dict[str, int],
) -> None:
    hidden = kept_back(column)
    if len(hidden) == 1:
        (only,) = hidden
        assert sum(column.values()) == column[only]
