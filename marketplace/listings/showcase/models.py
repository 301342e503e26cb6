"""Descriptions of an offer in both languages, costs, side offers, attachments, and readers' questions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.listings.models import Offer

MATURITIES = ("idea", "laboratory", "prototype", "pilot", "production")
ORIGINS = ("human", "machine")
SIDE_KINDS = ("know_how", "technical_service", "training", "samples", "further_development", "other")
PRICE_UNITS = ("once", "day", "year")
ATTACHMENT_KINDS = ("picture", "document")
QUESTION_STATES = ("unconfirmed", "open", "answered", "published", "set_aside")
LANGUAGES = ("zh", "en")


class ListingDetails(Versioned, Model):
    """What an offer's holder tells readers, beside the announced terms. One row an offer, at most.

    Each text is there as `_zh` and `_en`. `origins` says for a column such as `problem_en` whether a person
    wrote it (`human`) or a machine translated it (`machine`); it may also speak of the patent's `title_en`
    and `abstract_en`. `public_sha256` is over the texts whose publication the holder confirmed although
    they read like know-how.
    """

    __tablename__ = "listing_details"
    __table_args__ = (one_of("maturity", MATURITIES),)
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), unique=True)
    product_zh: Mapped[str | None] = mapped_column(sa.Text)
    product_en: Mapped[str | None] = mapped_column(sa.Text)
    application_zh: Mapped[str | None] = mapped_column(sa.Text)
    application_en: Mapped[str | None] = mapped_column(sa.Text)
    problem_zh: Mapped[str | None] = mapped_column(sa.Text)
    problem_en: Mapped[str | None] = mapped_column(sa.Text)
    advantage_zh: Mapped[str | None] = mapped_column(sa.Text)
    advantage_en: Mapped[str | None] = mapped_column(sa.Text)
    maturity: Mapped[str | None] = mapped_column(Code(16))
    proof_zh: Mapped[str | None] = mapped_column(sa.Text)
    proof_en: Mapped[str | None] = mapped_column(sa.Text)
    origins: Mapped[dict[str, Any]] = mapped_column(default=dict)
    public_sha256: Mapped[str | None] = mapped_column(Code(64))
    public_confirmed_at: Mapped[dt.datetime | None]
    public_confirmed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    updated_at: Mapped[dt.datetime]
    updated_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))

    costs: Mapped[list[CostLine]] = relationship(
        order_by="CostLine.position", lazy="selectin", cascade="all, delete-orphan"
    )
    side_offers: Mapped[list[SideOffer]] = relationship(
        order_by="SideOffer.position", lazy="selectin", cascade="all, delete-orphan"
    )
    attachments: Mapped[list[Attachment]] = relationship(
        order_by="Attachment.position", lazy="selectin", cascade="all, delete-orphan"
    )


class CostLine(Model):
    """One line of the cost comparison: today's answer against the one with this patent, and its source."""

    __tablename__ = "listing_costs"
    __table_args__ = (sa.UniqueConstraint("details_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    details_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("listing_details.id"))
    position: Mapped[int]
    item_zh: Mapped[str] = mapped_column(sa.String(100))
    item_en: Mapped[str | None] = mapped_column(sa.String(200))
    today: Mapped[str] = mapped_column(sa.String(60))
    with_patent: Mapped[str] = mapped_column(sa.String(60))
    unit: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str] = mapped_column(sa.String(200))


class SideOffer(Model):
    """Know-how or a service that the holder offers beside the licence, and never as its condition.

    `price_minor` in 分; None is "on request".
    """

    __tablename__ = "side_offers"
    __table_args__ = (
        one_of("kind", SIDE_KINDS),
        one_of("price_unit", PRICE_UNITS),
        sa.CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price_not_negative"),
        sa.UniqueConstraint("details_id", "position"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    details_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("listing_details.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Code(24))
    what_zh: Mapped[str] = mapped_column(sa.String(500))
    what_en: Mapped[str | None] = mapped_column(sa.String(800))
    price_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3), default="CNY")
    price_unit: Mapped[str] = mapped_column(Code(8), default="once")
    contact: Mapped[str | None] = mapped_column(sa.String(300))


class Attachment(Model):
    """A picture or a document beside an offer. What a picture shows is said in words (`alt`)."""

    __tablename__ = "attachments"
    __table_args__ = (one_of("kind", ATTACHMENT_KINDS), sa.UniqueConstraint("details_id", "position"))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    details_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("listing_details.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Code(16))
    file_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))
    alt_zh: Mapped[str] = mapped_column(sa.String(300))
    alt_en: Mapped[str | None] = mapped_column(sa.String(500))
    width: Mapped[int | None]
    height: Mapped[int | None]

    file: Mapped[StoredFile] = relationship(lazy="joined")


class Question(Versioned, Model):
    """What a reader asked about an offer, the answer, and the pair as the holder publishes it.

    A visitor's question waits (`unconfirmed`) until its address is confirmed. `email` and `name` are the
    visitor's, and are erased when the matter is over.
    """

    __tablename__ = "questions"
    __table_args__ = (
        one_of("state", QUESTION_STATES),
        one_of("locale", LANGUAGES),
        sa.Index("ix_questions_offer_id", "offer_id", "state"),
        sa.Index("ix_questions_state", "state", "reached_on"),
    )
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"))
    state: Mapped[str] = mapped_column(Code(16))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    name: Mapped[str | None] = mapped_column(sa.String(100), info=of_user())
    email: Mapped[str | None] = mapped_column(sa.String(254), info=of_user())
    locale: Mapped[str] = mapped_column(Code(2))
    text: Mapped[str] = mapped_column(sa.Text)
    asked_at: Mapped[dt.datetime]
    reached_on: Mapped[dt.date | None]
    answer: Mapped[str | None] = mapped_column(sa.Text)
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    question_zh: Mapped[str | None] = mapped_column(sa.Text)
    question_en: Mapped[str | None] = mapped_column(sa.Text)
    answer_zh: Mapped[str | None] = mapped_column(sa.Text)
    answer_en: Mapped[str | None] = mapped_column(sa.Text)
    origins: Mapped[dict[str, Any]] = mapped_column(default=dict)
    published_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]

    offer: Mapped[Offer] = relationship(lazy="joined")
