"""The ledger itself: its accounts, the entries that balance, and who keeps a book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.files import checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .models import LedgerAccount, LedgerPosting, LedgerTransaction

File = tuple[str, bytes]


def account(
    book_id: int,
    kind: str,
    currency: str,
    *,
    patent_id: int | None = None,
    party_id: int | None = None,
    person_id: int | None = None,
) -> LedgerAccount:
    """An account of a book, opened when it is first needed; the book is locked."""
    about = patent_id or party_id or person_id
    key = kind if about is None else f"{kind}:{about}"
    row = db.session.scalar(
        sa.select(LedgerAccount).where(
            LedgerAccount.book_id == book_id, LedgerAccount.key == key, LedgerAccount.currency == currency
        )
    )
    if row is None:
        row = LedgerAccount(
            book_id=book_id,
            kind=kind,
            key=key,
            currency=currency,
            patent_id=patent_id,
            party_id=party_id,
            person_id=person_id,
        )
        db.session.add(row)
        db.session.flush()
    return row


def enter(
    actor: Actor,
    book_id: int,
    kind: str,
    postings: Sequence[tuple[LedgerAccount, int]],
    *,
    on: dt.date,
    **values: Any,
) -> LedgerTransaction:
    """Enter and post a transaction; the database refuses one that does not balance. The book is locked.

    Args:
        postings: account and signed amount, debit above zero.
        values: further columns of `LedgerTransaction`.
    """
    row = LedgerTransaction(
        book_id=book_id,
        kind=kind,
        occurred_on=on,
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
        posted=False,
        **values,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(
        LedgerPosting(transaction_id=row.id, account=one, amount_minor=amount, currency=one.currency)
        for one, amount in postings
        if amount
    )
    db.session.flush()
    row.posted = True
    record("ledger.entered", row, organisation_id=book_id, occurred_on=on, kind=kind)
    return row


def balances(accounts: Sequence[int]) -> dict[int, int]:
    """The balance of these accounts by id, debit above zero; those without postings are left out."""
    query = (
        sa.select(LedgerPosting.account_id, sa.func.sum(LedgerPosting.amount_minor))
        .join(LedgerTransaction, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerPosting.account_id.in_(accounts), LedgerTransaction.posted.is_(True))
        .group_by(LedgerPosting.account_id)
    )
    return {key: int(total) for key, total in db.session.execute(query)}


def book_of(actor: Actor, book_id: int) -> Organisation:
    """The organisation whose book it is, locked: entries of one book follow each other."""
    found = db.session.get(Organisation, book_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if not actor.is_system:
        require(actor, "shares.keep", found)
    return lock(Organisation, book_id)


def kept(file: File | None, organisation_id: int) -> int | None:
    if file is None:
        return None
    name, content = file
    kept = keep(
        content,
        name=name,
        content_type=checked_upload(content),
        purpose="share_evidence",
        organisation_id=organisation_id,
    )
    return kept.id


def check_sum(amount_minor: int, on: dt.date) -> None:
    if amount_minor <= 0:
        said = N_("Please give a sum above zero.")
        raise Invalid("amount-invalid", said, fields={"amount": [said]})
    if on > clock.today():
        said = N_("This day is still to come.")
        raise Invalid("date-in-future", said, fields={"on": [said]})
