"""Empty lists to fill in: a spreadsheet with headers, choices to pick from, and notes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from flask import Response
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.core import importing
from marketplace.core.lazily import Lazily
from marketplace.listings import columns as listing_columns

from . import labels
from .downloads import saved
from .formats import english

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = Lazily("openpyxl")

LARGEST = 20_000  # rows that are taken through a page; larger lists are the operator's command
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
    "title_en": _l("Empty leaves it as it is; 无 removes it."),
    "abstract": _l("Empty leaves it as it is; 无 removes it."),
    "abstract_en": _l("Empty leaves it as it is; 无 removes it."),
    "grant_date": _l("Empty leaves it as it is; 无 removes it."),
    "application": _l("Empty leaves it as it is; 无 removes it."),
    "problem": _l("Empty leaves it as it is; 无 removes it."),
    "advantage": _l("Empty leaves it as it is; 无 removes it."),
    "facts_as_of": _l("The day on which these facts were so."),
    "fee": _l("In yuan: the fixed fee, or the entry fee."),
    "rate": _l("In per cent: 3 or 3%"),
    "payee": _l("Account name|bank|account number; empty: the holder's account."),
    "channels": _l("bank;stripe - empty: all that the holder has."),
    "amount": _l("In yuan."),
    "effective_on": _l("Empty: the later of the days of notice and payment."),
    "recordal_number": _l("Makes the licence count."),
    "source": _l("Where this is known from."),
    "serial": _l("The bank's own number of the booking: by it a line is taken once only."),
    "remark": _l("What the payer wrote: the payment reference is looked for here."),
}
_OF_KIND = {
    ("own-patents", "title"): _l("Empty: as registered here. Needed where the patent is not."),
    ("own-patents", "abstract"): _l("Empty: as before. The more it says, the better offers are found."),
    ("own-patents", "ipc"): _l("IPC symbols, several separated by ; empty: as before."),
    ("demands", "title"): _l("What is needed, in one sentence."),
    ("demands", "organisation"): _l("The firm's full name."),
    ("demands", "external_id"): _l("Your own number: by it a row is known again."),
    ("demands", "description"): _l("Everybody can read this."),
    ("demands", "confidential"): _l("Only organisations to which access is granted read this."),
    ("demands", "industry"): _l("Division of GB/T 4754, code or name; empty: by the IPC class."),
    ("demands", "budget"): _l("In yuan."),
    ("demands", "named"): _l("no: the firm's name is not shown; then describe it."),
    ("demands", "described_as"): _l("What others read in place of the name."),
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
_AS_TEXT = ("number", "code", "account", "ipc", "serial")


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
        letter = openpyxl.utils.get_column_letter(position)
        cell = sheet.cell(1, position, header(column))
        cell.font = openpyxl.styles.Font(bold=True, color="FFFFFF")
        cell.fill = openpyxl.styles.PatternFill("solid", fgColor="1F5AA6" if column.required else "566171")
        sheet.column_dimensions[letter].width = 18
        if any(part in column.name for part in _AS_TEXT):
            sheet.column_dimensions[letter].number_format = "@"
            for row in range(2, 502):
                sheet.cell(row, position).number_format = "@"
        choices = _choices(kind, column.name)
        if choices:
            rule = openpyxl.worksheet.datavalidation.DataValidation(
                type="list", formula1=f'"{",".join(choices)}"', allow_blank=True
            )
            rule.add(f"{letter}2:{letter}{LARGEST}")
            sheet.add_data_validation(rule)
        notes.append(
            [
                header(column),
                gettext("yes") if column.required else "",
                " / ".join(choices),
                str(_OF_KIND.get((kind, column.name)) or _NOTES.get(column.name, "")),
            ]
        )
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCD", (24, 10, 44, 70), strict=True):
        notes.column_dimensions[letter].width = width
    for cell in notes[1]:
        cell.font = openpyxl.styles.Font(bold=True)
    for row in notes.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = openpyxl.styles.Alignment(wrap_text=True, vertical="top")
    content = io.BytesIO()
    book.save(content)
    return saved(content.getvalue(), f"{labels.name('list_kind', kind)}.xlsx")
