"""Lists that are uploaded: templates to fill in, a rehearsal that shows every error, then the import.

The operator's gazette lists go the same way (`operator_lists`).
"""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from werkzeug.datastructures import FileStorage

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import importing
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.files import StoredFile, keep, store
from marketplace.core.tables import TableError, total_hint
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import columns as listing_columns

from . import labels
from .formats import english
from .forms import Form, status_of
from .holder_frame import blueprint, party

LARGEST = 20_000  # rows that are taken through a page; larger lists are the operator's command
_PURPOSE = "list"
_REPORT = "list_report"


@dataclass(frozen=True)
class Kind:
    """A kind of list, as the pages speak of it."""

    name: str
    title: Any
    lead: Any


KINDS = {
    "patents": Kind(
        "patents",
        _l("Upload a list of patents"),
        _l("With what you know of each: annuities, pledges, licences. An empty cell changes nothing."),
    ),
    "offers": Kind(
        "offers",
        _l("Upload declarations that CNIPA has announced"),
        _l("They count as stated by the holder until the operator has verified them against the gazette."),
    ),
    "withdrawals": Kind(
        "withdrawals",
        _l("Upload withdrawals that CNIPA has announced"),
        _l("By the number of the declaration. Licences that were taken stand."),
    ),
    "licences": Kind(
        "licences",
        _l("Upload licences taken elsewhere, and recordals"),
        _l("Open licences are counted once they are recorded; negotiated ordinary licences are kept apart."),
    ),
}


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
        """Rows that change something."""
        return self.summary.created + self.summary.updated


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
    return send_file(
        io.BytesIO(store().read(row.digest)), mimetype="text/csv", as_attachment=True, download_name=row.name
    )


# --- the holder's pages


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("import-kind-unknown", "There is no such kind of list.")
    return KINDS[name]


def _owner(mine: Organisation) -> str:
    return mine.code or mine.name


@blueprint.route("/lists/<kind>", methods=["GET", "POST"])
@access("organisation")
def upload(kind: str) -> ResponseReturnValue:
    """Choose a file; its rehearsal is shown before anything is written."""
    found, mine, actor = _kind(kind), party(), current_actor()
    form = UploadForm()
    rehearsal = None
    if form.validate_on_submit():
        organisation_id, owner = mine.id, _owner(mine)
        try:
            kept = take_upload(actor, kind, form.file.data, organisation_id)
            rehearsal = carry_out(actor, kind, kept, owner=owner, dry_run=True)
        except DomainError as error:
            form.accept(error)
    return render_template(
        "holder/upload.html",
        form=form,
        kind=found,
        kinds=KINDS,
        columns=importing.columns_of(kind),
        rehearsal=rehearsal,
        header=header,
        headers=headers_of(kind),
    ), status_of(form)


@blueprint.post("/lists/<kind>/import")
@access("organisation")
def import_list(kind: str) -> ResponseReturnValue:
    """Import a list that was rehearsed."""
    found, mine, actor = _kind(kind), party(), current_actor()
    kept = kept_list(request.form.get("file", 0, type=int), kind, mine.id)
    done = carry_out(actor, kind, kept, owner=_owner(mine), dry_run=False)
    following = url_for(f"holder.{_AFTER[kind]}")
    if done.report_id is None:
        flash(sentence_on(done.summary), "success")
        return redirect(following)
    return render_template(
        "holder/imported.html",
        kind=found,
        done=done,
        sentence=sentence_on(done.summary),
        next=following,
        headers=headers_of(kind),
    )


_AFTER = {"patents": "patents", "offers": "offers", "withdrawals": "offers", "licences": "licences"}


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


@blueprint.get("/lists/report/<int:file_id>")
@access("organisation")
def list_report(file_id: int) -> ResponseReturnValue:
    """The rows that were not taken, with line, column, value and reason."""
    return report_answer(file_id, party().id)


@blueprint.get("/lists/<kind>/template.xlsx")
@access("organisation")
def template(kind: str) -> ResponseReturnValue:
    """An empty list with its headers, choices and notes."""
    _kind(kind)
    return template_answer(kind)


# --- templates

_NOTES = {
    "number": _l("Application number, with or without ZL; format the column as text."),
    "patent_number": _l("Application number, with or without ZL; format the column as text."),
    "publication_number": _l("Only where no application number is known."),
    "title": _l("As in the patent."),
    "ipc": _l("IPC symbols, for designs Locarno classes; several separated by ;"),
    "patentees": _l("Several separated by ; in the register's order. Empty: your organisation."),
    "patentee_codes": _l("Unified social credit codes in the order of the patentees, separated by ;"),
    "patentee_regions": _l("Codes or names of the districts in the order of the patentees, separated by ;"),
    "annuity_paid_until": _l("A date; 无 if none was paid; empty if unknown."),
    "exclusive_licence_until": _l("A date; 无 if there is none; empty if unknown. Unknown counts as a bar."),
    "preserved_until": _l("A date; 无 if there is none; empty if unknown. Unknown counts as a bar."),
    "other_hindrance": _l("In words; 无 if there is none; empty if unknown."),
    "facts_as_of": _l("The day on which these facts were so."),
    "fee": _l("In yuan: the fixed fee, or the entry fee."),
    "rate": _l("In per cent: 3 or 3%"),
    "payee": _l("Account name|bank|account number; empty: the holder's account."),
    "channels": _l("bank;stripe - empty: all that the holder has."),
    "amount": _l("In yuan."),
    "effective_on": _l("Empty: the later of the days of notice and payment."),
    "recordal_number": _l("Makes the licence count."),
    "source": _l("Where this is known from."),
}
_CHOICES: dict[str, Any] = {
    "kind": listing_columns.KIND,
    "legal_status": listing_columns.LEGAL_STATUS,
    "evaluation_report": listing_columns.EVALUATION_REPORT,
    "pledged": listing_columns.PLEDGED,
    "fee_form": listing_columns.FEE_FORM,
    "rate_base": listing_columns.RATE_BASE,
}
_LICENCE_KINDS = {"open": ("开放",), "ordinary": ("普通",)}
_AS_TEXT = ("number", "code", "account", "ipc")


def header(column: Any) -> str:
    """A column's header in the reader's language, as the reader of lists knows it."""
    return str(column.name if english() or not column.zh else column.zh)


def headers_of(kind: str) -> dict[str, str]:
    """Column name → header in the reader's language."""
    return {column.name: header(column) for column in importing.columns_of(kind)}


def _choices(kind: str, name: str) -> list[str]:
    table = _LICENCE_KINDS if (kind, name) == ("licences", "kind") else _CHOICES.get(name, {})
    return [code if english() else words[0] for code, words in table.items()]


def template_answer(kind: str) -> Response:
    """An empty spreadsheet for a kind of list: headers, drop-down lists, and a sheet of notes."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101 - a new workbook has a sheet
    sheet.title = gettext("List")
    notes = book.create_sheet(gettext("Notes"))
    notes.append([gettext("Column"), gettext("Required"), gettext("Values"), gettext("Note")])
    for position, column in enumerate(importing.columns_of(kind), start=1):
        letter = get_column_letter(position)
        cell = sheet.cell(1, position, header(column))
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="1F5AA6" if column.required else "566171")
        sheet.column_dimensions[letter].width = 18
        if any(part in column.name for part in _AS_TEXT):
            sheet.column_dimensions[letter].number_format = "@"
            for row in range(2, 502):
                sheet.cell(row, position).number_format = "@"
        choices = _choices(kind, column.name)
        if choices:
            rule = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            rule.add(f"{letter}2:{letter}{LARGEST}")
            sheet.add_data_validation(rule)
        notes.append(
            [
                header(column),
                gettext("yes") if column.required else "",
                " / ".join(choices),
                str(_NOTES.get(column.name, "")),
            ]
        )
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCD", (24, 10, 44, 70), strict=True):
        notes.column_dimensions[letter].width = width
    for cell in notes[1]:
        cell.font = Font(bold=True)
    for row in notes.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    name = labels.name("list_kind", kind)
    return send_file(
        content,
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"{name}.xlsx",
    )
