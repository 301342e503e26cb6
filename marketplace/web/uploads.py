"""Uploaded lists, whoever uploads them: a file is kept, rehearsed with every error, then imported."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import FileStorage

from marketplace.core import importing
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.files import StoredFile, keep, store
from marketplace.core.tables import TableError, total_hint
from marketplace.core.unit_of_work import unit_of_work

from .downloads import kept
from .forms import Form
from .list_templates import LARGEST, headers_of

_PURPOSE = "list"
_REPORT = "list_report"


@dataclass(frozen=True)
class Kind:
    """A kind of list, as the pages speak of it."""

    name: str
    title: Any
    lead: Any


class UploadForm(Form):
    """A file with a table."""

    file = FileField(_l("File"), [FileRequired(_l("Please choose a file."))])

    def accept(self, error: DomainError, **fields: str) -> None:
        """Show a refusal beside the file, unless it names another field."""
        super().accept(error, **fields)
        self.file.errors = [*self.file.errors, *self.form_errors]
        self.form_errors = []


@dataclass(frozen=True)
class Rehearsal:
    """What an import would do, or did: the file that was kept, the counts, and the report of bad rows."""

    file_id: int
    name: str
    summary: importing.Summary
    report_id: int | None

    @property
    def good(self) -> int:
        """Rows that change something, or what is ended because no row speaks of it."""
        return self.summary.created + self.summary.updated + self.summary.details["mirrored_left_out"]


def rehearse(
    actor: Actor,
    kind: str,
    form: UploadForm,
    organisation_id: int | None,
    *,
    owner: str | None,
    options: Mapping[str, Any] | None = None,
) -> Rehearsal | None:
    """Take a submitted file and say what its import would do; None when there is none, or it is refused.

    Args:
        organisation_id: whose list it is; None for the operator's.
        owner, options: as `carry_out` takes them.
    """
    if not form.validate_on_submit():
        return None
    try:
        kept = take_upload(actor, kind, form.file.data, organisation_id)
        return carry_out(actor, kind, kept, owner=owner, dry_run=True, options=options)
    except DomainError as error:
        form.accept(error)
        return None


def take_upload(actor: Actor, kind: str, file: FileStorage, organisation_id: int | None) -> StoredFile:
    """Keep an uploaded list until it is imported.

    Raises:
        Invalid: `file-empty`, `list-too-long`, or the file cannot be read as a table (codes of `TableError`).
    """
    content = file.read()
    if not content:
        raise Invalid("file-empty", "The file is empty.", fields={"file": [gettext("The file is empty.")]})
    name = Path(file.filename or "list").name
    with unit_of_work(actor):
        kept = keep(
            content,
            name=name,
            content_type="application/octet-stream",
            purpose=f"{_PURPOSE}:{kind}",
            organisation_id=organisation_id,
        )
    path = store().path(kept.digest)
    try:
        rows = total_hint(path)
    except TableError as error:
        raise Invalid(error.code, error.reason, fields={"file": [error.reason]}) from error
    if rows is not None and rows > LARGEST:
        message = gettext(
            "This list has more than %(limit)s rows. Please split it, or ask the operator to import it.",
            limit=LARGEST,
        )
        raise Invalid("list-too-long", message, fields={"file": [message]})
    return kept


def kept_list(file_id: int, kind: str, organisation_id: int | None) -> StoredFile:
    """A list that was uploaded before, by the same organisation (None: by the operator).

    Raises:
        NotFound: `file-missing`.
    """
    row = db.session.get(StoredFile, file_id)
    if row is None or row.purpose != f"{_PURPOSE}:{kind}" or row.organisation_id != organisation_id:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return row


def carry_out(
    actor: Actor,
    kind: str,
    kept: StoredFile,
    *,
    owner: str | None,
    dry_run: bool,
    options: Mapping[str, Any] | None = None,
) -> Rehearsal:
    """Run the import, or only rehearse it; bad rows go into a report that can be fetched.

    `options` are what this kind of list asks for beside the file.

    Raises:
        Invalid, Conflict, NotFound, Forbidden: the list cannot be taken at all.
    """
    file_id, name, organisation_id = kept.id, kept.name, kept.organisation_id
    path = store().path(kept.digest)
    db.session.rollback()
    with tempfile.TemporaryDirectory() as folder:
        # The format of JSON lines and of plain text may show only in the name's ending.
        named = Path(folder) / f"list{Path(name).suffix}"
        named.symlink_to(path.absolute())
        report = Path(folder) / "report.csv"
        summary = importing.run(
            kind, named, actor=actor, owner=owner, dry_run=dry_run, report=report, options=options
        )
        content = report.read_bytes() if summary.rejected else b""
    report_id = None
    if content:
        with unit_of_work(actor):
            row = keep(
                _worded(content, kind),
                name=gettext("errors of %(name)s", name=Path(name).stem) + ".csv",
                content_type="text/csv",
                purpose=_REPORT,
                organisation_id=organisation_id,
            )
            report_id = row.id
    return Rehearsal(file_id, name, summary, report_id)


def _worded(report: bytes, kind: str) -> bytes:
    """The report of an import with its headers and columns as the template calls them, in UTF-8 for Excel."""
    headers = headers_of(kind)
    rows = csv.reader(io.StringIO(report.decode(), newline=""))
    next(rows)
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow([gettext("Line"), gettext("Column"), gettext("Value"), gettext("Code"), gettext("Reason")])
    for line, field, value, code, reason in rows:
        out.writerow([line, headers.get(field, field) or gettext("whole row"), value, code, reason])
    return codecs.BOM_UTF8 + text.getvalue().encode()


def report_answer(file_id: int, organisation_id: int | None) -> Response:
    """The report of an import as a download."""
    row = db.session.get(StoredFile, file_id)
    if row is None or row.purpose != _REPORT or row.organisation_id != organisation_id:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return kept(row)


def sentence_on(summary: importing.Summary) -> str:
    """What became of the rows, in one sentence."""
    sentence: str = gettext(
        "%(created)d new, %(updated)d changed, %(unchanged)d as before, %(rejected)d not taken.",
        created=summary.created,
        updated=summary.updated,
        unchanged=summary.unchanged,
        rejected=summary.rejected,
    )
    return sentence
