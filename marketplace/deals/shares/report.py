"""Reading the books: what gathered, what is due, and a year's figures per licence and patent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.models import Licence
from marketplace.listings.models import Patent

from . import rules
from .books import balances
from .models import (
    LedgerAccount,
    LedgerAllocation,
    LedgerPosting,
    LedgerTransaction,
    SharePerson,
    TransformationReport,
)

# Figure → its name and what it means; all in the year by the day on which it happened, less reversals.
DEFINITIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "income": (
        _l("Income (yuan)"),
        _l(
            "Licence fees, royalties and shares from co-owners whose payment into the own account was proven "
            "in the year."
        ),
    ),
    "cost": (_l("Costs (yuan)"), _l("Agency fees, annuities, taxes and other costs entered for the patent.")),
    "net": (_l("Net income (yuan)"), _l("Income less costs.")),
    "persons": (
        _l("Allocated to persons (yuan)"),
        _l("To those who made and transformed the result (Art. 45 of the law on transforming results)."),
    ),
    "others": (_l("Allocated to co-owners (yuan)"), _l("By their agreement, else in equal parts.")),
    "own": (_l("Kept (yuan)"), _l("The institution's own part after that.")),
}


@dataclass
class Row:
    """A patent's year, or one licence's: income stands with its licence, all else with the patent."""

    patent: Patent
    licence: Licence | None
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DEFINITIONS, 0))


def pools(book_id: int) -> list[tuple[Patent, int]]:
    """Patents of a book with what waits in their pool to be divided, below zero a loss."""
    accounts = list(
        db.session.scalars(
            sa.select(LedgerAccount)
            .where(LedgerAccount.book_id == book_id, LedgerAccount.kind == "pool")
            .order_by(LedgerAccount.id.desc())
        )
    )
    standing = balances([one.id for one in accounts])
    patents = {
        one.id: one
        for one in db.session.scalars(
            sa.select(Patent).where(Patent.id.in_([one.patent_id for one in accounts]))
        ).unique()
    }
    return [
        (patents[one.patent_id], -standing.get(one.id, 0)) for one in accounts if one.patent_id in patents
    ]


def pool(book_id: int, patent_id: int) -> int:
    """What waits in a patent's pool to be divided."""
    keys = list(
        db.session.scalars(
            sa.select(LedgerAccount.id).where(
                LedgerAccount.book_id == book_id,
                LedgerAccount.kind == "pool",
                LedgerAccount.patent_id == patent_id,
            )
        )
    )
    return -sum(balances(keys).values())


def due(book_id: int) -> list[tuple[LedgerAccount, int]]:
    """Accounts of owners and persons with what is due to them."""
    accounts = list(
        db.session.scalars(
            sa.select(LedgerAccount)
            .where(LedgerAccount.book_id == book_id, LedgerAccount.kind.in_(("owner", "inventor")))
            .order_by(LedgerAccount.kind, LedgerAccount.id)
        )
    )
    standing = balances([one.id for one in accounts])
    return [(one, -standing.get(one.id, 0)) for one in accounts]


def persons(book_id: int) -> list[SharePerson]:
    """All persons of an institution, erased ones included."""
    return list(db.session.scalars(sa.select(SharePerson).where(SharePerson.organisation_id == book_id)))


def entries(book_id: int, patent_id: int, limit: int = 100) -> list[LedgerTransaction]:
    """The latest entries of a patent in a book, newest first."""
    query = (
        sa.select(LedgerTransaction)
        .where(LedgerTransaction.book_id == book_id, LedgerTransaction.patent_id == patent_id)
        .order_by(LedgerTransaction.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def steps(transactions: Sequence[int]) -> dict[int, list[Any]]:
    """How these allocations were reckoned, by id."""
    query = sa.select(LedgerAllocation).where(LedgerAllocation.transaction_id.in_(transactions))
    return {one.transaction_id: one.steps for one in db.session.scalars(query)}


def names_of(entries: Sequence[LedgerTransaction], book_id: int) -> dict[int, Organisation]:
    """The organisations that postings speak of, by id."""
    ids = {posting.account.party_id for one in entries for posting in one.postings} | {book_id}
    return {
        one.id: one
        for one in db.session.scalars(sa.select(Organisation).where(Organisation.id.in_(ids - {None})))
    }


def yearly(book_id: int, year: int) -> list[Row]:
    """A year's figures of a book, per licence and patent, in the order of patents."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    reversed_one = sa.orm.aliased(LedgerTransaction)
    kind = sa.func.coalesce(reversed_one.kind, LedgerTransaction.kind)
    own = LedgerAccount.party_id == book_id
    query = (
        sa.select(
            LedgerTransaction.patent_id,
            LedgerTransaction.licence_id,
            kind,
            LedgerAccount.kind,
            own,
            sa.func.sum(LedgerPosting.amount_minor),
        )
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerPosting.account_id == LedgerAccount.id)
        .outerjoin(reversed_one, LedgerTransaction.reverses_id == reversed_one.id)
        .where(
            LedgerTransaction.book_id == book_id,
            LedgerTransaction.posted.is_(True),
            LedgerTransaction.occurred_on.between(first, last),
            LedgerTransaction.patent_id.is_not(None),
            LedgerAccount.kind != "cash",
            kind != "payout",
        )
        .group_by(LedgerTransaction.patent_id, LedgerTransaction.licence_id, kind, LedgerAccount.kind, own)
    )
    found: dict[tuple[int, int], Row] = {}
    sums = db.session.execute(query).all()
    patents = _by_id(Patent, {row[0] for row in sums if row[0] is not None})
    licences = _by_id(Licence, {row[1] for row in sums if row[1] is not None})
    for patent_id, licence_id, what, account, mine, total in sums:
        key = (patent_id or 0, licence_id or 0)
        row = found.setdefault(key, Row(patents[key[0]], licences.get(key[1])))
        if account == "pool" and what == "income":
            row.figures["income"] -= int(total)
        elif account == "pool" and what == "cost":
            row.figures["cost"] += int(total)
        elif account == "inventor":
            row.figures["persons"] -= int(total)
        elif account == "owner":
            row.figures["own" if mine else "others"] -= int(total)
    for row in found.values():
        row.figures["net"] = row.figures["income"] - row.figures["cost"]
    return [found[key] for key in sorted(found)]


def handed_in(book_id: int, year: int) -> TransformationReport | None:
    """What is on record of a year's report."""
    return db.session.scalar(
        sa.select(TransformationReport).where(
            TransformationReport.organisation_id == book_id, TransformationReport.year == year
        )
    )


def note_handed_in(actor: Actor, book: Organisation, year: int) -> TransformationReport:
    """Note that a year's report was handed in to the supervising body today.

    Raises:
        NotFound: another's book.
    """
    require(actor, "shares.keep", book)
    lock(Organisation, book.id)
    row = handed_in(book.id, year)
    if row is None:
        row = TransformationReport(organisation_id=book.id, year=year, due_on=rules.report_due(year))
        db.session.add(row)
    row.handed_in_on = clock.today()
    record("shares.report_handed_in", row, organisation_id=book.id, year=year)
    return row


def _by_id(model: Any, ids: set[int]) -> dict[int, Any]:
    rows = db.session.scalars(sa.select(model).where(model.id.in_(ids))).unique()
    return {one.id: one for one in rows}
