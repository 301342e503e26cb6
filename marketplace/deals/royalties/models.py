"""Royalty periods of a licence, the licensee's statements with their lines, and notices of default.

Amounts in minor units (分); rates in per cent; dates are Shanghai dates, inclusive.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.deals.models import Licence, Obligation

LENGTHS = ("quarter", "half_year", "year")
SOURCES = ("announced", "default", "agreed")
BASES = ("net_sales", "profit")
SIDES = ("holder", "licensee")
CHANGE_STATES = ("proposed", "accepted", "declined", "taken_back")
PERIOD_STATES = ("running", "due", "overdue", "reported")
DEFAULT_STATES = ("given", "restored", "ended", "taken_back")
GROUNDS = ("unreported", "unpaid")
BASIS = ("contractual", "statutory")


class RoyaltyPlan(Versioned, Model):
    """How a licence's royalty is reported: read from its frozen terms, by default where they are silent.

    `length_source` says where the period comes from. `minimum_minor` and `cap_minor` hold per period. Days
    are calendar days: `report_days` after the period's end, `pay_days` after the day of reporting.
    """

    __tablename__ = "royalty_plans"
    __table_args__ = (
        one_of("base", BASES),
        one_of("length", LENGTHS),
        one_of("length_source", SOURCES),
        one_of("limits_source", SOURCES),
        sa.CheckConstraint("report_days > 0 AND pay_days > 0", name="days_positive"),
        sa.CheckConstraint("minimum_minor IS NULL OR minimum_minor >= 0", name="minimum_not_negative"),
        sa.CheckConstraint(
            "cap_minor IS NULL OR cap_minor >= coalesce(minimum_minor, 0)", name="cap_above_minimum"
        ),
    )
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"), unique=True)
    base: Mapped[str] = mapped_column(Code(16))
    rate_percent: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(Code(3))
    length: Mapped[str] = mapped_column(Code(16))
    length_source: Mapped[str] = mapped_column(Code(16))
    limits_source: Mapped[str] = mapped_column(Code(16), default="default")
    report_days: Mapped[int]
    pay_days: Mapped[int]
    minimum_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    cap_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[dt.datetime]

    licence: Mapped[Licence] = relationship(lazy="joined")


class RoyaltyPlanChange(Versioned, Model):
    """What one party proposes as the reading of the terms on reporting; the other accepts or declines it.

    It holds for periods that begin after it was accepted.
    """

    __tablename__ = "royalty_plan_changes"
    __table_args__ = (
        one_of("state", CHANGE_STATES),
        one_of("side", SIDES),
        one_of("length", LENGTHS),
        sa.Index(
            "uq_royalty_plan_changes_open",
            "plan_id",
            unique=True,
            sqlite_where=sa.text("state = 'proposed'"),
            postgresql_where=sa.text("state = 'proposed'"),
        ),
    )
    plan_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("royalty_plans.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="proposed")
    side: Mapped[str] = mapped_column(Code(16))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    length: Mapped[str] = mapped_column(Code(16))
    report_days: Mapped[int]
    pay_days: Mapped[int]
    minimum_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    cap_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(500))
    proposed_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]

    plan: Mapped[RoyaltyPlan] = relationship(lazy="joined")


class RoyaltyPeriod(Versioned, Model):
    """A stretch of time to be reported on, with the conditions that held when it began.

    Its state tells about reporting alone; whether its royalty is paid is told by the obligations.
    `provisional`: the holidays of a due date's year are not published yet. Each `…_at` says when the
    parties were told.
    """

    __tablename__ = "royalty_periods"
    __table_args__ = (
        one_of("state", PERIOD_STATES),
        one_of("base", BASES),
        sa.UniqueConstraint("licence_id", "begins"),
        sa.CheckConstraint("begins <= ends", name="begins_before_it_ends"),
    )
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="running", index=True)
    begins: Mapped[dt.date]
    ends: Mapped[dt.date]
    report_due_on: Mapped[dt.date] = mapped_column(index=True)
    pay_due_on: Mapped[dt.date]
    provisional: Mapped[bool] = mapped_column(default=False)
    base: Mapped[str] = mapped_column(Code(16))
    rate_percent: Mapped[Decimal]
    minimum_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    cap_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    reminded_at: Mapped[dt.datetime | None]
    overdue_at: Mapped[dt.datetime | None]
    payment_reminded_at: Mapped[dt.datetime | None]
    payment_overdue_at: Mapped[dt.datetime | None]

    licence: Mapped[Licence] = relationship(lazy="joined")
    statements: Mapped[list[RoyaltyStatement]] = relationship(
        back_populates="period", order_by="RoyaltyStatement.sequence", lazy="selectin"
    )


class RoyaltyStatement(Model):
    """What the licensee states for a period, whole and unchangeable; a later one corrects it.

    `royalty_minor` is the royalty of the period by this statement; `due_minor` of it is newly owed (its
    `obligation`), the rest is paid, owed already or set off by a credit. `credit_left_minor` is what the
    licensee has in hand after it, for later periods.
    """

    __tablename__ = "royalty_statements"
    __table_args__ = (
        sa.UniqueConstraint("period_id", "sequence"),
        sa.CheckConstraint("royalty_minor >= 0", name="royalty_not_negative"),
        sa.CheckConstraint("due_minor >= 0 AND credit_left_minor >= 0", name="sums_not_negative"),
        sa.CheckConstraint("(sequence = 1) = (reason IS NULL)", name="correction_has_a_reason"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    period_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("royalty_periods.id"), index=True)
    sequence: Mapped[int]
    current: Mapped[bool] = mapped_column(default=True)
    base_minor: Mapped[int] = mapped_column(sa.BigInteger)
    royalty_minor: Mapped[int] = mapped_column(sa.BigInteger)
    due_minor: Mapped[int] = mapped_column(sa.BigInteger)
    credit_left_minor: Mapped[int] = mapped_column(sa.BigInteger)
    obligation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("obligations.id"), unique=True)
    note: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    submitted_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    submitted_at: Mapped[dt.datetime]

    period: Mapped[RoyaltyPeriod] = relationship(back_populates="statements", lazy="joined")
    obligation: Mapped[Obligation | None] = relationship(lazy="joined")
    lines: Mapped[list[RoyaltyLine]] = relationship(order_by="RoyaltyLine.position", lazy="selectin")
    evidence: Mapped[list[RoyaltyEvidence]] = relationship(order_by="RoyaltyEvidence.id", lazy="selectin")


class RoyaltyLine(Model):
    """One product of a statement. Its base is `amount_minor` less `deductions_minor`.

    `quantity` is a decimal number as text: pieces, tonnes, kilowatt-hours.
    """

    __tablename__ = "royalty_lines"
    __table_args__ = (
        sa.UniqueConstraint("statement_id", "position"),
        sa.CheckConstraint("deductions_minor >= 0", name="deductions_not_negative"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    statement_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("royalty_statements.id"), index=True)
    position: Mapped[int]
    product: Mapped[str] = mapped_column(sa.String(200))
    quantity: Mapped[str | None] = mapped_column(Code(32))
    unit: Mapped[str | None] = mapped_column(sa.String(20))
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    deductions_minor: Mapped[int] = mapped_column(sa.BigInteger)
    note: Mapped[str | None] = mapped_column(sa.String(500))


class RoyaltyEvidence(Model):
    """A file that a statement rests on."""

    __tablename__ = "royalty_evidence"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    statement_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("royalty_statements.id"), index=True)
    file_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))

    file: Mapped[StoredFile] = relationship(lazy="joined")


class RoyaltyDefault(Versioned, Model):
    """The holder's notice that a duty was not met (催告), with the term it sets and its ground.

    `contractual` only where the licensee has accepted a clause on it, whose acceptance is named; else
    `statutory` (Civil Code 563). Nothing follows by itself: the holder may end the licence when the term
    is over, or see it restored; `cure_over_at` says when the holder was told that it is over.
    """

    __tablename__ = "royalty_defaults"
    __table_args__ = (
        one_of("state", DEFAULT_STATES),
        one_of("ground", GROUNDS),
        one_of("basis", BASIS),
        sa.CheckConstraint("(basis = 'contractual') = (acceptance_id IS NOT NULL)", name="clause_named"),
        sa.Index(
            "uq_royalty_defaults_open",
            "period_id",
            unique=True,
            sqlite_where=sa.text("state = 'given'"),
            postgresql_where=sa.text("state = 'given'"),
        ),
    )
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    period_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("royalty_periods.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="given")
    ground: Mapped[str] = mapped_column(Code(16))
    basis: Mapped[str] = mapped_column(Code(16))
    acceptance_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("clause_acceptances.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    cure_by: Mapped[dt.date]
    cure_over_at: Mapped[dt.datetime | None]
    given_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    given_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]

    period: Mapped[RoyaltyPeriod] = relationship(lazy="joined")
