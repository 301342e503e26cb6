"""From written notice to licence: notices, what is owed, payments, licences, and what went wrong.

The platform never receives, holds or forwards licence money: every payment goes to the holder's own
account. Amounts are integers in minor units (分 for CNY).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import HOLDS
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import names_party, of_user
from marketplace.core import clock
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer, Patent

NOTICE_STATES = ("not_served", "served", "paid", "lapsed", "abandoned", "undelivered", "refused")
OPEN_NOTICE = ("not_served", "served")
OBLIGATION_STATES = ("open", "paid", "cancelled")
PAYMENT_STATES = (
    "open", "slip_uploaded", "paid", "failed", "expired", "cancelled", "quarantined", "reversed",
)  # fmt: skip
OPEN_PAYMENT = ("open", "slip_uploaded")
LICENCE_STATES = ("in_effect", "ended")
AGREED_END_STATES = ("none", "proposed", "agreed")
RECORDAL_STATES = ("to_do", "filed", "recorded", "late", "cancelled")
ON_THE_REGISTER = ("recorded", "cancelled")
RECEIPT_SOURCES = ("payee", "statement", "stripe", "correction")
REFUND_STATES = ("open", "asked", "done", "cancelled")
FLAG_KINDS = ("refund", "dispute")
RECORDAL_SIDES = ("holder", "licensee", "operator", "gazette")


def _where(column: str, values: tuple[str, ...]) -> dict[str, Any]:
    clause = sa.text(f"{column} IN ({', '.join(repr(value) for value in values)})")
    return {"sqlite_where": clause, "postgresql_where": clause}


class Notice(Versioned, Model):
    """A written notice (书面通知) under Article 51: frozen terms, an immutable document, its hash and time.

    Served means it arrived in the holder's designated system; a holder without an account gets the sealed
    notice at the announced contact, and until sending is proven it is `not_served`; when the offer ends
    before that it is `undelivered`. `refused`: the technology may not be exported to the licensee (TIE).
    """

    __tablename__ = "notices"
    __table_args__ = (
        one_of("state", NOTICE_STATES),
        sa.Index("uq_notices_open", "offer_id", "licensee_id", unique=True, **_where("state", OPEN_NOTICE)),
        sa.Index("ix_notices_licensee_list", "licensee_id", "id"),
        sa.Index("ix_notices_offer_list", "offer_id", "id"),
    )
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"))
    licensee_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("organisations.id"), info=names_party("contract")
    )
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(Code(16))
    terms: Mapped[dict[str, Any]]
    use: Mapped[str | None] = mapped_column(sa.Text)
    # A written notice and its payment are a contract's evidence: three years of limitation (Civil Code 188),
    # three years of records of the transaction (E-Commerce Law 31).
    contact: Mapped[str | None] = mapped_column(sa.String(500), info=of_user(kept="contract"))
    document_digest: Mapped[str] = mapped_column(Code(64))
    written_at: Mapped[dt.datetime]
    served_at: Mapped[dt.datetime | None]
    service_proof: Mapped[str | None] = mapped_column(sa.String(500))
    pay_by: Mapped[dt.date | None]
    ended_at: Mapped[dt.datetime | None]

    offer: Mapped[Offer] = relationship(lazy="joined")
    licensee: Mapped[Organisation] = relationship(lazy="joined")
    obligations: Mapped[list[Obligation]] = relationship(
        back_populates="notice", order_by="Obligation.id", lazy="selectin"
    )


class Obligation(Versioned, Model):
    """One sum that is owed under a notice: the fixed fee or the entry fee, or an instalment of it.

    `instalment` counts them from 1, None where the sum is owed at once; the first makes the licence, later
    ones are due `due_months` after it took effect. `reminded_at`, `overdue_at`: when the parties were told.
    """

    __tablename__ = "obligations"
    __table_args__ = (
        one_of("state", OBLIGATION_STATES),
        one_of("kind", ("fee", "entry_fee", "royalty")),
        sa.CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        sa.CheckConstraint("(instalment IS NULL) = (due_months IS NULL)", name="instalment_has_its_months"),
    )
    notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("notices.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    due_on: Mapped[dt.date | None]
    state: Mapped[str] = mapped_column(Code(16), default="open")
    paid_at: Mapped[dt.datetime | None]
    instalment: Mapped[int | None]
    due_months: Mapped[int | None]
    reminded_at: Mapped[dt.datetime | None]
    overdue_at: Mapped[dt.datetime | None]

    notice: Mapped[Notice] = relationship(back_populates="obligations", lazy="joined")

    @property
    def overdue(self) -> bool:
        """Whether its day is over and it is still owed."""
        return self.state == "open" and self.due_on is not None and self.due_on < clock.today()

    @property
    def paid_on(self) -> dt.date | None:
        """The legal date of the payment that completed it."""
        return clock.legal_date(self.paid_at) if self.paid_at is not None else None


class Payment(Versioned, Model):
    """One attempt to pay an obligation, into the holder's own account.

    `slip_at` is when the payer first showed a bank slip, `escalated_at` when it had waited too long for the
    payee's word. One checkout can pay several notices of a bundle: its session is that of each payment.
    """

    __tablename__ = "payments"
    __table_args__ = (
        one_of("channel", ("bank", "stripe")),
        one_of("state", PAYMENT_STATES),
        sa.CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        sa.Index("uq_payments_open", "obligation_id", unique=True, **_where("state", OPEN_PAYMENT)),
    )
    obligation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("obligations.id"), index=True)
    channel: Mapped[str] = mapped_column(Code(8))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    reference: Mapped[str] = mapped_column(Code(40), unique=True)
    checkout_session_id: Mapped[str | None] = mapped_column(sa.String(255), index=True)
    checkout_url: Mapped[str | None] = mapped_column(sa.Text)
    stripe_account: Mapped[str | None] = mapped_column(sa.String(64))
    account_name: Mapped[str | None] = mapped_column(sa.String(200))
    bank: Mapped[str | None] = mapped_column(sa.String(200))
    account: Mapped[str | None] = mapped_column(sa.String(64))
    slip_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    invoice_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    slip_at: Mapped[dt.datetime | None]
    escalated_at: Mapped[dt.datetime | None]
    paid_on: Mapped[dt.date | None]
    effective_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]

    obligation: Mapped[Obligation] = relationship(lazy="joined")


class StripeEvent(Model):
    """The inbox of webhooks: stored by event id first, applied by the worker from the signed object."""

    __tablename__ = "stripe_events"
    __table_args__ = (one_of("state", ("received", "applied", "ignored", "quarantined")),)
    id: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    type: Mapped[str] = mapped_column(sa.String(80))
    account: Mapped[str | None] = mapped_column(sa.String(64))
    created: Mapped[dt.datetime]
    livemode: Mapped[bool]
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(Code(16), default="received")
    outcome: Mapped[str | None] = mapped_column(sa.String(200))


class Quarantine(Versioned, Model):
    """Money or a message that does not fit what is owed: never applied, never dropped, for the operator."""

    __tablename__ = "quarantine"
    __table_args__ = (one_of("state", ("open", "resolved")),)
    reason: Mapped[str] = mapped_column(Code(40))
    payment_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("payments.id"))
    event_id: Mapped[str | None] = mapped_column(sa.String(255), sa.ForeignKey("stripe_events.id"))
    expected: Mapped[dict[str, Any]]
    received: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(Code(16), default="open")
    resolution: Mapped[str | None] = mapped_column(sa.Text)
    resolved_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    resolved_at: Mapped[dt.datetime | None]


class Correction(Versioned, Model):
    """What an operator proposes to do about a case in quarantine; another one approves or declines it.

    `apply`: the money pays an obligation; `reverse`: a payment was entered wrongly, it is reversed and
    entered anew for another obligation, or for none; `foreign`: the money is not for a licence here;
    `ask_return`: the payee is asked to give it back. Nothing is edited: what was wrong stays, with its
    reversal beside it.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        one_of("kind", ("apply", "reverse", "foreign", "ask_return")),
        one_of("state", ("proposed", "approved", "declined", "taken_back")),
        sa.CheckConstraint(
            "state IN ('proposed', 'taken_back') OR decided_by <> proposed_by", name="two_persons"
        ),
        sa.Index("uq_corrections_proposed", "quarantine_id", unique=True, **_where("state", ("proposed",))),
    )
    quarantine_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("quarantine.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="proposed")
    reason: Mapped[str] = mapped_column(sa.Text)
    obligation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("obligations.id"))
    payment_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("payments.id"))
    proposed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    proposed_at: Mapped[dt.datetime]
    decided_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    decided_at: Mapped[dt.datetime | None]
    decision: Mapped[str | None] = mapped_column(sa.Text)

    case: Mapped[Quarantine] = relationship(lazy="joined")


class Receipt(Model):
    """Money that is proven to have come for an obligation, in the order in which it was learned of.

    `applied_minor` of it counts towards the obligation, the rest goes back. A receipt is never changed: a
    reversal is a row of its own with both figures negative. What counts is the sum of them all.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        one_of("source", RECEIPT_SOURCES),
        sa.CheckConstraint(
            "(reverses_id IS NULL AND amount_minor > 0 AND applied_minor >= 0"
            " AND applied_minor <= amount_minor)"
            " OR (reverses_id IS NOT NULL AND amount_minor < 0 AND applied_minor <= 0)",
            name="reversal_is_negative",
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("obligations.id"), index=True)
    payment_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("payments.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    applied_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    paid_on: Mapped[dt.date]
    at: Mapped[dt.datetime]
    source: Mapped[str] = mapped_column(Code(16))
    reverses_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("receipts.id"), unique=True)
    correction_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("corrections.id"))
    recorded_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    recorded_at: Mapped[dt.datetime]

    payment: Mapped[Payment] = relationship(lazy="joined")


class PaymentFlag(Versioned, Model):
    """A refund or a dispute at the provider, as its signed events tell it; it changes no licence by itself.

    `status` is the provider's own word; `told_at` the instant of the latest event that was taken over.
    `checkout_minor`: what it tells of a checkout that pays several notices, in minor units; `amount_minor` is
    then this payment's share when the whole of it is meant, else the same sum, as nobody says whose it is.
    """

    __tablename__ = "payment_flags"
    __table_args__ = (
        one_of("kind", FLAG_KINDS),
        sa.UniqueConstraint("kind", "provider_id", "payment_id"),
        sa.CheckConstraint("amount_minor IS NULL OR amount_minor >= 0", name="amount_not_negative"),
    )
    payment_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("payments.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    provider_id: Mapped[str] = mapped_column(sa.String(255))
    status: Mapped[str] = mapped_column(Code(40))
    amount_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    checkout_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str | None] = mapped_column(Code(3))
    reason: Mapped[str | None] = mapped_column(sa.String(80))
    funds_withdrawn: Mapped[bool] = mapped_column(default=False)
    event_id: Mapped[str | None] = mapped_column(sa.String(255), sa.ForeignKey("stripe_events.id"))
    opened_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]

    payment: Mapped[Payment] = relationship(lazy="joined")


class RefundTask(Versioned, Model):
    """Money that the holder has to return: too much, a second payment, or one that came too late.

    `asked`: the provider was asked to return it, in its `attempts`-th attempt; `provider_refund_id` is its
    number. `done` by the provider's signed word, or by the holder's with how (`note`) and maybe a file.
    """

    __tablename__ = "refund_tasks"
    __table_args__ = (
        one_of("state", REFUND_STATES),
        one_of("how", ("stripe", "transfer")),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
    )
    payment_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("payments.id"), index=True)
    receipt_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("receipts.id"))
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    reason: Mapped[str] = mapped_column(Code(40))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    how: Mapped[str | None] = mapped_column(Code(16))
    attempts: Mapped[int] = mapped_column(default=0)
    provider_refund_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    failure: Mapped[str | None] = mapped_column(sa.String(80))
    created_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    evidence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))

    payment: Mapped[Payment] = relationship(lazy="joined")


class Reconciliation(Model):
    """One comparison of our payments with the provider's: when, and how many of each outcome."""

    __tablename__ = "reconciliations"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    started_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime]
    since: Mapped[dt.datetime]
    livemode: Mapped[bool]
    accounts: Mapped[int]
    counts: Mapped[dict[str, Any]]


class Difference(Model):
    """What a comparison found not to agree, with the payment and the case that it is about."""

    __tablename__ = "reconciliation_differences"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    reconciliation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("reconciliations.id"), index=True)
    account: Mapped[str] = mapped_column(sa.String(64))
    reason: Mapped[str] = mapped_column(Code(40))
    payment_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("payments.id"))
    quarantine_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("quarantine.id"))
    provider_id: Mapped[str | None] = mapped_column(sa.String(255))
    expected: Mapped[dict[str, Any]]
    received: Mapped[dict[str, Any]]

    payment: Mapped[Payment | None] = relationship(lazy="joined")


class Licence(Versioned, Model):
    """A licence: obtained here by notice and payment, or taken elsewhere and recorded with its source.

    `open` licences are counted as such; negotiated `ordinary` ones are recorded apart and never are.
    `patent_end_stated_on` is the end of the patent that its holder alone has stated: an operator's matter.
    """

    __tablename__ = "licences"
    __table_args__ = (
        one_of("state", LICENCE_STATES),
        one_of("kind", ("open", "ordinary")),
        one_of("evidence", ("platform", "verified", "holder_stated")),
        one_of("recordal_state", RECORDAL_STATES),
        one_of("agreed_end", AGREED_END_STATES),
        one_of("end_proposed_side", ("holder", "licensee")),
        one_of("recordal_filed_side", RECORDAL_SIDES),
        one_of("recorded_side", RECORDAL_SIDES),
        sa.CheckConstraint("kind <> 'open' OR offer_id IS NOT NULL", name="open_has_offer"),
        sa.CheckConstraint(
            "term_to IS NULL OR offer_term_to IS NULL OR term_to <= offer_term_to", name="inside_offer_term"
        ),
        sa.CheckConstraint(
            "term_to IS NULL OR patent_expires_on IS NULL OR term_to <= patent_expires_on",
            name="inside_patent_term",
        ),
        sa.CheckConstraint("amount_minor IS NULL OR amount_minor >= 0", name="amount_not_negative"),
        sa.Index("ix_licences_licensee_list", "licensee_id", "id"),
        sa.Index("ix_licences_offer_list", "offer_id", "id"),
        sa.Index("ix_licences_patent_list", "patent_id", "id"),
        # A holder's counts by state are read from it alone.
        sa.Index("ix_licences_patent_counts", "patent_id", "state", "recordal_state", "kind"),
        # What the gazette has printed, in the order of the public register.
        sa.Index("ix_licences_register", "id", **_where("recordal_state", ON_THE_REGISTER)),
        sa.Index("ix_licences_register_state", "state", "id", **_where("recordal_state", ON_THE_REGISTER)),
    )
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    kind: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="in_effect")
    evidence: Mapped[str] = mapped_column(Code(16), default="platform")
    notice_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("notices.id"), unique=True)
    offer_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("offers.id"))
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"))
    licensee_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("organisations.id"), info=names_party("contract")
    )
    import_key: Mapped[str | None] = mapped_column(Code(64), unique=True)
    notice_on: Mapped[dt.date | None]
    paid_on: Mapped[dt.date | None]
    effective_at: Mapped[dt.datetime]
    effective_on: Mapped[dt.date] = mapped_column(index=True)
    term_to: Mapped[dt.date | None]
    offer_term_to: Mapped[dt.date | None]
    patent_expires_on: Mapped[dt.date | None]
    ended_on: Mapped[dt.date | None]
    ended_reason: Mapped[str | None] = mapped_column(Code(32))
    patent_end_stated_on: Mapped[dt.date | None]
    agreed_end: Mapped[str] = mapped_column(Code(16), default="none")
    end_proposed_on: Mapped[dt.date | None]
    end_proposed_side: Mapped[str | None] = mapped_column(Code(16))
    end_proposed_by: Mapped[int | None] = mapped_column(Key, info={HOLDS: True})
    amount_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3), default="CNY")
    certificate_code: Mapped[str | None] = mapped_column(Code(32), unique=True)
    certificate_digest: Mapped[str | None] = mapped_column(Code(64))
    recordal_state: Mapped[str] = mapped_column(Code(16), default="to_do")
    recordal_due_on: Mapped[dt.date | None]
    recordal_filed_on: Mapped[dt.date | None]
    recordal_filed_side: Mapped[str | None] = mapped_column(Code(16))
    recordal_number: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    recorded_on: Mapped[dt.date | None]
    recorded_side: Mapped[str | None] = mapped_column(Code(16))
    late_reason: Mapped[str | None] = mapped_column(sa.Text)
    source: Mapped[str | None] = mapped_column(sa.String(200))
    digest: Mapped[str | None] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]

    notice: Mapped[Notice | None] = relationship(lazy="joined")
    offer: Mapped[Offer | None] = relationship(lazy="joined")
    patent: Mapped[Patent] = relationship(lazy="joined")
    licensee: Mapped[Organisation] = relationship(lazy="joined")
