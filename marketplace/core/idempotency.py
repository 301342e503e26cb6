"""Idempotency keys: the answer to a write is kept in the transaction of its effect, for 7 days.

The same key with another body is an error (422); with the same body it gets the stored answer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .database import Code, Key, Model, db
from .errors import Invalid
from .readers import wall
from .unit_of_work import unit_of_work

KEPT = dt.timedelta(days=7)


class IdempotencyKey(Model):
    """A request that was answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "key"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key)
    key: Mapped[str] = mapped_column(Code(255))
    request_hash: Mapped[str] = mapped_column(Code(64))
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Answer:
    """A stored answer: HTTP status and JSON body."""

    status: int
    body: dict[str, Any]


def request_hash(method: str, path: str, body: bytes) -> str:
    """What makes it the same request: method, path and body."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def recall(organisation_id: int, key: str, digest: str) -> Answer | None:
    """The stored answer for a key; it decides when it is read in the unit of work that would otherwise act.

    Raises:
        Invalid: `idempotency-key-reused`, when the key came with another request.
    """
    row = db.session.scalar(
        sa.select(IdempotencyKey).where(
            IdempotencyKey.organisation_id == organisation_id,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at > wall() - KEPT,
        )
    )
    if row is None:
        return None
    if row.request_hash != digest:
        raise Invalid("idempotency-key-reused", "This Idempotency-Key was used for another request.")
    return Answer(row.status, row.body)


def remember(organisation_id: int, key: str, digest: str, status: int, body: dict[str, Any]) -> None:
    """Keep an answer, in the transaction of its effect; of two racing requests one fails on the key."""
    db.session.execute(
        sa.delete(IdempotencyKey).where(
            IdempotencyKey.organisation_id == organisation_id,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at <= wall() - KEPT,
        ),
        execution_options={"synchronize_session": False},
    )
    db.session.add(
        IdempotencyKey(
            organisation_id=organisation_id,
            key=key,
            request_hash=digest,
            status=status,
            body=body,
            created_at=wall(),
        )
    )
    db.session.flush()


def forget_old() -> None:
    """Delete keys older than 7 days, and the answers kept with them (a scheduled task)."""
    with unit_of_work():
        db.session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at <= wall() - KEPT))
