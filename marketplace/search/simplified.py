"""Traditional characters made simplified as OpenCC does it, from its tables alone.

Its library reads the tables of all directions and regions, which takes 26 MB in each process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final


def _table() -> dict[str, str]:
    text = resources.files(__package__).joinpath("data", "simplified.txt").read_text(encoding="utf-8")
    rows = (line.partition("\t") for line in text.splitlines() if not line.startswith("#"))
    return {key: simple for key, _, simple in rows}


_TABLE: Final = _table()
_WORDS: Final[Mapping[str, str]] = {key: simple for key, simple in _TABLE.items() if len(key) > 1}
_SIGNS: Final[Mapping[int, str]] = {ord(key): simple for key, simple in _TABLE.items() if len(key) == 1}
_WORD: Final = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)))
_TURNED: Final = frozenset(
    sign
    for word, simple in _WORDS.items()
    for sign, made in zip(word, simple, strict=True)
    if made != _SIGNS.get(ord(sign), sign)
)
"""Characters that a word may turn into another than they become alone."""

_TRADITIONAL: Final = _TURNED.union(map(chr, _SIGNS))


def simplify(text: str) -> str:
    """Traditional characters of `text` made simplified, one for one.

    Most characters have one simplified form; what 乾, 著 and the like become depends on the word they are in.
    """
    if _TRADITIONAL.isdisjoint(text):
        return text
    if _TURNED.isdisjoint(text):
        return text.translate(_SIGNS)
    made, end = [], 0
    for word in _WORD.finditer(text):
        made += [text[end : word.start()].translate(_SIGNS), _WORDS[word.group()]]
        end = word.end()
    return "".join((*made, text[end:].translate(_SIGNS)))
