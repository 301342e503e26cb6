"""What a need is about: its weightiest words and characters, and how offers score by them.

Single characters carry most of the ranking and words a little, rare ones more than the engine's own formula
gives them: on real demands against short titles this was best (docs/matching.md has the figures). The terms
are chosen and weighed here, from counts that both engines give alike, so that both rank by the same.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from marketplace.search import analysis
from marketplace.search.engine import Ranked, SearchEngine

from . import generic

WORDS: Final = 25
"""How many words of a need are scored, the weightiest ones."""

CHARACTERS: Final = 80
"""How many characters of a need are scored, the weightiest ones."""

_TITLE_WEIGHT: Final = 6.0
_WORD_WEIGHT: Final = 0.5  # beside a character's 1
_GENERIC_WEIGHT: Final = 0.3  # of a word that any need may have
_SIDE_BY_SIDE: Final = 1.25  # what a score is raised by where all pairs of the title are in the offer
_SHARPENED: Final = 0.75  # power of a term's idf by which it counts more, beyond BM25's own idf
_LONGEST: Final = 4_000  # characters of a text that are looked at
_COUNTED: Final = 160  # words, and characters, whose frequency is asked for
_COUNTED_EACH: Final = 7  # for each word that is scored
_TITLE_LENGTH: Final = 60
_GIST: Final = 120
_BEGINNING: Final = 160
_RARE: Final = 0.02  # commoner words would join a new offer to far too many demands
_RARE_AT_LEAST: Final = 3  # offers, while there are few
_HEAD: Final = re.compile(r"(?P<head>[^\n。；;！!？?]+)(?:[\n。；;！!？?]|\.\s)(?P<rest>.*)", re.DOTALL)
_HAN_RUN: Final = re.compile(f"[{analysis.HAN}]{{2,}}")
_LATIN: Final = re.compile(r"[a-z]{3,}")

Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Need:
    """What somebody looks for, in their own words: a title that says it shortly, and a description."""

    title: str
    description: str

    @classmethod
    def of(cls, text: str) -> Need:
        """The need in a plain text; a short first line or sentence counts as its title."""
        match = _HEAD.match(text.strip())
        if match and len(match["head"]) <= _TITLE_LENGTH and match["rest"].strip():
            return cls(match["head"].strip(), match["rest"].strip())
        return cls("", text.strip())

    @property
    def text(self) -> str:
        """Everything that is said."""
        return f"{self.title}\n{self.description}" if self.title else self.description

    @cached_property
    def words(self) -> Mapping[str, float]:
        """Every word with its weight by how often it is said, before it is known how rare it is."""
        weights = _weights(
            analysis.terms(self.title[:_LONGEST]), analysis.terms(self.description[:_LONGEST]), frozenset()
        )
        return {
            word: weight * (_GENERIC_WEIGHT if generic.is_generic(word) else 1.0)
            for word, weight in weights.items()
        }

    @cached_property
    def in_title(self) -> frozenset[str]:
        """The words of the title; of a need without one those of its beginning."""
        return frozenset(analysis.terms(self.title[:_LONGEST] or self.description[:_TITLE_LENGTH]))

    @cached_property
    def pairs(self) -> frozenset[str]:
        """The Chinese characters of the title, or of the beginning, two by two as they stand side by side."""
        return side_by_side(self.title[:_LONGEST] or self.description[:_TITLE_LENGTH])

    @property
    def gists(self) -> tuple[str, ...]:
        """What it is about, by which meanings are compared: in a sentence, and with what is said next."""
        if self.title and self.description:
            return self.title[:_GIST], f"{self.title}。{self.description}"[:_BEGINNING]
        return ((self.title or self.description)[:_GIST],)

    @cached_property
    def characters(self) -> Mapping[str, float]:
        """The same of every single character; English words and numbers count as one."""
        return _weights(
            analysis.characters(self.title[:_LONGEST]),
            analysis.characters(self.description[:_LONGEST]),
            analysis.STOP,
        )

    @cached_property
    def spelling(self) -> Mapping[str, str]:
        """Stem of an English word → the word as it is written here first."""
        found: dict[str, str] = {}
        for word in _LATIN.findall(analysis.normalise(self.text[: 2 * _LONGEST])):
            found.setdefault(analysis.stem(word), word)
        return found


@dataclass(frozen=True)
class Weighed:
    """The terms a need is scored by, with weights; how many offers have each of its words, of `total`."""

    words: Mapping[str, float]
    characters: Mapping[str, float]
    counts: Mapping[str, int]
    total: int

    def rarity(self, word: str) -> float:
        """How rare a word is: 1 when a single offer has it, nearly 0 when all have it, 0 when none has."""
        count = self.counts.get(word, 0)
        return _idf(count, self.total) / _idf(1, self.total) if count and self.total else 0.0


def weigh(
    engine: SearchEngine, generation: str, need: Need, *, most: int = WORDS, characters_too: bool = True
) -> Weighed:
    """The weightiest words and characters by tf-idf, the frequencies taken from the index.

    Terms that no offer has are left out: they cannot tell offers apart.

    Args:
        most: so many words at most.
        characters_too: False for words alone.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    single = need.characters if characters_too else {}
    asked = min(_COUNTED, _COUNTED_EACH * most)
    counts = engine.frequencies(generation, _most(need.words, asked), _most(single, _COUNTED))
    words = _chosen(need.words, counts.words, counts.total, most)
    characters = _chosen(single, counts.characters, counts.total, CHARACTERS)
    return Weighed(
        {
            word: _WORD_WEIGHT * weight
            for word, weight in _sharpened(words, counts.words, counts.total).items()
        },
        _sharpened(characters, counts.characters, counts.total),
        counts.words,
        counts.total,
    )


def rare_words(weighed: Weighed, need: Need) -> dict[str, float]:
    """The weightiest telling words of a need that at most one offer in fifty has, with their weights.

    Words that no offer has yet are among them: a new offer may be the first.
    """
    weights = {
        word: need.words[word] * _idf(count, weighed.total)
        for word, count in weighed.counts.items()
        if generic.is_telling(word) and count <= max(_RARE * weighed.total, _RARE_AT_LEAST)
    }
    rare = sorted(weights, key=lambda word: (-round(weights[word], 6), word))
    return {word: round(weights[word], 3) for word in rare[:WORDS]}


def rank(
    engine: SearchEngine,
    generation: str,
    weighed: Weighed,
    *,
    ids: Collection[str] | None = None,
    size: int = 100,
) -> Sequence[Ranked]:
    """Live offers by how well they fit, best first; `ids` limits the candidates.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    return engine.scores(generation, weighed.words, weighed.characters, ids=ids, size=size)


def side_by_side(text: str) -> frozenset[str]:
    """The pairs of Chinese characters that stand side by side in a text."""
    runs = _HAN_RUN.findall(analysis.normalise(text))
    return frozenset(run[n : n + 2] for run in runs for n in range(len(run) - 1))


def nearer(
    need: Need, scores: Mapping[Key, float], texts: Mapping[Key, str], most: float = _SIDE_BY_SIDE
) -> dict[Key, float]:
    """Scores raised by the part of the need's pairs that the offer's text has.

    By single characters alone an offer with all of them strewn about stands above one that says the same.

    Args:
        scores: by words and characters.
        texts: of the same offers, title and abstract in one.
        most: what a score is raised by where all pairs are there.
    """
    if not need.pairs:
        return dict(scores)
    return {
        one: round(
            score * (1 + most * len(need.pairs & side_by_side(texts.get(one, ""))) / len(need.pairs)), 3
        )
        for one, score in scores.items()
    }


def _weights(title: list[str], description: list[str], stop: frozenset[str]) -> dict[str, float]:
    in_title, in_description = Counter(title), Counter(description)
    return {
        term: _TITLE_WEIGHT * in_title[term] + math.sqrt(in_description[term])
        for term in dict.fromkeys((*title, *description))
        if term not in stop
    }


def _most(weights: Mapping[str, float], many: int) -> list[str]:
    return sorted(weights, key=lambda term: (-weights[term], term))[:many]


def _chosen(
    weights: Mapping[str, float], counts: Mapping[str, int], total: int, most: int
) -> dict[str, float]:
    """The `most` weightiest of the terms that any offer has."""
    present = [term for term, count in counts.items() if count]
    present.sort(key=lambda term: (-round(weights[term] * _idf(counts[term], total), 6), term))
    return {term: weights[term] for term in present[:most]}


def _sharpened(chosen: Mapping[str, float], counts: Mapping[str, int], total: int) -> dict[str, float]:
    """The weights of rare terms raised against those of common ones, by one factor on average."""
    factors = {term: _idf(counts[term], total) ** _SHARPENED for term in chosen}
    mean = sum(factors.values()) / len(factors) if factors else 1.0
    return {term: round(weight * factors[term] / mean, 4) for term, weight in chosen.items()}


def _idf(count: int, total: int) -> float:
    """How much a term says: the more, the fewer offers have it."""
    return math.log(1 + total / (count + 0.5))
