"""Work that failed for good: looked at, tried again on demand, or closed by hand. Nothing is dropped."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from flask import current_app

from .actor import Actor
from .database import db
from .errors import Conflict, NotFound
from .journal import JournalEntry
from .permissions import require
from .readers import DeadLetter, Reader, wall
from .tasks import enqueue
from .unit_of_work import lock, record, unit_of_work
from .worker import Work

log = logging.getLogger(__name__)


def open_letters(actor: Actor, *, before: int | None = None, size: int = 50) -> list[DeadLetter]:
    """Letters that are not resolved, newest first.

    Args:
        before: id of the last one of the page before.

    Raises:
        Unauthenticated, Forbidden: only the operator sees them.
    """
    require(actor, "dead_letter.see")
    query = sa.select(DeadLetter).where(DeadLetter.resolved_at.is_(None)).order_by(DeadLetter.id.desc())
    if before is not None:
        query = query.where(DeadLetter.id < before)
    return list(db.session.scalars(query.limit(size)))


def retry(actor: Actor, letter_id: int) -> None:
    """Try the work once more: a task is put back into the queue, a reader takes its entry again, at once.

    An entry point: opens its own units of work. Handlers are idempotent, so a second effect is harmless.

    Raises:
        NotFound: `dead-letter-not-found`.
        Conflict: `dead-letter-resolved`; `retry-impossible`, when the reader or task is no longer there;
            `retry-failed`, when it failed again (the letter stays, with the new error).
    """
    require(actor, "dead_letter.resolve")
    letter = _open(db.session.get(DeadLetter, letter_id))
    task, source = letter.task or {}, letter.source
    if "name" in task:
        if task["name"] not in _work().tasks:
            raise Conflict("retry-impossible", "What should do this work is no longer there.")
        with unit_of_work(actor):
            letter = _locked(letter_id)
            arguments = task.get("arguments")
            enqueue(
                str(task["name"]),
                key=str(task.get("key") or f"retry:{letter_id}"),
                **(arguments if isinstance(arguments, dict) else {}),
            )
            _close(letter, "dead_letter.retried")
        return
    _take_again(actor, letter_id, source.removeprefix("reader:"), letter.entry_id)


def resolve(actor: Actor, letter_id: int) -> None:
    """Close a letter whose matter was settled in another way, in the present unit of work.

    Raises:
        NotFound: `dead-letter-not-found`.
        Conflict: `dead-letter-resolved`.
    """
    require(actor, "dead_letter.resolve")
    _close(_locked(letter_id), "dead_letter.resolved")


def _take_again(actor: Actor, letter_id: int, name: str, entry_id: int | None) -> None:
    reader = _reader(name)
    entry = db.session.get(JournalEntry, entry_id) if entry_id is not None else None
    if reader is None or entry is None:
        raise Conflict("retry-impossible", "What should do this work is no longer there.")
    try:
        if reader.outside is not None:
            reader.outside([entry])
            db.session.rollback()
        with unit_of_work(actor):
            letter = _locked(letter_id)
            if reader.inside is not None:
                reader.inside([db.session.get_one(JournalEntry, entry_id)])
            _close(letter, "dead_letter.retried")
    except Conflict:
        raise
    except Exception as error:  # any fault of a reader: kept with the letter, as the worker does
        db.session.rollback()
        log.exception("retry failed", extra={"reader": name, "entry": entry_id})
        with unit_of_work(actor):
            letter = _locked(letter_id)
            letter.error = f"{type(error).__name__}: {error}"
        raise Conflict("retry-failed", "It failed again; the error is shown with it.") from error


def _work() -> Work:
    found: Work = current_app.extensions["marketplace.work"]
    return found


def _reader(name: str) -> Reader | None:
    for source in _work().readers:
        for reader in source():
            if reader.name == name:
                return reader
    return None


def _open(letter: DeadLetter | None) -> DeadLetter:
    if letter is None:
        raise NotFound("dead-letter-not-found", "There is no such failed work.")
    if letter.resolved_at is not None:
        raise Conflict("dead-letter-resolved", "This has been settled already.")
    return letter


def _locked(letter_id: int) -> DeadLetter:
    _open(db.session.get(DeadLetter, letter_id))
    return _open(lock(DeadLetter, letter_id))


def _close(letter: DeadLetter, entry: str) -> None:
    letter.resolved_at = wall()
    record(entry, letter, source=letter.source)
