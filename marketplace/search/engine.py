"""What every search engine offers, and what both share: the order of hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple, Protocol, TypeVar

from marketplace.core.errors import N_, Unavailable
from marketplace.search.document import OfferDocument
from marketplace.search.query import Facet, SearchQuery

_GENERATION: Final = re.compile(r"[a-z0-9][a-z0-9\-]{0,63}")


_UNAVAILABLE: Final = N_("Search is not available at the moment. Please try again shortly.")


class EngineUnavailable(Unavailable):
    """The engine does not answer in time or at all (503); `detail` is for the log, not for readers."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "search-unavailable", "Search is not available at the moment. Please try again shortly."
        )
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class GenerationMissing(EngineUnavailable):
    """The engine answers but has no such generation: it was dropped, or never built."""


class Ranked(NamedTuple):
    """An offer's id and its score."""

    id: str
    score: float


class Frequencies(NamedTuple):
    """How many offers an index holds, and how many of them have each word and each single character."""

    total: int
    words: Mapping[str, int]
    characters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A facet's value and the number of live offers with it."""

    value: str
    count: int


class Scanned(NamedTuple):
    """What an index holds of one offer, to be compared with the database; `digest` as of `OfferDocument`."""

    id: str
    version: int
    live: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An offer that was found. `highlights` maps names of fields with matches to safe HTML with `<mark>`."""

    document: OfferDocument
    score: float
    highlights: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits, the number of all hits, and the counts by facet name, most frequent first."""

    items: Sequence[Hit]
    total: int
    facets: Mapping[str, Sequence[FacetCount]]


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What became of a batch.

    `written`; `stale`, because the index holds a newer version already; `rejected`, pairs of an id and the
    engine's reason, which must not be lost.
    """

    written: int = 0
    stale: int = 0
    rejected: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: WriteReport) -> WriteReport:
        return WriteReport(
            self.written + other.written, self.stale + other.stale, self.rejected + other.rejected
        )


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether the engine answers, and what it says about itself."""

    name: str
    available: bool
    detail: str


class SearchEngine(Protocol):
    """An index of offers in generations that live side by side.

    Every call may raise `EngineUnavailable`, all that name a generation but `create` and `drop` also
    `GenerationMissing`. A written document is visible to the next search in any process.
    """

    @property
    def name(self) -> str:
        """`embedded` or `elasticsearch`."""

    def create(self, generation: str) -> None:
        """Make an empty generation (a-z, 0-9, hyphens); one that exists stays as it is."""

    def drop(self, generation: str) -> None:
        """Remove a generation; one that does not exist is no error."""

    def write(self, generation: str, documents: Iterable[OfferDocument]) -> WriteReport:
        """Write documents whole. An older version never replaces a newer one; an equal one does."""

    def search(self, generation: str, query: SearchQuery) -> SearchPage:
        """The page of live offers that `query` asks for; past the end an empty page with the right total."""

    def scan(self, generation: str) -> Iterator[Scanned]:
        """All documents, ended offers included, in no particular order."""

    def scores(
        self,
        generation: str,
        words: Mapping[str, float],
        characters: Mapping[str, float],
        *,
        ids: Collection[str] | None = None,
        size: int = 100,
    ) -> Sequence[Ranked]:
        """The best live offers by weights of terms (`analysis.terms`) and of `analysis.characters`.

        `ids` limits the candidates. Ordered as `search` orders by relevance.
        """

    def frequencies(
        self, generation: str, words: Collection[str], characters: Collection[str]
    ) -> Frequencies:
        """How many offers, ended ones included, hold each of the terms and characters that `scores` takes."""

    def health(self) -> EngineHealth:
        """Whether the engine answers; never raises `EngineUnavailable`."""

    def close(self) -> None:
        """Let go of connections and open files."""


def check_generation(generation: str) -> str:
    """`generation` itself, if it may be the name of one. Raises ValueError."""
    if not _GENERATION.fullmatch(generation):
        raise ValueError(f"not a generation's name: {generation!r}")
    return generation


SPARE: Final = 60
"""How many hits behind a page are fetched at first, for ties across its end."""

_MOST: Final = 1_000_000
Place = TypeVar("Place")


def best(
    fetch: Callable[[int], Sequence[tuple[float, Place]]],
    identify: Callable[[Place], str],
    first: int,
    last: int,
) -> list[tuple[Ranked, Place]]:
    """Hits `first` to `last` in the order of descending score, rounded to three places, then of id.

    Engines break ties as their segments happen to lie, and their scores differ in the seventh digit; with
    this order both give the same pages. `fetch` gives the so many best hits, best first; `identify` an id.
    """
    limit = last + SPARE
    rows = fetch(limit)
    # Equal scores across the page's end: all of them are needed to know whose ids come first.
    while len(rows) == limit < _MOST and round(rows[-1][0], 3) == round(rows[last - 1][0], 3):
        limit = min(limit * 8, _MOST)
        rows = fetch(limit)
    groups = groupby(
        sorted(((round(score, 3), place) for score, place in rows), key=lambda row: -row[0]), itemgetter(0)
    )
    page: list[tuple[Ranked, Place]] = []
    position = 0
    for score, group in groups:
        places = [place for _, place in group]
        if position + len(places) > first:  # ids are read only where they decide
            named = sorted(((identify(place), place) for place in places), key=itemgetter(0))
            page += [
                (Ranked(id_, score), place)
                for id_, place in named[max(0, first - position) : last - position]
            ]
        position += len(places)
        if position >= last:
            break
    return page


def counted(values: Mapping[str, int], facet: Facet) -> tuple[FacetCount, ...]:
    """A facet's counts in its order: by value, or the most frequent first and then by value."""
    ordered = sorted(values.items(), key=lambda pair: (0 if facet.ordered else -pair[1], pair[0]))
    return tuple(FacetCount(value, number) for value, number in ordered if number)
