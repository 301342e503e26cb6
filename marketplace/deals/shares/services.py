"""Keeping the books: income, costs, allocation, pay-outs, and the rules by which income is shared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.files import checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Receipt
from marketplace.listings.models import Patent

from . import rules
from .models import (
    CATEGORIES,
    InventorPart,
    InventorRule,
    LedgerAccount,
    LedgerAllocation,
    LedgerPosting,
    LedgerTransaction,
    OwnerPart,
    OwnerSplit,
    SharePerson,
)

File = tuple[str, bytes]


# --- the ledger itself


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


def _book(actor: Actor, book_id: int) -> Organisation:
    """The organisation whose book it is, locked: entries of one book follow each other."""
    found = db.session.get(Organisation, book_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if not actor.is_system:
        require(actor, "shares.keep", found)
    return lock(Organisation, book_id)


def _kept(file: File | None, organisation_id: int) -> int | None:
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


# --- what happens to the money


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
    _book(SYSTEM, book_id)
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
    _book(actor, book_id)
    patent = db.session.get(Patent, patent_id)
    require(actor, "shares.rule", patent)
    if category not in CATEGORIES:
        raise Invalid("cost-category-unknown", "Please choose what kind of cost it is.")
    _check_sum(amount_minor, on)
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
        evidence_id=_kept(evidence, book_id),
    )


def _check_sum(amount_minor: int, on: dt.date) -> None:
    if amount_minor <= 0:
        said = N_("Please give a sum above zero.")
        raise Invalid("amount-invalid", said, fields={"amount": [said]})
    if on > clock.today():
        said = N_("This day is still to come.")
        raise Invalid("date-in-future", said, fields={"on": [said]})


def allocate(actor: Actor, book_id: int, patent_id: int, currency: str = "CNY") -> LedgerTransaction:
    """Divide what has gathered in a patent's pool among owners and persons, by the rules of each day.

    Raises:
        NotFound: another's book.
        Conflict: `nothing-to-allocate`: the pool is empty or in loss.
        Invalid: `inventor-rule-missing`: a state-established institution has none.
    """
    book = _book(actor, book_id)
    patent = db.session.get_one(Patent, patent_id)
    pool = account(book_id, "pool", currency, patent_id=patent_id)
    through, carried = _last_allocation(pool)
    entries = db.session.execute(
        sa.select(LedgerTransaction.id, LedgerTransaction.occurred_on, LedgerPosting.amount_minor)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .outerjoin(LedgerAllocation, LedgerAllocation.transaction_id == LedgerTransaction.id)
        .where(
            LedgerPosting.account_id == pool.id,
            LedgerTransaction.id > through,
            LedgerAllocation.transaction_id.is_(None),
            LedgerTransaction.reverses_id.is_(None)
            | LedgerTransaction.reverses_id.not_in(_allocations(pool)),
        )
        .order_by(LedgerTransaction.id)
    ).all()
    splits, persons = splits_of(book_id, patent_id), rules_of(book_id, patent_id)
    found, left = rules.segments(
        [rules.Entry(on, -int(amount)) for _id, on, amount in entries],
        [*(one.effective_from for one in splits), *(one.effective_from for one in persons)],
        carried,
    )
    if not found:
        raise Conflict("nothing-to-allocate", "There is no net income to divide.")
    postings: dict[int, tuple[LedgerAccount, int]] = {}
    steps = []
    for segment in found:
        parts, step = _divide(book, patent, segment, splits, persons, currency)
        steps.append(step)
        for one, amount in parts:
            before = postings.get(one.id, (one, 0))[1]
            postings[one.id] = (one, before - amount)
    whole = sum(segment.amount_minor for segment in found)
    row = enter(
        actor,
        book_id,
        "allocation",
        [(pool, whole), *postings.values()],
        on=clock.today(),
        patent_id=patent_id,
    )
    db.session.add(
        LedgerAllocation(
            transaction_id=row.id,
            pool_id=pool.id,
            through_id=max(key for key, _on, _amount in entries),
            carried_minor=left,
            steps=steps,
        )
    )
    return row


def _allocations(pool: LedgerAccount) -> sa.Select[int]:
    return sa.select(LedgerAllocation.transaction_id).where(LedgerAllocation.pool_id == pool.id)


def _standing(pool_id: int) -> sa.Select[LedgerAllocation]:
    """Allocations of a pool that were not reversed, the latest first."""
    reversed_ones = sa.select(LedgerTransaction.reverses_id).where(LedgerTransaction.reverses_id.is_not(None))
    return (
        sa.select(LedgerAllocation)
        .where(LedgerAllocation.pool_id == pool_id, LedgerAllocation.transaction_id.not_in(reversed_ones))
        .order_by(LedgerAllocation.transaction_id.desc())
    )


def _last_allocation(pool: LedgerAccount) -> tuple[int, int]:
    last = db.session.scalars(_standing(pool.id).limit(1)).first()
    return (0, 0) if last is None else (last.through_id, last.carried_minor)


def _divide(
    book: Organisation,
    patent: Patent,
    segment: rules.Segment,
    splits: Sequence[OwnerSplit],
    persons: Sequence[InventorRule],
    currency: str,
) -> tuple[list[tuple[LedgerAccount, int]], dict[str, Any]]:
    """A segment's net income by account, and the reckoning by ids."""
    split = next((one for one in reversed(splits) if _holds(one.effective_from, segment.since)), None)
    rule = next((one for one in reversed(persons) if _holds(one.effective_from, segment.since)), None)
    owners = owner_weights(patent, split)
    amounts = rules.divide(segment.amount_minor, owners)
    found, step_persons = [], []
    for party_id, amount in amounts.items():
        if party_id == book.id and rule is not None:
            of_persons = rules.divide(amount, [("persons", rule.percent), ("own", 100 - rule.percent)])
            by_person = rules.divide(
                of_persons["persons"], [(part.person_id, part.percent) for part in rule.parts]
            )
            for person_id, part in by_person.items():
                found.append((account(book.id, "inventor", currency, person_id=person_id), part))
                step_persons.append({"person": person_id, "amount_minor": part})
            amount = of_persons["own"]
        elif party_id == book.id and rules.is_state_established(book.state_established, book.type):
            raise Invalid(
                "inventor-rule-missing",
                "Please enter first who made and transformed the result: at least half goes to them.",
            )
        found.append((account(book.id, "owner", currency, party_id=party_id), amount))
    step = {
        "since": None if segment.since is None else segment.since.isoformat(),
        "amount_minor": segment.amount_minor,
        "agreed": split is not None,
        "owners": [
            {"organisation": key, "percent": f"{weight.normalize():f}", "amount_minor": amounts[key]}
            for key, weight in owners
        ],
        "persons_percent": None if rule is None else f"{rule.percent.normalize():f}",
        "persons": step_persons,
    }
    return found, step


def _holds(since: dt.date, day: dt.date | None) -> bool:
    return day is not None and since <= day


def owner_weights(patent: Patent, split: OwnerSplit | None) -> list[tuple[int, Decimal]]:
    """The owners' parts in per cent as agreed; without an agreement equal ones (PL 14, CC 309)."""
    if split is not None:
        return [(part.organisation_id, part.percent) for part in split.parts]
    owners = [party.organisation_id for party in patent.parties]
    return (
        [(key, Decimal(100)) for key in owners] if len(owners) == 1 else [(key, Decimal(1)) for key in owners]
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
    _book(actor, found.book_id)
    _check_sum(amount_minor, on)
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
    _book(actor, found.book_id)
    if not reason.strip():
        said = N_("Please say why.")
        raise Invalid("reason-missing", said, fields={"reason": [said]})
    done = sa.select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == found.id)
    fits = found.kind in ("cost", "payout", "allocation") and db.session.scalar(done) is None
    if fits and found.kind == "allocation":
        taken = db.session.get_one(LedgerAllocation, found.id)
        latest = db.session.scalars(_standing(taken.pool_id).limit(1)).first()
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


# --- the rules


def splits_of(book_id: int, patent_id: int) -> list[OwnerSplit]:
    """The co-owners' agreements that stand, the earliest first."""
    query = sa.select(OwnerSplit).where(
        OwnerSplit.book_id == book_id, OwnerSplit.patent_id == patent_id, OwnerSplit.withdrawn_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(OwnerSplit.effective_from, OwnerSplit.id)))


def rules_of(organisation_id: int, patent_id: int) -> list[InventorRule]:
    """An institution's rules for persons that stand, the earliest first."""
    query = sa.select(InventorRule).where(
        InventorRule.organisation_id == organisation_id,
        InventorRule.patent_id == patent_id,
        InventorRule.withdrawn_at.is_(None),
    )
    return list(db.session.scalars(query.order_by(InventorRule.effective_from, InventorRule.id)))


def agree_split(
    actor: Actor,
    book_id: int,
    patent_id: int,
    parts: Mapping[int, Decimal],
    *,
    since: dt.date,
    evidence: File | None = None,
) -> OwnerSplit:
    """Enter what the co-owners have agreed (PL 14), from a day on; a later one follows it.

    Args:
        parts: per cent by organisation, of the patent's owners and making up 100.

    Raises:
        Invalid: `shares-not-whole`, `share-not-an-owner`, `file-type`.
    """
    _book(actor, book_id)
    patent = db.session.get(Patent, patent_id)
    require(actor, "shares.rule", patent)
    rules.check_whole(parts)
    if patent is None or not set(parts) <= {party.organisation_id for party in patent.parties}:
        raise Invalid("share-not-an-owner", "Only owners of the patent share in its income.")
    row = OwnerSplit(
        patent_id=patent_id,
        book_id=book_id,
        effective_from=since,
        evidence_id=_kept(evidence, book_id),
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
        parts=[OwnerPart(organisation_id=key, percent=percent) for key, percent in parts.items()],
    )
    db.session.add(row)
    record("shares.split_agreed", row, organisation_id=book_id, patent_id=patent_id)
    return row


def set_inventor_rule(
    actor: Actor,
    organisation_id: int,
    patent_id: int,
    percent: Decimal,
    parts: Mapping[int, Decimal],
    *,
    since: dt.date,
    evidence: File | None = None,
) -> InventorRule:
    """Enter what of the institution's part goes to which persons, from a day on (TTL 45).

    Args:
        percent: of the institution's part of net income.
        parts: per cent of that by person, making up 100.

    Raises:
        Invalid: `share-below-floor`, `share-invalid`, `shares-not-whole`, `share-person-unknown`.
    """
    book = _book(actor, organisation_id)
    require(actor, "shares.rule", db.session.get(Patent, patent_id))
    bound = rules.is_state_established(book.state_established, book.type)
    rules.check_floor(percent, bound=bound)
    rules.check_whole(parts)
    known = sa.select(SharePerson.id).where(
        SharePerson.id.in_(parts), SharePerson.organisation_id == organisation_id
    )
    if set(db.session.scalars(known)) != set(parts):
        raise Invalid("share-person-unknown", "Please enter this person first.")
    row = InventorRule(
        patent_id=patent_id,
        organisation_id=organisation_id,
        effective_from=since,
        percent=percent,
        evidence_id=_kept(evidence, organisation_id),
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
        parts=[InventorPart(person_id=key, percent=part) for key, part in parts.items()],
    )
    db.session.add(row)
    record("shares.inventors_set", row, organisation_id=organisation_id, patent_id=patent_id)
    return row


def add_person(actor: Actor, organisation_id: int, name: str, staff_number: str | None = None) -> SharePerson:
    """Enter a person who shares: a name, and a staff number to tell two of one name apart; nothing else.

    Raises:
        Invalid: `name-missing`.
    """
    _book(actor, organisation_id)
    if not name.strip():
        said = N_("Please give the name.")
        raise Invalid("name-missing", said, fields={"name": [said]})
    row = SharePerson(
        organisation_id=organisation_id,
        name=name.strip()[:100],
        staff_number=(staff_number or "").strip()[:40] or None,
        added_at=clock.now(),
    )
    db.session.add(row)
    record("shares.person_added", row, organisation_id=organisation_id)
    return row


def erase_person(actor: Actor, person_id: int) -> SharePerson:
    """Erase a person's name and number; the ledger, which holds the id alone, stays as it is.

    Raises:
        NotFound: there is none, or it is another institution's.
    """
    found = db.session.get(SharePerson, person_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    _book(actor, found.organisation_id)
    found.name = found.staff_number = None
    found.erased_at = clock.now()
    record("shares.person_erased", found, organisation_id=found.organisation_id)
    return found
