"""By what figures may be cut, read from codes: region, IPC section and class, industry. Pure functions."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib import resources

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


def industry_of(symbol: str | None) -> str | None:
    """The division (大类) of GB/T 4754-2017 that the longest known leading part of a symbol stands for."""
    text = (symbol or "").strip().upper()
    if _LOCARNO.match(text):
        text = LOCARNO + text
    table = _industries()
    for length in range(min(len(text), 5), 2, -1):
        found = table.get(text[:length])
        if found is not None:
            return found
    return None


def industry_name(code: str, *, english: bool) -> str:
    """The name of a division of GB/T 4754-2017; the code itself if it has none here."""
    found = _names().get(code)
    return found[english] if found else code


@cache
def _industries() -> dict[str, str]:
    return {row[0]: row[1] for row in _rows("industries.tsv")}


@cache
def _names() -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in _rows("industry_names.tsv")}


def _rows(name: str) -> list[list[str]]:
    with (resources.files("marketplace.statistics") / "data" / name).open(encoding="utf-8") as file:
        return [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
