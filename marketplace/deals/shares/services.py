"""What happens to the money of a book: income, costs, pay-outs, and their reversal."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Receipt
from marketplace.listings.models import Patent

from . import rules
from .allocating import SHARE, standing_allocations
from .books import File, account, balances, book_of, check_sum, enter, kept
from .models import CATEGORIES, LedgerAccount, LedgerAllocation, LedgerPosting, LedgerTransaction


def enter_receipt(receipt_id: int) -> LedgerTransaction | None:
    """Enter a receipt, or the reversal of one, as income of who received it; once.

    What of a receipt goes back to the payer is no income. Returns None when there is nothing to enter.
    """
    receipt = db.session.get_one(Receipt, receipt_id)
    source = f"receipt:{receipt.id}"
    if not receipt.applied_minor or _by_source(source) is not None:
        return None
    notice = receipt.payment.obligation.notice
    book_id, patent_id = notice.offer.holder_id, notice.offer.patent_id
    book_of(SYSTEM, book_id)
    if receipt.reverses_id is not None:
        first = _by_source(f"receipt:{receipt.reverses_id}")
        return None if first is None else _reverse(SYSTEM, first, source=source)
    licence = licence_of(notice)
    cash = account(book_id, "cash", receipt.currency)
    pool = account(book_id, "pool", receipt.currency, patent_id=patent_id)
    amount = receipt.applied_minor
    return enter(
        SYSTEM,
        book_id,
        "income",
        [(cash, amount), (pool, -amount)],
        on=receipt.paid_on,
        patent_id=patent_id,
        licence_id=None if licence is None else licence.id,
        source=source,
    )


def enter_shares(transaction_id: int) -> list[LedgerTransaction]:
    """Enter what one owner has paid out to another as income of that one's own book, or take it back; once.

    A pay-out is set against what was allocated to the other owner, patent by patent, the earliest first. Each
    owner then divides its own share among those who made and transformed the result at its place.
    """
    found = db.session.get_one(LedgerTransaction, transaction_id)
    if found.kind == "reversal" and found.reverses_id is not None:
        return _take_shares_back(found.id, found.reverses_id)
    if found.kind != "payout":
        return []
    owed = next((one.account for one in found.postings if one.account.kind == "owner"), None)
    if owed is None or owed.party_id is None or owed.party_id == found.book_id:
        return []
    known = f"{SHARE}{found.id}:"
    if db.session.scalar(_shares(known).limit(1)) is not None:
        return []
    book_of(SYSTEM, owed.party_id)
    amount = sum(one.amount_minor for one in found.postings if one.account_id == owed.id)
    return [
        _share(found, owed.party_id, owed.currency, patent_id, part)
        for patent_id, part in rules.apportion(amount, _due_by_patent(owed))
    ]


def _share(
    paid: LedgerTransaction, book_id: int, currency: str, patent_id: int, amount: int
) -> LedgerTransaction:
    cash = account(book_id, "cash", currency)
    pool = account(book_id, "pool", currency, patent_id=patent_id)
    row = enter(
        SYSTEM,
        book_id,
        "income",
        [(cash, amount), (pool, -amount)],
        on=paid.occurred_on,
        patent_id=patent_id,
        source=f"{SHARE}{paid.id}:{patent_id}",
    )
    record("shares.received", row, organisation_id=book_id, payer=paid.book_id)
    return row


def _shares(beginning: str) -> sa.Select[LedgerTransaction]:
    return sa.select(LedgerTransaction).where(LedgerTransaction.source.startswith(beginning))


def _take_shares_back(reversal_id: int, paid_id: int) -> list[LedgerTransaction]:
    back = []
    for row in db.session.scalars(_shares(f"{SHARE}{paid_id}:")).all():
        source = f"{SHARE}{reversal_id}:{row.patent_id}"
        if _by_source(source) is None:
            book_of(SYSTEM, row.book_id)
            back.append(_reverse(SYSTEM, row, source=source))
    return back


def _due_by_patent(owed: LedgerAccount) -> list[tuple[int, int]]:
    """What was allocated to another owner by patent, less what its own book has of it; the earliest first."""
    allocated = (
        sa.select(
            LedgerTransaction.patent_id,
            -sa.func.sum(LedgerPosting.amount_minor),
            sa.func.min(LedgerTransaction.id),
        )
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerPosting.account_id == owed.id, LedgerTransaction.patent_id.is_not(None))
        .group_by(LedgerTransaction.patent_id)
    )
    payouts = (
        sa.select(LedgerPosting.transaction_id)
        .join(LedgerTransaction, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerPosting.account_id == owed.id, LedgerTransaction.patent_id.is_(None))
    )
    entered: dict[int, int] = {}
    rows = sa.select(LedgerTransaction).where(
        LedgerTransaction.book_id == owed.party_id, LedgerTransaction.source.startswith(SHARE)
    )
    ours = set(db.session.scalars(payouts))
    for row in db.session.scalars(rows):
        if row.patent_id is not None and int((row.source or "::").split(":")[1] or 0) in ours:
            into = sum(-one.amount_minor for one in row.postings if one.account.kind == "pool")
            entered[row.patent_id] = entered.get(row.patent_id, 0) + into
    found = sorted(db.session.execute(allocated).all(), key=lambda one: int(one[2]))
    return [(key, int(total) - entered.get(key, 0)) for key, total, _first in found if key is not None]


def _by_source(source: str) -> LedgerTransaction | None:
    return db.session.scalar(sa.select(LedgerTransaction).where(LedgerTransaction.source == source))


def add_cost(
    actor: Actor,
    book_id: int,
    patent_id: int,
    category: str,
    amount_minor: int,
    *,
    on: dt.date,
    reference: str | None = None,
    evidence: File | None = None,
    currency: str = "CNY",
) -> LedgerTransaction:
    """Enter a cost that net income bears: agency fees, annuities, tax.

    Raises:
        NotFound: another's book or patent.
        Invalid: `amount-invalid`, `cost-category-unknown`, `date-in-future`, `file-type`.
    """
    book_of(actor, book_id)
    patent = db.session.get(Patent, patent_id)
    require(actor, "shares.rule", patent)
    if category not in CATEGORIES:
        raise Invalid("cost-category-unknown", "Please choose what kind of cost it is.")
    check_sum(amount_minor, on)
    cash = account(book_id, "cash", currency)
    pool = account(book_id, "pool", currency, patent_id=patent_id)
    return enter(
        actor,
        book_id,
        "cost",
        [(pool, amount_minor), (cash, -amount_minor)],
        on=on,
        patent_id=patent_id,
        category=category,
        reference=reference or None,
        evidence_id=kept(evidence, book_id),
    )


def pay_out(
    actor: Actor, account_id: int, amount_minor: int, *, on: dt.date, reference: str | None = None
) -> LedgerTransaction:
    """Record that a co-owner or a person was paid what is due to it.

    Raises:
        NotFound: another's book, or no such account.
        Invalid: `amount-invalid`, `date-in-future`.
        Conflict: `payout-too-much`: more than is due.
    """
    found = db.session.get(LedgerAccount, account_id)
    if found is None or found.kind not in ("owner", "inventor"):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    book_of(actor, found.book_id)
    check_sum(amount_minor, on)
    if amount_minor > -balances([found.id]).get(found.id, 0):
        raise Conflict("payout-too-much", "This is more than is due.")
    cash = account(found.book_id, "cash", found.currency)
    return enter(
        actor,
        found.book_id,
        "payout",
        [(found, amount_minor), (cash, -amount_minor)],
        on=on,
        reference=reference or None,
    )


def reverse(actor: Actor, transaction_id: int, *, reason: str) -> LedgerTransaction:
    """Take a cost, a pay-out or the latest allocation back by an entry of its own.

    Income follows its receipts: it is reversed when its payment is.

    Raises:
        NotFound: another's book.
        Invalid: `reason-missing`.
        Conflict: `not-reversible`: income, a reversal, one reversed before, or an earlier allocation.
    """
    found = db.session.get(LedgerTransaction, transaction_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    book_of(actor, found.book_id)
    if not reason.strip():
        said = N_("Please say why.")
        raise Invalid("reason-missing", said, fields={"reason": [said]})
    done = sa.select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == found.id)
    fits = found.kind in ("cost", "payout", "allocation") and db.session.scalar(done) is None
    if fits and found.kind == "allocation":
        taken = db.session.get_one(LedgerAllocation, found.id)
        latest = db.session.scalars(standing_allocations(taken.pool_id).limit(1)).first()
        fits = latest is not None and latest.transaction_id == found.id
    if not fits:
        raise Conflict("not-reversible", "Only a cost, a pay-out or the latest allocation is reversed, once.")
    return _reverse(actor, found, reference=reason.strip()[:200])


def _reverse(actor: Actor, found: LedgerTransaction, **values: Any) -> LedgerTransaction:
    return enter(
        actor,
        found.book_id,
        "reversal",
        [(one.account, -one.amount_minor) for one in found.postings],
        on=clock.today(),
        patent_id=found.patent_id,
        licence_id=found.licence_id,
        reverses_id=found.id,
        **values,
    )
