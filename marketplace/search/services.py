"""Searching as pages and API do it: ask the live generation, check what is shown against the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry, JournalHead
from marketplace.core.readers import JournalCursor
from marketplace.listings.models import Offer, Patent

from . import generations
from .engine import EngineUnavailable, Hit, SearchEngine, SearchPage
from .engines import engine as present_engine
from .models import SearchGeneration
from .query import SearchQuery, number_keys, parse


@dataclass(frozen=True)
class SearchResult:
    """A page of hits with where it comes from.

    Attributes:
        page: hits, total and facets.
        query: what was asked, parsed.
        engine: name of the engine that answered.
        degraded: whether a substitute answered.
        as_of: up to when changes are in the index.
    """

    page: SearchPage
    query: SearchQuery
    engine: str
    degraded: bool
    as_of: dt.datetime


def search(params: Mapping[str, str | Sequence[str]]) -> SearchResult:
    """Answer the parameters of an address.

    Raises:
        QueryError: a parameter or value is not known, or the page too deep (422).
        EngineUnavailable: the engine does not answer (503 `search-unavailable`).
    """
    query = parse(params)
    engine, generation = answering()
    as_of = _as_of(generation)
    page = engine.search(generation.name, query)
    return SearchResult(_checked(page), query, engine.name, False, as_of)


def answering() -> tuple[SearchEngine, SearchGeneration]:
    """The engine and its live generation.

    Raises:
        EngineUnavailable: none was built yet.
    """
    engine = present_engine()
    generation = generations.live(engine.name)
    if generation is None:
        raise EngineUnavailable("no generation was built yet")
    return engine, generation


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
    rows = db.session.execute(
        sa.select(Offer, Patent).join(Patent, Patent.id == Offer.patent_id).where(Offer.id.in_(offer_ids))
    ).unique()
    return {offer.id for offer, _ in rows if offer.in_force_on(today)}


def _as_of(generation: SearchGeneration) -> dt.datetime:
    """When the oldest change that is not yet in the index was made; now if there is none."""
    position = db.session.scalar(
        sa.select(JournalCursor.position).where(JournalCursor.reader == generation.reader)
    )
    head = db.session.scalar(sa.select(JournalHead.last)) or 0
    if position is None or position >= head:
        return clock.now()
    made = db.session.scalar(sa.select(JournalEntry.recorded_at).where(JournalEntry.id == position + 1))
    return made or clock.now()


def find_by_number(text: str) -> list[Offer]:
    """Live offers by patent or publication number from the database: works while no engine answers."""
    keys = number_keys(text)
    if not keys:
        return []
    today = clock.today()
    query = (
        sa.select(Offer)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(
            sa.or_(
                Patent.number.in_(keys),
                *(Patent.publication_number.startswith(key, autoescape=True) for key in keys),
            )
        )
        .order_by(Offer.id)
    )
    return [offer for offer in db.session.scalars(query).unique() if offer.in_force_on(today)]
