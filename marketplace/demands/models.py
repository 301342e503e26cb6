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


class Recommendation(Versioned, Model):
    """An offer shown to a demand, once per pair, and what became of it."""

    __tablename__ = "recommendations"
    __table_args__ = (
        sa.UniqueConstraint("demand_id", "offer_id"),
        one_of("state", RECOMMENDATION_STATES),
    )
    demand_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demands.id"), index=True)
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="shown")
    rank: Mapped[int]
    reasons: Mapped[list[Any]]
    pass_reason: Mapped[str | None] = mapped_column(Code(32))
    pass_note: Mapped[str | None] = mapped_column(sa.String(500))
    shown_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]

    demand: Mapped[Demand] = relationship(lazy="joined")
    offer: Mapped[Offer] = relationship(lazy="joined")
