"""The ledger of licence income, and the rules by which it is shared.

A book belongs to the organisation into whose account the money goes. Amounts in minor units (分), signed:
above zero is debit, below is credit. Persons stand in the ledger by id only; their names can be erased.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import of_user
from marketplace.core import triggers
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.listings.models import Patent

ACCOUNT_KINDS = ("cash", "pool", "owner", "inventor")
ENTRY_KINDS = ("income", "cost", "allocation", "payout", "reversal")
CATEGORIES = ("agency_fee", "annuity", "tax", "evaluation", "other")


class LedgerAccount(Model):
    """An account of a book: `cash`, a patent's `pool` of net income, what an `owner` or `inventor` is due.

    `key` names it within its book, so that it is opened once.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        one_of("kind", ACCOUNT_KINDS),
        sa.UniqueConstraint("book_id", "key", "currency"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    book_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(Code(16))
    key: Mapped[str] = mapped_column(Code(64))
    currency: Mapped[str] = mapped_column(Code(3))
    patent_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    party_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("share_persons.id"), index=True)


class LedgerTransaction(Model):
    """Something that happened to the money, with postings that sum to zero in each currency.

    It is entered unposted with its postings and then posted: the database checks the sum at that moment and
    refuses every later change. A mistake is corrected by a reversal, which names what it reverses.
    """

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        one_of("kind", ENTRY_KINDS),
        one_of("category", CATEGORIES),
        sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_names_it"),
        sa.CheckConstraint("(kind = 'cost') = (category IS NOT NULL)", name="cost_has_category"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    book_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    occurred_on: Mapped[dt.date] = mapped_column(index=True)
    patent_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    licence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("licences.id"), index=True)
    category: Mapped[str | None] = mapped_column(Code(16))
    source: Mapped[str | None] = mapped_column(Code(64), unique=True)
    reverses_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("ledger_transactions.id"), unique=True)
    evidence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    reference: Mapped[str | None] = mapped_column(sa.String(200))
    posted: Mapped[bool] = mapped_column(default=False)
    recorded_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    recorded_at: Mapped[dt.datetime]

    evidence: Mapped[StoredFile | None] = relationship(lazy="joined")
    postings: Mapped[list[LedgerPosting]] = relationship(order_by="LedgerPosting.id", lazy="selectin")


class LedgerPosting(Model):
    """One side of a transaction: so much on this account."""

    __tablename__ = "ledger_postings"
    __table_args__ = (sa.CheckConstraint("amount_minor <> 0", name="amount_not_zero"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    transaction_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("ledger_transactions.id"), index=True)
    account_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("ledger_accounts.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))

    account: Mapped[LedgerAccount] = relationship(lazy="joined")


class LedgerAllocation(Model):
    """How a pool was divided: which entries it took (up to `through_id`) and the reckoning, by ids.

    `carried_minor`, zero or below, is a loss that the next allocation bears.
    """

    __tablename__ = "ledger_allocations"
    __table_args__ = (sa.CheckConstraint("carried_minor <= 0", name="carries_losses_only"),)
    transaction_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("ledger_transactions.id"), primary_key=True
    )
    pool_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("ledger_accounts.id"), index=True)
    through_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("ledger_transactions.id"))
    carried_minor: Mapped[int] = mapped_column(sa.BigInteger)
    steps: Mapped[list[Any]]

    transaction: Mapped[LedgerTransaction] = relationship(foreign_keys=[transaction_id], lazy="joined")


class OwnerSplit(Versioned, Model):
    """The co-owners' agreement on the net income of a patent, from a day on (PL 14)."""

    __tablename__ = "owner_splits"
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    book_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    effective_from: Mapped[dt.date]
    evidence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    withdrawn_at: Mapped[dt.datetime | None]
    recorded_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    recorded_at: Mapped[dt.datetime]

    patent: Mapped[Patent] = relationship(lazy="joined")
    evidence: Mapped[StoredFile | None] = relationship(lazy="joined")
    parts: Mapped[list[OwnerPart]] = relationship(order_by="OwnerPart.id", lazy="selectin")


class OwnerPart(Model):
    """One co-owner's part of a split, in per cent."""

    __tablename__ = "owner_parts"
    __table_args__ = (sa.UniqueConstraint("split_id", "organisation_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    split_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("owner_splits.id"))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    percent: Mapped[Decimal]

    organisation: Mapped[Organisation] = relationship(lazy="joined")


class SharePerson(Versioned, Model):
    """An inventor or transferor who shares in the income of an institution. The name can be erased.

    `user_id` is the person's own account, a member of the institution, which then sees its own statement.
    """

    __tablename__ = "share_persons"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "user_id"),)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    name: Mapped[str | None] = mapped_column(sa.String(100), info=of_user())
    staff_number: Mapped[str | None] = mapped_column(sa.String(40), info=of_user())
    added_at: Mapped[dt.datetime]
    erased_at: Mapped[dt.datetime | None]


class InventorRule(Versioned, Model):
    """What of an institution's part goes to those who made and transformed the result, from a day on.

    TTL 45: at least half for state-established institutions.
    """

    __tablename__ = "inventor_rules"
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    effective_from: Mapped[dt.date]
    percent: Mapped[Decimal]
    evidence_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    withdrawn_at: Mapped[dt.datetime | None]
    recorded_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    recorded_at: Mapped[dt.datetime]

    patent: Mapped[Patent] = relationship(lazy="joined")
    evidence: Mapped[StoredFile | None] = relationship(lazy="joined")
    parts: Mapped[list[InventorPart]] = relationship(order_by="InventorPart.id", lazy="selectin")


class InventorPart(Model):
    """One person's part of what goes to the persons, in per cent of it."""

    __tablename__ = "inventor_parts"
    __table_args__ = (sa.UniqueConstraint("rule_id", "person_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    rule_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("inventor_rules.id"))
    person_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("share_persons.id"), index=True)
    percent: Mapped[Decimal]

    person: Mapped[SharePerson] = relationship(lazy="joined")


class TransformationReport(Versioned, Model):
    """The yearly report of an institution on what became of its results (SH-TT 18), due on 30 March.

    `reminded_at` says when it was reminded, `handed_in_on` when it says that the report went out.
    """

    __tablename__ = "transformation_reports"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "year"), first_counts())
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    year: Mapped[int]
    due_on: Mapped[dt.date]
    reminded_at: Mapped[dt.datetime | None]
    handed_in_on: Mapped[dt.date | None]


# What the database itself keeps. Only a merger of two organisations moves a book, as a whole.
_KEPT = "id, kind, occurred_on, patent_id, licence_id, category, source, reverses_id, posted"
_OPEN = "(SELECT posted FROM ledger_transactions WHERE id = NEW.transaction_id)"
_FAULTY = """EXISTS (SELECT 1 FROM ledger_postings WHERE transaction_id = NEW.id
  GROUP BY currency HAVING sum(amount_minor) <> 0)
OR EXISTS (SELECT 1 FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id
  WHERE p.transaction_id = NEW.id AND (a.currency <> p.currency OR a.book_id <> NEW.book_id))
OR (SELECT count(*) FROM ledger_postings WHERE transaction_id = NEW.id) < 2"""
_LATER = "a ledger entry is posted after its postings"
_WHOLE = "a ledger entry balances and is never changed"
_STAYS = "the ledger is append-only"

triggers.declare(
    "ledger_transactions",
    sqlite={
        "ledger_entry_begins": ("BEFORE INSERT", "NEW.posted", _LATER),
        "ledger_entry_balances": (
            f"BEFORE UPDATE OF {_KEPT}",
            f"OLD.posted OR NOT NEW.posted OR {_FAULTY}",
            _WHOLE,
        ),
        "ledger_entry_stays": ("BEFORE DELETE", "1", _STAYS),
    },
    postgresql={
        "ledger_entry_balances": f"BEFORE INSERT OR UPDATE OF {_KEPT} OR DELETE",
        "ledger_entry_no_truncate": "BEFORE TRUNCATE",
    },
    function=f"""BEGIN
IF TG_OP = 'INSERT' THEN
  IF NEW.posted THEN RAISE EXCEPTION '{_LATER}'; END IF;
ELSIF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION '{_STAYS}';
ELSIF OLD.posted OR NOT NEW.posted OR {_FAULTY} THEN RAISE EXCEPTION '{_WHOLE}';
END IF;
RETURN NEW;
END""",
)
triggers.declare(
    "ledger_postings",
    sqlite={
        "ledger_posting_begins": ("BEFORE INSERT", _OPEN, _STAYS),
        "ledger_posting_no_update": ("BEFORE UPDATE", "1", _STAYS),
        "ledger_posting_no_delete": ("BEFORE DELETE", "1", _STAYS),
    },
    postgresql={
        "ledger_posting_stays": "BEFORE INSERT OR UPDATE OR DELETE",
        "ledger_posting_no_truncate": "BEFORE TRUNCATE",
    },
    function=f"""BEGIN
IF TG_OP = 'INSERT' THEN
  IF {_OPEN} THEN RAISE EXCEPTION '{_STAYS}'; END IF;
ELSE RAISE EXCEPTION '{_STAYS}';
END IF;
RETURN NEW;
END""",
)
