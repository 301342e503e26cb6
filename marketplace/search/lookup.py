"""What the database finds by itself, by numbers and by places of the classification: no engine is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentClass

from .query import SearchQuery


@dataclass(frozen=True)
class LookUp:
    """A page of live offers, newest announcement first, and the number of all."""

    offers: Sequence[Offer]
    total: int


def look_up(query: SearchQuery) -> LookUp | None:
    """The live offers that a query by patent numbers or places of the classification asks for.

    Returns:
        None where the query asks for anything else, which only an engine can answer.
    """
    plain = SearchQuery(
        numbers=query.numbers, ipc=query.ipc, page=query.page, size=query.size,
        sort="newest" if query.sort == "newest" else "relevance",
    )  # fmt: skip
    if query != plain or not (query.numbers or query.ipc):
        return None
    today = clock.today()
    conditions = [
        Offer.status.in_(IN_FORCE),
        Offer.evidence == "verified",
        Offer.announced_on <= today,
        sa.or_(Offer.term_to.is_(None), Offer.term_to >= today),
        sa.or_(Patent.expires_on.is_(None), Patent.expires_on >= today),
    ]
    if query.numbers:
        published = (Patent.publication_number.startswith(key, autoescape=True) for key in query.numbers)
        conditions.append(sa.or_(Patent.number.in_(query.numbers), *published))
    if query.ipc:
        lies_there = sa.or_(*(_lies_in(place) for place in query.ipc))
        conditions.append(Patent.id.in_(sa.select(PatentClass.patent_id).where(lies_there)))
    found = sa.select(Offer).join(Patent, Patent.id == Offer.patent_id).where(*conditions)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    rows = db.session.scalars(
        found.order_by(Offer.announced_on.desc(), Offer.id).offset(query.first).limit(query.size)
    ).unique()
    return LookUp(list(rows), total)


def _lies_in(place: str) -> sa.ColumnElement[bool]:
    """Whether a symbol is the place or lies below it; `H01M1` is not above `H01M10/0525`."""
    symbol = PatentClass.symbol
    if "/" in place:
        return symbol == place
    if len(place) > len("H01M"):  # a main group
        return sa.or_(symbol == place, symbol.startswith(f"{place}/", autoescape=True))
    return symbol.startswith(place, autoescape=True)
