"""Earlier statements, attestations with the very text that was confirmed, and what was reminded of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, one_of

# The facts that the bars need: while one is unknown, so is its bar.
FACTS = (
    "legal_status", "annuity_paid_until", "evaluation_report", "pledged",
    "exclusive_licence_until", "preserved_until", "other_hindrance",
)  # fmt: skip
# And who the register says is the patentee: it bars when it contradicts, and does not when nobody has looked.
ALL_FACTS = (*FACTS, "ownership")
ENDINGS = ("restated", "made_unknown", "attestation_revoked")
REMINDERS = ("annuity_30", "annuity_7", "exclusive_30", "exclusive_7", "report_missing")


class Attestation(Model):
    """A member of an organisation has confirmed a shown text for a list of patents. Never changed.

    `facts` is what was vouched for: fact → value. `list_sha256` is over the patent numbers, one a line in
    ascending order; it stands in the text, so that `sha256` of the text vouches for the list too. Only a
    revocation is added later.
    """

    __tablename__ = "attestations"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    signed_by: Mapped[str] = mapped_column(sa.String(200), info=of_user(kept="declaration"))
    signed_at: Mapped[dt.datetime]
    as_of: Mapped[dt.date]
    locale: Mapped[str] = mapped_column(Code(2))
    text: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(Code(64))
    list_sha256: Mapped[str] = mapped_column(Code(64))
    patents: Mapped[int]
    facts: Mapped[dict[str, Any]]
    revoked_at: Mapped[dt.datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    revoked_reason: Mapped[str | None] = mapped_column(sa.String(500))


class AttestedPatent(Model):
    """A patent on an attestation's list, by the number it had then. `done_at`: its facts are written."""

    __tablename__ = "attested_patents"
    __table_args__ = (sa.Index("ix_attested_patents_patent_id", "patent_id"),)
    attestation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("attestations.id"), primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), primary_key=True)
    number: Mapped[str] = mapped_column(Code(20))
    done_at: Mapped[dt.datetime | None]


class FactHistory(Model):
    """A statement about a patent that no longer holds, as it was made, and how it ended. Only added to."""

    __tablename__ = "patent_fact_history"
    __table_args__ = (
        one_of("name", ALL_FACTS),
        one_of("ending", ENDINGS),
        sa.Index("ix_patent_fact_history_patent_id", "patent_id", "name"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"))
    name: Mapped[str] = mapped_column(Code(32))
    value: Mapped[str] = mapped_column(sa.String(500))
    as_of: Mapped[dt.date]
    source: Mapped[str] = mapped_column(sa.String(200))
    entered_at: Mapped[dt.datetime]
    entered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    attestation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("attestations.id"))
    ending: Mapped[str] = mapped_column(Code(24))
    ended_at: Mapped[dt.datetime]
    ended_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))


class Reminder(Model):
    """That the holders of a patent were reminded of a day ahead, so that it is done once."""

    __tablename__ = "patent_reminders"
    __table_args__ = (sa.UniqueConstraint("patent_id", "kind", "due_on"), one_of("kind", REMINDERS))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"))
    kind: Mapped[str] = mapped_column(Code(24))
    due_on: Mapped[dt.date]
    reminded_at: Mapped[dt.datetime]


class PromotionalWord(Model):
    """A word that a declaration may not contain (IR 85), from `since` to `until` inclusive.

    An empty table means the default list, `data_words.txt`; the operator's first change copies it here.
    """

    __tablename__ = "promotional_words"
    __table_args__ = (
        sa.Index(
            "uq_promotional_words_in_force",
            "word",
            unique=True,
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    word: Mapped[str] = mapped_column(sa.String(100))
    reason: Mapped[str] = mapped_column(sa.String(300))
    reason_en: Mapped[str] = mapped_column(sa.String(300))
    since: Mapped[dt.date]
    until: Mapped[dt.date | None]
    entered_at: Mapped[dt.datetime]
    entered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    ended_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
