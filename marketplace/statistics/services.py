"""Figures for pages, the API, exports and reports: questions to the facts, answered in plain values."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask import current_app, has_request_context, request

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.tables import safe_cell
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, Patent

from . import columns, facts, figures
from .columns import Array, Facts
from .comparison import Difference, Side, difference
from .definitions import DEFINITIONS
from .figures import ALL, GROUPINGS, Cell, Members, Question, Unit
from .incidence import Estimate
from .models import FactsAsOf

API_FIGURES = ("funnel", "conversion", "stock", "quick-licence", "deal-speed")
COMPARABLE = ("conversion", "stock", "quick-licence")
PARTS = ("numerator", "denominator")
LARGEST_PAGE = 200
SNAPSHOT = "marketplace.statistics.snapshot"
_COUNTED = 500
_AT_ONCE = 10_000  # ids in one query: SQLite takes 32,766 at most


@dataclass(frozen=True)
class Snapshot:
    """The facts in memory, and their mark.

    Attributes:
        build: which computation they are; empty when none was ever made.
        journal_id: the last journal entry they know, None when none was ever made.
        computed_at: when they were computed.
        as_of: their day of observation.
        left_out: open licences that no figure may count.
    """

    build: str
    journal_id: int | None
    computed_at: dt.datetime | None
    as_of: dt.date
    left_out: int
    facts: Facts

    @cached_property
    def counted(self) -> dict[tuple[object, ...], dict[str, Any]]:
        """What stands beside figures of a period, once it was counted."""
        return {}


@dataclass(frozen=True)
class Drill:
    """Which cell of a figure is opened.

    Attributes:
        group: the group's code.
        part: `numerator` or `denominator`.
        days: N, for the quick-licence rate.
        stage: for the funnel.
        interval: for the deal speed.
    """

    group: str = ALL
    part: str = "numerator"
    days: int | None = None
    stage: str | None = None
    interval: str | None = None


RowsUrl = Callable[[dict[str, str]], str]


def snapshot() -> Snapshot:
    """The present facts. Each process keeps them in memory until they are computed anew.

    Within a request they stay the same, so that the figures of a page are of one computation.
    """
    if not has_request_context():
        return _standing()
    if SNAPSHOT not in request.environ:
        request.environ[SNAPSHOT] = _standing()
    found: Snapshot = request.environ[SNAPSHOT]
    return found


def _standing() -> Snapshot:
    for _ in range(3):
        mark = db.session.execute(
            sa.select(
                FactsAsOf.build,
                FactsAsOf.journal_id,
                FactsAsOf.computed_at,
                FactsAsOf.as_of,
                FactsAsOf.left_out,
            )
        ).first()
        if mark is None:
            return Snapshot("", None, None, clock.today(), 0, columns.nothing())
        kept: Snapshot | None = current_app.extensions.get(SNAPSHOT)
        if kept is not None and kept.build == mark.build:
            return kept
        made = Snapshot(*mark, facts=facts.load())
        # On PostgreSQL a rebuild may commit between the two reads: then the mark has changed too.
        if db.session.scalar(sa.select(FactsAsOf.build)) == made.build:
            current_app.extensions[SNAPSHOT] = made
            return made
    return made


def question(
    figure: str,
    from_: dt.date | None = None,
    to: dt.date | None = None,
    by: str | None = None,
    as_of: dt.date | None = None,
    *,
    outside: bool = False,
) -> Question:
    """What is asked, with what is left open filled in.

    Args:
        figure: a code of DEFINITIONS.
        from_: first day of the period or cohort; by default the first day of the observed history.
        to: last day; by default, and at most, the day of observation.
        by: one of GROUPINGS.
        as_of: day of observation, by default and at most that of the facts.
        outside: ask for the patents outside the region instead.

    Raises:
        NotFound: there is no such figure.
        Invalid: `by` is unknown, the days are in the wrong order, or `from_` or `as_of` is still to come.
    """
    if figure not in DEFINITIONS:
        raise NotFound("figure-unknown", "There is no such figure.")
    if by is not None and by not in GROUPINGS:
        raise Invalid(
            "grouping-unknown",
            "Figures cannot be grouped by this.",
            fields={"by": ["Figures cannot be grouped by this."]},
        )
    standing = snapshot()
    if as_of is not None and as_of > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"as_of": ["This day is still to come."]}
        )
    if from_ is not None and from_ > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"from": ["This day is still to come."]}
        )
    observed = min(as_of or standing.as_of, standing.as_of)
    last = min(to or observed, observed)
    complete_from = current_app.config["SETTINGS"].history_complete_from
    first = from_ or min(complete_from or standing.facts.first_day or last, last)
    if first > last:
        raise Invalid(
            "dates-in-wrong-order",
            "The first day is after the last one.",
            fields={"from": ["The first day is after the last one."]},
        )
    return Question(figure, first, last, observed, by, complete_from, outside)


def answer(asked: Question) -> list[Cell]:
    """The cells of a figure."""
    return figures.cells(snapshot().facts, _clipped(asked))


def statistics(
    figure: str,
    from_: dt.date | None = None,
    to: dt.date | None = None,
    by: str | None = None,
    as_of: dt.date | None = None,
    *,
    rows_url: RowsUrl,
    outside: bool = False,
    beside: bool = True,
) -> dict[str, Any]:
    """A figure as the API gives it (`interfaces.md`). Public.

    Args:
        figure: a code of DEFINITIONS (the API serves API_FIGURES).
        from_: as for `question`.
        to: as for `question`.
        by: as for `question`.
        as_of: as for `question`.
        rows_url: makes the address of a cell's rows from parameters to be put into a query string.
        outside: ask for the patents outside the region instead.
        beside: give `counts` too, which takes as long as a figure.

    Returns:
        `figure`, `title`, `definition`, `definition_version`, `unit`, `from`, `to`, `by`, `as_of`,
        `computed_at`, `journal_id`, `rows`, `counts`; the funnel also `side`. A row's `value` is a fraction
        or None with a `note` that says why; beside a pooled rate stand `free` and `paid`.

    Raises:
        NotFound, Invalid: as `question`.
    """
    asked = question(figure, from_, to, by, as_of, outside=outside)
    standing = snapshot()
    definition = DEFINITIONS[figure]
    body: dict[str, Any] = {
        "figure": figure,
        "title": str(definition.title),
        "definition": " ".join(str(part) for part in (definition.text, definition.note) if part),
        "definition_version": definition.version,
        "unit": definition.unit,
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "by": by,
        "as_of": asked.as_of.isoformat(),
        "computed_at": clock.format_instant(standing.computed_at) if standing.computed_at else None,
        "journal_id": standing.journal_id,
        "rows": [plain(cell, asked, rows_url) for cell in answer(asked)],
    }
    if beside:
        body["counts"] = counts(asked)
    if figure == "funnel":
        body["side"] = [
            plain(cell, asked, rows_url) for cell in figures.side_cells(standing.facts, _clipped(asked))
        ]
    return body


def counts(asked: Question) -> dict[str, Any]:
    """What stands beside a figure of a period (`figures.counts`), counted once while the facts stand."""
    standing = snapshot()
    key = asked.first, asked.last, asked.as_of, asked.outside
    if key not in standing.counted:
        if len(standing.counted) >= _COUNTED:
            standing.counted.clear()
        standing.counted[key] = figures.counts(standing.facts, asked)
    return dict(standing.counted[key])


def quick_rates(asked: Question, rows_url: RowsUrl) -> list[dict[str, Any]]:
    """The quick-licence rate of the largest cohort that is old enough, for each N.

    The cohort begins with the question's and ends, at the latest, N days before the day of observation.

    Args:
        asked: a question for the figure `quick-licence`.
        rows_url: as for `statistics`.

    Returns:
        Rows as in `statistics`, each with `from` and `to` of its own cohort.
    """
    found = []
    for days in figures.QUICK_DAYS:
        last = min(asked.last, asked.as_of - dt.timedelta(days=days))
        cohort = replace(asked, by=None, last=max(last, asked.first))
        (cell,) = figures.quick_cells(snapshot().facts, _clipped(cohort), (days,))
        found.append(
            plain(cell, cohort, rows_url) | {"from": cohort.first.isoformat(), "to": cohort.last.isoformat()}
        )
    return found


def plain(cell: Cell, asked: Question, rows_url: RowsUrl) -> dict[str, Any]:
    """A cell as plain values, with the addresses of what it counts."""
    parameters = address_of(cell, asked)
    row: dict[str, Any]
    if cell.lengths is not None:
        row = {"group": cell.group, "interval": cell.interval}
        row |= _speed(cell.lengths.of) | {"note": cell.note, "rows_url": rows_url(parameters)}
        if asked.by != "fee_form":
            for name, free in (("free", True), ("paid", False)):
                row[name] = _speed(cell.lengths.split(free=free))
        return row
    row = {"group": cell.group}
    if cell.days is not None:
        row["days"] = cell.days
        row["estimate"] = None if cell.estimate is None else _estimated(cell.estimate)
    if cell.stage is not None:
        row["stage"] = cell.stage
    row |= _share(cell.numerator, cell.denominator) | {"provisional": cell.provisional, "note": cell.note}
    shown = "numerator" if cell.numerator is not None else "denominator"
    row["rows_url"] = rows_url(parameters | {"part": shown})
    if cell.denominator is not None:
        row["denominator_rows_url"] = rows_url(parameters | {"part": "denominator"})
        if asked.by != "fee_form":
            for name, free in (("free", True), ("paid", False)):
                row[name] = _share(cell.numerator, cell.denominator, free=free)
    return row


def _estimated(found: Estimate) -> dict[str, Any]:
    low, high = (None if bound is None else round(bound, 6) for bound in (found.low, found.high))
    return {"value": round(found.value, 6), "low": low, "high": high, "at_risk": found.at_risk}


def _speed(lengths: Array) -> dict[str, Any]:
    return {
        "n": int(lengths.sum()),
        "median_days": figures.nearest_rank(lengths, 0.5),
        "p90_days": figures.nearest_rank(lengths, 0.9),
    }


def _share(
    numerator: Members | None, denominator: Members | None, *, free: bool | None = None
) -> dict[str, Any]:
    """How many of how many; with `free` of the free, or of the paid ones only."""
    part, whole = (
        members if members is None else len(members) if free is None else members.part(free=free)
        for members in (numerator, denominator)
    )
    value = None if part is None or not whole else round(part / whole, 6)
    return {"numerator": part, "denominator": whole, "value": value}


@dataclass(frozen=True)
class Compared:
    """Two groups of a rate, as `statistics` gives their rows, and how far they lie apart.

    `apart` is None where there are too few patents, events or holders, or a rate may not be shown.
    """

    rows: tuple[dict[str, Any], dict[str, Any]]
    apart: Difference | None


def compare(asked: Question, first: Cell, second: Cell, *, rows_url: RowsUrl) -> Compared:
    """Whether two groups of a rate of patents differ by more than chance.

    Args:
        asked: a question for one of COMPARABLE, with a cut.
        first, second: two of its cells.
        rows_url: as for `statistics`.
    """
    rows = (plain(first, asked, rows_url), plain(second, asked, rows_url))
    if first.numerator is None or second.numerator is None:
        return Compared(rows, None)
    sides = (_side(cell.numerator, cell.denominator) for cell in (first, second))
    return Compared(rows, difference(*sides))


def _side(numerator: Members | None, denominator: Members | None) -> Side:
    """The holders of what a rate counts and is divided by."""
    holders = snapshot().facts.patents.holder
    return Side(*(holders[[] if part is None else part.places()] for part in (numerator, denominator)))


def address_of(cell: Cell, asked: Question) -> dict[str, str]:
    """The parameters that name a cell in an address; `part` is to be added."""
    found = {
        "figure": asked.figure,
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "by": asked.by,
        "as_of": asked.as_of.isoformat(),
        "outside": "1" if asked.outside else None,
        "group": cell.group,
        "days": None if cell.days is None else str(cell.days),
        "stage": cell.stage,
        "interval": cell.interval,
    }
    return {name: value for name, value in found.items() if value is not None}


def rows(actor: Actor, asked: Question, drill: Drill, *, page: int = 1, size: int = 50) -> dict[str, Any]:
    """The patents or licences that a cell counts: as many as the figure says.

    Args:
        actor: someone of the bureau or an operator.
        asked: as for the figure.
        drill: which of its cells, and which part of it.
        page: from 1.
        size: at most LARGEST_PAGE.

    Returns:
        `unit` (`patent` or `licence`), `part`, `total`, `page`, `size`, `as_of`, `items`.

    Raises:
        Forbidden, Unauthenticated: not for this actor.
        NotFound: the figure has no such cell, or the cell may not be shown.
        Invalid: page or size cannot be used.
    """
    require(actor, "statistics.rows")
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        raise Invalid(
            "page-unknown",
            "Pages begin at 1 and have at most %(largest)s rows.",
            fields={"page": ["Pages begin at 1 and have at most %(largest)s rows."]},
            largest=LARGEST_PAGE,
        )
    members = members_of(asked, drill)
    places = members.places()[(page - 1) * size : page * size]
    return {
        "unit": members.unit,
        "part": drill.part,
        "total": len(members),
        "page": page,
        "size": size,
        "as_of": asked.as_of.isoformat(),
        "items": _described(members.unit, places, asked.as_of),
    }


def members_of(asked: Question, drill: Drill) -> Members:
    """What one cell counts.

    Raises:
        NotFound: the figure has no such cell, or that part of it may not be shown.
    """
    found = answer(asked)
    if asked.figure == "funnel":
        found = found + figures.side_cells(snapshot().facts, _clipped(asked))
    for cell in found:
        if (cell.group, cell.days, cell.stage, cell.interval) == (
            drill.group,
            drill.days,
            drill.stage,
            drill.interval,
        ):
            part = cell.numerator if drill.part == "numerator" else cell.denominator
            if part is not None:
                return part
    raise NotFound("figure-cell-unknown", "This figure has no such rows.")


def _described(unit: Unit, places: Array, as_of: dt.date) -> list[dict[str, Any]]:
    """The patents, or the open licences, at some places of the facts, with their names."""
    standing = snapshot().facts
    patents, licences = standing.patents, standing.open
    of_patent = licences.patent[places] if unit == "licence" else places
    offers = patents.offer_id[of_patent].tolist()
    holders = standing.holders[patents.holder[of_patent]].tolist()
    licensees = standing.licensees[licences.licensee[places]].tolist() if unit == "licence" else []
    patent_rows = _by_id(Patent, patents.id[of_patent], "number", "publication_number", "title", "title_en")
    declarations = _by_id(Offer, offers, "declaration_number")
    names = _by_id(Organisation, {*holders, *licensees}, "name", "name_en")
    found = []
    for row, offer, holder in zip(of_patent.tolist(), offers, holders, strict=True):
        patent = patent_rows[int(patents.id[row])]
        announced = columns.to_day(patents.announced[row])
        first = columns.day_of(standing.reached("in_effect")[row])
        licensed_on = first if first is not None and first <= as_of else None
        found.append(
            {
                "patent_id": str(patent.id),
                "patent_number": patent.number or patent.publication_number,
                "title": patent.title,
                "title_en": patent.title_en,
                "offer_id": str(offer),
                "declaration_number": declarations[offer].declaration_number,
                "holder": names[holder].name,
                "holder_en": names[holder].name_en,
                "district": standing.label("district", row),
                "fee_form": standing.labels["fee_form"][standing.group("fee_form")[row]],
                "announced_on": announced.isoformat(),
                "first_effective_on": _day(licensed_on),
                "days_to_licence": (licensed_on - announced).days if licensed_on else None,
                "in_force": any(
                    start <= as_of and (end is None or as_of < end)
                    for start, end, _ in standing.spells_of(row)
                ),
            }
        )
    if unit == "licence":
        numbers = _by_id(Licence, licences.id[places], "number")
        for item, place, licensee in zip(found, places.tolist(), licensees, strict=True):
            licence = int(licences.id[place])
            item |= {
                "licence_id": str(licence),
                "licence_number": numbers[licence].number,
                "licensee": names[licensee].name,
                "licensee_en": names[licensee].name_en,
            } | {
                name: _day(columns.day_of(getattr(licences, column)[place]))
                for name, column in _LICENCE_DAYS.items()
            }
    return found


_LICENCE_DAYS = {
    "notice_on": "notice", "paid_on": "paid", "effective_on": "effective", "recordal_due_on": "due",
    "recorded_on": "recorded",
}  # fmt: skip


def _by_id(model: type[Any], ids: Iterable[int], *names: str) -> dict[int, Any]:
    """The rows of some ids, with the columns that are named."""
    wanted = sorted({int(one) for one in ids})
    return {
        row.id: row
        for start in range(0, len(wanted), _AT_ONCE)
        for row in db.session.execute(
            sa.select(model.id, *(getattr(model, name) for name in names)).where(
                model.id.in_(wanted[start : start + _AT_ONCE])
            )
        )
    }


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def export_csv(*bodies: dict[str, Any]) -> str:
    """Figures, each as `statistics` gives it, as CSV for a spreadsheet, without live formulas.

    Every line carries the figure, its definition's version and its days, so that a line that is copied
    elsewhere still says what it is.
    """
    return csv_text([line for body in bodies for line in _lines(body)])


def _lines(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in (*body["rows"], *body.get("side", ())):
        line: dict[str, Any] = {
            "figure": body["figure"],
            "definition_version": body["definition_version"],
            "from": body["from"],
            "to": body["to"],
            "as_of": body["as_of"],
        }
        for name, value in row.items():
            if isinstance(value, dict):
                line |= {f"{name}_{part}": each for part, each in value.items()}
            elif not name.endswith("rows_url"):
                line[name] = value
        yield line


def export_rows_csv(actor: Actor, asked: Question, drill: Drill) -> str:
    """All rows behind a cell as CSV, without live formulas.

    Raises:
        Forbidden, Unauthenticated, NotFound: as `rows`.
    """
    require(actor, "statistics.rows")
    members = members_of(asked, drill)
    return csv_text(_described(members.unit, members.places(), asked.as_of))


def csv_text(lines: Sequence[dict[str, Any]]) -> str:
    """Lines with equal names as CSV text that spreadsheets open as UTF-8 and never calculate."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([safe_cell(line.get(name)) for name in names] for line in lines)
    return "\ufeff" + out.getvalue()


def _clipped(asked: Question) -> Question:
    """Months before anything was announced are left out, however early the question begins."""
    if asked.by != "month":
        return asked
    earliest = snapshot().facts.first_day or asked.last
    begin = min(max(asked.first, earliest.replace(day=1)), asked.last)
    return replace(asked, first=begin)
