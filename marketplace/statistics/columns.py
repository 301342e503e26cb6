"""The facts as columns: an array per property, a place in it per patent, spell of an offer, or licence.

Days are whole days since 1970-01-01 (Shanghai dates); NEVER stands where there is none, so that "by that
day" is one comparison.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from marketplace.core.lazily import Lazily

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
else:
    np = Lazily("numpy")
    Array = Any

NEVER = 2**31 - 1  # the largest number of 32 bits
UNKNOWN = "unknown"
STAGES = ("announced", "shown", "opened", "notice", "paid", "in_effect", "recorded")
SIDE_STAGES = ("recommended", "contacted", "passed")
DIMENSIONS = (
    "district", "ipc_section", "ipc_class", "ipc_subclass", "industry", "owner_type", "fee_form", "kind",
)  # fmt: skip
EXIT_REASONS = ("withdrawn", "revoked", "term_over", "patent_ended")
_EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date | None) -> int:
    """A day as the columns have it, NEVER for none."""
    return NEVER if day is None else (day - _EPOCH).days


def to_day(number: int) -> dt.date:
    """The day that a number of the columns stands for, which is on record."""
    return _EPOCH + dt.timedelta(days=int(number))


def day_of(number: int) -> dt.date | None:
    """The day that a number of the columns stands for, None for NEVER."""
    return None if number == NEVER else to_day(number)


def month_numbers(days: Array) -> Array:
    """Months since January 1970 of days that are all on record."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)


@dataclass(frozen=True)
class Patents:
    """The patents of the population in the order of their first announcement, then of their ids.

    Attributes:
        id, offer_id: the patent, and the offer that was announced first.
        holder: place in `Facts.holders` of who declared that offer.
        announced: day of the first verified announcement.
        in_region: whether it has a patentee in the region.
        reached: one line per stage of STAGES and SIDE_STAGES: the first day on which it was reached
            (`in_effect`: by its first open licence).
        groups: one line per dimension of DIMENSIONS: place in `Facts.labels` of it, as at `announced`.
    """

    id: Array
    offer_id: Array
    holder: Array
    announced: Array
    in_region: Array
    reached: Array
    groups: Array


@dataclass(frozen=True)
class Spells:
    """Intervals in which an offer was in force, of one patent after the other, each patent's in their order.

    Attributes:
        patent: place among the patents.
        start, end: first day, and the first day on which it was no longer in force (known ends to come
            are in it too).
        reason: place in EXIT_REASONS, -1 while there is no end.
    """

    patent: Array
    start: Array
    end: Array
    reason: Array


@dataclass(frozen=True)
class Licences:
    """Licences in the order of their effect, then of their ids.

    Attributes:
        id: of the licence.
        patent: place among the patents.
        licensee: place in `Facts.licensees`.
        pair: a number that each pair of holder and licensee has for itself, from 0.
        notice, paid, effective, filed, recorded: days; `last_day` is the last day of effect, inclusive.
        due: last day for recordal.
        amount: minor units (分), 0 when none is on record.
        yuan: whether `amount` is in CNY.
    """

    id: Array
    patent: Array
    licensee: Array
    pair: Array
    notice: Array
    paid: Array
    effective: Array
    last_day: Array
    due: Array
    filed: Array
    recorded: Array
    amount: Array
    yuan: Array


@dataclass(frozen=True)
class Facts:
    """Everything that figures are made of.

    Attributes:
        open: open licences; only they enter the figures.
        ordinary: negotiated ordinary licences, counted apart.
        holders, licensees: ids of organisations.
        labels: dimension → the codes of its groups in their order; the last one is UNKNOWN.
    """

    patents: Patents
    spells: Spells
    open: Licences
    ordinary: Licences
    holders: Array
    licensees: Array
    labels: dict[str, tuple[str, ...]]

    @cached_property
    def kept(self) -> dict[tuple[object, ...], object]:
        """What was found in these facts and may be asked for again."""
        return {}

    @cached_property
    def free(self) -> Array:
        """Which patents were free of charge when they were first announced."""
        labels = self.labels["fee_form"]
        found: Array = self.group("fee_form") == (labels.index("free") if "free" in labels else len(labels))
        return found

    def group(self, dimension: str) -> Array:
        """Per patent, its place in the labels of a dimension."""
        line: Array = self.patents.groups[DIMENSIONS.index(dimension)]
        return line

    def reached(self, stage: str) -> Array:
        """Per patent, the first day of a stage, as it is on record."""
        line: Array = self.patents.reached[(*STAGES, *SIDE_STAGES).index(stage)]
        return line

    @cached_property
    def implied(self) -> Array:
        """One line per stage of STAGES: the first day of it or of a later one, since that implies it."""
        main = self.patents.reached[: len(STAGES)]
        lines: Array = np.minimum.accumulate(main[::-1], axis=0)[::-1]
        return lines

    @cached_property
    def first_spells(self) -> tuple[Array, Array]:
        """Per patent the place of its first spell, which each has; and the places of all later ones."""
        is_first = np.diff(self.spells.patent, prepend=-1) != 0
        return np.flatnonzero(is_first), np.flatnonzero(~is_first)

    @cached_property
    def announced_month(self) -> Array:
        return month_numbers(self.patents.announced)

    @cached_property
    def effective_month(self) -> Array:
        return month_numbers(self.open.effective)

    @property
    def first_day(self) -> dt.date | None:
        """The day of the earliest announcement."""
        return day_of(self.patents.announced[0]) if len(self.patents.announced) else None

    def row_of(self, patent_id: int) -> int | None:
        """The place of a patent, None if it is not of the population."""
        found = np.flatnonzero(self.patents.id == patent_id)
        return int(found[0]) if len(found) else None

    def spells_of(self, row: int) -> list[tuple[dt.date, dt.date | None, str | None]]:
        """First day, end and reason of the intervals in which the patent at this place was offered."""
        first, last = np.searchsorted(self.spells.patent, (row, row + 1))
        return [
            (
                to_day(self.spells.start[place]),
                day_of(self.spells.end[place]),
                EXIT_REASONS[self.spells.reason[place]] if self.spells.reason[place] >= 0 else None,
            )
            for place in range(first, last)
        ]

    def label(self, dimension: str, row: int) -> str | None:
        """The group of the patent at this place, None if it is not known."""
        found = self.labels[dimension][self.group(dimension)[row]]
        return None if found == UNKNOWN else found


_TABLES = {"patents": Patents, "spells": Spells, "open": Licences, "ordinary": Licences}


def arrays(facts: Facts) -> dict[str, Array]:
    """The facts as named arrays, to be kept: all but the labels."""
    named = {
        f"{table}.{column.name}": getattr(getattr(facts, table), column.name)
        for table, kind in _TABLES.items()
        for column in fields(kind)
    }
    return named | {"holders": facts.holders, "licensees": facts.licensees}


def assemble(named: Mapping[str, Array], labels: Mapping[str, Iterable[str]]) -> Facts:
    """The facts again from what `arrays` gave."""
    tables = {
        table: kind(**{column.name: named[f"{table}.{column.name}"] for column in fields(kind)})
        for table, kind in _TABLES.items()
    }
    return Facts(
        **tables,
        holders=named["holders"],
        licensees=named["licensees"],
        labels={dimension: tuple(found) for dimension, found in labels.items()},
    )


def nothing() -> Facts:
    """Facts of an empty platform."""
    day, key, flag = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_)
    no_licences = Licences(
        id=key, patent=day, licensee=day, pair=day, notice=day, paid=day, effective=day, last_day=day,
        due=day, filed=day, recorded=day, amount=key, yuan=flag,
    )  # fmt: skip
    return Facts(
        patents=Patents(
            id=key,
            offer_id=key,
            holder=day,
            announced=day,
            in_region=flag,
            reached=np.empty((len(STAGES) + len(SIDE_STAGES), 0), np.int32),
            groups=np.empty((len(DIMENSIONS), 0), np.int16),
        ),
        spells=Spells(patent=day, start=day, end=day, reason=np.empty(0, np.int8)),
        open=no_licences,
        ordinary=no_licences,
        holders=key,
        licensees=key,
        labels=dict.fromkeys(DIMENSIONS, (UNKNOWN,)),
    )
