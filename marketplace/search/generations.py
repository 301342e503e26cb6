"""Index generations: built beside the live one while writes go on, verified, flipped, rolled back.

Which generation of an engine answers is one pointer in the database. The one before it keeps reading the
journal, so going back is flipping back. Kept are the one that answers and the one it replaced; every other
one is dropped when a new one takes over, and what was left unfinished for an hour.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock, journal
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import JournalEntry, JournalHead
from marketplace.core.readers import JournalCursor, Reader, lag, place, position, release, step, wall
from marketplace.core.tasks import renew
from marketplace.core.unit_of_work import lock, record, unit_of_work

from . import indexer, tree
from .document import OfferDocument
from .engine import EngineUnavailable, GenerationMissing, Scanned, SearchEngine
from .engines import engine as present_engine
from .engines import kept, standby
from .models import SearchGeneration
from .query import SearchQuery

log = logging.getLogger(__name__)
_UNFINISHED: Final = dt.timedelta(hours=1)  # a generation begun so long ago was left by who built it
Progress = Callable[[int, int], None]


class DocumentRefused(Exception):
    """An engine refuses a document, in its words."""


def live(engine_name: str) -> SearchGeneration | None:
    """The generation that answers for an engine."""
    return db.session.scalar(_LIVE, {"engine": engine_name})


# Made once, since every search asks.
_LIVE: Final = sa.select(SearchGeneration).where(
    SearchGeneration.engine == sa.bindparam("engine"), SearchGeneration.live.is_(True)
)


def readers() -> Sequence[Reader]:
    """One journal reader for each finished generation of the engines that are kept.

    The stand-by reads first: an engine that is slow to fail must not make it late. One that is being built
    is read by whoever builds it, who also holds its lock.
    """
    found = []
    for engine in reversed(kept()):
        rows = db.session.scalars(
            sa.select(SearchGeneration)
            .where(SearchGeneration.engine == engine.name, SearchGeneration.state == "ready")
            .order_by(SearchGeneration.id)
        )
        found += [indexer.reader(engine, row.name, row.reader) for row in rows]
    return found


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


def rebuild(progress: Progress | None = None, engine: SearchEngine | None = None) -> dict[str, Any]:
    """Build a new generation without downtime and let it answer. An entry point: opens its own units.

    Register at the present journal id, load everything, catch up, verify, flip the pointer; the generation
    before the previous one is dropped.

    Args:
        progress: called with (documents done, documents in all).
        engine: the stand-by perhaps; by default the present one.

    Returns:
        engine, name, documents, the comparison, and the generation that was live before.

    Raises:
        EngineUnavailable: the engine does not answer; the live generation is untouched.
        Conflict: `index-differs`: the new generation does not equal the database even after repair.
    """
    engine = engine or present_engine()
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
    loaded = _write(engine, name, indexer.all_ids(), progress)
    _catch_up(engine, name, reader_name)
    comparison = compare(engine, name, repair=True, loaded=loaded)
    if not comparison.equal and not compare(engine, name, repair=False, loaded=loaded).equal:
        raise Conflict("index-differs", "The new index differs from the database; the old one still answers.")
    previous = flip(generation_id)
    _drop_old(engine, previous)
    return {
        "engine": engine.name, "generation": name, "documents": len(loaded), "previous": previous,
        "verified": asdict(comparison),
    }  # fmt: skip


def rebuild_kept() -> None:
    """Build a new generation of the present engine, and of the stand-by where one is kept. A task."""
    for engine in kept():
        rebuild(engine=engine)


def _write(
    engine: SearchEngine, name: str, ids: Sequence[int], progress: Progress | None = None
) -> dict[str, str]:
    """Write these offers; returns the digests of what was written by the documents' ids."""
    digests: dict[str, str] = {}

    def documents() -> Iterator[OfferDocument]:
        for done, document in enumerate(indexer.documents(ids), 1):
            digests[document.id] = document.digest
            yield document
            if done % indexer.BATCH == 0:
                renew()
                if progress is not None:
                    progress(done, len(ids))

    report = engine.write(name, documents())
    if report.rejected:
        with unit_of_work():
            indexer.keep(report, name, None)
    if progress is not None:
        progress(len(ids), len(ids))
    return digests


def rewrite(generation: str, offer: str) -> None:
    """Write one offer's document into a generation again, after the engine had refused it.

    Raises:
        EngineUnavailable: the engine does not answer.
        DocumentRefused: with the engine's reason.
    """
    of = db.session.scalar(
        sa.select(SearchGeneration.engine).where(
            SearchGeneration.name == generation, SearchGeneration.state != "dropped"
        )
    )
    for engine in kept():
        if engine.name == of:
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


def rollback(engine: SearchEngine | None = None) -> dict[str, Any]:
    """Let the generation answer again that was replaced by the one that answers now (own units).

    It is brought up to the journal's end first. What it replaces is kept: going back twice changes nothing.

    Returns:
        engine, the generation that answers, and the one that did before.

    Raises:
        EngineUnavailable: the engine does not answer.
        Conflict: `no-earlier-index`: there is none, or it was made by another version of the program.
    """
    engine = engine or present_engine()
    earlier = earlier_than_live(engine)
    if earlier is None or _lost(engine, earlier.name):
        raise Conflict("no-earlier-index", "There is no earlier index to go back to.")
    generation_id, name, reader_name = earlier.id, earlier.name, earlier.reader
    db.session.rollback()
    _catch_up(engine, name, reader_name)
    return {"engine": engine.name, "generation": name, "previous": flip(generation_id)}


def earlier_than_live(engine: SearchEngine) -> SearchGeneration | None:
    """The generation that `rollback` would go back to; None where there is none of this program's making."""
    ready = (row for row in _spare(engine) if row.state == "ready" and row.signature == tree.SIGNATURE)
    return next(ready, None)


def roll_back() -> None:
    """Go back to the earlier generation, if there is one, because somebody asked for it. A task."""
    with suppress(Conflict):
        rollback()


def _spare(engine: SearchEngine) -> Sequence[SearchGeneration]:
    """Generations of an engine that neither answer nor are dropped, the newest first."""
    return db.session.scalars(
        sa.select(SearchGeneration)
        .where(
            SearchGeneration.engine == engine.name,
            SearchGeneration.live.is_(False),
            SearchGeneration.state != "dropped",
        )
        .order_by(SearchGeneration.id.desc())
    ).all()


def _drop_old(engine: SearchEngine, previous: str | None) -> None:
    """Keep what answers and, for going back, what it replaced; drop the rest, and that too if it is lost."""
    for row in _spare(engine):
        if row.state == "ready" and (row.name != previous or _lost(engine, row.name)):
            _drop(engine, row.id)
            renew()
    _drop_unfinished(engine)


def _drop_unfinished(engine: SearchEngine) -> None:
    begun = clock.now() - _UNFINISHED
    for row in _spare(engine):
        if row.state == "building" and row.created_at < begun:
            _drop(engine, row.id)
            renew()


def _drop(engine: SearchEngine, generation_id: int) -> None:
    with unit_of_work():
        dropped = lock(SearchGeneration, generation_id)
        dropped.state = "dropped"
        dropped.dropped_at = clock.now()
        db.session.execute(
            sa.text("DELETE FROM journal_cursors WHERE reader = :reader"), {"reader": dropped.reader}
        )
        record("search.generation_dropped", dropped, generation=dropped.name)
        name = dropped.name
    engine.drop(name)


def compare(
    engine: SearchEngine, name: str, *, repair: bool, loaded: Mapping[str, str] | None = None
) -> Comparison:
    """Compare a generation with the database, offer by offer; write anew what differs if `repair`.

    An offer that the journal speaks of behind the generation's cursor is no difference: its reader will
    bring it. Everything before the cursor was written before the index is looked at here.

    Args:
        loaded: digests by document id of what was just written from the database. Where the index holds the
            same the row is not read a second time: a change since then has its entry, and its reader.
    """
    cursor = position(f"search:{name}") or 0
    db.session.rollback()
    held: dict[str, Scanned] = {}
    for row in engine.scan(name):
        held[row.id] = row
        if len(held) % indexer.BATCH == 0:
            renew()
    ids = indexer.all_ids()
    seen = {str(offer_id) for offer_id in ids}
    sound = {id_ for id_, digest in (loaded or {}).items() if id_ in held and held[id_].digest == digest}
    missing: set[int] = set()
    different: set[int] = set()
    doubtful = (offer_id for offer_id in ids if str(offer_id) not in sound)
    for done, document in enumerate(indexer.documents(doubtful), 1):
        if document.id not in held:
            missing.add(int(document.id))
        elif held[document.id].digest != document.digest:
            different.add(int(document.id))
        if done % indexer.BATCH == 0:
            renew()
    surplus = [id_ for id_, row in held.items() if id_ not in seen and row.live]
    if missing or different:
        coming = _touched_after(cursor)
        missing -= coming
        different -= coming
    if repair:
        _write(engine, name, sorted(missing | different))
    return Comparison(len(ids), len(missing), len(different), len(surplus))


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


def verify(engine: SearchEngine | None = None) -> dict[str, Any]:
    """Compare the live generation with the database and repair it.

    What cannot be mended by writing anew (an offer that the database does not know, an index that is ahead
    of a restored database) is mended by a new generation.

    Args:
        engine: the stand-by perhaps; by default the present one.

    Raises:
        EngineUnavailable: the engine does not answer.
        Conflict: `index-missing`: no generation was built yet; `index-differs`: the new generation does not
            equal the database either.
    """
    engine = engine or present_engine()
    generation = live(engine.name)
    if generation is None:
        raise Conflict("index-missing", "There is no index yet: build it with `marketplace search rebuild`.")
    name = generation.name
    comparison = compare(engine, name, repair=True)
    equal = comparison.equal or compare(engine, name, repair=False).equal
    if not equal:
        name = rebuild(engine=engine)["generation"]
    return {
        "engine": engine.name, "generation": name, **asdict(comparison), "equal": True, "rebuilt": not equal,
    }  # fmt: skip


def up_to(generation: SearchGeneration) -> dt.datetime:
    """When the oldest change that is not yet in a generation was made; now if there is none."""
    at, newest = db.session.execute(_PLACES, {"reader": generation.reader}).one()
    if at is None or newest is None or at >= newest:
        return clock.now()
    made = db.session.scalar(sa.select(JournalEntry.recorded_at).where(JournalEntry.id == at + 1))
    return made or clock.now()


# Made once and asked at once, since every search asks: how far a reader is, and the newest entry.
_PLACES: Final = sa.select(
    sa.select(JournalCursor.position)
    .where(JournalCursor.reader == sa.bindparam("reader"))
    .scalar_subquery()
    .label("at"),
    sa.select(JournalHead.last).scalar_subquery().label("newest"),
)


def seconds_behind() -> dict[str, float]:
    """Engine → age in seconds of the oldest change that its live generation lacks; 0 when it lacks none."""
    found = {}
    for engine in kept():
        generation = live(engine.name)
        if generation is not None:
            found[engine.name] = max(0.0, round((clock.now() - up_to(generation)).total_seconds(), 1))
    return found


def status() -> dict[str, Any]:
    """What answers, how far behind it is, and how many documents it holds; the same of a stand-by.

    Cheap whatever the index holds: the engine is asked for two counts, its documents are not read.

    Raises:
        EngineUnavailable: the engine went away between two questions, or has lost the live generation.
    """
    spare = standby()
    return {
        **_status(present_engine()),
        "signature": tree.SIGNATURE,
        "standby": None if spare is None else standby_status(spare),
    }


def standby_status(spare: SearchEngine) -> dict[str, Any]:
    """What `status` tells of the stand-by; one that was lost is not available."""
    try:
        return _status(spare)
    except EngineUnavailable as error:
        missing = dict.fromkeys(("generation", "earlier", "lag", "behind_seconds", "counts"))
        return {"engine": spare.name, "available": False, "detail": error.detail, **missing}


def _status(engine: SearchEngine) -> dict[str, Any]:
    health = engine.health()
    generation, earlier = live(engine.name), earlier_than_live(engine)
    body: dict[str, Any] = {
        "engine": engine.name,
        "available": health.available,
        "detail": health.detail,
        "generation": None if generation is None else generation.name,
        "earlier": None if earlier is None else earlier.name,
        "lag": None if generation is None else lag(generation.reader),
        "behind_seconds": seconds_behind().get(engine.name),
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
    """Build a generation when there is none, when analysis or schema changed, or when an engine lost it.

    A scheduled task. An engine that is away is looked after in a later round.
    """
    for engine in kept():
        try:
            generation = live(engine.name)
            if generation is None or generation.signature != tree.SIGNATURE or _lost(engine, generation.name):
                rebuild(engine=engine)
            _drop_unfinished(engine)
        except EngineUnavailable as error:
            db.session.rollback()
            log.warning("search engine away", extra={"engine": engine.name, "error": error.detail})


def _lost(engine: SearchEngine, name: str) -> bool:
    """Whether the engine answers and has no such generation: an index is a cache that may be deleted."""
    try:
        engine.frequencies(name, (), ())
    except GenerationMissing:
        return True
    return False
