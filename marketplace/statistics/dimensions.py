"""By what figures may be cut, read from codes: region, IPC section and class, industry. Pure functions."""

from __future__ import annotations

import re

from marketplace.listings.industries import industry_name, industry_of

__all__ = ["LOCARNO", "district_of", "in_region", "industry_name", "industry_of", "section_and_class"]

LOCARNO = "LOC"
_IPC = re.compile(r"[A-H]\d{2}")
_LOCARNO = re.compile(r"\d{2}(-\d{2})?")


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


def section_and_class(symbol: str | None) -> tuple[str | None, str | None]:
    """`H01M10/0525` → `H`, `H01`; a Locarno class `09-03` → `LOC`, `LOC09`; nothing for other texts."""
    text = (symbol or "").strip().upper()
    if _IPC.match(text):
        return text[0], text[:3]
    if _LOCARNO.match(text):
        return LOCARNO, LOCARNO + text[:2]
    return None, None
