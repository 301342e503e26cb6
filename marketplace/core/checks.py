"""Checking the journal's chain in the background: every entry is read, which no page could wait for.

What was found is an entry of the journal itself: who asks later when the chain was last seen whole is
answered by what cannot be changed unseen.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

import sqlalchemy as sa

from . import journal
from .database import db
from .journal import JournalEntry
from .tasks import enqueue, renew
from .unit_of_work import record, unit_of_work

log = logging.getLogger(__name__)
TASK = "core.check_journal"
_ACTION = "journal.checked"


@dataclass
class _Chain:
    """What the entry about a check speaks of: the chain up to its last good entry."""

    id: int
    __tablename__: str = "journal"


@dataclass(frozen=True)
class Check:
    """A check that was carried out.

    Attributes:
        at: when it ended, UTC.
        entries: how many entries held, from the first on.
        kind: the first break behind them as `journal.Verification.kind` names it; None if there was none.
    """

    at: dt.datetime
    entries: int
    kind: str | None

    @property
    def ok(self) -> bool:
        return self.kind is None


def ask_for_check() -> None:
    """Let the worker check the chain, in the present unit of work. Asking twice checks once."""
    enqueue(TASK, key="requested")


def check_journal() -> None:
    """Recompute the chain and record what was found. A task; opens its own units of work."""
    tell(journal.verify(lambda _entries: renew()))


def tell(found: journal.Verification) -> None:
    """Record what a check has found, and log a break as an error. Opens its own unit of work."""
    if not found.ok:
        log.error("the journal's chain is broken", extra={"entries": found.entries, "fault": found.fault})
    with unit_of_work():
        record(_ACTION, _Chain(found.entries), entries=found.entries, kind=found.kind)


def last_check() -> Check | None:
    """The check that was carried out last; None when there was none."""
    row = db.session.scalar(
        sa.select(JournalEntry)
        .where(JournalEntry.action == _ACTION)
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )
    return None if row is None else Check(row.recorded_at, row.data["entries"], row.data["kind"])
