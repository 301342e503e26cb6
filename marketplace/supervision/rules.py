"""When something about licences is a signal: pure rules over plain rows, with their thresholds.

No law sets a threshold. Article 51 opens patents to whoever gives notice and pays; a licence that nobody
means to use still counts, and earns its holder the reduced annuity. A signal is a reason to look, no finding.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

MUTUAL_WITHIN: Final = 180
"""Days between two free licences in opposite directions."""

UNUSED_AFTER: Final = 12
"""Months after its recordal, within which a licence shows no sign of use."""

BURST_LICENSEES: Final = 5
"""Different licensees of one holder in a burst of free licences."""

BURST_WITHIN: Final = 7
"""Days that a burst takes at most, its first and last day counted."""

NEW_FOR: Final = 30
"""Days before its licence within which a licensee of a burst has joined, to count as new."""

NAMED: Final = 50
"""Licences that the evidence names one by one; all of them are counted."""


@dataclass(frozen=True)
class Row:
    """One open licence, as the rules see it.

    Attributes:
        licence_id, holder_id, licensee_id: ids.
        day: the day it took effect.
        joined_on: the day the licensee joined; None while it has not.
    """

    licence_id: int
    holder_id: int
    licensee_id: int
    day: dt.date
    joined_on: dt.date | None = None


@dataclass(frozen=True)
class Seen:
    """What a rule has seen.

    Attributes:
        kind: `related`, `mutual`, `unused` or `burst`.
        holder_id, licensee_id: whom it is about; of a mutual pair the smaller id first.
        begins_on: of a burst: its first day.
        sorts: the sorts of evidence. Evidence of another sort opens a cleared signal again.
        evidence: ids, days and counts.
    """

    kind: str
    holder_id: int
    licensee_id: int | None
    begins_on: dt.date | None
    sorts: frozenset[str]
    evidence: dict[str, Any] = field(compare=False)

    @property
    def key(self) -> tuple[str, int, int | None, dt.date | None]:
        """What makes it the same signal the next time."""
        return self.kind, self.holder_id, self.licensee_id, self.begins_on


def _told(rows: Iterable[Row]) -> dict[str, Any]:
    """Which licences, and from which day to which."""
    ordered = sorted(rows, key=lambda row: (row.day, row.licence_id))
    return {
        "licences": [row.licence_id for row in ordered[:NAMED]],
        "count": len(ordered),
        "first": ordered[0].day.isoformat(),
        "last": ordered[-1].day.isoformat(),
    }


def _by_pair(rows: Iterable[Row]) -> dict[tuple[int, int], list[Row]]:
    pairs: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        pairs[row.holder_id, row.licensee_id].append(row)
    return pairs


def related(rows: Iterable[tuple[Row, str]]) -> Iterator[Seen]:
    """Licences between related sides.

    Args:
        rows: a licence with one ground on which its sides are related; once for each ground.
    """
    grounds: dict[tuple[int, int], set[str]] = defaultdict(set)
    licences: dict[tuple[int, int], set[Row]] = defaultdict(set)
    for row, ground in rows:
        grounds[row.holder_id, row.licensee_id].add(ground)
        licences[row.holder_id, row.licensee_id].add(row)
    for (holder, licensee), found in licences.items():
        yield Seen("related", holder, licensee, None, frozenset(grounds[holder, licensee]), _told(found))


def mutual(rows: Iterable[Row]) -> Iterator[Seen]:
    """Two who license each other free, with at most `MUTUAL_WITHIN` days between two opposite licences."""
    pairs = _by_pair(rows)
    for (one, other), there in pairs.items():
        back = pairs.get((other, one))
        if one >= other or not back:
            continue
        close = [*_near(there, back), *_near(back, there)]
        if close:
            yield Seen("mutual", one, other, None, frozenset({"both_ways"}), _told(close))


def unused(rows: Iterable[Row]) -> Iterator[Seen]:
    """Recorded licences without any sign of use, one signal for all between the same two sides."""
    for (holder, licensee), found in _by_pair(rows).items():
        yield Seen("unused", holder, licensee, None, frozenset({"no_use"}), _told(found))


def bursts(rows: Iterable[Row]) -> Iterator[Seen]:
    """Free licences of one holder to many within a few days, most of them to licensees that are new here.

    A burst takes every licence from its first day on for `BURST_WITHIN` days; the next begins after it.
    """
    ordered = sorted(rows, key=lambda row: (row.holder_id, row.day, row.licence_id))
    for holder, group in groupby(ordered, key=attrgetter("holder_id")):
        mine = list(group)
        start = end = 0
        licensees: Counter[int] = Counter()
        fresh: Counter[int] = Counter()
        while start < len(mine):
            over = mine[start].day + dt.timedelta(days=BURST_WITHIN)
            while end < len(mine) and mine[end].day < over:
                licensees[mine[end].licensee_id] += 1
                fresh[mine[end].licensee_id] += _new(mine[end])
                end += 1
            many, new = len(+licensees), len(+fresh)
            if many >= BURST_LICENSEES and 2 * new > many:
                told = _told(mine[start:end]) | {"licensees": many, "new": new}
                yield Seen("burst", holder, None, mine[start].day, frozenset({"many_new"}), told)
                licensees.clear()
                fresh.clear()
                start = end
            else:
                gone = mine[start]
                _leave(licensees, gone.licensee_id, 1)
                _leave(fresh, gone.licensee_id, int(_new(gone)))
                start += 1


def _leave(counts: Counter[int], key: int, by: int) -> None:
    counts[key] -= by
    if not counts[key]:
        del counts[key]


def _near(rows: list[Row], others: list[Row]) -> Iterator[Row]:
    """Those of `rows` with one of `others` within `MUTUAL_WITHIN` days, before or after."""
    days = sorted(row.day.toordinal() for row in others)
    for row in rows:
        day = row.day.toordinal()
        at = bisect_left(days, day - MUTUAL_WITHIN)
        if at < len(days) and days[at] <= day + MUTUAL_WITHIN:
            yield row


def _new(row: Row) -> bool:
    return row.joined_on is not None and 0 <= (row.day - row.joined_on).days <= NEW_FOR
