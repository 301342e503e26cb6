"""The whole result of a search, as far as a reader may page, for taking along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .document import OfferDocument
from .query import WINDOW
from .services import SearchResult, search

CHUNK: Final = 2_500
"""How many hits are fetched at once: to reach deep into a result costs more than to hold a part of it."""


@dataclass(frozen=True)
class WholeResult:
    """The first hits, which say where the rest comes from, and all of them, once."""

    first: SearchResult
    documents: Iterator[OfferDocument]

    @property
    def cut(self) -> bool:
        """Whether there are more than may be taken along."""
        return self.first.page.total > WINDOW


def whole(params: Mapping[str, str | Sequence[str]]) -> WholeResult:
    """Everything that a search finds, in its order, `WINDOW` offers at most; read as it is used.

    What changes meanwhile may be missing, but nothing comes twice.

    Raises:
        QueryError: the parameters are not understood (422).
        EngineUnavailable: neither the engine nor a stand-by answers (503), at once or while it is read.
    """
    asked = {name: value for name, value in params.items() if name not in ("page", "size")}
    first = search({**asked, "page": "1", "size": str(CHUNK)})
    return WholeResult(first, _documents(asked, first))


def _documents(asked: Mapping[str, str | Sequence[str]], first: SearchResult) -> Iterator[OfferDocument]:
    seen: set[str] = set()
    last = -(-min(first.page.total, WINDOW) // CHUNK)
    found = first
    for number in range(1, last + 1):
        if number > 1:
            found = search({**asked, "page": str(number), "size": str(CHUNK)})
        for hit in found.page.items:
            if hit.document.id not in seen:
                seen.add(hit.document.id)
                yield hit.document
