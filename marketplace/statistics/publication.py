"""What is published for everyone: the last twelve whole months, cut in several ways, small numbers kept back.

Whole months only: what a single day adds cannot be reckoned from two editions. Offers and recorded licences
are public one by one, in the catalogue, the register and the API; what is kept back here is a courtesy to
readers of tables, and no secret.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final, cast

from marketplace.core import clock

from . import services
from .definitions import DEFINITIONS, Definition
from .figures import Question
from .suppression import kept_back, total_kept_back

CUTS: Final = ("month", "district", "industry", "ipc_section", "owner_type", "fee_form")
COLUMNS: Final = ("in_force", "announced", "licences", "offered", "licensed")
"""Counts of a line; the conversion rate is `licensed` of `offered`."""

FIGURES: Final = ("in-force", "announced", "licences", "conversion")
MONTHS: Final = 12


@dataclass(frozen=True)
class Line:
    """The numbers of a group, None where one is kept back.

    Attributes:
        group: its code, `all` for the whole.
        counts: column of COLUMNS → number.
    """

    group: str
    counts: dict[str, int | None]

    @property
    def conversion(self) -> float | None:
        """The conversion rate as a fraction, None where it may not be told or there is nothing to divide."""
        part, whole = self.counts["licensed"], self.counts["offered"]
        return round(part / whole, 4) if part is not None and whole else None


@dataclass(frozen=True)
class Edition:
    """One edition of the tables.

    Attributes:
        first, last: the period, whole months.
        journal_id: the last journal entry that the facts know.
        whole: everything together.
        tables: cut → its lines.
    """

    first: dt.date
    last: dt.date
    journal_id: int | None
    whole: Line
    tables: dict[str, list[Line]]

    @property
    def definitions(self) -> list[Definition]:
        """Of the figures used."""
        return [DEFINITIONS[figure] for figure in FIGURES]


def edition() -> Edition:
    """The present edition: made once while the facts stand."""
    standing = services.snapshot()
    last = clock.today().replace(day=1) - dt.timedelta(days=1)
    key = "edition", last
    if key not in standing.counted:
        standing.counted[key] = {"edition": _edition(last, standing.journal_id)}
    return cast("Edition", standing.counted[key]["edition"])


def _edition(last: dt.date, journal_id: int | None) -> Edition:
    first = clock.add_months(last.replace(day=1), 1 - MONTHS)
    asked = Question("in-force", first, last, last)
    (whole,) = _counts(asked).values()
    told = {column: None if total_kept_back(number) else number for column, number in whole.items()}
    return Edition(
        first,
        last,
        journal_id,
        Line("all", told),
        {by: _table(replace(asked, by=by)) for by in CUTS},
    )


def _table(asked: Question) -> list[Line]:
    rows = _counts(asked)
    hidden = {
        column: kept_back({group: counts[column] for group, counts in rows.items()}) for column in COLUMNS
    }
    return [
        Line(group, {column: None if group in hidden[column] else counts[column] for column in COLUMNS})
        for group, counts in rows.items()
        if any(counts.values())
    ]


def _counts(asked: Question) -> dict[str, dict[str, int]]:
    """Group → column → number, nothing kept back yet."""
    found: dict[str, dict[str, int]] = {}

    def put(group: str, column: str, number: int) -> None:
        found.setdefault(group, dict.fromkeys(COLUMNS, 0))[column] = number

    for figure, column in (("in-force", "in_force"), ("announced", "announced"), ("licences", "licences")):
        for cell in services.answer(replace(asked, figure=figure)):
            put(cell.group, column, len(cell.numerator or ()))
    for cell in services.answer(replace(asked, figure="conversion")):
        put(cell.group, "offered", len(cell.denominator or ()))
        put(cell.group, "licensed", len(cell.numerator or ()))
    return found
