"""Spells, regions, sections and industries: rules without a database."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.statistics import dimensions, facts
from marketplace.statistics.columns import NEVER

D = dt.date


def test_a_fixed_fee_of_zero_is_free() -> None:
    assert facts.fee_form_of("fixed", no_fee=True) == "free"
    assert facts.fee_form_of("fixed", no_fee=False) == "fixed"
    assert facts.fee_form_of(None, no_fee=False) == "unknown"


_days = st.integers(20_000, 20_700)


@given(st.lists(st.tuples(_days, st.none() | st.integers(0, 300)), min_size=1, max_size=6), _days)
def test_merging_spells_changes_no_day_of_force(drawn: list[tuple[int, int | None]], day: int) -> None:
    spells = [(start, NEVER if length is None else start + length, 0) for start, length in drawn]

    def covered(some: list[facts.Spell]) -> bool:
        return any(start <= day < end for start, end, _ in some)

    merged = facts.merge(spells)
    assert covered(merged) == covered(spells)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(merged))
    assert merged[0][0] == min(start for start, _, _ in spells)


@pytest.mark.parametrize(
    ("code", "region", "inside"),
    [
        ("310112", "310000", True),
        ("310000", "310000", True),
        ("320500", "310000", False),
        ("330106", "330100", True),
        ("330206", "330100", False),
        ("310115", "310112", False),
        ("110108", "100000", False),
        (None, "310000", False),
    ],
)
def test_a_region_holds_its_divisions(code: str | None, region: str, inside: bool) -> None:
    assert dimensions.in_region(code, region) is inside


@pytest.mark.parametrize(
    ("symbol", "places", "industry"),
    [
        ("H01M10/0525", ("H", "H01", "H01M"), "38"),
        ("A61K9/20", ("A", "A61", "A61K"), "27"),
        ("A61B5/00", ("A", "A61", "A61B"), "35"),
        ("H01", ("H", "H01", "H01"), "38"),
        ("H", ("H", "H", "H"), None),
        ("09-03", ("LOC", "LOC09", "LOC09-03"), "29"),
        ("09", ("LOC", "LOC09", "LOC09"), "29"),
        ("", (None, None, None), None),
        ("A99Z1/00", ("A", "A99", "A99Z"), None),
    ],
)
def test_a_symbol_names_section_class_subclass_and_industry(
    symbol: str, places: tuple[str | None, ...], industry: str | None
) -> None:
    assert dimensions.places_of(symbol) == places
    assert dimensions.industry_of(symbol) == industry


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("H01M", ("H", "H01", "H01M")),
        ("H01", ("H", "H01")),
        ("H", ("H",)),
        ("LOC", ("LOC",)),
        ("LOC09", ("LOC", "LOC09")),
        ("LOC09-03", ("LOC", "LOC09", "LOC09-03")),
        ("\0", ()),
    ],
)
def test_a_place_lies_in_those_above_it(place: str, path: tuple[str, ...]) -> None:
    assert dimensions.path_of(place) == path


def test_every_industry_of_the_table_has_its_name_in_both_languages() -> None:
    for symbol in ("H01M10/0525", "G06F17/00", "LOC09"):
        code = dimensions.industry_of(symbol)
        assert code is not None
        assert dimensions.industry_name(code, english=False) != dimensions.industry_name(code, english=True)
