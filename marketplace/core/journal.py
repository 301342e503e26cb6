"""The one journal: every change of state, in commit order, sealed in a chain.

Entries are numbered densely and sealed under one lock as the very last step before COMMIT, so the order
of ids is the order of commits, a reader's cursor is one integer, and a gap or a broken seal means
tampering. Never number by a sequence: an id cursor would then lose entries that commit late.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from .database import Code, Key, Model, db, one_of

ORIGINS = ("live", "import", "demo", "repair")
GENESIS = b"\0" * 32
_LOCK = 0x6A6F7572  # one advisory lock for the appender on PostgreSQL


class JournalHead(Model):
    """The last number and seal: one row, written only by the appender."""

    __tablename__ = "journal_head"
    one: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Key)
    seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class JournalEntry(Model):
    """One change of state. Holds ids, codes and digests only: personal data stays in erasable rows."""

    __tablename__ = "journal"
    __table_args__ = (
        one_of("origin", ORIGINS),
        sa.Index("ix_journal_subject", "subject_type", "subject_id"),
        sa.Index("ix_journal_action", "action"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    recorded_at: Mapped[dt.datetime]
    occurred_on: Mapped[dt.date]
    origin: Mapped[str] = mapped_column(Code(8))
    action: Mapped[str] = mapped_column(Code(64))
    subject_type: Mapped[str] = mapped_column(Code(32))
    subject_id: Mapped[int] = mapped_column(Key)
    subject_version: Mapped[int]
    actor_id: Mapped[int | None] = mapped_column(Key)
    organisation_id: Mapped[int | None] = mapped_column(Key)
    request_id: Mapped[str | None] = mapped_column(Code(64))
    data: Mapped[dict[str, Any]]
    seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


@dataclass(slots=True)
class Draft:
    """An entry before it has its number and seal."""

    recorded_at: dt.datetime
    occurred_on: dt.date
    origin: str
    action: str
    subject_type: str
    subject_id: int
    subject_version: int
    actor_id: int | None
    organisation_id: int | None
    request_id: str | None
    data: dict[str, Any] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def seal_of(previous: bytes, number: int, columns: dict[str, Any]) -> bytes:
    """sha256 over the previous seal and the canonical JSON of an entry; times in UTC, keys sorted."""
    body = json.dumps(
        [
            number,
            columns["recorded_at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
            columns["occurred_on"].isoformat(),
            columns["origin"],
            columns["action"],
            columns["subject_type"],
            columns["subject_id"],
            columns["subject_version"],
            columns["actor_id"],
            columns["organisation_id"],
            columns["request_id"],
            columns["data"],
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(previous + body.encode()).digest()


def append(session: Session, drafts: Sequence[Draft]) -> int:
    """Number, seal and insert entries; called by the unit of work only, as the last step before COMMIT.

    Nothing may be locked after this lock, so it cannot join a deadlock cycle. Returns the last id.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    # A statement of its own after the lock: under READ COMMITTED it sees the last commit.
    head = session.execute(sa.select(JournalHead.last, JournalHead.seal)).one()
    last: int = head.last
    seal: bytes = head.seal
    rows = []
    for draft in drafts:
        last += 1
        columns = draft.columns()
        seal = seal_of(seal, last, columns)
        rows.append({"id": last, "seal": seal, **columns})
    session.execute(sa.insert(JournalEntry.__table__), rows)  # type: ignore[arg-type]
    session.execute(sa.update(JournalHead.__table__).values(last=last, seal=seal))  # type: ignore[arg-type]
    return last


def last_id() -> int:
    """The id of the newest committed entry, 0 when there is none."""
    last: int | None = db.session.scalar(sa.select(JournalHead.last))
    return last or 0


def entries_after(cursor: int, limit: int) -> list[JournalEntry]:
    """At most `limit` entries with an id above `cursor`, in order."""
    return list(
        db.session.scalars(
            sa.select(JournalEntry).where(JournalEntry.id > cursor).order_by(JournalEntry.id).limit(limit)
        )
    )


@dataclass(frozen=True)
class Verification:
    """Outcome of checking the chain.

    Attributes:
        entries: how many entries hold, from the first on.
        fault: the first break behind them, as an English sentence; None if there is none.
        kind: the same as a code: `missing`, `changed`, or `cut` (the tail is gone or the head was changed).
    """

    entries: int
    fault: str | None
    kind: str | None = None

    @property
    def ok(self) -> bool:
        return self.fault is None


_STRIDE = 2000  # entries read at a time


def verify(progress: Callable[[int], None] | None = None) -> Verification:
    """Recompute every seal. Names the first gap, changed entry or cut tail.

    The head is compared only when no entry is left, and what was written meanwhile is read first: entries
    that are being added while it runs are no break.

    Args:
        progress: called with the number of entries that hold, after every 2000; it may end the transaction.
    """
    table = JournalEntry.__table__
    last, seal = 0, GENESIS
    while True:
        query = sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(_STRIDE)
        rows = db.session.execute(query).mappings().all()
        for row in rows:
            if row["id"] != last + 1:
                return Verification(last, f"entries {last + 1} to {row['id'] - 1} are missing", "missing")
            seal = seal_of(seal, row["id"], dict(row))
            if seal != row["seal"]:
                return Verification(last, f"entry {row['id']} was changed", "changed")
            last = row["id"]
        if progress is not None:
            progress(last)
        if rows:
            continue
        head = db.session.execute(sa.select(JournalHead.last, JournalHead.seal)).one()
        if (head.last, head.seal) == (last, seal):
            return Verification(last, None)
        if head.last <= last or not _written(last + 1):
            return Verification(last, f"the tail after entry {last} was cut or the head was changed", "cut")


def _written(number: int) -> bool:
    return db.session.scalar(sa.select(JournalEntry.id).where(JournalEntry.id == number)) is not None


def seed_head(connection: sa.Connection) -> None:
    """Put the empty journal's head in place; done by the migrations' environment, harmless when repeated."""
    if not sa.inspect(connection).has_table("journal_head"):
        return
    if connection.scalar(sa.select(sa.func.count()).select_from(JournalHead)) == 0:
        connection.execute(sa.insert(JournalHead).values(one=1, last=0, seal=GENESIS))
