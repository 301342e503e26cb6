"""Dividing what a patent has brought among its owners and those who made and transformed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.listings.models import Patent

from . import rules
from .agreements import rules_of, splits_of
from .books import account, book_of, enter
from .models import (
    InventorRule,
    LedgerAccount,
    LedgerAllocation,
    LedgerPosting,
    LedgerTransaction,
    OwnerSplit,
)

SHARE: Final = "share:"
"""How the source of income begins that another owner has paid out."""


def allocate(actor: Actor, book_id: int, patent_id: int, currency: str = "CNY") -> LedgerTransaction:
    """Divide what has gathered in a patent's pool among owners and persons, by the rules of each day.

    Raises:
        NotFound: another's book.
        Conflict: `nothing-to-allocate`: the pool is empty or in loss.
        Invalid: `inventor-rule-missing`: a state-established institution has none.
    """
    book = book_of(actor, book_id)
    patent = db.session.get_one(Patent, patent_id)
    pool = account(book_id, "pool", currency, patent_id=patent_id)
    through, carried = _last_allocation(pool)
    entries = db.session.execute(
        sa.select(
            LedgerTransaction.id,
            LedgerTransaction.occurred_on,
            LedgerPosting.amount_minor,
            LedgerTransaction.source.startswith(SHARE),
        )
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
        [rules.Entry(on, -int(amount), bool(own)) for _id, on, amount, own in entries],
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
            through_id=max(one.id for one in entries),
            carried_minor=left,
            steps=steps,
        )
    )
    return row


def _allocations(pool: LedgerAccount) -> sa.Select[int]:
    return sa.select(LedgerAllocation.transaction_id).where(LedgerAllocation.pool_id == pool.id)


def standing_allocations(pool_id: int) -> sa.Select[LedgerAllocation]:
    """Allocations of a pool that were not reversed, the latest first."""
    reversed_ones = sa.select(LedgerTransaction.reverses_id).where(LedgerTransaction.reverses_id.is_not(None))
    return (
        sa.select(LedgerAllocation)
        .where(LedgerAllocation.pool_id == pool_id, LedgerAllocation.transaction_id.not_in(reversed_ones))
        .order_by(LedgerAllocation.transaction_id.desc())
    )


def _last_allocation(pool: LedgerAccount) -> tuple[int, int]:
    last = db.session.scalars(standing_allocations(pool.id).limit(1)).first()
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
    owners = [(book.id, Decimal(100))] if segment.own else owner_weights(patent, split)
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
        "agreed": split is not None and not segment.own,
        "own": segment.own,
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
