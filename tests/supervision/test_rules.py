"""What is a signal: the rules against plain statements of themselves, over any licences."""

from __future__ import annotations

import datetime as dt
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from marketplace.supervision import rules
from marketplace.supervision.rules import BURST_LICENSEES, BURST_WITHIN, MUTUAL_WITHIN, NEW_FOR, Row

FIRST = dt.date(2026, 1, 1)
days = st.integers(0, 400).map(lambda n: FIRST + dt.timedelta(days=n))


@st.composite
def licences(draw: st.DrawFn, *, organisations: int = 4, within: int = 400) -> list[Row]:
    """Licences between a few organisations, some of which have joined."""
    near = st.integers(0, within).map(lambda n: FIRST + dt.timedelta(days=n))
    sides = st.integers(1, organisations)
    drawn = draw(st.lists(st.tuples(sides, sides, near, st.none() | near), max_size=25))
    return [Row(n, one, other, day, joined) for n, (one, other, day, joined) in enumerate(drawn)]


@given(licences())
def test_a_pair_is_mutual_exactly_when_two_opposite_licences_are_close(rows: list[Row]) -> None:
    close = {
        (one.holder_id, one.licensee_id)
        for one, other in product(rows, rows)
        if one.holder_id < one.licensee_id
        and (other.holder_id, other.licensee_id) == (one.licensee_id, one.holder_id)
        and abs((one.day - other.day).days) <= MUTUAL_WITHIN
    }
    found = list(rules.mutual(rows))
    assert sorted((one.holder_id, one.licensee_id or 0) for one in found) == sorted(close)
    by_id = {row.licence_id: row for row in rows}
    for one in found:
        told = [by_id[licence] for licence in one.evidence["licences"]]
        assert {(row.holder_id, row.licensee_id) for row in told} == {
            (one.holder_id, one.licensee_id),
            (one.licensee_id, one.holder_id),
        }


@given(licences(organisations=12, within=20))
def test_a_burst_is_found_exactly_where_some_week_has_enough_licensees_and_most_are_new(
    rows: list[Row],
) -> None:
    def is_burst(holder: int, first: dt.date) -> bool:
        week = [r for r in rows if r.holder_id == holder and 0 <= (r.day - first).days < BURST_WITHIN]
        many = {r.licensee_id for r in week}
        new = {r.licensee_id for r in week if r.joined_on and 0 <= (r.day - r.joined_on).days <= NEW_FOR}
        return len(many) >= BURST_LICENSEES and 2 * len(new) > len(many)

    found = list(rules.bursts(rows))
    for one in found:
        assert one.begins_on is not None
        assert one.evidence["licensees"] >= BURST_LICENSEES
        assert 2 * one.evidence["new"] > one.evidence["licensees"]
    first_bursts = {
        holder: min(day for day in {r.day for r in rows if r.holder_id == holder} if is_burst(holder, day))
        for holder in {r.holder_id for r in rows}
        if any(is_burst(holder, r.day) for r in rows if r.holder_id == holder)
    }
    assert {one.holder_id for one in found} >= set(first_bursts)
    for holder, day in first_bursts.items():
        earliest = min(one.begins_on for one in found if one.holder_id == holder and one.begins_on)
        assert earliest <= day


@given(licences(organisations=12, within=60))
def test_bursts_of_one_holder_share_no_licence(rows: list[Row]) -> None:
    named = [licence for one in rules.bursts(rows) for licence in one.evidence["licences"]]
    assert len(named) == len(set(named))


@given(licences(), st.randoms(use_true_random=False))
def test_no_rule_depends_on_the_order_of_the_rows(rows: list[Row], random: object) -> None:
    mixed = rows[:]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for rule in (rules.mutual, rules.unused, rules.bursts):
        one, other = ({s.key: s.evidence for s in rule(given)} for given in (rows, mixed))
        assert one == other


def test_a_licence_with_two_grounds_is_one_signal_of_two_sorts() -> None:
    row = Row(1, 2, 3, FIRST)
    (found,) = rules.related([(row, "bank"), (row, "member")])
    assert (found.sorts, found.evidence["count"]) == (frozenset({"bank", "member"}), 1)


def test_a_week_of_licences_to_old_acquaintances_is_no_burst() -> None:
    long_ago = FIRST - dt.timedelta(days=NEW_FOR + 1)
    old = [Row(n, 1, n, FIRST, long_ago) for n in range(10, 20)]
    assert list(rules.bursts(old)) == []
    new = [Row(n, 1, n, FIRST, FIRST) for n in range(10, 20)]
    assert [one.evidence["new"] for one in rules.bursts(new)] == [10]


def test_all_licences_are_counted_and_the_first_ones_named() -> None:
    rows = [Row(n, 1, 2, FIRST) for n in range(rules.NAMED + 7)]
    (found,) = rules.unused(rows)
    assert (len(found.evidence["licences"]), found.evidence["count"]) == (rules.NAMED, rules.NAMED + 7)
