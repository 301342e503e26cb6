"""Consents to a declaration, price notices with their objections, and an institution's rules for them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer

PURPOSES = ("declaration", "withdrawal")
CAPACITIES = ("patentee", "pledgee")
CONSENT_STATES = ("asked", "given", "refused", "void")
STRENGTHS = ("link", "member", "paper")
COUNTINGS = ("calendar", "working")
PRICE_NOTICE_STATES = ("running", "void")
DECISIONS = ("rejected", "upheld")


class Consent(Versioned, Model):
    """What one party was asked about the declaration of an offer, or about its withdrawal, and its answer.

    `purpose` says about which; a withdrawal is all patentees' (GL V-11 §4), with the `ground` that was shown.
    `capacity` is `patentee` (GL V-11 §3.2) or `pledgee` (IR 86 (4)). `strength` says how the answer came: by
    the single-use link sent to an address, by a signed-in member, or as a signed paper that the holder handed
    in. `terms_sha256` is over the terms as they were shown. The link's token is derived from `nonce` and the
    secret key; only its hash is kept, and it goes when it is used, void or over.
    """

    __tablename__ = "consents"
    __table_args__ = (
        one_of("purpose", PURPOSES),
        one_of("capacity", CAPACITIES),
        one_of("state", CONSENT_STATES),
        one_of("strength", STRENGTHS),
        sa.Index("ix_consents_offer_id", "offer_id", "state"),
        sa.Index(
            "uq_consents_asked",
            "offer_id",
            "organisation_id",
            "capacity",
            "purpose",
            unique=True,
            sqlite_where=sa.text("state IN ('asked', 'given')"),
            postgresql_where=sa.text("state IN ('asked', 'given')"),
        ),
        first_counts(),
    )
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"))
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    party_name: Mapped[str] = mapped_column(sa.String(200))
    purpose: Mapped[str] = mapped_column(Code(16), default="declaration")
    ground: Mapped[str | None] = mapped_column(sa.Text)
    capacity: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="asked")
    terms_sha256: Mapped[str] = mapped_column(Code(64))
    # Who consented to a declaration filed with CNIPA.
    email: Mapped[str | None] = mapped_column(sa.String(254), info=of_user(kept="declaration"))
    locale: Mapped[str] = mapped_column(Code(2), default="zh")
    nonce: Mapped[str | None] = mapped_column(Code(64))
    token_hash: Mapped[str | None] = mapped_column(Code(64), unique=True)
    expires_at: Mapped[dt.datetime | None]
    asked_at: Mapped[dt.datetime]
    asked_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    strength: Mapped[str | None] = mapped_column(Code(16))
    signer_name: Mapped[str | None] = mapped_column(sa.String(100), info=of_user(kept="declaration"))
    signer_position: Mapped[str | None] = mapped_column(sa.String(100), info=of_user(kept="declaration"))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    signed_on: Mapped[dt.date | None]
    answered_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.Text)
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    voided_at: Mapped[dt.datetime | None]

    offer: Mapped[Offer] = relationship(lazy="joined")
    organisation: Mapped[Organisation | None] = relationship(lazy="joined")


class PriceNoticeRule(Versioned, Model):
    """For how long an organisation holds its price notices (公示).

    Whether it has to hold them, as a state-established institution, is said of the organisation itself. The
    law gives no number of days: 15 is customary, and each institution sets its own.
    """

    __tablename__ = "price_notice_rules"
    __table_args__ = (
        one_of("counting", COUNTINGS),
        sa.CheckConstraint("days BETWEEN 1 AND 180", name="days_in_range"),
        sa.UniqueConstraint("organisation_id"),
        first_counts(),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    days: Mapped[int]
    counting: Mapped[str] = mapped_column(Code(16))
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))


class PriceNotice(Versioned, Model):
    """One price notice as it was shown: the result's name and the intended price, first and last day."""

    __tablename__ = "price_notices"
    __table_args__ = (
        one_of("state", PRICE_NOTICE_STATES),
        one_of("counting", COUNTINGS),
        sa.CheckConstraint("ends_on >= starts_on", name="days_in_order"),
        sa.Index(
            "uq_price_notices_running",
            "offer_id",
            unique=True,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        ),
    )
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    code: Mapped[str] = mapped_column(Code(32), unique=True)
    state: Mapped[str] = mapped_column(Code(16), default="running")
    title: Mapped[str] = mapped_column(sa.String(500))
    price: Mapped[str] = mapped_column(sa.Text)
    days: Mapped[int]
    counting: Mapped[str] = mapped_column(Code(16))
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    provisional: Mapped[bool]
    created_at: Mapped[dt.datetime]

    offer: Mapped[Offer] = relationship(lazy="joined")
    objections: Mapped[list[PriceObjection]] = relationship(
        lazy="selectin", order_by="PriceObjection.id", back_populates="notice"
    )


class PriceObjection(Versioned, Model):
    """An objection to a price notice, with the answer and the decision on it once there is one."""

    __tablename__ = "price_objections"
    __table_args__ = (one_of("decision", DECISIONS),)
    price_notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("price_notices.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    text: Mapped[str] = mapped_column(sa.Text)
    made_at: Mapped[dt.datetime]
    decision: Mapped[str | None] = mapped_column(Code(16))
    answer: Mapped[str | None] = mapped_column(sa.Text)
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))

    notice: Mapped[PriceNotice] = relationship(back_populates="objections", lazy="joined")
