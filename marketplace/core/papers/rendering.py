"""Papers as PDF/A-2b files: pure functions of a template, its values and the fonts."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno

from marketplace.core.lazily import Lazily

from .wording import aware

if TYPE_CHECKING:
    import typst
else:
    typst = Lazily("typst")

# Where a template may import from: those of every package share the sheet `/core/papers/templates/paper.typ`.
ROOT = Path(__file__).parent.parent.parent
FONTS = Path(__file__).parent / "fonts"

# Where the visible signature goes on the last A4 sheet, in points from the top left corner.
SEAL = {"x": 332, "top": 668, "width": 198, "height": 84}

_UNDRAWABLE = re.compile(r'the text `"(.*?)"` could not be displayed')
# As Rust writes a string: what typst could not draw is quoted so, blanks between it included.
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.))")
_BLANKS = {"n": "", "r": "", "t": ""}
# Direction overrides could make a paper read otherwise than its values do.
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class MissingGlyph(ValueError):
    """The paper holds characters that no font at hand can draw; `characters` names each once, in order.

    A rare character in a name must not become a box on a legal paper: an operator adds a font that has it.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(dict.fromkeys("".join(characters)))
        codes = ", ".join(f"{character!r} U+{ord(character):04X}" for character in self.characters)
        super().__init__(f"no font has: {codes}")


def render(
    template: Path, values: dict[str, Any], made_at: datetime, fallback_fonts: Path | None = None
) -> bytes:
    """Return a typst template as PDF/A-2b; the values reach it as JSON, never as markup.

    `made_at` is the file's creation date: taken from the data, so that the same values give the
    same bytes. Raises MissingGlyph for what no font draws, control and direction characters included.
    """
    data = json.dumps(values, ensure_ascii=False)
    if unprintable := [character for character in _texts(values) if _is_unprintable(character)]:
        raise MissingGlyph(unprintable)
    try:
        return typst.compile(
            template,
            root=ROOT,
            font_paths=_fonts(fallback_fonts),
            format="pdf",
            pdf_standards="a-2b",
            timestamp=aware(made_at).astimezone(UTC).replace(microsecond=0),
            sys_inputs={"data": data, "seal": json.dumps(SEAL)},
        )
    except typst.TypstError as error:
        if missing := _UNDRAWABLE.findall(error.diagnostic):
            raise MissingGlyph(
                _ESCAPE.sub(
                    lambda code: chr(int(code[1], 16)) if code[1] else _BLANKS.get(code[2], code[2]), text
                )
                for text in missing
            ) from error
        raise


def qr_code(address: str) -> str:
    """Return the QR code of an address as SVG; the paper leaves the quiet zone of four modules around it."""
    svg = BytesIO()
    segno.make(address, error="m", micro=False).save(svg, kind="svg", border=0, xmldecl=False)
    return svg.getvalue().decode()


@lru_cache(maxsize=4)
def _fonts(fallback_fonts: Path | None) -> typst.Fonts:
    folders = [FONTS] if fallback_fonts is None else [FONTS, fallback_fonts]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


def _texts(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(_texts(part) for part in value.values())
    if isinstance(value, list | tuple):
        return "".join(_texts(part) for part in value)
    return ""


def _is_unprintable(character: str) -> bool:
    if character in "\n\r\t":
        return False
    return unicodedata.category(character) in {"Cc", "Cs", "Co"} or character in _DIRECTION_MARKS
