"""A sheet as PDF/A-2b and as DOCX: pure functions of its values and of the fonts."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from marketplace.core.papers import MissingGlyph, content_digest, render

from .content import Item, Sheet

TEMPLATE = Path(__file__).parent / "templates" / "form.typ"
_NAVY = RGBColor(0x1D, 0x3A, 0x6B)
_MUTED = RGBColor(0x5B, 0x67, 0x79)


def pdf(sheet: Sheet, fallback_fonts: Path | None = None, *, sealed: bool = False) -> bytes:
    """The paper as PDF/A-2b, the same bytes for the same values.

    `sealed` keeps the place of the platform's seal and says what it means. `fallback_fonts` is a folder of
    further fonts for rare characters. Raises MissingGlyph.
    """
    values = asdict(sheet) | {"digest": content_digest(sheet), "sealed": sealed}
    values.pop("made_at")
    return render(TEMPLATE, values, sheet.made_at, fallback_fonts)


def docx(sheet: Sheet) -> bytes:
    """The paper as DOCX, to go on editing. Raises MissingGlyph for control and direction characters."""
    _refuse_unprintable(asdict(sheet))
    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(22)
    page.top_margin = page.bottom_margin = Mm(22)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "SimSun", Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "SimSun")
    properties = document.core_properties
    properties.title, properties.author, properties.language = sheet.title, sheet.issuer, "zh-CN"
    properties.created = properties.modified = sheet.made_at.replace(tzinfo=None)

    _paragraph(document, sheet.title, size=18, bold=True, colour=_NAVY, centred=True)
    _paragraph(document, sheet.english, size=8, colour=_MUTED, centred=True)
    _paragraph(document, sheet.opening).paragraph_format.first_line_indent = Pt(21)
    if sheet.rows:
        table = document.add_table(rows=0, cols=2)
        table.style = "Table Grid"
        for row in sheet.rows:
            left, right = table.add_row().cells
            left.width, right.width = Mm(44), Mm(122)
            left.paragraphs[0].add_run(row.chinese).bold = True
            small = left.add_paragraph().add_run(row.english)
            small.font.size, small.font.color.rgb = Pt(7.5), _MUTED
            _fill(right, row.value)
    for section in sheet.sections:
        _paragraph(document, section.chinese, size=12, bold=True, colour=_NAVY)
        for text in section.paragraphs:
            for line in text.split("\n"):
                _paragraph(document, line)
        for item in section.items:
            _item(document, item)
    for words in sheet.signatures:
        _paragraph(document, "")
        _paragraph(document, f"{words}　　　　　　　　　　日期：")
    for note in sheet.notes:
        _paragraph(document, note, size=8, colour=_MUTED)
    if sheet.demonstration:
        _paragraph(
            document, "演示环境生成，所载内容均属虚构，不具法律效力 Demonstration only", size=8, colour=_MUTED
        )
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _paragraph(
    document: Any,
    text: str,
    *,
    size: float = 10.5,
    bold: bool = False,
    colour: RGBColor | None = None,
    centred: bool = False,
) -> Any:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)
    if colour is not None:
        run.font.color.rgb = colour
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    return paragraph


def _fill(cell: Any, text: str) -> None:
    first, *others = text.split("\n")
    cell.paragraphs[0].add_run(first)
    for line in others:
        cell.add_paragraph(line)


def _item(document: Any, item: Item) -> None:
    paragraph = _paragraph(document, f"{'☑' if item.done else '☐'} {item.text}", bold=True)
    small = paragraph.add_run(f"\n{item.basis}")
    small.font.size, small.font.color.rgb = Pt(8), _MUTED


def _refuse_unprintable(values: object) -> None:
    texts: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            for part in value.values():
                walk(part)
        elif isinstance(value, list | tuple):
            for part in value:
                walk(part)

    walk(values)
    marks = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    wrong = [
        character
        for character in "".join(texts)
        if character not in "\n\r\t"
        and (unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} or character in marks)
    ]
    if wrong:
        raise MissingGlyph(wrong)
