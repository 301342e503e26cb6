"""Offers like an offer: what a reader of one may want to see next, each with the reason for the likeness.

Only words are scored, not single characters: two texts by patent attorneys are long and alike in their
common signs, and a page must not wait.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import current_app

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.identifiers import InvalidNumber, IpcSymbol, parse_classification
from marketplace.core.readers import wall
from marketplace.listings.models import Offer, Patent
from marketplace.search import analysis
from marketplace.search.answering import Source, ask
from marketplace.search.engine import SearchEngine
from marketplace.search.models import SearchGeneration

from . import generic
from .terms import Need, Weighed, rank, weigh

MOST: Final = 5
"""How many similar offers are shown."""

_WORDS: Final = 10  # the weightiest words of the offer are scored
_LOOKED_AT: Final = 20
_RARE: Final = 0.05  # words that a larger part of the offers has are no reason
_RARE_AT_LEAST: Final = 5  # offers, while there are few
_TERMS: Final = 4
_SUBCLASS, _GROUP = 1.2, 1.5  # what a place of the classification in common raises
_SUBCLASS_STEPS, _GROUP_STEPS = 3, 4
_KEPT: Final = 2_000
_FRESH: Final = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Similar:
    """An offer like another: `terms` are words of both, `ipc` the deepest place that both lie in, or None."""

    offer: Offer
    score: float
    terms: tuple[str, ...]
    ipc: str | None


@dataclass(frozen=True)
class _Like:
    offer_id: int
    score: float
    terms: tuple[str, ...]
    ipc: str | None


class Memory:
    """What was found lately, in this process; what is shown is checked against the database all the same."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[object, ...], tuple[dt.datetime, tuple[_Like, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...]) -> tuple[_Like, ...] | None:
        """What is kept under a key and not too old."""
        with self._lock:
            found = self._rows.get(key)
        return None if found is None or wall() - found[0] > _FRESH else found[1]

    def put(self, key: tuple[object, ...], likes: tuple[_Like, ...]) -> None:
        """Keep it; the oldest is forgotten when there are too many."""
        with self._lock:
            self._rows[key] = (wall(), likes)
            self._rows.move_to_end(key)
            while len(self._rows) > _KEPT:
                self._rows.popitem(last=False)


def similar(offer: Offer, size: int = MOST) -> tuple[list[Similar], Source]:
    """Live offers of other patents that are like this one, the most alike first.

    Args:
        offer: any offer that the reader may see, live or not.
        size: at most this many, `MOST` at most.

    Raises:
        EngineUnavailable: neither the engine nor a stand-by answers (503 `search-unavailable`).
    """
    likes, source = ask(lambda engine, generation: _likes(engine, generation, offer))
    ids = [like.offer_id for like in likes]
    rows = db.session.scalars(sa.select(Offer).where(Offer.id.in_(ids))).unique() if ids else ()
    today = clock.today()
    live = {row.id: row for row in rows if row.in_force_on(today) and row.patent_id != offer.patent_id}
    found = [
        Similar(live[like.offer_id], like.score, like.terms, like.ipc)
        for like in likes
        if like.offer_id in live
    ]
    return found[: max(0, min(size, MOST))], source


def _likes(engine: SearchEngine, generation: SearchGeneration, offer: Offer) -> tuple[_Like, ...]:
    memory: Memory = current_app.extensions.setdefault("marketplace.similar", Memory())
    key = (engine.name, generation.name, offer.id, offer.version, offer.patent.version)
    found = memory.get(key)
    if found is None:
        found = _look(engine, generation.name, offer)
        memory.put(key, found)
    return found


def _look(engine: SearchEngine, generation: str, offer: Offer) -> tuple[_Like, ...]:
    patent = offer.patent
    need = Need(patent.title, "\n".join(text for text in _texts(patent) if text))
    weighed = weigh(engine, generation, need, most=_WORDS, characters_too=False)
    if not weighed.words:
        return ()
    ranked = rank(engine, generation, weighed, size=_LOOKED_AT)
    scores = {int(row.id): row.score for row in ranked if int(row.id) != offer.id}
    others = db.session.scalars(
        sa.select(Offer).where(Offer.id.in_(scores), Offer.patent_id != patent.id)
    ).unique()
    likes = []
    for other in others:
        terms = _shared(other.patent, need, weighed)
        place = _place(patent, other.patent)
        steps = 0 if place is None else len(place.path())
        # One word somewhere in both texts is chance; in both titles, with another or with a place it is not.
        if place is not None or len(terms) > 1 or _named(terms, need, other.patent):
            by_place = _GROUP if steps >= _GROUP_STEPS else _SUBCLASS if steps >= _SUBCLASS_STEPS else 1.0
            score = round(scores[other.id] * by_place, 3)
            likes.append(_Like(other.id, score, terms, place.canonical if place else None))
    # A few more than are shown: one may end while this is remembered.
    return tuple(sorted(likes, key=lambda like: (-like.score, like.offer_id))[: 3 * MOST])


def _named(terms: Sequence[str], need: Need, other: Patent) -> bool:
    """Whether one of the words is said in both titles."""
    return any(term in need.title and term in other.title for term in terms)


def _texts(patent: Patent) -> Sequence[str | None]:
    return patent.application, patent.problem, patent.advantage, patent.abstract


def _shared(other: Patent, need: Need, weighed: Weighed) -> tuple[str, ...]:
    """The most telling words of both, none within another one."""
    texts = (other.title, other.title_en, *_texts(other))
    theirs = {term for text in texts if text for term in analysis.terms(text)}
    most = max(_RARE * weighed.total, _RARE_AT_LEAST)
    both = [
        word
        for word, count in weighed.counts.items()
        if word in theirs and 0 < count <= most and generic.is_telling(word)
    ]
    whole = [word for word in both if not any(word != longer and word in longer for longer in both)]
    whole.sort(key=lambda word: (-round(need.words[word] * weighed.rarity(word), 6), word))
    return tuple(need.spelling.get(word, word) for word in whole[:_TERMS])


def _place(one: Patent, other: Patent) -> IpcSymbol | None:
    """The deepest place, a subclass at least, that both lie in."""
    mine = {step for item in one.classes for step in _path(item.symbol)}
    shared = {step for item in other.classes for step in _path(item.symbol) if step in mine}
    places = [place for step in sorted(shared) if (place := IpcSymbol.parse(step)).subclass]
    return max(places, key=lambda place: len(place.path()), default=None)


def _path(symbol: str) -> tuple[str, ...]:
    try:
        parsed = parse_classification(symbol)
    except InvalidNumber:
        return ()
    return parsed.path() if isinstance(parsed, IpcSymbol) else ()
