"""Firms' needs, and the answers they get."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer

DEMAND_STATES = ("draft", "published", "answered", "closed", "expired")
RECOMMENDATION_STATES = ("shown", "opened", "contacted", "passed", "licensed")
RECOMMENDATION_CHANNELS = ("demand", "offer", "answer", "field", "patents")
INTEREST_KINDS = ("field", "patent")


class Demand(Versioned, Model):
    """A need in the firm's own words. Budget in 分."""

    __tablename__ = "demands"
    __table_args__ = (
        one_of("state", DEMAND_STATES),
        sa.CheckConstraint("budget_minor IS NULL OR budget_minor >= 0", name="budget_not_negative"),
        sa.UniqueConstraint("organisation_id", "external_id"),
    )
    external_id: Mapped[str | None] = mapped_column(sa.String(64))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="draft")
    title: Mapped[str] = mapped_column(sa.String(300))
    title_en: Mapped[str | None] = mapped_column(sa.String(300))
    description: Mapped[str] = mapped_column(sa.Text)
    ipc: Mapped[list[str]] = mapped_column(default=list)
    budget_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    district: Mapped[str | None] = mapped_column(Code(6))
    answer_by: Mapped[dt.date | None]
    published_on: Mapped[dt.date | None]
    closed_on: Mapped[dt.date | None]
    digest: Mapped[str | None] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined")


class DemandTerm(Model):
    """A rare word of a published demand: by these a new offer finds the demands that it may serve."""

    __tablename__ = "demand_terms"
    __table_args__ = (sa.Index("ix_demand_terms_term", "term"),)
    demand_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demands.id"), primary_key=True)
    term: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    weight: Mapped[float] = mapped_column(default=1.0)


class Interest(Model):
    """What a firm wants to hear of without asking for it: a field it names, or a patent of its own.

    `text` is the field in words, or the patent's title and abstract; `ipc` its places in the classification.
    """

    __tablename__ = "interests"
    __table_args__ = (
        one_of("kind", INTEREST_KINDS),
        sa.UniqueConstraint("organisation_id", "kind", "key"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    key: Mapped[str] = mapped_column(sa.String(64))
    title: Mapped[str] = mapped_column(sa.String(300))
    text: Mapped[str] = mapped_column(sa.Text)
    ipc: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[dt.datetime]


class InterestTerm(Model):
    """A rare word, or a place of the classification (`ipc:H01M`), by which a new offer finds the firm."""

    __tablename__ = "interest_terms"
    __table_args__ = (sa.Index("ix_interest_terms_term", "term"),)
    interest_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("interests.id", ondelete="CASCADE"), primary_key=True
    )
    term: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    weight: Mapped[float] = mapped_column(default=1.0)


class Recommendation(Versioned, Model):
    """An offer shown to a firm once, mostly for a demand of its, and what became of it.

    `channel` says what brought them together: the demand when it was published, the offer when it went live,
    a holder's answer, or, without a demand, a field of interest or the firm's own patents.
    """

    __tablename__ = "recommendations"
    __table_args__ = (
        sa.UniqueConstraint("demand_id", "offer_id"),
        # A firm hears of an offer once where no demand asks for it.
        sa.Index(
            "uq_recommendations_firm_offer",
            "organisation_id",
            "offer_id",
            unique=True,
            sqlite_where=sa.text("demand_id IS NULL"),
            postgresql_where=sa.text("demand_id IS NULL"),
        ),
        one_of("state", RECOMMENDATION_STATES),
        one_of("channel", RECOMMENDATION_CHANNELS),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    demand_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("demands.id"), index=True)
    channel: Mapped[str] = mapped_column(Code(16), default="demand")
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="shown")
    rank: Mapped[int]
    reasons: Mapped[list[Any]]
    pass_reason: Mapped[str | None] = mapped_column(Code(32))
    pass_note: Mapped[str | None] = mapped_column(sa.String(500))
    shown_at: Mapped[dt.datetime] = mapped_column(index=True)
    changed_at: Mapped[dt.datetime]
    opened_at: Mapped[dt.datetime | None]
    contacted_at: Mapped[dt.datetime | None]
    passed_at: Mapped[dt.datetime | None]
    licensed_at: Mapped[dt.datetime | None]

    organisation: Mapped[Organisation] = relationship(lazy="joined")
    demand: Mapped[Demand | None] = relationship(lazy="joined")
    offer: Mapped[Offer] = relationship(lazy="joined")
