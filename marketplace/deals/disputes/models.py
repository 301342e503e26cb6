"""A dispute, what both sides have said and shown in it, and where they have taken it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.deals.models import Licence, Notice, Payment

SUBJECTS = ("notice", "payment", "licence")
TOPICS = ("fee", "payment", "scope", "term", "delivery_of_notice", "recordal", "default", "other")
STATES = ("open", "answered", "referred", "settled", "decided", "withdrawn")
LIVING = ("open", "answered", "referred")
SETTLEMENTS = ("none", "proposed", "agreed")
SIDES = ("holder", "licensee")
VENUES = ("cnipa", "local", "court")
OUTCOMES = ("pending", "no_agreement", "agreement", "decision")
ENTRY_KINDS = ("statement", "answer", "remark", "evidence", "settlement", "decision")


class Dispute(Versioned, Model):
    """A dispute between the two sides of one notice, payment or licence.

    `settlement` is a state of its own: a text proposed by one side is agreed only by the other.
    `answer_due_on` is the day until which the platform asks the other side to answer; no law sets it.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        one_of("subject", SUBJECTS),
        one_of("topic", TOPICS),
        one_of("state", STATES),
        one_of("settlement", SETTLEMENTS),
        one_of("opened_side", SIDES),
        one_of("settlement_side", SIDES),
        sa.CheckConstraint("(subject = 'notice') = (notice_id IS NOT NULL)", name="notice_with_its_subject"),
        sa.CheckConstraint(
            "(subject = 'payment') = (payment_id IS NOT NULL)", name="payment_with_its_subject"
        ),
        sa.CheckConstraint(
            "(subject = 'licence') = (licence_id IS NOT NULL)", name="licence_with_its_subject"
        ),
    )
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    subject: Mapped[str] = mapped_column(Code(16))
    notice_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("notices.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("payments.id"), index=True)
    licence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("licences.id"), index=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    licensee_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    topic: Mapped[str] = mapped_column(Code(24))
    title: Mapped[str] = mapped_column(sa.String(200))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    opened_side: Mapped[str] = mapped_column(Code(16))
    opened_by: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    opened_at: Mapped[dt.datetime]
    answer_due_on: Mapped[dt.date]
    reminded_at: Mapped[dt.datetime | None]
    overdue_at: Mapped[dt.datetime | None]
    settlement: Mapped[str] = mapped_column(Code(16), default="none")
    settlement_text: Mapped[str | None] = mapped_column(sa.Text)
    settlement_side: Mapped[str | None] = mapped_column(Code(16))
    settlement_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    decided_on: Mapped[dt.date | None]
    decision: Mapped[str | None] = mapped_column(sa.Text)
    closed_at: Mapped[dt.datetime | None]

    notice: Mapped[Notice | None] = relationship(lazy="select")
    payment: Mapped[Payment | None] = relationship(lazy="select")
    licence: Mapped[Licence | None] = relationship(lazy="select")
    licensee: Mapped[Organisation] = relationship(foreign_keys=[licensee_id], lazy="joined")
    entries: Mapped[list[DisputeEntry]] = relationship(lazy="selectin", order_by="DisputeEntry.id")
    referrals: Mapped[list[DisputeReferral]] = relationship(lazy="selectin", order_by="DisputeReferral.id")


class DisputeEntry(Model):
    """What one side has said or shown; nothing is taken back or changed."""

    __tablename__ = "dispute_entries"
    __table_args__ = (one_of("kind", ENTRY_KINDS), one_of("side", SIDES))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    dispute_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("disputes.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    side: Mapped[str] = mapped_column(Code(16))
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    text: Mapped[str | None] = mapped_column(sa.Text)
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    written_at: Mapped[dt.datetime]

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
    file: Mapped[StoredFile | None] = relationship(lazy="joined")


class DisputeReferral(Model):
    """A dispute taken to CNIPA, to a local department or to court, as one side has stated it."""

    __tablename__ = "dispute_referrals"
    __table_args__ = (one_of("venue", VENUES), one_of("outcome", OUTCOMES), one_of("side", SIDES))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    dispute_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("disputes.id"), index=True)
    venue: Mapped[str] = mapped_column(Code(16))
    body: Mapped[str] = mapped_column(sa.String(200))
    reference: Mapped[str | None] = mapped_column(sa.String(80))
    side: Mapped[str] = mapped_column(Code(16))
    filed_on: Mapped[dt.date]
    outcome: Mapped[str] = mapped_column(Code(16), default="pending")
    ended_on: Mapped[dt.date | None]
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    stated_at: Mapped[dt.datetime]

    file: Mapped[StoredFile | None] = relationship(lazy="joined")
