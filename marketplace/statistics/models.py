"""Facts that figures are sums of, kept as columns, and daily activity."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Key, Model, one_of

ACTIVITY_KINDS = ("shown", "opened", "contacted", "recommended", "passed")


class Activity(Model):
    """Impressions and page views, added up per day; bots, staff and the owner's own views are left out."""

    __tablename__ = "activity"
    __table_args__ = (one_of("kind", ACTIVITY_KINDS),)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Code(16), primary_key=True)
    channel: Mapped[str] = mapped_column(Code(16), primary_key=True)
    audience: Mapped[str] = mapped_column(Code(16), primary_key=True)
    count: Mapped[int]


class FactColumn(Model):
    """One column of the facts (`columns.Facts`): an array of numbers, packed.

    Recomputed whole from the database by the worker whenever the journal moved, never corrected in place.
    """

    __tablename__ = "fact_columns"
    name: Mapped[str] = mapped_column(Code(40), primary_key=True)
    content: Mapped[bytes]


class FactsAsOf(Model):
    """Up to which journal entry the facts are computed; `build` names the computation.

    `left_out` counts open licences that no figure may count: dated before the first verified announcement
    of their patent, or on a patent without one.

    `licences` counts all open licences up to the one with the id `licences_up_to`, for pages that say their
    number at every visit; None in facts of an older release.
    """

    __tablename__ = "facts_as_of"
    one: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    journal_id: Mapped[int] = mapped_column(Key)
    computed_at: Mapped[dt.datetime]
    as_of: Mapped[dt.date]
    build: Mapped[str] = mapped_column(Code(32))
    left_out: Mapped[int]
    licences: Mapped[int | None]
    licences_up_to: Mapped[int | None] = mapped_column(Key)
