"""The stock as a file: CSV and XLSX written as they are sent, and the template that is filled in.

No cell is ever a formula: texts go out as texts, and what a spreadsheet would take for one is defused.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.identifiers import InvalidNumber, PatentNumber
from marketplace.core.lazily import Lazily
from marketplace.core.tables import safe_cell
from marketplace.listings.models import Patent, PatentClass

from . import columns, filters, services
from .desk import Desk
from .models import Stock
from .rules import routes

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = Lazily("openpyxl")

BATCH: Final = 1_000
TEMPLATE_ROWS: Final = 20_000
_ILLEGAL: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def rows(wanted: filters.Filter, desk: Desk, *, english: bool) -> Iterator[list[str]]:
    """Header and rows of what fits, oldest first, in one language; reads in batches."""
    yield columns.headers(english=english)
    units = {unit.id: desk.tree.title(unit.id, english=english) for unit in desk.tree.units.values()}
    names = services.people(desk)
    grades = {step.code: f"{step.code} {step.name_en if english else step.name}" for step in desk.scale}
    _total, last = filters.number_of(wanted, desk)
    reached = 0
    while ids := filters.following(wanted, desk, after=reached, upto=last, size=BATCH):
        wide = sa.select(
            *(column for column in Stock.__table__.c),
            Patent.number,
            Patent.publication_number,
            Patent.title,
            Patent.title_en,
            Patent.filing_date,
            Patent.grant_date,
        ).join(Patent, Patent.id == Stock.patent_id)
        found = db.session.execute(wide.where(Stock.id.in_(ids)).order_by(Stock.id)).all()
        main = {
            row.patent_id: row.symbol
            for row in db.session.execute(
                sa.select(PatentClass.patent_id, PatentClass.symbol).where(
                    PatentClass.patent_id.in_([row.patent_id for row in found]), PatentClass.position == 0
                )
            )
        }
        for row in found:
            values = {
                "number": _shown(row.number) or row.publication_number or "",
                "title": (row.title_en or row.title) if english else row.title,
                "kind": _word(columns.KIND, row.kind, english),
                "ipc": main.get(row.patent_id, ""),
                "filing_date": _day(row.filing_date),
                "grant_date": _day(row.grant_date),
                "standing": _word(columns.STANDING, row.standing, english),
                "state": _word(columns.STATE, row.state, english),
                "unit": units.get(row.unit_id, ""),
                "inventor": names.get(row.inventor_id, ""),
                "grade": grades.get(row.grade, row.grade),
                "wish": ";".join(_word(columns.WISH, route, english) for route in routes(row.wish)),
                "practice": _word(columns.PRACTICE, row.practice, english),
                "practised_by": row.practised_by or "",
                "practised_how": row.practised_how or "",
                "practised_since": _day(row.practised_since),
                "note": row.note or "",
                "changed_at": f"{row.changed_at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}",
            }
            yield [safe_cell(values[name]) for name in columns.EXPORTED]
        reached = ids[-1]


def _shown(number: str | None) -> str:
    if number is None:
        return ""
    try:
        return PatentNumber.parse(number).display
    except InvalidNumber:
        return number


def _word(table: dict[str, Any], code: str, english: bool) -> str:
    return code if english or code not in table else str(table[code][0])


def _day(day: Any) -> str:
    return "" if day is None else day.isoformat()


def as_csv(lines: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """CSV in UTF-8 with the mark by which Excel knows it, piece by piece."""
    text = io.StringIO()
    writer = csv.writer(text)
    yield b"\xef\xbb\xbf"
    for number, line in enumerate(lines, start=1):
        writer.writerow(line)
        if number % BATCH == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    content = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return content


# --- a spreadsheet that is written while it is sent

_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE: Final = "http://schemas.openxmlformats.org"
_PARTS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main" xmlns:r="{_OFFICE}/'
    'officeDocument/2006/relationships"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument/2006/relationships/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_OFFICE}/officeDocument/2006/'
    'relationships/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><fonts count="2"><font/>'
    '<font><b/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill>'
    '<patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="49" '
    'applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


class _Pipe(io.RawIOBase):
    """What is written is handed on; a ZIP that is written into it need not be kept."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What has come since."""
        content = b"".join(self.pieces)
        self.pieces.clear()
        return content


def as_xlsx(lines: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """A spreadsheet with one sheet of texts, piece by piece; memory stays flat."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as book:
        for name, content in _PARTS.items():
            book.writestr(name, _XML + content)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(
                f'{_XML}<worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><sheetViews><sheetView '
                'workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView>'
                '</sheetViews><cols><col min="1" max="30" width="18"/></cols><sheetData>'.encode()
            )
            block: list[str] = []
            for number, line in enumerate(lines):
                style = ' s="1"' if number == 0 else ""
                block.append("<row>" + "".join(_cell(text, style) for text in line) + "</row>")
                if len(block) >= BATCH:
                    sheet.write("".join(block).encode())
                    block.clear()
                    yield pipe.taken()
            sheet.write(("".join(block) + "</sheetData></worksheet>").encode())
    yield pipe.taken()


def _cell(text: str, style: str) -> str:
    if not text:
        return "<c/>"
    return (
        f'<c t="inlineStr"{style}><is><t xml:space="preserve">{escape(text.translate(_ILLEGAL))}</t></is></c>'
    )


# --- the template

_NOTES: Final = {
    "number": _l("Application number, with or without ZL; format the column as text."),
    "unit": _l("The name of the unit, or college / institute."),
    "inventor": _l("E-mail address or name of the member who enters it."),
    "grade": _l("The code of the grade: see the sheet of grades."),
    "wish": _l("Routes of conversion, several separated by ; Leave it empty if it stays as it is."),
    "practice": _l("Whether and by whom it is used already."),
    "practised_by": _l("Who uses it: name of the firm or department."),
    "practised_how": _l("In which product or process it is used."),
    "practised_since": _l("A date."),
    "note": _l("Prospects, what is still lacking, whom to ask."),
}
_EXAMPLE: Final[tuple[dict[str, Any], ...]] = (
    {
        "number": "ZL201910000010.5",
        "grade": 0,
        "wish": ("licence", "transfer"),
        "practice": "none",
        "note": _l("Two makers of valves have asked for it."),
    },
    {
        "number": "ZL201910000011.X",
        "grade": 1,
        "wish": ("own_use",),
        "practice": "own",
        "practised_by": _l("Pilot plant of the college"),
        "practised_how": _l("In the cooling circuit of the test bench"),
        "practised_since": "2024-03-01",
    },
)


def template(desk: Desk, *, english: bool) -> bytes:
    """A spreadsheet to fill in: headers, drop-down lists of this organisation, notes, grades, an example."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101 - a new workbook has a sheet
    sheet.title = gettext("List")
    example, notes = book.create_sheet(gettext("Example")), book.create_sheet(gettext("Notes"))
    scale, lists = book.create_sheet(gettext("Grades")), book.create_sheet("lists")
    choices = _choices(desk, english)
    _heads(sheet, english)
    _heads(example, english)
    for position, column in enumerate(columns.COLUMNS, start=1):
        letter = openpyxl.utils.get_column_letter(position)
        sheet.column_dimensions[letter].width = example.column_dimensions[letter].width = 20
        if column.name in ("number", "practised_since"):
            for row in range(2, 502):
                sheet.cell(row, position).number_format = "@"
        values = choices.get(column.name, [])
        if values:
            for row, value in enumerate(values, start=1):
                lists.cell(row, position, safe_cell(value))
            source = f"{openpyxl.utils.quote_sheetname('lists')}!${letter}$1:${letter}${len(values)}"
            rule = openpyxl.worksheet.datavalidation.DataValidation(
                type="list", formula1=source, allow_blank=True
            )
            # Several routes may stand in one cell, and people may be named by their addresses.
            rule.showErrorMessage = column.name not in ("wish", "inventor")
            rule.error = gettext("Please choose from the list.")
            rule.add(f"{letter}2:{letter}{TEMPLATE_ROWS}")
            sheet.add_data_validation(rule)
    lists.sheet_state = "hidden"
    _fill_example(example, desk, english)
    notes.append([gettext("Column"), gettext("Required"), gettext("Values"), gettext("Note")])
    for column in columns.COLUMNS:
        shown = choices.get(column.name, [])
        notes.append(
            [
                _head(column, english),
                gettext("yes") if column.required else "",
                safe_cell(" / ".join(shown[:30])),
                str(_NOTES[column.name]),
            ]
        )
    scale.append([gettext("Code"), gettext("Grade"), gettext("What it means")])
    for step in desk.scale:
        cells = (step.code, step.name_en, step.help_en) if english else (step.code, step.name, step.help)
        scale.append([safe_cell(cell) for cell in cells])
    for page, widths in ((notes, (24, 10, 50, 70)), (scale, (10, 24, 90))):
        for position, width in enumerate(widths, start=1):
            page.column_dimensions[openpyxl.utils.get_column_letter(position)].width = width
        for cell in page[1]:
            cell.font = openpyxl.styles.Font(bold=True)
        for line in page.iter_rows(min_row=2):
            for cell in line:
                cell.alignment = openpyxl.styles.Alignment(wrap_text=True, vertical="top")
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _head(column: Any, english: bool) -> str:
    return str(column.name if english else column.zh)


def _heads(sheet: Any, english: bool) -> None:
    for position, column in enumerate(columns.COLUMNS, start=1):
        cell = sheet.cell(1, position, _head(column, english))
        cell.font = openpyxl.styles.Font(bold=True, color="FFFFFF")
        cell.fill = openpyxl.styles.PatternFill("solid", fgColor="1F5AA6" if column.required else "566171")
    sheet.freeze_panes = "A2"


def _choices(desk: Desk, english: bool) -> dict[str, list[str]]:
    return {
        "unit": [desk.tree.title(unit.id, english=english) for _depth, unit in desk.tree.walk()],
        "inventor": list(dict.fromkeys(services.people(desk).values())),
        "grade": [f"{step.code} {step.name_en if english else step.name}" for step in desk.scale],
        "wish": [_word(columns.WISH, code, english) for code in columns.WISH],
        "practice": [_word(columns.PRACTICE, code, english) for code in columns.PRACTICE],
    }


def _fill_example(sheet: Any, desk: Desk, english: bool) -> None:
    units = [desk.tree.title(unit.id, english=english) for _depth, unit in desk.tree.walk()]
    names = list(services.people(desk).values())
    for number, given in enumerate(_EXAMPLE):
        step = desk.scale[min(given["grade"], len(desk.scale) - 1)]
        values = {
            **given,
            "grade": f"{step.code} {step.name_en if english else step.name}",
            "unit": units[min(number, len(units) - 1)] if units else "",
            "inventor": names[min(number, len(names) - 1)] if names else "",
            "wish": ";".join(_word(columns.WISH, route, english) for route in given["wish"]),
            "practice": _word(columns.PRACTICE, given["practice"], english),
        }
        sheet.append([safe_cell(values.get(column.name, "")) for column in columns.COLUMNS])
