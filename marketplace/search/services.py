"""Searching as pages and API do it: ask a live generation, check what is shown against the database."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.listings.models import Offer, Patent, in_force

from . import suggestions
from .answering import ask
from .engine import Hit, SearchEngine, SearchPage
from .language import widen
from .models import SearchGeneration
from .query import SearchQuery, parse


@dataclass(frozen=True)
class SearchResult:
    """A page of hits with where it comes from.

    Attributes:
        page: hits, total and facets.
        query: what was asked, parsed.
        engine: name of the engine that answered.
        degraded: whether a substitute answered.
        as_of: up to when changes are in the index.
        relaxed: where the words found nothing, what the offers shown are near in: most of the `characters`,
            or `meaning`.
        did_you_mean: a text that finds more, where the one that was asked finds little or nothing.
        without_filters: how many offers there would be without filters, where there are none with them.
    """

    page: SearchPage
    query: SearchQuery
    engine: str
    degraded: bool
    as_of: dt.datetime
    relaxed: str | None = None
    did_you_mean: str | None = None
    without_filters: int = 0


class Found(NamedTuple):
    """What an engine gave, for which query, and what helps where it gave nothing."""

    page: SearchPage
    query: SearchQuery
    relaxed: str | None = None
    did_you_mean: str | None = None
    without_filters: int = 0


Nearest = Callable[[str], Sequence[int]]
"""Gives ids of the offers nearest in meaning to a text, the nearest first."""


def search(params: Mapping[str, str | Sequence[str]], nearest: Nearest | None = None) -> SearchResult:
    """Answer the parameters of an address.

    Args:
        params: names and values.
        nearest: asked where neither the words nor their characters find anything.

    Raises:
        QueryError: a parameter or value is not known, or the page too deep (422).
        EngineUnavailable: neither the engine nor a stand-by answers (503 `search-unavailable`).
    """
    query = widen(parse(params))
    found, source = ask(lambda engine, generation: _find(engine, generation, query, nearest))
    return SearchResult(
        _checked(found.page),
        found.query,
        source.engine,
        source.degraded,
        source.as_of,
        found.relaxed,
        found.did_you_mean,
        found.without_filters,
    )


def _find(
    engine: SearchEngine, generation: SearchGeneration, query: SearchQuery, nearest: Nearest | None
) -> Found:
    """What `query` finds; if nothing, whatever comes nearest to it."""
    page = engine.search(generation.name, query)
    if page.total >= _FEW or not query.asks or query.exact:
        return Found(page, query)
    if page.total:
        return Found(page, query, did_you_mean=_meant(engine, generation, query, page.total))
    if query.filtered and (without := _count(engine, generation, _unfiltered(query))):
        return Found(page, query, without_filters=without)
    meant = _meant(engine, generation, query, 0)
    relaxed = dataclasses.replace(query, relaxed=True, widened=())
    by_characters = engine.search(generation.name, relaxed)
    if by_characters.total:
        return Found(by_characters, relaxed, "characters", meant)
    if ids := [str(offer_id) for offer_id in (nearest(query.wording) if nearest else ())]:
        unworded = dataclasses.replace(
            query, text="", phrases=(), widened=(), within=tuple(ids), page=1, size=len(ids)
        )
        by_meaning = engine.search(generation.name, unworded)
        ordered = sorted(by_meaning.items, key=lambda hit: ids.index(hit.document.id))
        if ordered:
            items = ordered[query.first : query.last]
            return Found(dataclasses.replace(by_meaning, items=items), query, "meaning", meant)
    return Found(page, query, None, meant)


_FEW: Final = 5
"""Hits below which a slip is thought of."""


def _meant(engine: SearchEngine, generation: SearchGeneration, query: SearchQuery, found: int) -> str | None:
    """A text that sounds or looks like the query's and finds more."""
    meant = suggestions.correct(query.text) if query.text else None
    if meant is None:
        return None
    other = widen(dataclasses.replace(query, text=meant, widened=()))
    return meant if _count(engine, generation, other) > found else None


def _count(engine: SearchEngine, generation: SearchGeneration, query: SearchQuery) -> int:
    return engine.search(generation.name, dataclasses.replace(query, page=1, size=1)).total


def _unfiltered(query: SearchQuery) -> SearchQuery:
    """The words of a query alone."""
    return SearchQuery(text=query.text, phrases=query.phrases, excluded=query.excluded, widened=query.widened)


def _checked(page: SearchPage) -> SearchPage:
    """Without what is no longer live by the database: a stale index never shows a withdrawn offer as live."""
    ids = [int(hit.document.id) for hit in page.items]
    live = live_ids(ids)
    items: list[Hit] = [hit for hit in page.items if int(hit.document.id) in live]
    return SearchPage(items, page.total - (len(page.items) - len(items)), page.facets)


def live_ids(offer_ids: Sequence[int]) -> set[int]:
    """Which of these offers are in force today, by the database."""
    if not offer_ids:
        return set()
    today = clock.today()
    rows = db.session.execute(_STATES, {"ids": list(offer_ids)})
    return {
        id_
        for id_, status, evidence, announced_on, term_to, expires_on in rows
        if in_force(
            today,
            status=status,
            evidence=evidence,
            announced_on=announced_on,
            term_to=term_to,
            expires_on=expires_on,
        )
    }


# Made once: putting a statement together takes longer than the database needs to answer it.
_STATES: Final = (
    sa.select(Offer.id, Offer.status, Offer.evidence, Offer.announced_on, Offer.term_to, Patent.expires_on)
    .join(Patent, Patent.id == Offer.patent_id)
    .where(Offer.id.in_(sa.bindparam("ids", expanding=True)))
)
