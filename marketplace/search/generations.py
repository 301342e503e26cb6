"""Index generations: built beside the live one while writes go on, verified, flipped, rolled back.

Which generation answers is one pointer in the database. The one before it keeps reading the journal, so
going back is flipping back.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app

from marketplace.core import clock, journal
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.readers import Reader, lag, place, position, release, step, wall
from marketplace.core.tasks import renew
from marketplace.core.unit_of_work import lock, record, unit_of_work

from . import indexer, tree
from .engine import GenerationMissing, Scanned, SearchEngine
from .engines import engine as present_engine
from .models import SearchGeneration
from .query import SearchQuery

Progress = Callable[[int, int], None]


class DocumentRefused(Exception):
    """An engine refuses a document, in its words."""


def live(engine_name: str) -> SearchGeneration | None:
    """The generation that answers for an engine."""
    return db.session.scalar(
        sa.select(SearchGeneration).where(
            SearchGeneration.engine == engine_name, SearchGeneration.live.is_(True)
        )
    )


def readers() -> Sequence[Reader]:
    """One journal reader for each generation of this process's engine that has not been dropped."""
    engine_name = current_app.config["SETTINGS"].search_engine
    rows = db.session.scalars(
        sa.select(SearchGeneration)
        .where(SearchGeneration.engine == engine_name, SearchGeneration.state != "dropped")
        .order_by(SearchGeneration.id)
    ).all()
    return [indexer.reader(present_engine(), row.name, row.reader) for row in rows]


@dataclass(frozen=True)
class Comparison:
    """An index against the database: offers compared, and the differing ones found (and repaired)."""

    compared: int
    missing: int
    different: int
    surplus: int

    @property
    def equal(self) -> bool:
        return not (self.missing or self.different or self.surplus)


def rebuild(progress: Progress | None = None) -> dict[str, Any]:
    """Build a new generation without downtime and let it answer. An entry point: opens its own units.

    Register at the present journal id, load everything, catch up, verify, flip the pointer; the generation
    before the previous one is dropped.

    Args:
        progress: called with (documents done, documents in all).

    Returns:
        name, documents, the comparison, and the generation that was live before.

    Raises:
        EngineUnavailable: the engine does not answer; the live generation is untouched.
        Conflict: `index-differs`: the new generation does not equal the database even after repair.
    """
    engine = present_engine()
    name = f"g{clock.now():%Y%m%d%H%M%S}-{uuid.uuid4().hex[:6]}"
    engine.create(name)
    with unit_of_work():
        generation = SearchGeneration(
            name=name, engine=engine.name, state="building", live=False,
            signature=tree.SIGNATURE, created_at=clock.now(),
        )  # fmt: skip
        db.session.add(generation)
        db.session.flush()
        place(generation.reader, journal.last_id())
        record("search.generation_started", generation, generation=name, engine=engine.name)
        generation_id, reader_name = generation.id, generation.reader
    loaded = _load(engine, name, progress)
    _catch_up(engine, name, reader_name)
    comparison = compare(engine, name, repair=True)
    if not comparison.equal and not compare(engine, name, repair=False).equal:
        raise Conflict("index-differs", "The new index differs from the database; the old one still answers.")
    previous = flip(generation_id)
    _drop_old(engine)
    return {"generation": name, "documents": loaded, "previous": previous, "verified": asdict(comparison)}


def _load(engine: SearchEngine, name: str, progress: Progress | None) -> int:
    ids = indexer.all_ids()
    _write(engine, name, ids, progress)
    return len(ids)


def _write(engine: SearchEngine, name: str, ids: Sequence[int], progress: Progress | None = None) -> None:
    for start in range(0, len(ids), indexer.BATCH):
        part = ids[start : start + indexer.BATCH]
        report = engine.write(name, indexer.documents(part))
        if report.rejected:
            with unit_of_work():
                indexer.keep(report, name, None)
        renew()
        if progress is not None:
            progress(start + len(part), len(ids))


def rewrite(generation: str, offer: str) -> None:
    """Write one offer's document into a generation again, after the engine had refused it.

    Raises:
        EngineUnavailable: the engine does not answer.
        DocumentRefused: with the engine's reason.
    """
    engine = present_engine()
    kept = sa.select(SearchGeneration.id).where(
        SearchGeneration.name == generation, SearchGeneration.engine == engine.name,
        SearchGeneration.state != "dropped",
    )  # fmt: skip
    if db.session.scalar(kept) is None:
        return
    report = engine.write(generation, indexer.documents([int(offer)]))
    if report.rejected:
        raise DocumentRefused(report.rejected[0][1])


def _catch_up(engine: SearchEngine, name: str, reader_name: str) -> None:
    """Read the journal up to its present end, however fast it grows; a worker may be doing the same."""
    head = journal.last_id()
    reader = indexer.reader(engine, name, reader_name)
    owner = f"rebuild:{uuid.uuid4().hex[:8]}"
    until = wall() + dt.timedelta(minutes=2)
    while (position(reader_name) or 0) < head and wall() < until:
        db.session.rollback()
        renew()
        if not step(reader, owner):
            time.sleep(0.05)  # a worker reads for it at the moment
    release(owner)


def flip(generation_id: int) -> str | None:
    """Let a generation answer from now on; returns the name of the one that did before (own unit)."""
    with unit_of_work():
        new = lock(SearchGeneration, generation_id)
        old = live(new.engine)
        if old is not None:
            old.live = False
            db.session.flush()
        new.live = True
        new.state = "ready"
        record("search.generation_live", new, generation=new.name, engine=new.engine)
        return None if old is None else old.name


def _drop_old(engine: SearchEngine) -> None:
    """Keep the live generation and the one before it (for going back); drop the rest, unfinished ones too."""
    rows = db.session.scalars(
        sa.select(SearchGeneration)
        .where(
            SearchGeneration.engine == engine.name,
            SearchGeneration.live.is_(False),
            SearchGeneration.state != "dropped",
        )
        .order_by(SearchGeneration.id.desc())
    ).all()
    stale = clock.now() - dt.timedelta(hours=1)
    ready = [row for row in rows if row.state == "ready" and not _lost(engine, row.name)]
    kept = {row.id for row in ready[:1]}
    doomed = [row for row in rows if row.id not in kept and (row.state == "ready" or row.created_at < stale)]
    for row in doomed:
        with unit_of_work():
            dropped = lock(SearchGeneration, row.id)
            dropped.state = "dropped"
            dropped.dropped_at = clock.now()
            db.session.execute(
                sa.text("DELETE FROM journal_cursors WHERE reader = :reader"), {"reader": dropped.reader}
            )
            record("search.generation_dropped", dropped, generation=dropped.name)
        engine.drop(row.name)
        renew()


def compare(engine: SearchEngine, name: str, *, repair: bool) -> Comparison:
    """Compare a generation with the database, offer by offer; write anew what differs if `repair`.

    An offer that the journal speaks of behind the generation's cursor is no difference: its reader will
    bring it. Everything before the cursor was written before the index is looked at here.
    """
    cursor = position(f"search:{name}") or 0
    db.session.rollback()
    held: dict[str, Scanned] = {}
    for row in engine.scan(name):
        held[row.id] = row
        if len(held) % indexer.BATCH == 0:
            renew()
    missing: set[int] = set()
    different: set[int] = set()
    seen: set[str] = set()
    for document in indexer.documents(indexer.all_ids()):
        seen.add(document.id)
        if document.id not in held:
            missing.add(int(document.id))
        elif held[document.id].digest != document.digest:
            different.add(int(document.id))
        if len(seen) % indexer.BATCH == 0:
            renew()
    surplus = [id_ for id_, row in held.items() if id_ not in seen and row.live]
    if missing or different:
        coming = _touched_after(cursor)
        missing -= coming
        different -= coming
    if repair:
        _write(engine, name, sorted(missing | different))
    return Comparison(len(seen), len(missing), len(different), len(surplus))


def _touched_after(cursor: int) -> set[int]:
    """Ids of the offers that journal entries behind `cursor` may have changed."""
    ids: set[int] = set()
    head = journal.last_id()
    while cursor < head:
        entries = journal.entries_after(cursor, 1000)
        ids |= indexer.touched(entries)
        cursor = entries[-1].id
        db.session.expunge_all()
        renew()
    db.session.rollback()
    return ids


def verify() -> dict[str, Any]:
    """Compare the live generation with the database and repair it.

    What cannot be mended by writing anew (an offer that the database does not know, an index that is ahead
    of a restored database) is mended by a new generation.

    Raises:
        EngineUnavailable: the engine does not answer.
        Conflict: `index-missing`: no generation was built yet; `index-differs`: the new generation does not
            equal the database either.
    """
    engine = present_engine()
    generation = live(engine.name)
    if generation is None:
        raise Conflict("index-missing", "There is no index yet: build it with `marketplace search rebuild`.")
    name = generation.name
    comparison = compare(engine, name, repair=True)
    equal = comparison.equal or compare(engine, name, repair=False).equal
    if not equal:
        name = rebuild()["generation"]
    return {"generation": name, **asdict(comparison), "equal": True, "rebuilt": not equal}


def status() -> dict[str, Any]:
    """What answers, how far behind it is, and how many documents it holds.

    Cheap whatever the index holds: the engine is asked for two counts, its documents are not read.

    Raises:
        EngineUnavailable: the engine went away between two questions, or has lost the live generation.
    """
    engine = present_engine()
    health = engine.health()
    generation = live(engine.name)
    body: dict[str, Any] = {
        "engine": engine.name,
        "available": health.available,
        "detail": health.detail,
        "generation": None if generation is None else generation.name,
        "signature": tree.SIGNATURE,
        "lag": None if generation is None else lag(generation.reader),
        "counts": None,
        "generations": [
            {"name": row.name, "state": row.state, "live": row.live}
            for row in db.session.scalars(
                sa.select(SearchGeneration)
                .where(SearchGeneration.engine == engine.name, SearchGeneration.state != "dropped")
                .order_by(SearchGeneration.id)
            )
        ],
    }
    if generation is not None and health.available:
        body["counts"] = {
            "documents": engine.frequencies(generation.name, (), ()).total,
            "live": engine.search(generation.name, SearchQuery(size=1)).total,
        }
    return body


def ensure() -> None:
    """Build a generation when there is none, when analysis or schema changed, or when the engine lost it.

    A scheduled task.
    """
    engine = present_engine()
    generation = live(engine.name)
    if generation is None or generation.signature != tree.SIGNATURE or _lost(engine, generation.name):
        rebuild()


def _lost(engine: SearchEngine, name: str) -> bool:
    """Whether the engine answers and has no such generation: an index is a cache that may be deleted."""
    try:
        engine.frequencies(name, (), ())
    except GenerationMissing:
        return True
    return False
