"""Noting who looked at whose personal data, and reading that log.

A service that hands out a person's data says so by `note`; what was noted in a
request or a command is written at its end by the entry point, before the answer leaves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from flask import g, has_app_context

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import GENESIS
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import current

from .models import WHAT, Access

_LOCK: Final = 0x61636365  # one advisory lock for the appender on PostgreSQL


@dataclass(frozen=True)
class Look:
    """A look that is noted and not written yet."""

    actor_id: int | None
    what: str
    person_id: int | None
    organisation_id: int | None
    subject_type: str | None
    subject_id: int | None


def note(
    actor: Actor,
    what: str,
    people: Iterable[int] = (),
    *,
    organisation_id: int | None = None,
    subject: Any = None,
) -> None:
    """Say that the actor is shown personal data; it is written when the request or the command ends.

    A person's own data, and that of the organisation the actor is a member of, are nobody else's look. What
    the worker does without a person is none either.

    Args:
        what: one of `WHAT`.
        people: ids of the accounts whose data it is; none where the people have no account.
        organisation_id: whose people they are, or whose contact is shown.
        subject: the row in whose page they stand.
    """
    if what not in WHAT:
        raise ValueError(what)
    by_worker = actor.is_system and "operator" not in actor.roles
    if by_worker or not has_app_context() or (organisation_id is not None and organisation_id in actor.own):
        return
    looks: dict[Look, None] = g.setdefault("accesses", {})
    table = subject.__tablename__ if subject is not None else None
    key = subject.id if subject is not None else None
    whom: list[int | None] = [one for one in people if one != actor.user_id]
    if not whom and organisation_id is not None:
        whom = [None]
    for person in whom:
        looks[Look(actor.user_id, what, person, organisation_id, table, key)] = None


def pending() -> bool:
    """Whether anything was noted since the last `write`."""
    return bool(g.get("accesses"))


def write(channel: str) -> int:
    """Write what was noted, in the present unit of work. Returns how many lines.

    Args:
        channel: one of `CHANNELS`.
    """
    request_id = current().request_id
    looks: dict[Look, None] = g.pop("accesses", {})
    if not looks:
        return 0
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    number, seal = head()
    rows, now = [], clock.now()
    for look in looks:
        number += 1
        columns = {
            "at": now,
            "person_id": look.person_id,
            "organisation_id": look.organisation_id,
            "actor_id": look.actor_id,
            "what": look.what,
            "channel": channel,
            "subject_type": look.subject_type,
            "subject_id": look.subject_id,
            "request_id": request_id,
        }
        seal = seal_of(seal, number, columns)
        rows.append({"id": number, "seal": seal, **columns})
    db.session.execute(sa.insert(Access), rows)
    return len(rows)


def head() -> tuple[int, bytes]:
    """Number and seal of the last line; (0, zeros) where there is none."""
    row = db.session.execute(sa.select(Access.id, Access.seal).order_by(Access.id.desc()).limit(1)).first()
    return (0, GENESIS) if row is None else (row.id, row.seal)


def seal_of(previous: bytes, number: int, columns: dict[str, Any]) -> bytes:
    """SHA-256 over the previous seal and the line's columns as canonical JSON, its instant in UTC."""
    values = dict(
        columns, number=number, at=columns["at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    )
    body = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + body.encode()).digest()


def first_break() -> int | None:
    """The number of the first line that is missing or was changed; None while all hold."""
    number, seal = 0, GENESIS
    table = Access.__table__
    while True:
        query = sa.select(table).where(table.c.id > number).order_by(table.c.id).limit(2000)
        rows = db.session.execute(query).mappings().all()
        if not rows:
            return None
        for row in rows:
            columns = {name: row[name] for name in row if name not in ("id", "seal")}
            seal = seal_of(seal, row["id"], columns)
            if row["id"] != number + 1 or seal != row["seal"]:
                return number + 1
            number = row["id"]


def looks_at(actor: Actor, *, before: int | None = None, limit: int = 50) -> list[Access]:
    """Who looked at the actor's own data, newest first.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    require(actor, "access_log.own")
    query = sa.select(Access).where(Access.person_id == actor.user_id)
    return _listed(query, before, limit)


def find(
    actor: Actor,
    *,
    person_id: int | None = None,
    by: int | None = None,
    what: str | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Access]:
    """Lines of the log, newest first.

    Args:
        person_id: looks at this account; by: looks of this account; what: one of `WHAT`.
        since, until: first and last day in Shanghai.
        before: number of the last line of the page before.

    Raises:
        Unauthenticated, Forbidden: neither the bureau nor an operator.
    """
    require(actor, "access_log.search")
    query = sa.select(Access)
    if person_id is not None:
        query = query.where(Access.person_id == person_id)
    if by is not None:
        query = query.where(Access.actor_id == by)
    if what is not None:
        query = query.where(Access.what == what)
    if since is not None:
        query = query.where(Access.at >= clock.start_of_day_utc(since))
    if until is not None and until < dt.date.max:
        query = query.where(Access.at < clock.end_of_day_utc(until))
    return _listed(query, before, limit)


def _listed(query: sa.Select[Any], before: int | None, limit: int) -> list[Access]:
    if before is not None:
        query = query.where(Access.id < before)
    return list(db.session.scalars(query.order_by(Access.id.desc()).limit(limit)))
