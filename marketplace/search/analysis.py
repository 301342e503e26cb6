"""Text into terms: one analysis for documents and queries, for both engines and for matching.

The engines receive the terms joined by spaces and index them with a plain whitespace analyzer, so that they
hold the same terms and rank alike.
"""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from functools import lru_cache
from importlib import resources
from itertools import chain
from typing import Final

import rjieba
import snowballstemmer

from .simplified import simplify

HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, the rare ones of GB 18030-2022 included, for the brackets of a regular expression."""

_LONGEST_TERM: Final = 64  # Elasticsearch cuts whitespace tokens at 255 characters, tantivy does not
_RUN: Final = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
_CHARACTER: Final = re.compile(f"[{HAN}]|[^\\W_{HAN}]+")
_HAN: Final = re.compile(f"[{HAN}]")
_LATIN: Final = re.compile(r"[a-z]{3,}")


def lines(name: str) -> tuple[str, ...]:
    text = resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


_TERMS: Final = lines("terms.txt")
STOP: Final = frozenset(lines("stop.txt"))
"""Words, and single characters, that carry no meaning for a search."""

VERSION: Final = "1-" + hashlib.sha256("\n".join((*_TERMS, "", *sorted(STOP))).encode()).hexdigest()[:8]
"""Changes with the rules and with the dictionaries; indexes made under another version must be rebuilt."""

_stemmer: Final = snowballstemmer.stemmer("english")
_stemmer_lock: Final = (
    threading.Lock()
)  # a snowball stemmer keeps its word in itself: not safe for two threads


for _term in _TERMS:
    rjieba.add_word(_term, None, None)  # to the package's own segmenter: a second one would take 25 MB


def normalise(text: str) -> str:
    """`text` in the form that is compared: NFKC, simplified characters, lower case."""
    if text.isascii():  # already plain but for its capitals
        return text.lower()
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates cannot reach the engines
        text = text.encode("utf-8", "replace").decode("utf-8")
    return simplify(unicodedata.normalize("NFKC", text)).lower()


def is_han(term: str) -> bool:
    """Whether `term` consists of Chinese characters."""
    return bool(_HAN.match(term))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of a lower-case English word; other words as they are, but not longer than a term may be."""
    if not _LATIN.fullmatch(word):
        return word[:_LONGEST_TERM]
    with _stemmer_lock:
        stemmed: str = _stemmer.stemWord(word)
    return stemmed[:_LONGEST_TERM]


def terms(text: str) -> list[str]:
    """The words of `text` in order, repeated as they are there.

    Chinese is cut in search mode, which gives overlapping words (太阳, 太阳能); English is stemmed; stop
    words and signs are left out.
    """
    return normal_terms(normalise(text))


def normal_terms(text: str) -> list[str]:
    """As `terms`, of a text that is normalised already."""
    if not text:
        return []
    return list(chain.from_iterable(map(_of_piece, rjieba.cut_for_search(text))))


@lru_cache(maxsize=65536)
def _of_piece(piece: str) -> tuple[str, ...]:
    """The terms in a piece that the segmenter has cut; few pieces make up most of all texts."""
    return tuple(stem(run) for run in _RUN.findall(piece) if run not in STOP)


def words(text: str) -> dict[str, tuple[str, ...]]:
    """The longest words of `text`, each once and in order, with the shorter ones that `terms` has in them."""
    pieces: list[str] = rjieba.cut(normalise(text))
    runs = (run for piece in pieces for run in _RUN.findall(piece) if run not in STOP)
    longest = (stem(run) for run in runs)
    return {word: tuple(term for term in dict.fromkeys(terms(word)) if term != word) for word in longest}


def characters(text: str) -> list[str]:
    """The single characters of `text` in order, none left out; an English word or a number counts as one."""
    return normal_characters(normalise(text))


def normal_characters(text: str) -> list[str]:
    """As `characters`, of a text that is normalised already."""
    return list(map(stem, _CHARACTER.findall(text))) if text else []  # a single sign has no stem but itself


def weighty_characters(text: str) -> list[str]:
    """The Chinese characters of `text` that may be scored, each once, in order of appearance."""
    return [sign for sign in dict.fromkeys(characters(text)) if is_han(sign) and sign not in STOP]
