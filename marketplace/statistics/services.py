"""Figures for pages, the API, exports and reports: questions to the facts, answered in plain values."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.tables import safe_cell
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, Patent

from . import figures
from .definitions import DEFINITIONS
from .figures import ALL, GROUPINGS, Cell, Deal, LicenceFact, Member, PatentFacts, Question, patent_of
from .models import FactLicence, FactPatent, FactsAsOf

API_FIGURES = ("funnel", "conversion", "stock", "quick-licence", "deal-speed")
PARTS = ("numerator", "denominator")
LARGEST_PAGE = 200
SNAPSHOT = "marketplace.statistics.snapshot"


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
    patents: tuple[PatentFacts, ...]


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
    """The present facts. Each process keeps them in memory until they are computed anew."""
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
            return Snapshot("", None, None, clock.today(), 0, ())
        kept: Snapshot | None = current_app.extensions.get(SNAPSHOT)
        if kept is not None and kept.build == mark.build:
            return kept
        made = Snapshot(*mark, patents=_load())
        # On PostgreSQL a rebuild may commit between the two reads: then the mark has changed too.
        if db.session.scalar(sa.select(FactsAsOf.build)) == made.build:
            current_app.extensions[SNAPSHOT] = made
            return made
    return made


def _load() -> tuple[PatentFacts, ...]:
    licences: dict[int, list[LicenceFact]] = {}
    columns = FactLicence.__table__.c
    for row in db.session.execute(
        sa.select(FactLicence.__table__).order_by(columns.effective_on, columns.licence_id)
    ):
        values = row._asdict()
        licences.setdefault(values.pop("patent_id"), []).append(LicenceFact(**values))
    found = []
    for row in db.session.execute(
        sa.select(FactPatent.__table__).order_by(FactPatent.first_announced_on, FactPatent.patent_id)
    ):
        of_patent = licences.get(row.patent_id, [])
        found.append(
            PatentFacts(
                patent_id=row.patent_id,
                offer_id=row.offer_id,
                holder_id=row.holder_id,
                first_announced_on=row.first_announced_on,
                in_region=row.in_region,
                kind=row.kind,
                fee_form=row.fee_form,
                owner_type=row.owner_type,
                district=row.district,
                ipc_section=row.ipc_section,
                ipc_class=row.ipc_class,
                industry=row.industry,
                spells=tuple(
                    (dt.date.fromisoformat(start), dt.date.fromisoformat(end) if end else None)
                    for start, end, _ in row.spells
                ),
                reached={
                    stage: day
                    for stage, day in (
                        ("announced", row.first_announced_on),
                        ("shown", row.first_shown_on),
                        ("opened", row.first_opened_on),
                        ("notice", row.first_notice_on),
                        ("paid", row.first_paid_on),
                        ("in_effect", row.first_effective_on),
                        ("recorded", row.first_recorded_on),
                        ("recommended", row.first_recommended_on),
                        ("contacted", row.first_contacted_on),
                        ("passed", row.first_passed_on),
                    )
                    if day is not None
                },
                licences=tuple(one for one in of_patent if one.kind == "open"),
                ordinary=tuple(one for one in of_patent if one.kind == "ordinary"),
            )
        )
    return tuple(found)


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
    facts = snapshot()
    if as_of is not None and as_of > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"as_of": ["This day is still to come."]}
        )
    if from_ is not None and from_ > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"from": ["This day is still to come."]}
        )
    observed = min(as_of or facts.as_of, facts.as_of)
    last = min(to or observed, observed)
    complete_from = current_app.config["SETTINGS"].history_complete_from
    first = from_ or min(
        complete_from or min((one.first_announced_on for one in facts.patents), default=last), last
    )
    if first > last:
        raise Invalid(
            "dates-in-wrong-order",
            "The first day is after the last one.",
            fields={"from": ["The first day is after the last one."]},
        )
    return Question(figure, first, last, observed, by, complete_from, outside)


def answer(asked: Question) -> list[Cell]:
    """The cells of a figure."""
    return figures.cells(snapshot().patents, _clipped(asked))


def statistics(
    figure: str,
    from_: dt.date | None = None,
    to: dt.date | None = None,
    by: str | None = None,
    as_of: dt.date | None = None,
    *,
    rows_url: RowsUrl,
    outside: bool = False,
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

    Returns:
        `figure`, `title`, `definition`, `definition_version`, `unit`, `from`, `to`, `by`, `as_of`,
        `computed_at`, `journal_id`, `rows`, `counts`; the funnel also `side`. A row's `value` is a fraction
        or None with a `note` that says why; beside a pooled rate stand `free` and `paid`.

    Raises:
        NotFound, Invalid: as `question`.
    """
    asked = question(figure, from_, to, by, as_of, outside=outside)
    facts = snapshot()
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
        "computed_at": clock.format_instant(facts.computed_at) if facts.computed_at else None,
        "journal_id": facts.journal_id,
        "rows": [plain(cell, asked, rows_url) for cell in answer(asked)],
        "counts": figures.counts(facts.patents, asked),
    }
    if figure == "funnel":
        body["side"] = [
            plain(cell, asked, rows_url) for cell in figures.side_cells(facts.patents, _clipped(asked))
        ]
    return body


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
        cell = next(cell for cell in answer(cohort) if cell.days == days)
        found.append(
            plain(cell, cohort, rows_url) | {"from": cohort.first.isoformat(), "to": cohort.last.isoformat()}
        )
    return found


def plain(cell: Cell, asked: Question, rows_url: RowsUrl) -> dict[str, Any]:
    """A cell as plain values, with the addresses of what it counts."""
    parameters = address_of(cell, asked)
    row: dict[str, Any]
    if cell.interval is not None:
        row = {"group": cell.group, "interval": cell.interval}
        row |= _speed(cell.lengths) | {"note": cell.note, "rows_url": rows_url(parameters)}
        if asked.by != "fee_form":
            timed = list(zip(cell.numerator or (), cell.lengths, strict=True))
            for name, free in (("free", True), ("paid", False)):
                row[name] = _speed([length for deal, length in timed if patent_of(deal).free == free])
        return row
    row = {"group": cell.group}
    if cell.days is not None:
        row["days"] = cell.days
    if cell.stage is not None:
        row["stage"] = cell.stage
    row |= _share(cell) | {"provisional": cell.provisional, "note": cell.note}
    shown = "numerator" if cell.numerator is not None else "denominator"
    row["rows_url"] = rows_url(parameters | {"part": shown})
    if cell.denominator is not None:
        row["denominator_rows_url"] = rows_url(parameters | {"part": "denominator"})
        if asked.by != "fee_form":
            row["free"] = _share(cell.split(free=True))
            row["paid"] = _share(cell.split(free=False))
    return row


def _speed(lengths: list[int]) -> dict[str, Any]:
    return {
        "n": len(lengths),
        "median_days": figures.nearest_rank(lengths, 0.5),
        "p90_days": figures.nearest_rank(lengths, 0.9),
    }


def _share(cell: Cell) -> dict[str, Any]:
    value = cell.value
    return {
        "numerator": None if cell.numerator is None else len(cell.numerator),
        "denominator": None if cell.denominator is None else len(cell.denominator),
        "value": None if value is None else round(value, 6),
    }


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
    shown = members[(page - 1) * size : page * size]
    return {
        "unit": "licence" if members and isinstance(members[0], Deal) else DEFINITIONS[asked.figure].unit,
        "part": drill.part,
        "total": len(members),
        "page": page,
        "size": size,
        "as_of": asked.as_of.isoformat(),
        "items": _described(shown, asked.as_of),
    }


def members_of(asked: Question, drill: Drill) -> Sequence[Member]:
    """What one cell counts.

    Raises:
        NotFound: the figure has no such cell, or that part of it may not be shown.
    """
    found = answer(asked)
    if asked.figure == "funnel":
        found = found + figures.side_cells(snapshot().patents, _clipped(asked))
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


def _described(members: Sequence[Member], as_of: dt.date) -> list[dict[str, Any]]:
    patents = [patent_of(member) for member in members]
    patent_rows = {
        row.id: row
        for row in db.session.execute(
            sa.select(
                Patent.id, Patent.number, Patent.publication_number, Patent.title, Patent.title_en
            ).where(Patent.id.in_({one.patent_id for one in patents}))
        )
    }
    licence_ids = {member.licence.licence_id for member in members if isinstance(member, Deal)}
    numbers = {
        row.id: row.number
        for row in db.session.execute(
            sa.select(Licence.id, Licence.number).where(Licence.id.in_(licence_ids))
        )
    }
    wanted = {one.holder_id for one in patents} | {
        member.licence.licensee_id for member in members if isinstance(member, Deal)
    }
    names = {
        row.id: row
        for row in db.session.execute(
            sa.select(Organisation.id, Organisation.name, Organisation.name_en).where(
                Organisation.id.in_(wanted)
            )
        )
    }
    declarations = {
        row.id: row.declaration_number
        for row in db.session.execute(
            sa.select(Offer.id, Offer.declaration_number).where(
                Offer.id.in_({one.offer_id for one in patents})
            )
        )
    }
    found = []
    for member, one in zip(members, patents, strict=True):
        row = patent_rows[one.patent_id]
        first = one.licences[0].effective_on if one.licences else None
        licensed_on = first if first is not None and first <= as_of else None
        item: dict[str, Any] = {
            "patent_id": str(one.patent_id),
            "patent_number": row.number or row.publication_number,
            "title": row.title,
            "title_en": row.title_en,
            "offer_id": str(one.offer_id),
            "declaration_number": declarations.get(one.offer_id),
            "holder": names[one.holder_id].name,
            "holder_en": names[one.holder_id].name_en,
            "district": one.district,
            "fee_form": one.fee_form,
            "announced_on": one.first_announced_on.isoformat(),
            "first_effective_on": licensed_on.isoformat() if licensed_on else None,
            "days_to_licence": (licensed_on - one.first_announced_on).days if licensed_on else None,
            "in_force": one.in_force_on(as_of),
        }
        if isinstance(member, Deal):
            item |= {
                "licence_id": str(member.licence.licence_id),
                "licence_number": numbers.get(member.licence.licence_id),
                "licensee": names[member.licence.licensee_id].name,
                "licensee_en": names[member.licence.licensee_id].name_en,
                "notice_on": _day(member.licence.notice_on),
                "paid_on": _day(member.licence.paid_on),
                "effective_on": _day(member.licence.effective_on),
                "recordal_due_on": _day(member.licence.recordal_due_on),
                "recorded_on": _day(member.licence.recorded_on),
            }
        found.append(item)
    return found


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
    return csv_text(_described(members_of(asked, drill), asked.as_of))


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
    earliest = min((one.first_announced_on for one in snapshot().patents), default=asked.last)
    begin = min(max(asked.first, earliest.replace(day=1)), asked.last)
    return replace(asked, first=begin)
