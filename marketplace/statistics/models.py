"""Facts that figures are sums of: one row per patent, one per licence on it, and daily activity."""

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

    Recomputed whole from the database by the worker whenever the journal moved. `spells` are the intervals
    in which an offer was in force, `[first day, day of the end or null, reason]`: on the day of the end it
    is no longer in force. Ends still to come (the announced term) are in them too; `exit_on` is set only
    once no spell is in force any more.
    """

    __tablename__ = "fact_patents"
    patent_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(Key)
    holder_id: Mapped[int] = mapped_column(Key)
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
    first_recommended_on: Mapped[dt.date | None]
    first_contacted_on: Mapped[dt.date | None]
    first_passed_on: Mapped[dt.date | None]
    licences: Mapped[int]
    kind: Mapped[str] = mapped_column(Code(16))
    fee_form: Mapped[str] = mapped_column(Code(24))
    owner_type: Mapped[str] = mapped_column(Code(16))
    district: Mapped[str | None] = mapped_column(Code(6))
    ipc_section: Mapped[str | None] = mapped_column(Code(4))
    ipc_class: Mapped[str | None] = mapped_column(Code(8))
    industry: Mapped[str | None] = mapped_column(Code(8))
    spells: Mapped[list[Any]]


class FactLicence(Model):
    """One licence on a patent of the population. Days are Shanghai dates, amounts minor units (分).

    Only `open` ones enter the figures; negotiated `ordinary` ones are counted apart. `last_day` is the last
    day of effect, inclusive.
    """

    __tablename__ = "fact_licences"
    licence_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    patent_id: Mapped[int] = mapped_column(Key, index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    licensee_id: Mapped[int] = mapped_column(Key)
    notice_on: Mapped[dt.date | None]
    paid_on: Mapped[dt.date | None]
    effective_on: Mapped[dt.date]
    last_day: Mapped[dt.date | None]
    recordal_due_on: Mapped[dt.date]
    filed_on: Mapped[dt.date | None]
    recorded_on: Mapped[dt.date | None]
    amount_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))


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
