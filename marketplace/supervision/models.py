"""Signals that a licence may be a sham: what was seen, since when, and what the bureau made of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import Organisation, User
from marketplace.core.database import Code, Key, Model, Versioned, one_of

KINDS = ("related", "mutual", "unused", "burst")
STATES = ("open", "cleared")


def _where(clause: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(clause), "postgresql_where": sa.text(clause)}


class Signal(Versioned, Model):
    """Something about the licences of one holder that is also seen where a licence is a sham.

    `licensee_id` is None for a burst, which begins on `begins_on`. `sorts` are the sorts of evidence seen,
    `cleared_sorts` those that the bureau had before it when it cleared the signal: these do not open it
    again. `evidence`: ids, days and counts only. `last_seen_at` stands still once nothing is seen any more.
    """

    __tablename__ = "sham_signals"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", STATES),
        sa.CheckConstraint("(kind = 'burst') = (begins_on IS NOT NULL)", name="burst_has_its_day"),
        sa.CheckConstraint("(kind = 'burst') = (licensee_id IS NULL)", name="pair_has_both"),
        sa.Index(
            "uq_sham_signals_pair",
            "kind",
            "holder_id",
            "licensee_id",
            unique=True,
            **_where("kind <> 'burst'"),
        ),
        sa.Index("uq_sham_signals_burst", "holder_id", "begins_on", unique=True, **_where("kind = 'burst'")),
        sa.Index("ix_sham_signals_list", "state", "kind", "id"),
        first_counts(),
    )
    kind: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    holder_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    licensee_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    begins_on: Mapped[dt.date | None]
    sorts: Mapped[list[str]]
    cleared_sorts: Mapped[list[str]]
    evidence: Mapped[dict[str, Any]]
    first_seen_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    cleared_at: Mapped[dt.datetime | None]
    cleared_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(500))

    holder: Mapped[Organisation] = relationship(foreign_keys=[holder_id], lazy="joined")
    licensee: Mapped[Organisation | None] = relationship(foreign_keys=[licensee_id], lazy="joined")
    cleared: Mapped[User | None] = relationship(foreign_keys=[cleared_by], lazy="joined")
