"""The one place where anything is committed.

Entry points (web, api, cli, worker) open a unit of work; services only use it. Nothing slow happens
inside: no network, no PDF.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, orm
from structlog.contextvars import get_contextvars

from . import clock
from .actor import SYSTEM, Actor
from .database import db, turn
from .journal import Draft, append

T = TypeVar("T")


class NoUnitOfWork(RuntimeError):
    """A write was attempted outside a unit of work."""


class Subject(Protocol):
    """A row that the journal can speak of."""

    id: Any
    __tablename__: str


class Unit:
    """What one unit of work has collected so far."""

    def __init__(self, actor: Actor, origin: str, request_id: str | None) -> None:
        self.actor = actor
        self.origin = origin
        self.request_id = request_id
        self.drafts: list[Draft] = []
        self.after: list[Callable[[], None]] = []
        self.last_entry_id: int | None = None

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that may fail alone: when it rolls back, its journal entries go with it."""
        kept, kept_after = len(self.drafts), len(self.after)
        try:
            with db.session.begin_nested():
                yield
        except BaseException:
            del self.drafts[kept:]
            del self.after[kept_after:]
            raise

    def then(self, call: Callable[[], None]) -> None:
        """Run `call` after the commit; a convenience, never needed for truth."""
        self.after.append(call)


_current: ContextVar[Unit | None] = ContextVar("unit_of_work", default=None)


def current() -> Unit:
    """The open unit of work.

    Raises:
        NoUnitOfWork: when none is open.
    """
    unit = _current.get()
    if unit is None:
        raise NoUnitOfWork("open a unit of work at the entry point")
    return unit


def record(
    action: str,
    subject: Subject,
    *,
    organisation_id: int | None = None,
    occurred_on: dt.date | None = None,
    **data: Any,
) -> None:
    """Hand one journal entry to the unit of work.

    Args:
        action: dotted code such as `offer.announced`.
        subject: the changed row; it is flushed first so that it has its id and version.
        organisation_id: whose matter it is; by default the organisation the actor acts for.
        occurred_on: legal date of the event, by default today in Shanghai.
        data: ids, codes and digests only (personal data would be beyond erasure).
    """
    unit = current()
    db.session.flush()
    unit.drafts.append(
        Draft(
            recorded_at=clock.now(),
            occurred_on=occurred_on or clock.today(),
            origin=unit.origin,
            action=action,
            subject_type=subject.__tablename__,
            subject_id=subject.id,
            subject_version=getattr(subject, "version", 1),
            actor_id=unit.actor.user_id,
            organisation_id=organisation_id if organisation_id is not None else unit.actor.organisation_id,
            request_id=unit.request_id,
            data=data,
        )
    )


@contextmanager
def unit_of_work(
    actor: Actor = SYSTEM, *, origin: str = "live", request_id: str | None = None
) -> Iterator[Unit]:
    """One transaction: begin for writing, do, seal the journal, commit once.

    A read transaction that is already open (the login loader's, say) is ended first: its snapshot must
    not be used for writing, and on SQLite BEGIN IMMEDIATE has to come first.

    Raises:
        RuntimeError: when a unit is already open, or when changes were made before it.
    """
    if _current.get() is not None:
        raise RuntimeError("a unit of work is already open: entry points open it, services do not")
    session = db.session()
    if session.in_transaction():
        if session.new or session.dirty or session.deleted:
            raise RuntimeError("changes were made outside a unit of work")
        session.rollback()
    unit = Unit(actor, origin, request_id or get_contextvars().get("request_id"))
    with turn(session.get_bind()):
        session.connection(execution_options={"sqlite_tx": "IMMEDIATE"})
        token = _current.set(unit)
        try:
            yield unit
            session.flush()
            if unit.drafts:
                unit.last_entry_id = append(session, unit.drafts)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            _current.reset(token)
    for call in unit.after:
        call()


def lock(model: type[T], key: Any, *options: orm.interfaces.ORMOption) -> T:
    """Load a row afresh and hold it until the end of the unit of work.

    Args:
        options: for its loading, such as what need not come along.

    Raises:
        sqlalchemy.exc.NoResultFound: when there is no such row.
    """
    current()
    # A select and not `get`, which raises StaleDataError when the row was read before and has changed since.
    # OF: PostgreSQL refuses to lock the outer-joined side of eagerly loaded rows, and they are not meant.
    query = sa.select(model).where(sa.inspect(model, raiseerr=True).primary_key[0] == key)
    return db.session.scalars(
        query.with_for_update(of=model).options(*options), execution_options={"populate_existing": True}
    ).one()


def lock_all(model: type[T], keys: Iterable[Any]) -> list[T]:
    """Load many rows afresh, in the order of their keys, and hold them; those that are gone are left out."""
    current()
    key = sa.inspect(model, raiseerr=True).primary_key[0]
    query = sa.select(model).where(key.in_(sorted(keys))).order_by(key).with_for_update(of=model)
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


@event.listens_for(db.session, "before_flush")
def _no_write_outside(_session: orm.Session, _context: Any, _instances: Any) -> None:
    if _current.get() is None:
        raise NoUnitOfWork("a write outside a unit of work")


@event.listens_for(db.session, "do_orm_execute")
def _no_bulk_write_outside(state: orm.ORMExecuteState) -> None:
    if (state.is_insert or state.is_update or state.is_delete) and _current.get() is None:
        raise NoUnitOfWork("a write outside a unit of work")
