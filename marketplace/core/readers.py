"""Readers of the journal: each has a cursor, a lease, and takes every entry once, in order.

A reader's database effects commit together with its cursor; what it does outside the database (an index)
is done before that and must be idempotent. Five failures put an entry into `dead_letters` and the reader
moves on. A part that is merely away (`Unavailable`) pauses the reader instead: nothing is given up.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .database import Code, Key, Model, db
from .errors import Unavailable
from .journal import JournalEntry, JournalHead, entries_after
from .unit_of_work import lock, record, unit_of_work

log = logging.getLogger(__name__)
ATTEMPTS = 5
LEASE = dt.timedelta(seconds=60)
BACK_OFF = (0.2, 1.0, 5.0, 15.0)  # seconds after the first, second… failure

Handler = Callable[[Sequence[JournalEntry]], None]


@dataclass(frozen=True)
class Reader:
    """A consumer of the journal.

    Attributes:
        name: names the cursor.
        inside: database effects; runs in the unit of work that moves the cursor.
        outside: effects elsewhere; runs before that, with no transaction held.
        start: `beginning`, or `now` for a reader that shall not repeat history when first met, or `placed`
            for one that reads only while it has a cursor, which `place` has made.
        batch: entries taken at most at a time.
        prompt: people wait for it: a worker lets it read after everything else that it has done.
    """

    name: str
    inside: Handler | None = None
    outside: Handler | None = None
    start: str = "beginning"
    batch: int = 200
    prompt: bool = False


class JournalCursor(Model):
    """How far a reader has come, and who reads at the moment."""

    __tablename__ = "journal_cursors"
    reader: Mapped[str] = mapped_column(Code(80), primary_key=True)
    position: Mapped[int] = mapped_column(Key, default=0)
    lease_owner: Mapped[str | None] = mapped_column(Code(64))
    lease_until: Mapped[dt.datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[dt.datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.Text)


class DeadLetter(Model):
    """Work that failed five times: kept, shown to the operator, retried on demand."""

    __tablename__ = "dead_letters"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(Code(80), index=True)
    entry_id: Mapped[int | None] = mapped_column(Key)
    task: Mapped[dict[str, object] | None] = mapped_column(sa.JSON)
    error: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[dt.datetime]
    resolved_at: Mapped[dt.datetime | None]


class LeaseLost(RuntimeError):
    """Another worker took over; this batch's effects are not committed."""


def wall() -> dt.datetime:
    """The machine's own time: leases and retries must not follow a set clock."""
    return dt.datetime.now(dt.UTC)


def position(name: str) -> int | None:
    """A reader's cursor, None when it has never run."""
    return db.session.scalar(sa.select(JournalCursor.position).where(JournalCursor.reader == name))


def lag(name: str) -> int:
    """How many entries a reader is behind."""
    head = db.session.scalar(sa.select(JournalHead.last)) or 0
    return head - (position(name) or 0)


def place(name: str, at: int) -> None:
    """Put a reader's cursor at a position, inside a unit of work (a new index generation does)."""
    cursor = db.session.get(JournalCursor, name)
    if cursor is None:
        db.session.add(JournalCursor(reader=name, position=at, failures=0))
    else:
        cursor.position = at
    db.session.flush()


def subjects(entries: Iterable[JournalEntry], *models: type[Any]) -> list[Any]:
    """The rows of these models that entries are about, each model's read at once.

    The session finds them by their keys as long as the list is kept.
    """
    ids: dict[str, set[int]] = {}
    for entry in entries:
        ids.setdefault(entry.subject_type, set()).add(entry.subject_id)
    found: list[Any] = []
    for model in models:
        if wanted := ids.get(model.__tablename__):
            found += db.session.scalars(sa.select(model).where(model.id.in_(wanted))).unique()
    return found


def step(reader: Reader, owner: str) -> int:
    """Take one batch. Returns how many entries were taken; 0 when there is nothing to do or another reads."""
    claimed = _claim(reader, owner)
    if claimed is None:
        return 0
    entries = entries_after(claimed, reader.batch)
    db.session.expunge_all()  # else each of them would be loaded again, one by one, after the roll-back
    db.session.rollback()
    if not entries:
        return 0
    try:
        # The lease is given back at once: this worker's next task may be long, and another is there to read.
        _take(reader, owner, entries, give_back=True)
    except LeaseLost:
        return 0
    except Unavailable as error:
        _pause(reader, str(error), seconds=2.0)
        return 0
    except Exception as error:
        db.session.rollback()
        if len(entries) > 1:
            return _one_by_one(reader, owner, entries)
        return _failed(reader, owner, entries[0], error)
    return len(entries)


def release(owner: str) -> None:
    """Give back every lease of a worker that ends (own unit), so that the next one need not wait for it."""
    db.session.rollback()
    held = JournalCursor.lease_owner == owner
    if db.session.scalar(sa.select(sa.func.count()).select_from(JournalCursor).where(held)):
        with unit_of_work():
            db.session.execute(
                sa.update(JournalCursor).where(held).values(lease_owner=None, lease_until=None)
            )


def _claim(reader: Reader, owner: str) -> int | None:
    """The cursor's position once the lease is ours. Writes only when there is something to read."""
    head = db.session.scalar(sa.select(JournalHead.last)) or 0
    cursor = db.session.get(JournalCursor, reader.name, populate_existing=True)
    now = wall()
    if cursor is not None:
        busy = cursor.lease_owner not in (None, owner) and (cursor.lease_until or now) > now
        if busy or cursor.position >= head or (cursor.retry_at or now) > now:
            db.session.rollback()
            return None
    db.session.rollback()
    with unit_of_work():
        cursor = db.session.get(JournalCursor, reader.name, with_for_update=True, populate_existing=True)
        if cursor is None and reader.start == "placed":
            return None
        if cursor is None:
            cursor = JournalCursor(
                reader=reader.name, position=0 if reader.start == "beginning" else head, failures=0
            )
            db.session.add(cursor)
        elif cursor.lease_owner not in (None, owner) and (cursor.lease_until or now) > now:
            return None
        cursor.lease_owner = owner
        cursor.lease_until = now + LEASE
        return cursor.position


def _take(reader: Reader, owner: str, entries: Sequence[JournalEntry], *, give_back: bool = False) -> None:
    if reader.outside is not None:
        reader.outside(entries)
        db.session.rollback()
    with unit_of_work():
        cursor = lock(JournalCursor, reader.name)
        if cursor.lease_owner != owner or cursor.position >= entries[0].id:
            raise LeaseLost(reader.name)
        if reader.inside is not None:
            reader.inside(entries)
        cursor.position = entries[-1].id
        cursor.failures = 0
        cursor.retry_at = None
        cursor.last_error = None
        cursor.lease_owner = None if give_back else owner
        cursor.lease_until = None if give_back else wall() + LEASE


def _one_by_one(reader: Reader, owner: str, entries: Sequence[JournalEntry]) -> int:
    taken = 0
    for entry in entries:
        try:
            _take(reader, owner, [entry])
        except LeaseLost:
            return taken
        except Unavailable as error:
            _pause(reader, str(error), seconds=2.0)
            return taken
        except Exception as error:
            db.session.rollback()
            return taken + _failed(reader, owner, entry, error)
        taken += 1
    return taken


def _pause(reader: Reader, error: str, seconds: float) -> None:
    db.session.rollback()
    log.warning("reader paused", extra={"reader": reader.name, "error": error})
    with unit_of_work():
        cursor = lock(JournalCursor, reader.name)
        cursor.retry_at = wall() + dt.timedelta(seconds=seconds)
        cursor.last_error = error


def _failed(reader: Reader, owner: str, entry: JournalEntry, error: Exception) -> int:
    """Count the failure; after the fifth the entry is put aside. Returns 1 when the reader moved on."""
    log.error("reader failed", extra={"reader": reader.name, "entry": entry.id}, exc_info=error)
    with unit_of_work():
        cursor = lock(JournalCursor, reader.name)
        if cursor.lease_owner != owner or cursor.position >= entry.id:
            return 0  # another worker took over and tells its own failures
        cursor.failures += 1
        cursor.last_error = f"{type(error).__name__}: {error}"
        if cursor.failures < ATTEMPTS:
            cursor.retry_at = wall() + dt.timedelta(seconds=BACK_OFF[cursor.failures - 1])
            return 0
        letter = DeadLetter(
            source=f"reader:{reader.name}", entry_id=entry.id, error=cursor.last_error, created_at=wall()
        )
        db.session.add(letter)
        record("dead_letter.added", letter, source=letter.source, entry=entry.id)
        cursor.position = entry.id
        cursor.failures = 0
        cursor.retry_at = None
        return 1
