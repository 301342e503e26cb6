"""A guided task: what happened to a patent, and the steps that the law puts in order."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer, Patent

EVENTS = ("assignment", "abandonment", "succession", "succession_end", "pledge")
STATES = ("open", "done", "cancelled")


class ChangeTask(Versioned, Model):
    """One event on a patent, from the day it was reported until its steps are done.

    `owners_before` holds the ids of the patentees when the task began, so that a change of owners shows; an
    id that was merged away since stands for the one that it leads to.
    `told` holds the steps that only a person can confirm, each with the day: everything else is read from
    the facts. `redeclared_id` is the draft that repeats the terms for the new owners.
    """

    __tablename__ = "change_tasks"
    __table_args__ = (
        one_of("event", EVENTS),
        one_of("state", STATES),
        sa.Index(
            "uq_change_tasks_open",
            "patent_id",
            "event",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_change_tasks_holder_id", "holder_id", "state"),
    )
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    offer_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    holder_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    redeclared_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("offers.id"))
    event: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    event_on: Mapped[dt.date]
    due_on: Mapped[dt.date | None]
    note: Mapped[str | None] = mapped_column(sa.String(500))
    owners_before: Mapped[list[Any]] = mapped_column(default=list)
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[dt.datetime]
    opened_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    ended_on: Mapped[dt.date | None]

    patent: Mapped[Patent] = relationship(lazy="joined")
    offer: Mapped[Offer | None] = relationship(lazy="joined", foreign_keys=[offer_id])
    holder: Mapped[Organisation] = relationship(lazy="joined")
    redeclared: Mapped[Offer | None] = relationship(lazy="joined", foreign_keys=[redeclared_id])
