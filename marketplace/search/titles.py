"""What the places of the classification are called: the office's scheme where it was imported, else ours.

The short titles in `listings/data/ipc.tsv` are written by hand. `marketplace import ipc` takes the official
scheme, which then goes before them.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import sqlalchemy as sa
from flask import current_app

from marketplace.core.database import db

from . import analysis
from .models import IpcTitle

_FRESH: Final = 60.0
"""Seconds for which a process may go on with titles it has read; they change once a year."""

_SUBCLASS: Final = len("H01M")
_MOST_PLACES: Final = 8
"""A word in the titles of more subclasses than that says nothing about the field: process, device."""


class Title(NamedTuple):
    """A title in both languages; empty where there is none."""

    zh: str
    en: str


@dataclass
class _Known:
    """The titles down to subclasses, deeper ones as they were asked for, and the places by word."""

    read_at: float
    upper: Mapping[str, Title]
    lower: dict[str, Title | None] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def title(symbol: str) -> Title | None:
    """The title of exactly this place (H, H01, H01M, H01M10, H01M10/0525), None if none is known."""
    known = _known()
    if len(symbol) <= _SUBCLASS:
        return known.upper.get(symbol)
    if symbol not in known.lower:
        names = (symbol, symbol if "/" in symbol else f"{symbol}/00")
        row = db.session.scalar(sa.select(IpcTitle).where(IpcTitle.symbol.in_(names)).limit(1))
        known.lower[symbol] = Title(row.title_zh, row.title_en) if row else own().get(symbol)
    return known.lower[symbol]


def upper() -> Mapping[str, Title]:
    """The titles of sections, classes and subclasses, by symbol."""
    return _known().upper


def places(word: str) -> tuple[str, ...]:
    """The places whose titles have a word (a term of `analysis.terms`); none if it is in too many."""
    return _known().places.get(word, ())


@cache
def own() -> Mapping[str, Title]:
    """The hand-written short titles by symbol."""
    path = resources.files("marketplace.listings") / "data" / "ipc.tsv"
    _header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return {symbol: Title(zh, en) for symbol, zh, en in rows}


def forget() -> None:
    """Read the titles again at the next question, because they were changed."""
    current_app.extensions.pop("marketplace.search.titles", None)


def _known() -> _Known:
    held: _Known | None = current_app.extensions.get("marketplace.search.titles")
    now = time.monotonic()
    if held is None or now - held.read_at > _FRESH:
        rows = db.session.execute(
            sa.select(IpcTitle.symbol, IpcTitle.title_zh, IpcTitle.title_en).where(
                sa.func.length(IpcTitle.symbol) <= _SUBCLASS
            )
        )
        found = {symbol: found for symbol, found in own().items() if len(symbol) <= _SUBCLASS}
        found |= {symbol: Title(zh, en) for symbol, zh, en in rows}
        if held is not None and held.upper == found:
            held = _Known(now, held.upper, places=held.places)
        else:
            held = _Known(now, found, places=_by_word(found))
        current_app.extensions["marketplace.search.titles"] = held
    return held


def _by_word(titles: Mapping[str, Title]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for symbol, (zh, en) in titles.items():
        if len(symbol) > 1:  # a section is no field
            for term in {*analysis.terms(zh), *analysis.terms(en)}:
                found.setdefault(term, set()).add(symbol)
    outermost = {term: _outermost(symbols) for term, symbols in found.items()}
    return {term: symbols for term, symbols in outermost.items() if len(symbols) <= _MOST_PLACES}


def _outermost(symbols: Iterable[str]) -> tuple[str, ...]:
    """The places that lie below no other one of them."""
    kept = set(symbols)
    return tuple(sorted(s for s in kept if len(s) <= len("H01") or s[:3] not in kept))
