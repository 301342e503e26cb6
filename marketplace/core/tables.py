"""Tables that people hand in, read row by row: CSV and TSV in any usual encoding, spreadsheets, JSON lines.

A file that cannot be read at all raises `TableError` at once. A row that cannot be read, or has bad cells,
is a `Row` with all its errors, and reading goes on: one stray quotation mark costs one row. Memory stays
flat, except that the library for spreadsheets loads the sheet, whose size is measured before.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import unicodedata
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NoReturn, Self
from xml.parsers import expat

import python_calamine

from .convert import UNKNOWN, Converter, InvalidValue, reason

DELIMITERS: Final = (",", "\t", ";", "，", "|")
_BLOCK: Final = 1 << 20
_HEAD: Final = 4_096  # bytes that tell the format
_HEADER_ROWS: Final = 10  # a title and notes may stand above the header
_RECORD_LINES: Final = 1_000  # a quoted cell with more lines has lost its closing quotation mark
_RECORD_CHARACTERS: Final = 100_000
_LINE_CHARACTERS: Final = 2_000_000  # more than all columns may hold; what is behind them is not kept
_UNPACKED_BYTES: Final = 1 << 28
_SHEET_CELLS: Final = 5_000_000  # from the first cell to the last one, the empty ones between them included
_REPORTED_CHARACTERS: Final = 200
_KNOWN_PLANS: Final = 1_000  # different sets of keys in one JSON file that are remembered


class TableError(ValueError):
    """A file that cannot be read as the table that was asked for.

    Codes: file-missing, file-empty, file-format, file-password, file-too-large, header-missing,
    columns-missing, column-twice.
    """

    def __init__(self, code: str, **parameters: object) -> None:
        super().__init__(code)
        self.code = code
        self.parameters = parameters

    @property
    def reason(self) -> str:
        """The sentence that says what is wrong, in the reader's language."""
        return reason(self.code, self.parameters)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Its header is `name`, `zh` or one of `aliases`; case, spaces, width and a unit in brackets do not
    matter. A file may have several of these headers: the first one in that order whose cell is not empty
    counts. `required` asks for the column and for a value in each row.
    """

    name: str
    zh: str
    convert: Converter
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one place: `line` (from 1), `field` ("" for the whole row), `value` as text."""

    line: int
    field: str
    value: str
    code: str
    reason: str


@dataclass(slots=True)
class Row:
    """One row: `line` of the file it begins on, the converted `values` by column name, and its `errors`.

    `values` holds the columns that the file (in JSON, the line) has and that could be converted.
    """

    line: int
    values: dict[str, Any]
    errors: Sequence[RowError] = ()


class Table(Iterator[Row]):
    """The rows of a file. `present` names the columns found and `unknown` the headers that belong to none.

    In JSON lines both grow as lines are read.
    """

    def __init__(self, rows: Iterator[Row], present: list[str], unknown: list[str]) -> None:
        self._rows = rows
        self.present = present
        self.unknown = unknown

    def __iter__(self) -> Table:
        return self

    def __next__(self) -> Row:
        return next(self._rows)


def read_table(path: str | Path, columns: Sequence[Column]) -> Table:
    """The rows of the file at `path`; its content tells the format. Raises `TableError`."""
    path = Path(path)
    headers = _Headers(columns)
    match _format(path):
        case "spreadsheet":
            return _read_spreadsheet(path, headers)
        case "jsonl":
            return _read_json_lines(path, headers)
        case _:
            return _read_csv(path, headers)


def total_hint(path: str | Path) -> int | None:
    """About how many lines the file has, for progress by `Row.line`; None if that is not cheap to know."""
    path = Path(path)
    if _format(path) == "spreadsheet":
        return _sheet_rows(path)
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b"")) + 1


# --- what kind of file


def _format(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise TableError("file-missing") from error
    if not head.strip():
        raise TableError("file-empty")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "spreadsheet"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TableError("file-format")
    if not _wide(head) and len(head.translate(None, _TEXT_BYTES)) * _STRAY > len(head):
        raise TableError("file-format")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if start == b"{":
        return "jsonl"
    if path.suffix.lower() in {".json", ".jsonl", ".ndjson"} and start == b"[":
        raise TableError("file-format")
    return "jsonl" if path.suffix.lower() in {".jsonl", ".ndjson"} else "csv"


_TEXT_BYTES: Final = bytes({9, 10, 11, 12, 13, *range(32, 256)})
_STRAY: Final = 50  # a text may have one zero byte or other control sign among so many bytes


def _wide(head: bytes) -> str:
    """The kind of UTF-16 that a file begins with, also without its mark; empty if it is none."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Delimiters, digits and line ends have their zero byte on the same side; few Chinese characters, such as
    # U+4E00, have one on the other.
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * _STRAY > len(head) and max(even, odd) > 3 * (min(even, odd) + 1):
        wide = "utf-16-be" if even > odd else "utf-16-le"
        controls = sum(sign < " " and sign not in "\t\n\v\f\r" for sign in head.decode(wide, "replace"))
        return wide if controls * _STRAY < len(head) else ""
    return ""


def _encoding(path: Path) -> str:
    """UTF-8, UTF-16 or GB18030, by reading the file; a few damaged bytes do not make it GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        block = file.read(_BLOCK)
        if block.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if wide := _wide(block[:_HEAD]):
            return wide
        try:
            while block:
                decoder.decode(block)
                block = file.read(_BLOCK)
        except UnicodeDecodeError:
            text = block.decode("utf-8", "replace")
            foreign = sum(1 for sign in text if sign > "\x7f")
            # GB18030 read as UTF-8 is nearly all damage.
            return "utf-8" if text.count("\ufffd") * 5 < foreign else "gb18030"
    return "utf-8"


# --- headers

_HEADER_NOISE: Final = re.compile(r"\(.*?\)|[\s_\-*:]")


def _normal(header: object) -> str:
    return _HEADER_NOISE.sub("", unicodedata.normalize("NFKC", str(header)).casefold().lstrip("\ufeff"))


class _Headers:
    """Which headers belong to which columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self._targets: dict[str, list[tuple[int, int]]] = {}
        for position, column in enumerate(columns):
            for rank, name in enumerate((column.name, column.zh, *column.aliases)):
                targets = self._targets.setdefault(_normal(name), [])
                if name and position not in [known for known, _ in targets]:
                    targets.append((position, rank))

    def targets(self, header: object) -> list[tuple[int, int]]:
        """The columns (position, rank of the name) that this header feeds; `en/zh` may stand together."""
        if found := self._targets.get(_normal(header)):
            return found
        for part in str(header or "").replace("／", "/").split("/"):
            if found := self._targets.get(_normal(part)):
                return found
        return []

    def score(self, cells: Iterable[object]) -> int:
        """How many columns these cells name."""
        return len({position for cell in cells for position, _ in self.targets(cell)})

    def plan(self, cells: Sequence[object]) -> _Plan:
        """How to convert the rows below. Raises `TableError`: columns-missing, column-twice."""
        sources: dict[int, list[tuple[int, int]]] = {}
        seen: dict[str, int] = {}
        unknown = []
        for index, cell in enumerate(cells):
            if not str(cell or "").strip():
                continue
            targets = self.targets(cell)
            if not targets:
                unknown.append(_shown(cell).strip())
                continue
            if seen.setdefault(_normal(cell), index) != index:
                raise TableError("column-twice", column=str(cell).strip())
            for position, rank in targets:
                sources.setdefault(position, []).append((rank, index))
        missing = [
            f"{column.zh} ({column.name})" if column.zh else column.name
            for position, column in enumerate(self.columns)
            if column.required and position not in sources
        ]
        if missing:
            raise TableError("columns-missing", columns=", ".join(missing))
        steps: list[_Step] = []
        for position, column in enumerate(self.columns):
            if position in sources:
                first, *others = (index for _, index in sorted(sources[position]))
                steps.append((column.name, first, tuple(others), column.convert, column.required))
        width = max((index for index, cell in enumerate(cells) if str(cell or "").strip()), default=-1) + 1
        return _Plan(steps, width, unknown)

    def missing(self) -> NoReturn:
        """Raise the `TableError` of a file without a header."""
        expected = ", ".join(column.zh or column.name for column in self.columns if column.required)
        raise TableError("header-missing", expected=expected or self.columns[0].zh or self.columns[0].name)


_Step = tuple[str, int, tuple[int, ...], Converter, bool]


class _Plan:
    """How cells become values: for each column where its cells stand and how they are converted."""

    def __init__(self, steps: list[_Step], width: int, unknown: list[str]) -> None:
        self.width = width
        self.unknown = unknown
        self.present = [name for name, *_ in steps]
        self._steps = steps

    def row(self, line: int, cells: Sequence[Any]) -> Row:
        """The row of these cells, with every error in it."""
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for name, index, others, convert, required in self._steps:
            cell = cells[index]
            if others and _blank(cell):
                cell = next((cells[other] for other in others if not _blank(cells[other])), cell)
            try:
                value = convert(cell)
            except InvalidValue as error:
                errors.append(_cell_error(line, name, error))
                continue
            if required and (value is None or value is UNKNOWN):
                errors.append(_problem("required", line, name))
            values[name] = value
        return Row(line, values, errors) if errors else Row(line, values)


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _shown(value: object) -> str:
    """`value` for a report: not too long, and without the halves of characters that damaged bytes leave."""
    return str(value)[:_REPORTED_CHARACTERS].encode("utf-8", "replace").decode()


def _cell_error(line: int, field: str, error: InvalidValue) -> RowError:
    return RowError(line, field, _shown(error.value), error.code, error.reason)


def _problem(code: str, line: int, field: str = "", text: str = "", **parameters: int) -> RowError:
    return RowError(line, field, _shown(text), code, reason(code, parameters))


# --- CSV

_Record = tuple[int, list[str] | None, str]  # first line, cells or None if they cannot be told apart, text
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)


def _read_csv(path: Path, headers: _Headers) -> Table:
    encoding = _encoding(path)
    delimiter, header_line, cells = _csv_header(path, encoding, headers)
    plan = headers.plan(cells)

    def rows() -> Iterator[Row]:
        with _open(path, encoding) as file:
            for line, record, text in _records(_lines(file), delimiter, plan.width):
                if line <= header_line:
                    continue
                extra = record[plan.width :] if record else ()
                if record is None:
                    yield Row(line, {}, (_problem("row-quotes", line, text=text),))
                elif any(record) and (len(record) < plan.width or any(extra)):
                    sizes = {"cells": len(record), "header": plan.width}
                    yield Row(line, {}, (_problem("row-cells", line, "", text, **sizes),))
                elif any(record):
                    yield plan.row(line, record)

    return Table(rows(), plan.present, plan.unknown)


def _open(path: Path, encoding: str) -> IO[str]:
    # Damaged bytes become lone surrogates, which the converters refuse cell by cell.
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline="")


def _lines(file: IO[str]) -> Iterator[str]:
    """The lines of a file; of one that would fill the memory only its beginning, which no column takes."""
    while text := file.readline(_LINE_CHARACTERS):
        yield text
        while len(text) == _LINE_CHARACTERS and not text.endswith(("\n", "\r")):
            text = file.readline(_LINE_CHARACTERS)


def _csv_header(path: Path, encoding: str, headers: _Headers) -> tuple[str, int, list[str]]:
    """Delimiter, line and cells of the header: the combination that names the most columns."""
    with _open(path, encoding) as file:
        first = _SEPARATOR_LINE.match(next(_lines(file), ""))
    best: tuple[int, str, int, list[str]] = (0, ",", 0, [])
    for delimiter in (first.group(1),) if first else DELIMITERS:
        with _open(path, encoding) as file:
            for line, cells, _ in islice(_records(_lines(file), delimiter, None), _HEADER_ROWS):
                if cells and (score := headers.score(cells)) > best[0]:
                    best = (score, delimiter, line, cells)
    if not best[0]:
        headers.missing()
    return best[1:]


def _records(lines: Iterator[str], delimiter: str, width: int | None) -> Iterator[_Record]:
    """The records of a CSV text without blank lines. Quotes that do not close cost only their first line."""
    pushed_back: deque[str] = deque()
    line = 0
    while True:
        text = pushed_back.popleft() if pushed_back else next(lines, "")
        if not text:
            return
        line += 1
        if '"' not in text:
            if stripped := text.rstrip("\r\n"):
                yield line, stripped.split(delimiter), stripped
            continue
        taken, cells = _quoted(text, lines, pushed_back, delimiter)
        stripped = text.rstrip("\r\n")
        if cells is None and delimiter == "\t" and stripped.count("\t") + 1 == width:
            cells = stripped.split("\t")  # tab-separated files often have bare quotation marks
        yield line, cells, stripped
        line += taken - 1


def _quoted(
    text: str, lines: Iterator[str], pushed_back: deque[str], delimiter: str
) -> tuple[int, list[str] | None]:
    """How many lines the record beginning with `text` takes, and its cells; (1, None) for broken quotes."""
    record = [text]
    size = len(text)
    while True:
        try:
            return len(record), next(csv.reader(record, delimiter=delimiter, strict=True))
        except csv.Error as error:
            unfinished = "unexpected end of data" in str(error)
        while unfinished:
            following = pushed_back.popleft() if pushed_back else next(lines, "")
            if following:
                record.append(following)
                size += len(following)
            if not following or len(record) > _RECORD_LINES or size > _RECORD_CHARACTERS:
                unfinished = False
            elif '"' in following:
                break
        if not unfinished:
            pushed_back.extendleft(reversed(record[1:]))
            return 1, None


# --- spreadsheets

_DIMENSION: Final = re.compile(rb'<dimension ref="[A-Z]+\d+:[A-Z]+(\d+)"')


def _read_spreadsheet(path: Path, headers: _Headers) -> Table:
    if not zipfile.is_zipfile(path):
        # The old binary format can state a sheet so large that reading it ends the process: not taken.
        raise TableError("file-password" if _locked(path) else "file-format")
    _check_archive(path)
    try:
        # Opened as a stream, its content tells the format: a name may end in anything.
        with path.open("rb") as file, python_calamine.load_workbook(file) as book:
            best: tuple[int, int, Sequence[object], python_calamine.CalamineSheet | None] = (0, 0, (), None)
            for sheet in map(book.get_sheet_by_name, _worksheets(book)):
                for line, cells in enumerate(islice(sheet.iter_rows(), _HEADER_ROWS), start=1):
                    if (score := headers.score(cells)) > best[0]:
                        best = (score, line, cells, sheet)
    except (python_calamine.CalamineError, OSError) as error:
        raise TableError("file-format") from error
    _, header_line, header, found = best
    if found is None:
        headers.missing()
    plan = headers.plan(header)

    def converted() -> Iterator[Row]:
        for line, cells in enumerate(found.iter_rows(), start=1):
            if line > header_line and any(cell not in ("", None) for cell in cells):
                yield plan.row(line, cells)

    return Table(converted(), plan.present, plan.unknown)


def _worksheets(book: python_calamine.CalamineWorkbook) -> list[str]:
    """The sheets that can be seen: hidden ones hold lists to choose from, or what nobody looked at."""
    tables, seen = python_calamine.SheetTypeEnum.WorkSheet, python_calamine.SheetVisibleEnum.Visible
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == tables and sheet.visible == seen]


def _locked(path: Path) -> bool:
    """Whether it is a container in which office programs keep a workbook with a password."""
    name, end = "EncryptedPackage".encode("utf-16-le"), b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if name in end + block:
                return True
            end = block[-len(name) :]
    return False


def _check_archive(path: Path) -> None:
    """Refuse what is no XLSX, and what would fill the memory when it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if sum(entry.file_size for entry in entries) > _UNPACKED_BYTES:
                raise TableError("file-too-large")
            if "xl/workbook.xml" not in names or names & {"xl/workbook.bin", "content.xml"}:
                raise TableError("file-format")
            for entry in entries:
                # Reading to the end also finds an entry that is larger than the archive says.
                if _holds_sheet(archive, entry):
                    _measure(archive, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise TableError("file-format") from error


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as file:
        while block := file.read(_BLOCK):
            yield block


def _holds_sheet(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether there is a sheet in this entry, whatever its name; reads it to its end."""
    mark, end, found = b"sheetData", b"", False
    for block in _blocks(archive, entry):
        found = found or mark in end + block
        end = block[-len(mark) :]
    return found


_CELL: Final = re.compile(r"([A-Z]{1,7})(\d{1,10})", re.ASCII | re.IGNORECASE)


def _measure(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse a sheet whose filled cells span more than memory should hold: one far cell is enough."""
    size = _SheetSize()
    parser = expat.ParserCreate()
    parser.StartElementHandler = size.start
    parser.StartDoctypeDeclHandler = size.refuse
    try:
        for block in _blocks(archive, entry):
            parser.Parse(block)
        parser.Parse(b"", True)
    except TableError:
        raise
    except (expat.ExpatError, ValueError) as error:
        raise TableError("file-format") from error


class _SheetSize:
    """How far the filled cells of a sheet reach, as its elements are read."""

    def __init__(self) -> None:
        self.row = self.column = self.last_row = self.last_column = 0

    def refuse(self, *_declaration: object) -> NoReturn:
        """No sheet declares a document type; entities could make it larger than it looks."""
        raise TableError("file-format")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of an element. Raises `TableError`: file-too-large."""
        match name.rpartition(":")[2]:
            case "row":
                self.row = int(attributes["r"]) if "r" in attributes else self.row + 1
                self.column = 0
            case "c":
                self.column += 1
                if place := _CELL.fullmatch(attributes.get("r", "")):
                    letters, digits = place.groups()
                    self.column, self.row = _column(letters.upper()), int(digits)
            case "v" | "is" | "f":
                self.last_row = max(self.last_row, self.row)
                self.last_column = max(self.last_column, self.column)
                if self.last_row * self.last_column > _SHEET_CELLS:
                    raise TableError("file-too-large")


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """The number of a column, from 1: `AB` is 28."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _sheet_rows(path: Path) -> int | None:
    """The last row that the largest sheet states, without reading it."""
    try:
        with zipfile.ZipFile(path) as archive:
            rows = []
            for entry in archive.namelist():
                if entry.startswith("xl/worksheets/") and entry.endswith(".xml"):
                    with archive.open(entry) as sheet:
                        if found := _DIMENSION.search(sheet.read(4096)):
                            rows.append(int(found.group(1)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None
    return max(rows, default=None)


# --- JSON lines


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class _Twice(ValueError):
    """A key that an object has twice: one of its values would be lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return fields


def _read_json_lines(path: Path, headers: _Headers) -> Table:
    encoding = _encoding(path)
    present: list[str] = []
    unknown: list[str] = []

    def plan_for(keys: tuple[str, ...]) -> _Plan:
        plan = headers.plan(keys)
        present.extend(name for name in plan.present if name not in present)
        unknown.extend(name for name in plan.unknown if name not in unknown)
        return plan

    def rows() -> Iterator[Row]:
        known: dict[tuple[str, ...], _Plan] = {}
        with _open(path, encoding) as file:
            for line, text in enumerate(_lines(file), start=1):
                if not text.strip():
                    continue
                try:
                    fields = json.loads(
                        text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_object
                    )
                except _Twice as error:
                    twice = TableError("column-twice", column=_shown(error))
                    yield Row(line, {}, (RowError(line, "", "", twice.code, twice.reason),))
                    continue
                except (ValueError, RecursionError):
                    fields = None
                if not isinstance(fields, dict):
                    yield Row(line, {}, (_problem("json-form", line, text=text.strip()),))
                    continue
                keys = tuple(fields)
                try:
                    plan = known.get(keys) or plan_for(keys)
                except TableError as error:
                    yield Row(line, {}, (RowError(line, "", "", error.code, error.reason),))
                    continue
                if len(known) < _KNOWN_PLANS:
                    known[keys] = plan
                yield plan.row(line, tuple(fields.values()))

    return Table(rows(), present, unknown)


# --- reports


def safe_cell(value: object) -> str:
    """`value` as text that no spreadsheet takes for a formula: an apostrophe before `=`, `+`, `-`, `@`."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")) else text


class Report:
    """The errors of an import as CSV (line, field, value, code, reason), written as they come.

    A context manager. `count` is the number of errors written. With `bom`, Excel sees that it is UTF-8.
    """

    def __init__(self, path: str | Path, *, bom: bool = False) -> None:
        self._file = Path(path).open("w", encoding="utf-8-sig" if bom else "utf-8", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file)
        self._writer.writerow(("line", "field", "value", "code", "reason"))
        self.count = 0

    def add(self, error: RowError) -> None:
        """Write one error."""
        cells = (error.field, error.value, error.code, error.reason)
        self._writer.writerow((error.line, *map(safe_cell, cells)))
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
