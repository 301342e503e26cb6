"""What is looked for beside the words that were typed: synonyms, and the classes whose titles have them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import current_app

from . import analysis, synonyms, titles
from .query import SearchQuery, Widening
from .tree import LONGEST_UNIT

_MOST_WORDS: Final = 16
"""Words of a longer question are not widened: it says enough by itself."""

_SUBCLASS: Final = re.compile(r"[a-h][0-9]{2}[a-z]", re.ASCII)


@dataclass(frozen=True)
class _Table:
    """The list in force by what a search makes of its terms."""

    version: synonyms.Version
    groups: Mapping[str, Sequence[tuple[str, str]]]


def widen(query: SearchQuery) -> SearchQuery:
    """`query` with what the list and the titles of the classification add to its words.

    Nothing is added to what was asked word for word: `exact`, numbers, and quoted phrases alone.
    """
    if query.exact or not query.text:
        return query
    words = tuple(analysis.words(query.text))[:_MOST_WORDS]
    groups = _table().groups
    widened: list[Widening] = []
    place = 0
    while place < len(words):
        reach = 1
        for size in range(min(LONGEST_UNIT, len(words) - place), 0, -1):
            unit = words[place : place + size]
            joined = _joined(unit)
            alternatives = tuple(term for other, term in groups.get(joined, ()) if other != joined)
            places = _places(unit[0]) if size == 1 else ()
            if alternatives or places:
                widened.append(Widening(unit, alternatives, places))
                reach = size
                break
        place += reach
    return dataclasses.replace(query, widened=tuple(dict.fromkeys(widened))) if widened else query


def _places(word: str) -> tuple[str, ...]:
    return (word.upper(),) if _SUBCLASS.fullmatch(word) else titles.places(word)


def _joined(words: Sequence[str]) -> str:
    """Words in a row, however the segmenter has cut them: Chinese without spaces, other words with them."""
    text = ""
    for word in words:
        text += word if analysis.is_han(word) and (not text or analysis.is_han(text[-1])) else f" {word}"
    return text.strip()


def _table() -> _Table:
    version = synonyms.version()
    held: _Table | None = current_app.extensions.get("marketplace.search.synonyms")
    if held is None or held.version != version:
        groups: dict[str, list[tuple[str, str]]] = {}
        for terms in synonyms.in_force():
            members = [(_joined(synonyms.key(term)), term) for term in terms]
            for joined, _ in members:
                groups.setdefault(joined, []).extend(members)
        held = _Table(version, groups)
        current_app.extensions["marketplace.search.synonyms"] = held
    return held
