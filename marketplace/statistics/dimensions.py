"""By what figures may be cut, read from codes: region, IPC section and class, industry. Pure functions."""

from __future__ import annotations

import re

from marketplace.listings.industries import industry_name, industry_of

__all__ = ["LOCARNO", "district_of", "in_region", "industry_name", "industry_of", "places_of"]

LOCARNO = "LOC"
_IPC = re.compile(r"([A-H])(\d{2})([A-Z]?)")
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


def places_of(symbol: str | None) -> tuple[str | None, str | None, str | None]:
    """Section, class and subclass of a symbol, as far as it names them; nothing for other texts.

    `H01M10/0525` is in `H`, `H01`, `H01M`; a Locarno class `09-03` in `LOC`, `LOC09`, `LOC09-03`.
    """
    text = (symbol or "").strip().upper()
    if found := _IPC.match(text):
        section, number, letter = found.groups()
        klass = section + number
        return section, klass, klass + letter if letter else None
    if found := _LOCARNO.match(text):
        klass, subclass = found.groups()
        return LOCARNO, LOCARNO + klass, LOCARNO + klass + subclass if subclass else None
    return None, None, None
