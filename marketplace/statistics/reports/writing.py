"""A report as a file: PDF after the layout of official documents, workbook, CSV or JSON."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.dates import format_date
from flask_babel import get_locale, gettext

from marketplace.core import clock
from marketplace.core.lazily import Lazily
from marketplace.core.papers import render
from marketplace.core.tables import safe_cell
from marketplace.statistics import services
from marketplace.statistics.definitions import SOURCES

from . import telling
from .building import Report
from .listing import Listed

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = Lazily("openpyxl")

FORMATS = ("csv", "xlsx", "json", "pdf")
_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\：]")  # Excel allows none of these in a sheet's name
_SHEET_ROWS = 1_048_575  # and as many rows below a heading


def write(report: Report, form: str, listed: Iterable[Listed] = ()) -> bytes:
    """The report as a file of one of FORMATS; neither CSV nor XLSX holds live formulas.

    Args:
        report: what it says.
        form: one of FORMATS.
        listed: for the workbook: the rows that each figure counts, read one by one.
    """
    if form == "xlsx":
        return _xlsx(report, listed)
    return {"csv": _csv, "json": _json, "pdf": _pdf}[form](report)


def _marks(report: Report) -> list[tuple[str, str]]:
    return [
        (gettext("Period"), f"{report.first} – {report.last}"),
        (gettext("Observed on"), f"{report.as_of}"),
        (gettext("Journal entry"), "—" if report.journal_id is None else str(report.journal_id)),
        (gettext("Made at"), clock.format_instant(report.made_at)),
        (
            gettext("Definitions"),
            ", ".join(f"{one['code']} v{one['version']}" for one in report.definitions),
        ),
    ]


# --- CSV and JSON


def _csv(report: Report) -> bytes:
    units = {one["code"]: one for one in report.definitions}
    return services.csv_text(
        [
            {
                "figure": body["figure"],
                "title": body["title"],
                "unit": body["unit"],
                "formula": _formula(units[body["figure"]]),
                "definition_version": body["definition_version"],
                "by": body["by"] or "",
                "from": body["from"],
                "to": body["to"],
                "as_of": body["as_of"],
                "journal_id": body["journal_id"],
            }
            | {
                name: value
                for name, value in row.items()
                if not isinstance(value, dict) and "url" not in name
            }
            for body in report.figures
            for row in (*body["rows"], *body.get("side", ()))
        ]
    ).encode()


def _formula(one: dict[str, Any]) -> str:
    return f"{one['numerator']} ÷ {one['denominator']}" if one["denominator"] else one["numerator"]


def _json(report: Report) -> bytes:
    body = {
        "title": report.title,
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "as_of": report.as_of.isoformat(),
        "journal_id": report.journal_id,
        "made_at": clock.format_instant(report.made_at),
        "issuer": report.issuer,
        "document_number": report.document_number,
        "told": [{"heading": heading, "paragraphs": said} for heading, said in report.told],
        "definitions": report.definitions,
        "figures": report.figures,
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


# --- workbook


def _xlsx(report: Report, listed: Iterable[Listed]) -> bytes:
    """Sheets are streamed to disk row by row, so that memory stays flat however many rows there are."""
    book = openpyxl.Workbook(write_only=True)
    _cut_off(book, report)
    for number, section in enumerate(report.sections, start=1):
        sheet = _sheet(book, f"{number} {section.title}", [36, *[16] * (len(section.columns) - 1)])
        _head(sheet, section.columns)
        for row in section.rows:
            sheet.append(_safe(row))
        if section.note:
            sheet.append([])
            sheet.append([section.note])
    _definition_sheet(book, report)
    for table in listed:
        _rows(book, table)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cut_off(book: Any, report: Report) -> None:
    sheet = _sheet(book, gettext("Cut-off"), [24, 100], freeze=None)
    sheet.append(["", report.title])
    for name, value in _marks(report):
        sheet.append([name, _wrapped(sheet, value)])
    for heading, said in report.told:
        sheet.append([])
        for paragraph in said:
            sheet.append([heading, _wrapped(sheet, paragraph)])
    for caution in telling.cautions():
        sheet.append([gettext("Caution"), _wrapped(sheet, caution)])


def _definition_sheet(book: Any, report: Report) -> None:
    sheet = _sheet(book, gettext("Definitions"), [24, 60, 10, 80, 10, 50])
    _head(
        sheet,
        [
            gettext("Figure"),
            gettext("Formula"),
            gettext("Unit"),
            gettext("What is counted"),
            gettext("Version"),
            gettext("Source"),
        ],
    )
    units = {"patent": gettext("patent"), "licence": gettext("licence")}
    for one in report.definitions:
        text = " ".join(filter(None, (one["text"], one["note"])))
        cells = [
            one["title"], _formula(one), units[one["unit"]], text, f"v{one['version']}",
            str(SOURCES[one["unit"]]),
        ]  # fmt: skip
        sheet.append([_wrapped(sheet, cell) for cell in cells])


def _rows(book: Any, table: Listed) -> None:
    """One sheet, and further ones where Excel's rows do not suffice."""
    sheet, number, left = None, 0, 0
    for row in table.rows():
        if sheet is None or left == 0:
            number += 1
            title = table.title if number == 1 else f"{table.title} {number}"
            sheet = _sheet(book, title, [22] * len(table.columns))
            _head(sheet, table.columns)
            left = _SHEET_ROWS
        sheet.append(_safe(row))
        left -= 1
    if sheet is None:
        _head(_sheet(book, table.title, [22] * len(table.columns)), table.columns)


def _sheet(book: Any, title: str, widths: Sequence[int], freeze: str | None = "B2") -> Any:
    sheet = book.create_sheet(_NOT_IN_TITLES.sub("", title)[:31])
    for number, width in enumerate(widths):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(number + 1)].width = width
    if freeze:
        sheet.freeze_panes = freeze
    return sheet


def _head(sheet: Any, columns: Sequence[str]) -> None:
    cells = []
    for title in columns:
        cell = openpyxl.cell.WriteOnlyCell(sheet, value=safe_cell(title))
        cell.font = openpyxl.styles.Font(bold=True)
        cells.append(cell)
    sheet.append(cells)


def _wrapped(sheet: Any, value: str) -> Any:
    cell = openpyxl.cell.WriteOnlyCell(sheet, value=safe_cell(value))
    cell.alignment = openpyxl.styles.Alignment(wrap_text=True, vertical="top")
    return cell


def _safe(row: Sequence[Any]) -> list[Any]:
    return [safe_cell(value) if isinstance(value, str) else value for value in row]


# --- paper


def _pdf(report: Report) -> bytes:
    """After GB/T 9704-2012: page, lines, heading, numbering of parts, number of the page, imprint."""
    locale = get_locale()
    chinese = locale is not None and locale.language == "zh"
    made = clock.legal_date(report.made_at)
    values = {
        "title": report.title,
        "lang": "zh" if chinese else "en",
        "issuer": report.issuer or gettext("Patent open licensing marketplace"),
        "document_number": report.document_number,
        "made_on": _day(made, chinese=chinese),
        "marks": [list(mark) for mark in _marks(report)],
        "told": [{"heading": heading, "paragraphs": said} for heading, said in report.told],
        "tables_title": gettext("Tables"),
        "sections": [
            {"title": one.title, "columns": one.columns, "rows": _texts(one.rows), "note": one.note}
            for one in report.sections
        ],
        "definitions_title": gettext("Definitions"),
        "definitions": [
            {
                "title": one["title"],
                "mark": f"{one['code']} v{one['version']}",
                "formula": _formula(one),
                "text": one["text"],
                "note": one["note"],
            }
            for one in report.definitions
        ],
        "formula": gettext("Formula"),
        "cautions_title": gettext("Cautions"),
        "cautions": telling.cautions(),
        "rests_title": gettext("What this rests on"),
        "issued": gettext("Issued on %(day)s", day=_day(made, chinese=chinese)),
    }
    return render(_TEMPLATE, values, report.made_at)


def _texts(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def _day(day: dt.date, *, chinese: bool) -> str:
    return format_date(day, "y年M月d日" if chinese else "d MMMM y", get_locale())
