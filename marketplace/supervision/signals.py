"""Signals of sham licences: looked for once a day and on demand, set aside by the bureau with a reason.

Nothing acts by itself: no offer and no licence changes, and no party is told.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.lifecycle import Lifecycle, Transition
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work

from .models import KINDS, Signal
from .rules import Seen
from .seeing import seen

TASK: Final = "supervision.signals"
REASON_UP_TO: Final = 500
"""Characters of a reason."""

LIFECYCLE: Final = Lifecycle(
    "sham_signal",
    "open",
    (
        Transition("clear", frozenset({"open"}), "cleared", "signal.clear", "signal.cleared"),
        Transition("reopen", frozenset({"cleared"}), "open", "signal.reopen", "signal.reopened"),
    ),
)

_AT_ONCE: Final = 10_000
_TABLE: Final = cast("sa.Table", Signal.__table__)


@dataclass(frozen=True)
class Found:
    """One page of signals.

    Attributes:
        signals: the newest first.
        counts: kind → how many are in the state asked for.
        total: of the kind and state asked for.
    """

    signals: Sequence[Signal]
    counts: Mapping[str, int]
    total: int


def signals(
    actor: Actor,
    *,
    kind: str | None = None,
    state: str | None = "open",
    before: int | None = None,
    offset: int = 0,
    limit: int = 50,
) -> Found:
    """Signals of one kind and state, or of all.

    Args:
        before: only those with a smaller id: the place where a page of the API begins.

    Raises:
        Forbidden: not the bureau's people or an operator.
    """
    require(actor, "signal.see")
    in_state = sa.true() if state is None else Signal.state == state
    counted = Counter(
        dict(
            db.session.execute(
                sa.select(Signal.kind, sa.func.count()).where(in_state).group_by(Signal.kind)
            ).all()
        )
    )
    query = sa.select(Signal).where(in_state).order_by(Signal.id.desc()).offset(offset).limit(limit)
    if kind is not None:
        query = query.where(Signal.kind == kind)
    if before is not None:
        query = query.where(Signal.id < before)
    counts = {code: counted[code] for code in KINDS}
    return Found(
        db.session.scalars(query).all(), counts, counts[kind] if kind is not None else sum(counts.values())
    )


def signal(actor: Actor, signal_id: int) -> Signal:
    """One signal.

    Raises:
        Forbidden: not the bureau's people or an operator.
        NotFound: `not-found`.
    """
    require(actor, "signal.see")
    found = db.session.get(Signal, signal_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def clear(actor: Actor, signal_id: int, reason: str) -> Signal:
    """Set a signal aside; the same sort of evidence does not open it again.

    Raises:
        Forbidden: not the bureau's people or an operator.
        NotFound: `not-found`.
        Conflict: `illegal-transition`: it is cleared already.
        Invalid: `reason-missing`: no reason, or too long a one.
    """
    require(actor, "signal.clear")
    subject = lock(Signal, signal(actor, signal_id).id)
    said = reason.strip()
    if not 0 < len(said) <= REASON_UP_TO:
        message = N_("Please give a reason of at most 500 characters.")
        raise Invalid("reason-missing", message, fields={"reason": [message]})

    def effect() -> None:
        subject.cleared_sorts = sorted({*subject.cleared_sorts, *subject.sorts})
        subject.cleared_at, subject.cleared_by, subject.reason = clock.now(), actor.user_id, said

    LIFECYCLE.execute(actor, subject, "clear", effect=effect, sorts=subject.sorts)
    return subject


def look_again(actor: Actor) -> None:
    """Ask the worker to look for signals now.

    Raises:
        Forbidden: not the bureau's people or an operator.
    """
    require(actor, "signal.look")
    enqueue(TASK, key="all")


def refresh() -> None:
    """Look for signals and keep what is seen (a schedule): the same signal is one row for good."""
    found = {one.key: one for one in seen(clock.today())}
    with unit_of_work(SYSTEM):
        _keep(found)


def _keep(found: Mapping[Any, Seen]) -> None:
    now = clock.now()
    known = {
        _key(row): row
        for row in db.session.execute(
            sa.select(
                Signal.id,
                Signal.kind,
                Signal.holder_id,
                Signal.licensee_id,
                Signal.begins_on,
                Signal.state,
                Signal.sorts,
                Signal.cleared_sorts,
                Signal.evidence,
            )
        )
    }
    _add([one for key, one in found.items() if key not in known], now)
    again = [(known[key], one) for key, one in found.items() if key in known]
    ids = [row.id for row, _one in again]
    for begin in range(0, len(ids), _AT_ONCE):
        # Not through the model: that it was seen again changes nothing that an official has read of it.
        part = ids[begin : begin + _AT_ONCE]
        db.session.execute(sa.update(_TABLE).values(last_seen_at=now).where(_TABLE.c.id.in_(part)))
    for row, one in again:
        if row.evidence == one.evidence and set(row.sorts) == one.sorts:
            continue
        subject = lock(Signal, row.id)
        subject.evidence, subject.sorts = one.evidence, sorted(one.sorts)
        if subject.state == "cleared" and one.sorts - set(subject.cleared_sorts):
            LIFECYCLE.execute(SYSTEM, subject, "reopen", sorts=subject.sorts)


def _key(row: Any) -> tuple[str, int, int | None, dt.date | None]:
    """As `Seen.key`. Two of a mutual pair may stand the other way round after a merger of records."""
    one, other = row.holder_id, row.licensee_id
    if row.kind == "mutual" and other is not None and other < one:
        one, other = other, one
    return row.kind, one, other, row.begins_on


def _add(new: Sequence[Seen], now: dt.datetime) -> None:
    rows = [
        Signal(
            kind=one.kind,
            state=LIFECYCLE.initial,
            holder_id=one.holder_id,
            licensee_id=one.licensee_id,
            begins_on=one.begins_on,
            sorts=sorted(one.sorts),
            cleared_sorts=[],
            evidence=one.evidence,
            first_seen_at=now,
            last_seen_at=now,
        )
        for one in new
    ]
    db.session.add_all(rows)
    for row in rows:
        record("signal.opened", row, kind=row.kind, sorts=row.sorts)
