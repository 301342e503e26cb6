"""Chinese in pinyin without tones as pypinyin writes it, from its tables alone.

Its library makes 55 MB of them in each process; here they take 2, and only once something is asked.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import cache
from sys import intern
from typing import Final, NamedTuple

from . import analysis

_CODES: Final = 0x32400
"""One more than the code of any sign in the table."""


class _Tables(NamedTuple):
    """Sounds by character, and by word for words in which one sounds otherwise.

    `sounds` has by code the place of a sign's sound in `names`, 0 for none; `reach` by first sign the length
    of the longest word.
    """

    names: tuple[str, ...]
    sounds: array[int]
    words: Mapping[str, tuple[str, ...]]
    reach: Mapping[str, int]


@cache
def _tables() -> _Tables:
    names, sounds = [""], array("H", bytes(2 * _CODES))
    words: dict[str, tuple[str, ...]] = {}
    reach: dict[str, int] = {}
    for line in analysis.lines("pinyin.txt"):
        key, _, value = line.partition("\t")
        if analysis.is_han(key):
            words[key] = tuple(map(intern, value.split()))
            reach[key[0]] = max(len(key), reach.get(key[0], 0))
        else:
            for sign in value:
                sounds[ord(sign)] = len(names)
            names.append(key)
    return _Tables(tuple(names), sounds, words, reach)


def syllables(text: str) -> list[str]:
    """The sound of each character of `text`; a sign that has none stands for itself.

    The longest word that begins at a character decides on its sounds; in no word it has its first sound.
    """
    names, sounds, words, reach = _tables()
    made: list[str] = []
    place = 0
    while place < len(text):
        for end in range(min(len(text), place + reach.get(text[place], 1)), place + 1, -1):
            if (word := words.get(text[place:end])) is not None:
                made += word
                place = end
                break
        else:
            code = ord(text[place])
            made.append((names[sounds[code]] if code < _CODES else "") or text[place])
            place += 1
    return made
