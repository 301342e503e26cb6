"""Supply: patents, what is known about them, and the declarations (offers) made on them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import one_place_per
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import names_party
from marketplace.core import clock
from marketplace.core.database import Code, Key, Model, Versioned, one_of

from .facts.models import ALL_FACTS as ALL_FACTS
from .facts.models import FACTS as FACTS

KINDS = ("invention", "utility_model", "design")
FEE_FORMS = ("free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty")
RATE_BASES = ("net_sales", "profit")
CHANNELS = ("bank", "stripe")
EVIDENCE = ("holder_stated", "verified")
OFFER_STATUSES = (
    "draft", "in_review", "price_notice", "ready", "filed", "announced", "refused",
    "withdrawal_filed", "withdrawn", "revoked", "lapsed", "discarded",
)  # fmt: skip
IN_FORCE = ("announced", "withdrawal_filed")


def in_force(
    day: dt.date,
    *,
    status: str,
    evidence: str | None,
    announced_on: dt.date | None,
    term_to: dt.date | None,
    expires_on: dt.date | None,
) -> bool:
    """Whether notices may be served on `day` under such an offer; `expires_on` is its patent's."""
    return (
        status in IN_FORCE
        and evidence == "verified"
        and announced_on is not None
        and announced_on <= day
        and (term_to is None or day <= term_to)
        and (expires_on is None or day <= expires_on)
    )


class Patent(Versioned, Model):
    """A Chinese patent, by its application number (or a publication number where no other is known)."""

    __tablename__ = "patents"
    __table_args__ = (
        one_of("kind", KINDS),
        sa.CheckConstraint("number IS NOT NULL OR publication_number IS NOT NULL", name="has_a_number"),
    )
    number: Mapped[str | None] = mapped_column(Code(16), unique=True)
    publication_number: Mapped[str | None] = mapped_column(Code(20), unique=True)
    kind: Mapped[str] = mapped_column(Code(16))
    title: Mapped[str] = mapped_column(sa.String(500))
    title_en: Mapped[str | None] = mapped_column(sa.String(500))
    abstract: Mapped[str | None] = mapped_column(sa.Text)
    abstract_en: Mapped[str | None] = mapped_column(sa.Text)
    application: Mapped[str | None] = mapped_column(sa.Text)
    problem: Mapped[str | None] = mapped_column(sa.Text)
    advantage: Mapped[str | None] = mapped_column(sa.Text)
    filing_date: Mapped[dt.date | None]
    grant_date: Mapped[dt.date | None]
    expires_on: Mapped[dt.date | None]
    district: Mapped[str | None] = mapped_column(Code(6), index=True)
    digest: Mapped[str | None] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]

    parties: Mapped[list[PatentParty]] = relationship(
        back_populates="patent",
        order_by="PatentParty.position",
        lazy="selectin",
        cascade="all, delete-orphan",
    )
    classes: Mapped[list[PatentClass]] = relationship(
        order_by="PatentClass.position", lazy="selectin", cascade="all, delete-orphan"
    )
    facts: Mapped[list[PatentFact]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def reference(self) -> str:
        """The number that names it: application number, else publication number."""
        return self.number or self.publication_number or ""


class PatentParty(Model):
    """A patentee, in the register's order."""

    __tablename__ = "patent_parties"
    __table_args__ = (sa.UniqueConstraint("patent_id", "position"), one_place_per("patent_id"))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    position: Mapped[int]
    organisation_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("organisations.id"), index=True, info=names_party("register")
    )
    region: Mapped[str | None] = mapped_column(Code(6))

    patent: Mapped[Patent] = relationship(back_populates="parties", lazy="raise_on_sql")
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class PatentClass(Model):
    """An IPC symbol (for designs: Locarno); position 0 is the main one."""

    __tablename__ = "patent_classes"
    __table_args__ = (sa.UniqueConstraint("patent_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    position: Mapped[int]
    symbol: Mapped[str] = mapped_column(Code(20), index=True)


class PatentFact(Model):
    """What is known about a patent's state, with its date and source. No row means unknown.

    `value` is a code (`in_force`, `positive`, `no`), an ISO date, or `none` for "known to be none". What was
    stated before is in `facts.models.FactHistory`.
    """

    __tablename__ = "patent_facts"
    __table_args__ = (sa.UniqueConstraint("patent_id", "name"), one_of("name", ALL_FACTS))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    name: Mapped[str] = mapped_column(Code(32))
    value: Mapped[str] = mapped_column(sa.String(500))
    as_of: Mapped[dt.date]
    source: Mapped[str] = mapped_column(sa.String(200))
    entered_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    entered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    attestation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("attestations.id"), index=True)


class Offer(Versioned, Model):
    """A declaration of open licensing (专利开放许可声明) on one patent, from draft to its end.

    It is an open licence, and live, only once CNIPA's announcement is verified. Money in 分, rate in
    per cent; dates are Shanghai dates, inclusive. `instalments`: months after effect and sum of each, in
    order, where the fee is not paid at once; the first is at nought months and makes the licence.
    """

    __tablename__ = "offers"
    __table_args__ = (
        one_of("status", OFFER_STATUSES),
        one_of("evidence", EVIDENCE),
        one_of("withdrawal_evidence", EVIDENCE),
        one_of("fee_form", FEE_FORMS),
        one_of("rate_base", RATE_BASES),
        sa.CheckConstraint("fee_minor IS NULL OR fee_minor >= 0", name="fee_not_negative"),
        sa.CheckConstraint(
            "term_to IS NULL OR term_from IS NULL OR term_to >= term_from", name="term_in_order"
        ),
        sa.Index(
            "uq_offers_in_force_patent",
            "patent_id",
            unique=True,
            sqlite_where=sa.text("status IN ('announced', 'withdrawal_filed')"),
            postgresql_where=sa.text("status IN ('announced', 'withdrawal_filed')"),
        ),
        sa.Index("ix_offers_status", "status", "evidence"),
        sa.Index(
            "ix_offers_duty",
            "duty_to_withdraw_since",
            "id",
            sqlite_where=sa.text("duty_to_withdraw_since IS NOT NULL"),
            postgresql_where=sa.text("duty_to_withdraw_since IS NOT NULL"),
        ),
    )
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    holder_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("organisations.id"), index=True, info=names_party("register")
    )
    status: Mapped[str] = mapped_column(Code(20), default="draft")
    evidence: Mapped[str | None] = mapped_column(Code(16))
    verified_source: Mapped[str | None] = mapped_column(sa.String(200))
    declaration_number: Mapped[str | None] = mapped_column(sa.String(40), unique=True)
    filed_on: Mapped[dt.date | None]
    filing_receipt: Mapped[str | None] = mapped_column(sa.String(60))
    announced_on: Mapped[dt.date | None]

    fee_form: Mapped[str | None] = mapped_column(Code(24))
    fee_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3), default="CNY")
    rate_percent: Mapped[Decimal | None]
    rate_base: Mapped[str | None] = mapped_column(Code(16))
    payment_text: Mapped[str | None] = mapped_column(sa.Text)
    fee_explanation: Mapped[str | None] = mapped_column(sa.Text)
    channels: Mapped[list[str]] = mapped_column(default=list)
    instalments: Mapped[list[Any]] = mapped_column(default=list)
    payee_account_name: Mapped[str | None] = mapped_column(sa.String(200))
    payee_bank: Mapped[str | None] = mapped_column(sa.String(200))
    payee_account: Mapped[str | None] = mapped_column(sa.String(64))
    term_from: Mapped[dt.date | None]
    term_to: Mapped[dt.date | None]
    term_text: Mapped[str | None] = mapped_column(sa.String(500))
    contact: Mapped[str | None] = mapped_column(sa.String(500))
    not_included: Mapped[str | None] = mapped_column(sa.Text)
    source: Mapped[str | None] = mapped_column(sa.String(200))

    approved_on: Mapped[dt.date | None]
    owners_agreed_on: Mapped[dt.date | None]
    price_notice_from: Mapped[dt.date | None]
    refused_reason: Mapped[str | None] = mapped_column(sa.Text)
    withdrawal_filed_on: Mapped[dt.date | None]
    withdrawal_reason: Mapped[str | None] = mapped_column(sa.Text)
    withdrawn_on: Mapped[dt.date | None]
    withdrawal_evidence: Mapped[str | None] = mapped_column(Code(16))
    revoked_on: Mapped[dt.date | None]
    lapsed_on: Mapped[dt.date | None]
    duty_to_withdraw_since: Mapped[dt.date | None]
    duty_bars: Mapped[list[str]] = mapped_column(default=list)
    digest: Mapped[str | None] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]

    patent: Mapped[Patent] = relationship(lazy="joined")
    holder: Mapped[Organisation] = relationship(lazy="joined")

    def in_force_on(self, day: dt.date) -> bool:
        """Whether notices may be served on that day: announced and verified, not yet withdrawn or over."""
        return in_force(
            day,
            status=self.status,
            evidence=self.evidence,
            announced_on=self.announced_on,
            term_to=self.term_to,
            expires_on=self.patent.expires_on,
        )

    def terms(self) -> dict[str, Any]:
        """The announced terms as plain values, for freezing into a notice."""
        return {
            "fee_form": self.fee_form,
            "fee_minor": self.fee_minor,
            "currency": self.currency,
            "rate_percent": None if self.rate_percent is None else f"{self.rate_percent.normalize():f}",
            "rate_base": self.rate_base,
            "payment_text": self.payment_text,
            "channels": list(self.channels),
            "instalments": [list(one) for one in self.instalments],
            "payee_account_name": self.payee_account_name,
            "payee_bank": self.payee_bank,
            "payee_account": self.payee_account,
            "stripe_account": self.holder.stripe_account,
            "term_from": None if self.term_from is None else self.term_from.isoformat(),
            "term_to": None if self.term_to is None else self.term_to.isoformat(),
            "declaration_number": self.declaration_number,
            "announced_on": None if self.announced_on is None else self.announced_on.isoformat(),
            "contact": self.contact,
        }
