"""Firms' needs, and the answers they get."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer, Patent

POSTERS = ("firm", "agency", "bureau")
OUTCOMES = ("met", "unmet", "withdrawn")
ACCESS_STATES = ("asked", "granted", "refused", "revoked", "taken_back")
ANSWER_KINDS = ("offer", "patent", "message")
ANSWER_STATES = ("given", "helpful", "passed", "withdrawn")
SIDES = ("poster", "holder")
DEMAND_STATES = ("draft", "published", "answered", "closed", "expired")
RECOMMENDATION_STATES = ("shown", "opened", "contacted", "passed", "licensed")
RECOMMENDATION_CHANNELS = ("demand", "offer", "answer", "field", "patents")
INTEREST_KINDS = ("field", "patent")


class Demand(Versioned, Model):
    """A need in the firm's own words. Budget in 分.

    `posted_by` says who speaks for the firm: itself, an agency with its mandate (`poster_id`), or the bureau.
    A firm that is not `named` is seen by its own people, the bureau and those with access to `confidential`;
    others read `described_as`. `confidential` never leaves this row but through a granted access.
    """

    __tablename__ = "demands"
    __table_args__ = (
        one_of("state", DEMAND_STATES),
        one_of("posted_by", POSTERS),
        one_of("outcome", OUTCOMES),
        sa.CheckConstraint("budget_minor IS NULL OR budget_minor >= 0", name="budget_not_negative"),
        sa.UniqueConstraint("organisation_id", "external_id"),
    )
    external_id: Mapped[str | None] = mapped_column(sa.String(64))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="draft")
    posted_by: Mapped[str] = mapped_column(Code(16), default="firm")
    poster_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    named: Mapped[bool] = mapped_column(default=True)
    described_as: Mapped[str | None] = mapped_column(sa.String(200))
    title: Mapped[str] = mapped_column(sa.String(300))
    title_en: Mapped[str | None] = mapped_column(sa.String(300))
    description: Mapped[str] = mapped_column(sa.Text)
    confidential: Mapped[str | None] = mapped_column(sa.Text)
    industry: Mapped[str | None] = mapped_column(Code(8), index=True)
    ipc: Mapped[list[str]] = mapped_column(default=list)
    budget_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    district: Mapped[str | None] = mapped_column(Code(6))
    answer_by: Mapped[dt.date | None]
    published_on: Mapped[dt.date | None]
    closed_on: Mapped[dt.date | None]
    outcome: Mapped[str | None] = mapped_column(Code(16))
    outcome_reason: Mapped[str | None] = mapped_column(Code(32))
    outcome_note: Mapped[str | None] = mapped_column(sa.String(500))
    reminded_for: Mapped[dt.date | None]
    digest: Mapped[str | None] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=[organisation_id])
    poster: Mapped[Organisation | None] = relationship(lazy="joined", foreign_keys=[poster_id])
    answers: Mapped[list[DemandAnswer]] = relationship(lazy="select", viewonly=True)


class DemandOpening(Model):
    """An organisation whose people have opened a demand of others: it is reminded once to answer."""

    __tablename__ = "demand_openings"
    __table_args__ = (
        sa.UniqueConstraint("demand_id", "organisation_id"),
        first_counts(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demands.id"))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    opened_at: Mapped[dt.datetime] = mapped_column(index=True)
    reminded_at: Mapped[dt.datetime | None]

    demand: Mapped[Demand] = relationship(lazy="joined")


class DemandAccess(Versioned, Model):
    """An organisation's way to the confidential part of a demand, from asking to the poster's decision.

    The statement that a person accepted is kept word for word, with its sha256 over the text, the demand, the
    organisations, the person and the instant (`accepted_hash`). `agent_id` is the agency that has asked for
    the organisation under its mandate.
    """

    __tablename__ = "demand_accesses"
    __table_args__ = (
        one_of("state", ACCESS_STATES),
        sa.UniqueConstraint("demand_id", "organisation_id"),
        first_counts(),
    )
    demand_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demands.id"))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="asked")
    purpose: Mapped[str] = mapped_column(sa.String(500))
    statement: Mapped[str] = mapped_column(sa.Text)
    accepted_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    # An agreement and its evidence, as a notice is.
    accepted_name: Mapped[str] = mapped_column(sa.String(100), info=of_user("accepted_by", kept="contract"))
    accepted_at: Mapped[dt.datetime]
    accepted_hash: Mapped[str] = mapped_column(Code(64))
    decided_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    decided_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(500))

    demand: Mapped[Demand] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=[organisation_id])
    agent: Mapped[Organisation | None] = relationship(lazy="joined", foreign_keys=[agent_id])


class DemandReading(Model):
    """One reading of a confidential part: who, for which organisation, when, and the sha256 of the text."""

    __tablename__ = "demand_readings"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    access_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("demand_accesses.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    read_at: Mapped[dt.datetime]
    sha256: Mapped[str] = mapped_column(Code(64))


class DemandAnswer(Versioned, Model):
    """What a holder answers to a demand: a live offer, a patent that it means to declare, or a message."""

    __tablename__ = "demand_answers"
    __table_args__ = (
        one_of("kind", ANSWER_KINDS),
        one_of("state", ANSWER_STATES),
        sa.CheckConstraint("(kind = 'offer') = (offer_id IS NOT NULL)", name="offer_with_its_kind"),
        sa.CheckConstraint("(kind = 'patent') = (patent_id IS NOT NULL)", name="patent_with_its_kind"),
        sa.UniqueConstraint("demand_id", "offer_id"),
    )
    demand_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demands.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(Code(16))
    offer_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    patent_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    text: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(Code(16), default="given")
    pass_reason: Mapped[str | None] = mapped_column(Code(32))
    pass_note: Mapped[str | None] = mapped_column(sa.String(500))
    answered_at: Mapped[dt.datetime]
    judged_at: Mapped[dt.datetime | None]

    demand: Mapped[Demand] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    offer: Mapped[Offer | None] = relationship(lazy="joined")
    patent: Mapped[Patent | None] = relationship(lazy="joined")
    replies: Mapped[list[DemandReply]] = relationship(lazy="selectin", order_by="DemandReply.id")


class DemandReply(Model):
    """A sentence between the two sides of an answer."""

    __tablename__ = "demand_replies"
    __table_args__ = (one_of("side", SIDES),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    answer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("demand_answers.id"), index=True)
    side: Mapped[str] = mapped_column(Code(16))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    written_at: Mapped[dt.datetime]


class DemandTerm(Model):
    """A rare word of a published demand: by these a new offer finds the demands that it may serve."""

    __tablename__ = "demand_terms"
    # All that the lookup reads: an offer's words stand in thousands of rows strewn over the table.
    __table_args__ = (sa.Index("ix_demand_terms_lookup", "term", "demand_id", "weight"),)
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
    __table_args__ = (sa.Index("ix_interest_terms_lookup", "term", "interest_id", "weight"),)
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
