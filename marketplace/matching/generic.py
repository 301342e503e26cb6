"""Words that tell nothing: a device, a method, an effect. They may rank a little but are no reason."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Final

from marketplace.search import analysis


@lru_cache(maxsize=1)
def _generic() -> frozenset[str]:
    text = resources.files(__package__).joinpath("data", "generic.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(analysis.stem(word) for line in lines for word in line.split())


# Numbers in Chinese, also with what they count: 七十, 百分之二, 三成, 零下, 二十度.
_NUMBER: Final = re.compile(
    "(?:百分|千分|零下|第)?(?:之?[零〇一二两三四五六七八九十百千万亿几半数]+)?[年月日天度成倍次种项级号个件台套米吨克升]?"
)

COMMON: Final = 0.05
"""A word in more than this part of the offers tells nothing either, once there are enough to say so."""

ENOUGH: Final = 200
"""So many offers."""


def is_generic(word: str) -> bool:
    """Whether any need may have the word, whatever it is about."""
    return word in _generic()


def is_telling(word: str) -> bool:
    """Whether a word can be a reason: neither generic, nor a number, nor a single character."""
    return len(word) > 1 and not word.isdigit() and not is_generic(word) and not _NUMBER.fullmatch(word)
