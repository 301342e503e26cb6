"""Searching as pages and API do it: ask a live generation, check what is shown against the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.listings.models import Offer, Patent

from .answering import ask
from .engine import Hit, SearchPage
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
        EngineUnavailable: neither the engine nor a stand-by answers (503 `search-unavailable`).
    """
    query = parse(params)
    page, source = ask(lambda engine, generation: engine.search(generation.name, query))
    return SearchResult(_checked(page), query, source.engine, source.degraded, source.as_of)


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
