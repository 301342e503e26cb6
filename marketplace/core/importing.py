"""Lists that people hand in: read row by row, checked, written in batches, reported. One mechanism.

Good rows go in, each bad row is reported. Each batch is one unit of work, and rows say by their keys what
they speak of, so a list can be repeated, also after an import that was killed in the middle, and nothing
changes that is already so.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from flask_babel import gettext

from .actor import Actor
from .convert import UNKNOWN
from .database import db
from .errors import DomainError, Invalid, NotFound
from .permissions import require
from .tables import Column, Report, Row, RowError, TableError, read_table
from .unit_of_work import current, unit_of_work

BATCH = 1_000  # rows
_SAMPLE = 20  # errors kept for showing at once
_LOCK = 0x696D706F  # one import batch at a time on PostgreSQL: no two may make the same organisation


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot go in: the column ("" for the whole row), a stable code, a sentence to read."""

    field: str
    code: str
    reason: str


@dataclass(slots=True)
class Checked:
    """A row that passed every check: its line, its converted values, and the digest of what it says."""

    line: int
    values: dict[str, Any]
    digest: str


Outcome = Literal["created", "updated", "unchanged"] | list[Problem]


@dataclass(slots=True)
class WrittenRow:
    """A row that was written in bulk, as the journal knows it."""

    __tablename__: str
    id: int
    version: int = 1


@dataclass(slots=True)
class Summary:
    """What became of the rows of one file, the first errors, and what was done (codes of the kind)."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: list[RowError] = field(default_factory=list)
    details: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, int]:
        """`{"read","created","updated","unchanged","rejected"}`."""
        return {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
        }


class Importer(ABC):
    """How one kind of list is checked and written.

    Attributes:
        columns: what the list may have.
        permission: action in the permission table that lets an actor hand in such a list.
    """

    columns: ClassVar[tuple[Column, ...]]
    permission: ClassVar[str]

    def __init__(self, actor: Actor, owner: str | None) -> None:
        self.actor = actor
        self.owner = owner
        self.options: dict[str, Any] = {}
        self.details: Counter[str] = Counter()

    def prepare(self) -> None:  # noqa: B027 - a hook that most kinds do not need
        """Look up what all rows need; raises a DomainError when the list cannot be taken at all."""

    def keys(self, _values: Mapping[str, Any]) -> Sequence[Hashable]:
        """What the row speaks of; a second row that says something else about the same is refused."""
        return ()

    def check(self, _values: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with a row as a whole, without looking into the database."""
        return []

    def finish(self, _summary: Summary) -> None:  # noqa: B027 - a hook that most kinds do not need
        """Do what follows from the list as a whole, in a unit of work of its own behind the last row.

        Raises a DomainError when that cannot be done; the rows before it stay as they were taken.
        """

    @abstractmethod
    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """Write checked rows in the present unit of work; one outcome for each, in order."""


class RowImporter(Importer):
    """An importer that writes row by row: each may fail alone."""

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """One savepoint per row; a DomainError refuses the row."""
        outcomes: list[Outcome] = []
        for row in rows:
            try:
                with current().savepoint():
                    outcomes.append(self.write_one(row))
            except DomainError as error:
                outcomes.append(problems_of(error))
        return outcomes

    @abstractmethod
    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        """Write one checked row; raises a DomainError to refuse it."""


def problems_of(error: DomainError) -> list[Problem]:
    """What a domain error tells of, in the reader's language, field by field where it has fields."""
    if isinstance(error, Invalid) and error.fields:
        return [
            Problem(name, error.code, gettext(sentence, **error.parameters))
            for name, sentences in error.fields.items()
            for sentence in sentences
        ]
    return [Problem("", error.code, gettext(error.message, **error.parameters))]


def digest_of(values: Mapping[str, Any]) -> str:
    """sha256 in hex of what a row says; empty cells and missing columns say nothing."""
    said = {name: value for name, value in values.items() if value not in (None, UNKNOWN, (), "")}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_importers: dict[str, type[Importer]] = {}


def register(importers: Mapping[str, type[Importer]]) -> None:
    """Add kinds of lists; the application factory calls this with each domain's `IMPORTS`."""
    _importers.update(importers)


def kinds() -> tuple[str, ...]:
    """The kinds of lists that can be imported."""
    return tuple(_importers)


def columns_of(kind: str) -> tuple[Column, ...]:
    """The columns of a kind of list. Raises NotFound: `import-kind-unknown`."""
    return _importer(kind).columns


def _importer(kind: str) -> type[Importer]:
    if kind not in _importers:
        raise NotFound("import-kind-unknown", "There is no such kind of list.")
    return _importers[kind]


def run(
    kind: str,
    path: str | Path,
    *,
    actor: Actor,
    origin: str = "import",
    owner: str | None = None,
    dry_run: bool = False,
    report: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Summary:
    """Import a file; opens its own units of work, so call it outside one.

    Args:
        kind: one of `kinds()`.
        path: CSV, TSV, XLSX or JSONL.
        origin: origin of the journal entries, `import` or `demo`.
        owner: credit code or exact name of the organisation whose list it is.
        dry_run: check everything, also against the database, and write nothing.
        report: where to write the errors as CSV (line, field, value, code, reason).
        progress: told the line reached after each batch.
        options: what the kind of list asks for beside the file, such as the day of a file without one.

    Raises:
        Invalid: the file cannot be read as such a list (codes of `TableError`), or the owner is unknown.
        Unauthenticated, Forbidden: this actor may not import.
    """
    importer = _importer(kind)(actor, owner)
    importer.options |= options or {}
    require(actor, importer.permission)
    importer.prepare()
    try:
        table = read_table(path, importer.columns)
    except TableError as error:
        raise Invalid(error.code, error.reason) from error
    summary = Summary()
    with Report(report) if report is not None else nullcontext() as written:
        refused: list[RowError] = []

        def refuse(errors: Sequence[RowError]) -> None:
            summary.rejected += 1
            refused.extend(errors)

        for line, good in _batches(table, importer, summary, refuse):
            if good:
                for row, outcome in zip(good, _write(importer, good, origin, dry_run), strict=True):
                    if isinstance(outcome, str):
                        setattr(summary, outcome, getattr(summary, outcome) + 1)
                    else:
                        refuse([_row_error(row, problem) for problem in outcome])
            # Some are found while reading, others while writing: the report goes by lines all the same.
            refused.sort(key=lambda one: one.line)
            summary.errors += refused[: max(0, _SAMPLE - len(summary.errors))]
            if written is not None:
                for each in refused:
                    written.add(each)
            refused.clear()
            if progress is not None:
                progress(line)
    _in_unit(importer, origin, dry_run, lambda: importer.finish(summary))
    summary.details = importer.details
    return summary


def _batches(
    table: Iterator[Row],
    importer: Importer,
    summary: Summary,
    refuse: Callable[[Sequence[RowError]], None],
) -> Iterator[tuple[int, list[Checked]]]:
    """The last line and the rows that passed every check, batch by batch; the others are refused."""
    seen: dict[int, int] = {}
    while batch := list(islice(table, BATCH)):
        summary.read += len(batch)
        good = []
        for row in batch:
            errors = list(row.errors)
            if not errors:
                errors = [_row_error(row, problem) for problem in importer.check(row.values)]
            checked = Checked(row.line, row.values, "")
            if not errors:
                checked.digest = digest_of(row.values)
                errors = _repeated(checked, importer, seen)
            if errors:
                refuse(errors)
            else:
                good.append(checked)
        yield batch[-1].line, good


def _repeated(row: Checked, importer: Importer, seen: dict[int, int]) -> list[RowError]:
    """Refuse a second row that says something else about the same: repeats would never come to rest."""
    digest = hash(row.digest)
    keys = [hash(key) for key in importer.keys(row.values)]
    if any(seen.get(key, digest) != digest for key in keys):
        reason = gettext("An earlier row of this file says something else about the same.")
        return [_row_error(row, Problem("", "row-twice", reason))]
    seen.update(dict.fromkeys(keys, digest))
    return []


def _row_error(row: Row | Checked, problem: Problem) -> RowError:
    value = row.values.get(problem.field)
    shown = "" if value is None else "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return RowError(row.line, problem.field, shown[:200], problem.code, problem.reason)


class _TakeBack(Exception):
    """Ends the unit of work of a dry run without a commit."""


def _write(importer: Importer, rows: Sequence[Checked], origin: str, dry_run: bool) -> list[Outcome]:
    """Write the rows; one that says again what an earlier one of the batch says fares like it, unwritten."""
    first: dict[object, int] = {}
    places = [
        first.setdefault(row.digest if importer.keys(row.values) else index, index)
        for index, row in enumerate(rows)
    ]
    once = [index for index, place in enumerate(places) if index == place]
    written: list[Outcome] = []
    _in_unit(importer, origin, dry_run, lambda: written.extend(importer.write([rows[n] for n in once])))
    outcome: dict[int, Outcome] = dict(zip(once, written, strict=True))
    again: dict[int, Outcome] = {
        place: "unchanged" if isinstance(said, str) else said for place, said in outcome.items()
    }
    return [outcome.get(index, again[place]) for index, place in enumerate(places)]


def _in_unit(importer: Importer, origin: str, dry_run: bool, act: Callable[[], None]) -> None:
    try:
        with unit_of_work(importer.actor, origin=origin):
            if db.session.get_bind().dialect.name == "postgresql":
                db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            act()
            if dry_run:
                raise _TakeBack
    except _TakeBack:
        pass
