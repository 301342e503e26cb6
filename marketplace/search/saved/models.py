"""Searches that a person keeps, and the new offers that each of them found."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.core.database import Code, Key, Model, Versioned, one_of

ALERTS = ("off", "at_once", "daily", "weekly")


class SavedSearch(Versioned, Model):
    """A search as its address has it, kept by one person while acting for one organisation, or as staff.

    `parameters` are those of the address, each with its values; they are parsed anew whenever they are used,
    so that a search outlives the language it was asked in. `looked_at` is when its owner last looked,
    `alerted_at` when its owner was last told.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (one_of("alert", ALERTS),)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    parameters: Mapped[dict[str, Any]]
    alert: Mapped[str] = mapped_column(Code(16), default="off")
    created_at: Mapped[dt.datetime]
    looked_at: Mapped[dt.datetime]
    alerted_at: Mapped[dt.datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class SavedSearchHit(Model):
    """A new offer that a saved search found: once for ever, so nobody is told of it twice."""

    __tablename__ = "saved_search_hits"
    saved_search_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True
    )
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), primary_key=True, index=True)
    found_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
