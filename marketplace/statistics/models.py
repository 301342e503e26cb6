"""Facts that figures are sums of: one row per patent, and daily activity."""

from __future__ import annotations

import datetime as dt
from typing import Any

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


class FactPatent(Model):
    """One patent of the population: its dates, its dimensions at first announcement, and its exit.

    Recomputed whole from the database by the worker whenever the journal moved.
    """

    __tablename__ = "fact_patents"
    patent_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(Key)
    first_announced_on: Mapped[dt.date] = mapped_column(index=True)
    in_region: Mapped[bool]
    exit_on: Mapped[dt.date | None]
    exit_reason: Mapped[str | None] = mapped_column(Code(16))
    first_shown_on: Mapped[dt.date | None]
    first_opened_on: Mapped[dt.date | None]
    first_notice_on: Mapped[dt.date | None]
    first_paid_on: Mapped[dt.date | None]
    first_effective_on: Mapped[dt.date | None]
    first_recorded_on: Mapped[dt.date | None]
    licences: Mapped[int]
    kind: Mapped[str] = mapped_column(Code(16))
    fee_form: Mapped[str] = mapped_column(Code(24))
    owner_type: Mapped[str] = mapped_column(Code(16))
    district: Mapped[str | None] = mapped_column(Code(6))
    ipc_section: Mapped[str | None] = mapped_column(Code(4))
    ipc_class: Mapped[str | None] = mapped_column(Code(8))
    industry: Mapped[str | None] = mapped_column(Code(8))
    spells: Mapped[list[Any]]


class FactsAsOf(Model):
    """Up to which journal entry the facts are computed."""

    __tablename__ = "facts_as_of"
    one: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    journal_id: Mapped[int] = mapped_column(Key)
    computed_at: Mapped[dt.datetime]
    as_of: Mapped[dt.date]
