"""By what figures may be cut, read from codes: region, IPC section and class, industry. Pure functions."""

from __future__ import annotations

import re

from marketplace.listings.industries import industry_name, industry_of

__all__ = ["LOCARNO", "district_of", "in_region", "industry_name", "industry_of", "path_of", "places_of"]

LOCARNO = "LOC"
_IPC = re.compile(r"([A-H])(\d{2})([A-Z]?)")
_SECTION = re.compile(r"[A-H]")
_LOCARNO = re.compile(r"(\d{2})(-\d{2})?")


def in_region(code: str | None, region: str) -> bool:
    """Whether an administrative division lies in a region; an unknown one does not.

    Args:
        code: GB/T 2260 code of a patentee.
        region: GB/T 2260 code: of a province (`310000`), a city (`330100`) or a district (`310112`).
    """
    if not code:
        return False
    if region.endswith("0000"):
        return code.startswith(region[:2])
    return code.startswith(region[:4] if region.endswith("00") else region)


def district_of(code: str | None) -> str | None:
    """The code if it names a district or county, None for a whole province or city."""
    return None if not code or code.endswith("00") else code


def places_of(symbol: str | None) -> tuple[str, str, str] | tuple[None, None, None]:
    """Section, class and subclass that a symbol lies in; nothing for other texts.

    `H01M10/0525` is in `H`, `H01`, `H01M`; a Locarno class `09-03` in `LOC`, `LOC09`, `LOC09-03`. What names
    no deeper place stands for it too, so that the places below one add up to it: `H01` in `H`, `H01`, `H01`.
    """
    text = (symbol or "").strip().upper()
    if found := _IPC.match(text):
        section, number, letter = found.groups()
        return section, section + number, section + number + letter
    if found := _LOCARNO.match(text):
        klass, subclass = found.groups()
        return LOCARNO, LOCARNO + klass, LOCARNO + klass + (subclass or "")
    if _SECTION.fullmatch(text):
        return text, text, text
    return None, None, None


def path_of(place: str) -> tuple[str, ...]:
    """A place and those above it, the outermost first: `H01M` in `H`, `H01`, `H01M`."""
    if place == LOCARNO:
        return (LOCARNO,)
    found = places_of(place.removeprefix(LOCARNO))
    return tuple(dict.fromkeys(step for step in found if step))
