"""PDFs with scripts are told from harmless ones, however the script is hidden."""

from __future__ import annotations

import io
import zlib

import pypdf
import pytest

from marketplace.core.errors import Invalid
from marketplace.core.files import checked_upload


def harmless() -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    kept = io.BytesIO()
    writer.write(kept)
    return kept.getvalue()


def in_object_stream(text: bytes) -> bytes:
    packed = zlib.compress(text)
    return (
        b"%PDF-1.7\n5 0 obj\n<</Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length "
        + str(len(packed)).encode()
        + b">>\nstream\n"
        + packed
        + b"\nendstream\nendobj\n"
    )


def test_a_pdf_without_scripts_is_taken() -> None:
    assert checked_upload(harmless()) == "application/pdf"
    # What looks like a script inside a picture or a text is none.
    picture = b"%PDF-1.7\n5 0 obj\n<</Subtype /Image>>\nstream\n/JS (x)\nendstream\nendobj\n"
    assert checked_upload(picture) == "application/pdf"


@pytest.mark.parametrize(
    "pdf",
    [
        b"%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript /JS (app.alert(1))>>>> endobj",
        b"%PDF-1.7\n1 0 obj <</S /#4a#61vaScript /J#53 (x)>> endobj",
        b"%PDF-1.7\n1 0 obj <</A <</S /Launch /F (calc.exe)>>>> endobj",
        in_object_stream(b"1 0 <</S /JavaScript /JS (x)>>"),
    ],
)
def test_a_pdf_with_a_script_is_refused_with_what_to_do(pdf: bytes) -> None:
    with pytest.raises(Invalid, match="file-active"):
        checked_upload(pdf)
