"""What the worker does for saved searches: new offers are looked for once per search, then told.

A reader of the journal sees offers go live. Asking the engine is a task, as it must not happen while a
transaction is open and many searches may take longer than a reader's lease.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader, position
from marketplace.core.tasks import Handler, Schedule, enqueue, renew
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search.answering import ask
from marketplace.search.engine import SearchEngine
from marketplace.search.language import widen
from marketplace.search.models import SearchGeneration
from marketplace.search.query import QueryError, SearchQuery, parse
from marketplace.search.services import live_ids

from . import services
from .models import SavedSearch, SavedSearchHit
from .rules import due

RUN: Final = "saved_searches.run"
TELL: Final = "saved_searches.tell"
TELL_ALL: Final = "saved_searches.tell_all"
_ANNOUNCED: Final = ("offer.announced", "offer.verified")
_NEWS: Final = ("live", "import")  # the demonstration and repairs bring nothing new
_AT_ONCE: Final = 1_000  # offers of one run
_TOGETHER: Final = 50  # different searches whose hits are written together


def readers() -> Sequence[Reader]:
    """The reader that sees offers go live and persons erased; it starts now, as old offers are not new."""

    def read(entries: Sequence[JournalEntry]) -> None:
        offers = sorted({e.subject_id for e in entries if e.action in _ANNOUNCED and e.origin in _NEWS})
        if offers:
            enqueue(RUN, key=str(entries[-1].id), offers=offers, entry=entries[-1].id)
        erased = [entry.subject_id for entry in entries if entry.action == "account.erased"]
        if erased:
            services.forget(erased)

    return [Reader("saved_searches", inside=read, start="now", batch=_AT_ONCE)]


def run(offers: Sequence[int], entry: int) -> None:
    """Ask every saved search, equal ones once, which of these new offers it finds (a task).

    Running twice changes nothing: a pair of search and offer is kept once.

    Args:
        offers: ids of offers that may have gone live.
        entry: the journal entry that the index must have read.

    Raises:
        Unavailable: the index does not answer or has not come that far: try again later.
    """
    new = sorted(live_ids(offers))
    alike = _alike(entry) if new else {}
    queries = list(alike)
    for start in range(0, len(queries), _TOGETHER):
        found: list[tuple[int, int]] = []
        for key in queries[start : start + _TOGETHER]:
            hits = _found(alike[key][0], new, entry)
            found += [(saved_id, offer_id) for saved_id in alike[key][1] for offer_id in hits]
        db.session.rollback()
        if found:
            with unit_of_work():
                _keep(found)
        renew()


def _alike(entry: int) -> dict[str, tuple[SearchQuery, list[int]]]:
    """The saved searches that were there before the entry, equal queries together.

    What is understood no more is left out; its owner sees why in the list.
    """
    before = db.session.scalar(sa.select(JournalEntry.recorded_at).where(JournalEntry.id == entry))
    rows = db.session.execute(
        sa.select(SavedSearch.id, SavedSearch.parameters)
        .where(SavedSearch.created_at <= (before or clock.now()))
        .order_by(SavedSearch.id)
    )
    alike: dict[str, tuple[SearchQuery, list[int]]] = {}
    for saved_id, parameters in rows:
        key = json.dumps({n: v for n, v in parameters.items() if n != "sort"}, sort_keys=True)
        if key not in alike:
            try:
                alike[key] = (parse(parameters), [])
            except QueryError:
                continue
        alike[key][1].append(saved_id)
    return alike


def _found(query: SearchQuery, new: Sequence[int], entry: int) -> list[int]:
    """Which of the new offers a search finds."""
    asked = dataclasses.replace(
        widen(query), within=tuple(map(str, new)), sort="newest", page=1, size=len(new)
    )

    def look(engine: SearchEngine, generation: SearchGeneration) -> list[int]:
        if (position(generation.reader) or 0) < entry:
            raise Unavailable(
                "search-unavailable", "Search is not available at the moment. Please try again shortly."
            )
        return [int(hit.document.id) for hit in engine.search(generation.name, asked).items]

    return ask(look)[0]


def _keep(found: Sequence[tuple[int, int]]) -> None:
    """Note what was found; a pair that is there already, or whose search is gone by now, stays as it is."""
    wanted = {saved_id for saved_id, _ in found}
    known = sa.select(SavedSearch.id, SavedSearch.alert).where(SavedSearch.id.in_(wanted))
    alerts = dict(iter(db.session.execute(known)))
    rows = [
        {"saved_search_id": saved_id, "offer_id": offer_id, "found_at": clock.now()}
        for saved_id, offer_id in found
        if saved_id in alerts
    ]
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    if rows:
        db.session.execute(insert(SavedSearchHit).on_conflict_do_nothing(), rows)
    for saved_id in sorted(wanted):
        if alerts.get(saved_id) == "at_once":
            enqueue(TELL, key=str(saved_id), saved_search_id=saved_id)


def tell(saved_search_id: int) -> None:
    """Tell the owner of one saved search what is new, if it is due (a task; opens its own unit)."""
    with unit_of_work():
        services.tell(saved_search_id, clock.now())


def tell_all() -> None:
    """Ask for the alerts that are due: daily and weekly ones, and what an immediate one has missed."""
    now = clock.now()
    rows = db.session.execute(
        sa.select(SavedSearch.id, SavedSearch.alert, SavedSearch.alerted_at, SavedSearch.created_at)
        .where(
            SavedSearch.alert != "off",
            sa.exists().where(
                SavedSearchHit.saved_search_id == SavedSearch.id, SavedSearchHit.told_at.is_(None)
            ),
        )
        .order_by(SavedSearch.id)
    ).all()
    ready = [row.id for row in rows if due(row.alert, row.alerted_at or row.created_at, now)]
    if ready:
        with unit_of_work():
            for saved_id in ready:
                enqueue(TELL, key=str(saved_id), saved_search_id=saved_id)


TASKS: dict[str, Handler] = {RUN: run, TELL: tell, TELL_ALL: tell_all}
SCHEDULES: tuple[Schedule, ...] = (Schedule(TELL_ALL, dt.timedelta(minutes=15)),)
