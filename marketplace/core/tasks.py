"""Work for later, kept in the database: mail, webhooks, documents, reconciliation.

A task is enqueued in the transaction of its cause, claimed under a lease and retried with back-off. Its
handler opens its own units of work and must be idempotent: a worker may die after the effect and before
the task is marked done. One that may work longer than the lease calls `renew` as it goes. A handler that is
cheaper for many than for each is registered as `Together`.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .database import Code, Key, Model, db
from .errors import Unavailable
from .readers import DeadLetter, LeaseLost, wall
from .unit_of_work import current, record, unit_of_work

log = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=5)
BACK_OFF = (1.0, 10.0, 60.0, 600.0, 3600.0)

Handler = Callable[..., None]


@dataclass(frozen=True)
class Together:
    """A handler that does several tasks of its name at once; when that fails, they are tried one by one.

    Attributes:
        call: gets the arguments of each task; like a handler it opens its own units of work.
        most: how many at a time. All of them are held until the last one is done.
    """

    call: Callable[[Sequence[Mapping[str, Any]]], None]
    most: int

    def __call__(self, **arguments: Any) -> None:
        """Do one task alone."""
        self.call([arguments])


Handlers = Mapping[str, Handler | Together]


class Task(Model):
    """One piece of work that is still to be done; done ones are deleted (the journal tells the story)."""

    __tablename__ = "tasks"
    __table_args__ = (
        sa.Index("ix_tasks_due", "due_at"),
        sa.Index("uq_tasks_key", "name", "key", unique=True),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Code(64))
    key: Mapped[str] = mapped_column(Code(120))
    arguments: Mapped[dict[str, Any]]
    due_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(Code(40))
    lease_until: Mapped[dt.datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.Text)


class ScheduleState(Model):
    """When a recurring task is next due."""

    __tablename__ = "schedules"
    name: Mapped[str] = mapped_column(Code(64), primary_key=True)
    next_at: Mapped[dt.datetime]


@dataclass(frozen=True)
class Schedule:
    """A task that recurs.

    Attributes:
        name: the task's name; it takes no arguments.
        every: the interval.
    """

    name: str
    every: dt.timedelta


def enqueue(
    name: str, *, key: str | None = None, delay: dt.timedelta | None = None, **arguments: Any
) -> None:
    """Ask for a task, in the present unit of work.

    Args:
        name: a registered task.
        key: what makes it the same task: while the first waits, a second one is not added; while it runs,
            it may have read what has changed since, so it is done once more with the new arguments.
        delay: how long to wait.
        arguments: JSON values for the handler.
    """
    enqueue_all(name, [(key or uuid.uuid4().hex, arguments)], delay=delay)


def enqueue_all(
    name: str, asked: Sequence[tuple[str, dict[str, Any]]], *, delay: dt.timedelta | None = None
) -> None:
    """As `enqueue`, for many tasks of one name, each with its key and arguments."""
    current()
    if not asked:
        return
    due_at = wall() + (delay or dt.timedelta())
    rows = [
        {"name": name, "key": key, "arguments": arguments, "due_at": due_at, "attempts": 0}
        for key, arguments in asked
    ]
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    statement = insert(Task.__table__)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["name", "key"],
            set_={"arguments": statement.excluded.arguments, "due_at": statement.excluded.due_at},
            where=Task.lease.is_not(None),
        ),
        rows,
    )


def run_next(handlers: Handlers) -> bool | None:
    """Claim and run one task that is due, or several of one name that are done together.

    Returns:
        True when something was done, False when a task failed for good (a dead letter), None when nothing
        was due or what was due will be tried again.
    """
    claims = _claim(handlers)
    if not claims:
        return None
    handler = handlers.get(claims[0].name)
    if isinstance(handler, Together) and len(claims) > 1:
        try:
            _do(handler, claims)
        except LeaseLost:
            return None
        except Unavailable as error:
            # Whatever is away is so for all of them: one that waits for it is enough.
            db.session.rollback()
            for claim in claims:
                _failed(claim.id, claim.lease, error)
            return None
        except Exception as error:
            db.session.rollback()
            log.warning("tasks are tried one by one", extra={"task": claims[0].name, "error": str(error)})
        else:
            _done(claims)
            return True
    outcomes = [_do_one(handler, claim) for claim in claims]
    return False if False in outcomes else True in outcomes or None


def _do_one(handler: Handler | Together | None, claim: _Claim) -> bool | None:
    try:
        _do(handler, [claim])
    except Exception as error:
        db.session.rollback()
        return _failed(claim.id, claim.lease, error)
    _done([claim])
    return True


def _do(handler: Handler | Together | None, claims: Sequence[_Claim]) -> None:
    if handler is None:
        raise LookupError(f"no handler for {claims[0].name}")
    with _at_work(claims):
        if isinstance(handler, Together) and len(claims) > 1:
            handler.call([claim.arguments for claim in claims])
        else:
            handler(**claims[0].arguments)


def _done(claims: Sequence[_Claim]) -> None:
    mine = (Task.id.in_([claim.id for claim in claims]), Task.lease == claims[0].lease)
    as_claimed = sa.tuple_(Task.id, Task.due_at).in_([(claim.id, claim.due_at) for claim in claims])
    unread = {"synchronize_session": False}  # this session has no use for the rows any more
    with unit_of_work():
        db.session.execute(sa.delete(Task).where(*mine, as_claimed), execution_options=unread)
        # Still there: it was asked for again while it ran.
        again = sa.update(Task).where(*mine).values(lease=None, lease_until=None, attempts=0)
        db.session.execute(again, execution_options=unread)


def renew() -> None:
    """Hold the lease of what runs here for another while (own unit), between two units of work.

    A handler that may work longer than the lease calls it as it goes, as often as it likes: it writes only
    when a third of the lease is over. Outside a task it does nothing, so that the command line may do the
    same work.

    Raises:
        LeaseLost: another worker has taken the task over; what is left of the work is the other's.
    """
    holding = _held.get()
    if holding is None or wall() < holding.until - LEASE * 2 / 3:
        return
    until = wall() + LEASE
    with unit_of_work():
        kept = db.session.scalars(
            sa.update(Task)
            .where(Task.id.in_(holding.task_ids), Task.lease == holding.lease)
            .values(lease_until=until)
            .returning(Task.id)
        ).all()
    if len(kept) < len(holding.task_ids):
        raise LeaseLost(holding.name)
    holding.until = until


@dataclass
class _Held:
    """The lease of the tasks at work, as it was last renewed."""

    task_ids: tuple[int, ...]
    name: str
    lease: str
    until: dt.datetime


_held: ContextVar[_Held | None] = ContextVar("task_at_work", default=None)


@contextmanager
def _at_work(claims: Sequence[_Claim]) -> Iterator[None]:
    first = claims[0]
    token = _held.set(_Held(tuple(claim.id for claim in claims), first.name, first.lease, first.until))
    try:
        yield
    finally:
        _held.reset(token)


def due() -> bool:
    """Whether any task could be claimed now; reads only."""
    found = db.session.scalar(sa.select(Task.id).where(*_claimable(wall())).limit(1)) is not None
    db.session.rollback()
    return found


def _claimable(now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (Task.due_at <= now, sa.or_(Task.lease_until.is_(None), Task.lease_until < now))


@dataclass(frozen=True)
class _Claim:
    """A task as it was when it was claimed."""

    id: int
    name: str
    arguments: dict[str, Any]
    due_at: dt.datetime
    lease: str
    until: dt.datetime


def _claim(handlers: Handlers) -> list[_Claim]:
    if not due():
        return []
    now, lease = wall(), uuid.uuid4().hex
    # SKIP LOCKED is dropped on SQLite, where BEGIN IMMEDIATE already lets in one at a time.
    query = (
        sa.select(Task)
        .where(*_claimable(now))
        .order_by(Task.due_at, Task.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    with unit_of_work():
        taken = list(db.session.scalars(query.limit(1)))
        handler = handlers.get(taken[0].name) if taken else None
        if isinstance(handler, Together):
            others = query.where(Task.name == taken[0].name, Task.id != taken[0].id)
            taken += db.session.scalars(others.limit(handler.most - 1))
        for task in taken:
            task.lease, task.lease_until = lease, now + LEASE
        return [
            _Claim(task.id, task.name, dict(task.arguments), task.due_at, lease, now + LEASE)
            for task in taken
        ]


def _failed(task_id: int, lease: str, error: Exception) -> bool | None:
    with unit_of_work():
        task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
        if task is None or task.lease != lease:
            return None
        log.error("task failed", extra={"task": task.name, "id": task_id}, exc_info=error)
        if not isinstance(error, Unavailable):
            task.attempts += 1
        task.last_error = f"{type(error).__name__}: {error}"
        task.lease = task.lease_until = None
        if task.attempts < len(BACK_OFF):
            task.due_at = wall() + dt.timedelta(seconds=BACK_OFF[max(task.attempts - 1, 0)])
            return None
        letter = DeadLetter(
            source=f"task:{task.name}",
            task={"name": task.name, "key": task.key, "arguments": task.arguments},
            error=task.last_error,
            created_at=wall(),
        )
        db.session.add(letter)
        record("dead_letter.added", letter, source=letter.source)
        db.session.delete(task)
        return False


def start_due(schedules: tuple[Schedule, ...]) -> int:
    """Enqueue every schedule that is due. Returns how many."""
    now = wall()
    states = {row.name: row.next_at for row in db.session.scalars(sa.select(ScheduleState))}
    db.session.rollback()
    waiting = [schedule for schedule in schedules if states.get(schedule.name, now) <= now]
    if not waiting:
        return 0
    with unit_of_work():
        for schedule in waiting:
            state = db.session.get(ScheduleState, schedule.name, with_for_update=True)
            if state is None:
                db.session.add(ScheduleState(name=schedule.name, next_at=now + schedule.every))
            elif state.next_at <= now:
                state.next_at = now + schedule.every
            enqueue(schedule.name, key="schedule")
    return len(waiting)
