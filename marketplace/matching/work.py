"""What the worker does for matching: demands get recommendations when they or new offers appear.

A reader of the journal finds out which demands are concerned, the ranking itself is a task: it asks the
search engine, which must not happen while a transaction is open.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader, position
from marketplace.core.tasks import Handler, Schedule, enqueue
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands.models import Demand, DemandTerm
from marketplace.listings.models import IN_FORCE, Offer, Patent
from marketplace.search.answering import ask
from marketplace.search.engine import SearchEngine
from marketplace.search.models import SearchGeneration
from marketplace.search.services import live_ids

from . import semantic
from .digest import send, send_all
from .interests import learn
from .reverse import demands_near, keep_terms, recommend_to_firms
from .services import RECOMMENDED, Match, matches_in, store
from .services import mark_licensed as _mark_licensed
from .terms import Need, rare_words, weigh

_DEMAND_ACTIONS: Final = ("demand.published", "demand.edited")
_DEMAND_ENDS: Final = ("demand.answered", "demand.closed", "demand.expired")
_OFFER_ACTIONS: Final = ("offer.announced", "offer.verified")


def recommend(demand_id: int, channel: str = "demand") -> None:
    """Rank offers for a published demand, keep the best ten that are new to it, and its rare words.

    A task; opens its own unit of work. `channel` is `offer` where a new offer gave the occasion.

    Raises:
        Unavailable: the index does not answer or has not read of the newest offers yet: try again later.
    """
    demand = db.session.get(Demand, demand_id)
    if demand is None or demand.state != "published":
        return
    (matches, words), _ = ask(partial(_fitting, demand=demand))
    with unit_of_work():
        demand = lock(Demand, demand_id)
        if demand.state != "published":
            return
        keep_terms(demand, words)
        store(demand, matches, channel)


def _fitting(
    engine: SearchEngine, generation: SearchGeneration, demand: Demand
) -> tuple[list[Match], dict[str, float]]:
    """The best offers for a demand and its rare words, by an index that knows the newest offers."""
    _wait_for(generation)
    need = Need(demand.title, demand.description)
    words = rare_words(weigh(engine, generation.name, need), need)
    return matches_in(engine, generation, demand, RECOMMENDED), words


def _wait_for(generation: SearchGeneration) -> None:
    """Raise unless the generation has read every entry by which an offer may have gone live."""
    newest = db.session.scalar(
        sa.select(sa.func.max(JournalEntry.id)).where(JournalEntry.action.in_(_OFFER_ACTIONS))
    )
    if newest is not None and (position(generation.reader) or 0) < newest:
        raise Unavailable(
            "search-unavailable", "Search is not available at the moment. Please try again shortly."
        )


# --- vectors

_AT_ONCE = 60.0  # seconds of embedding before the file is written
_EVERY = dt.timedelta(minutes=5)


def embed_offers() -> None:
    """Bring the file of vectors up to date: offers that are new or changed get one, ended ones lose theirs.

    A task; does nothing where no model is configured and installed. After a minute's work it writes what it
    has and asks to go on.
    """
    model = semantic.model()
    if model is None:
        return
    rows = db.session.execute(
        sa.select(Offer.id, Patent.title, Patent.abstract)
        .join(Patent, Patent.id == Offer.patent_id)
        .where(Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
        .order_by(Offer.id)
    ).all()
    db.session.rollback()  # embedding takes a minute: no transaction stays open
    present = semantic.vectors()
    held: dict[int, bytes] = {}
    if present is not None:
        marks = (mark.tobytes() for mark in present.digests)
        held = dict(zip(present.ids.tolist(), marks, strict=True))
    texts = {row.id: semantic.text_of(row.title, row.abstract) for row in rows}
    due = [one for one, text in texts.items() if held.get(one) != semantic.digest(text)]
    until = time.monotonic() + _AT_ONCE
    made = []
    for offer_id in due:
        if time.monotonic() > until:
            break
        made.append((offer_id, semantic.digest(texts[offer_id]), semantic.embed(model, texts[offer_id])))
    if made or set(held) - set(texts):
        semantic.write(made, set(held) & set(texts))
    if len(made) < len(due):
        with unit_of_work():
            enqueue("matching.vectors", key=str(due[len(made)]))


# --- new offers


def demands_for(offer_ids: Sequence[int]) -> set[int]:
    """Ids of the published demands that the live ones of these offers may serve, 20 for each at most."""
    return {demand_id for offer in _live_offers(offer_ids) for demand_id in demands_near(offer)}


def _live_offers(offer_ids: Sequence[int]) -> list[Offer]:
    query = sa.select(Offer).where(Offer.id.in_(live_ids(offer_ids))).order_by(Offer.id)
    return list(db.session.scalars(query).unique())


def readers() -> Sequence[Reader]:
    """The reader that sees demands published, offers go live and licences taken."""
    found: dict[int, str] = {}
    offers: list[int] = []

    def look(entries: Sequence[JournalEntry]) -> None:
        found.clear()
        offers[:] = sorted({entry.subject_id for entry in entries if entry.action in _OFFER_ACTIONS})
        if offers:
            found.update(dict.fromkeys(demands_for(offers), "offer"))
        demands = [entry.subject_id for entry in entries if entry.action in _DEMAND_ACTIONS]
        found.update(dict.fromkeys(demands, "demand"))

    def ask(entries: Sequence[JournalEntry]) -> None:
        for demand_id, channel in sorted(found.items()):
            enqueue("matching.recommend", key=str(demand_id), demand_id=demand_id, channel=channel)
        for offer in _live_offers(offers) if offers else ():
            recommend_to_firms(offer)
        ended = [entry.subject_id for entry in entries if entry.action in _DEMAND_ENDS]
        if ended:
            db.session.execute(sa.delete(DemandTerm).where(DemandTerm.demand_id.in_(ended)))
        licences = {entry.subject_id for entry in entries if entry.action == "licence.in_effect"}
        if licences:
            _mark_licensed(licences)

    return [Reader("matching", outside=look, inside=ask, start="now", batch=50)]


TASKS: dict[str, Handler] = {
    "matching.recommend": recommend,
    "matching.vectors": embed_offers,
    "matching.interest": learn,
    "matching.digests": send_all,
    "matching.digest": send,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("matching.vectors", every=_EVERY),
    Schedule("matching.digests", every=_EVERY),
)
