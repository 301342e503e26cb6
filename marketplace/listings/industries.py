"""The industry that a classification symbol stands for, by a coarse table of our own. Pure functions."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

_LOCARNO = "LOC"
_LOCARNO_SYMBOL = re.compile(r"\d{2}(-\d{2})?")
_LONGEST = 5  # characters of the longest key: LOC09


def industry_of(symbol: str | None) -> str | None:
    """The division (大类) of GB/T 4754-2017 that the longest known leading part of a symbol stands for."""
    text = (symbol or "").strip().upper()
    if _LOCARNO_SYMBOL.match(text):
        text = _LOCARNO + text
    table = _industries()
    for length in range(min(len(text), _LONGEST), 2, -1):
        found = table.get(text[:length])
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Prefix:
    """Symbols that begin with `begins` and with none of `unless`."""

    begins: str
    unless: tuple[str, ...]


@cache
def prefixes_of(industry: str) -> Sequence[Prefix]:
    """How the stored symbols of an industry begin: the table read the other way round, for queries."""
    table = _industries()
    return tuple(
        Prefix(
            _stored(key),
            tuple(
                _stored(longer)
                for longer, other in table.items()
                if longer != key and longer.startswith(key) and other != industry
            ),
        )
        for key, found in table.items()
        if found == industry
    )


def industry_codes() -> frozenset[str]:
    """The divisions that have a name here."""
    return frozenset(_names())


def industry_name(code: str, *, english: bool) -> str:
    """The name of a division of GB/T 4754-2017; the code itself if it has none here."""
    found = _names().get(code)
    return found[english] if found else code


def _stored(key: str) -> str:
    return key.removeprefix(_LOCARNO)


@cache
def _industries() -> dict[str, str]:
    return {row[0]: row[1] for row in _rows("industries.tsv")}


@cache
def _names() -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in _rows("industry_names.tsv") if row[0] != "code"}


def _rows(name: str) -> list[list[str]]:
    with (resources.files(__package__) / "data" / name).open(encoding="utf-8") as file:
        return [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
