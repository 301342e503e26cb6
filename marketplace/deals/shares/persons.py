"""Those who made and transformed a result: entered, shown what is theirs, and forgotten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record

from . import report
from .books import balances, book_of
from .models import LedgerAccount, LedgerPosting, LedgerTransaction, SharePerson


def add_person(actor: Actor, organisation_id: int, name: str, staff_number: str | None = None) -> SharePerson:
    """Enter a person who shares: a name, and a staff number to tell two of one name apart; nothing else.

    Raises:
        Invalid: `name-missing`.
    """
    book_of(actor, organisation_id)
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
    book_of(actor, found.organisation_id)
    found.name = found.staff_number = found.user_id = None
    found.erased_at = clock.now()
    record("shares.person_erased", found, organisation_id=found.organisation_id)
    return found


def link_account(actor: Actor, person_id: int, email: str) -> SharePerson:
    """Let a person see its own statement through its account here; an empty address ends that.

    Raises:
        NotFound: there is none, or it is another institution's.
        Invalid: `share-person-account`: no member of the institution has this address, or it is taken.
    """
    found = db.session.get(SharePerson, person_id)
    if found is None or found.erased_at is not None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    book_of(actor, found.organisation_id)
    user_id = None
    if email.strip():
        user_id = db.session.scalar(
            sa.select(User.id)
            .join(Membership, Membership.user_id == User.id)
            .where(User.email == email.strip().lower(), Membership.organisation_id == found.organisation_id)
        )
        taken = sa.select(SharePerson.id).where(
            SharePerson.organisation_id == found.organisation_id,
            SharePerson.user_id == user_id,
            SharePerson.id != found.id,
        )
        if user_id is None or db.session.scalar(taken) is not None:
            said = N_("No member of your institution has this address, or it belongs to another person.")
            raise Invalid("share-person-account", said, fields={"email": [said]})
    found.user_id = user_id
    record("shares.person_linked", found, organisation_id=found.organisation_id)
    return found


def get(actor: Actor, person_id: int) -> SharePerson:
    """A person, for the person and for those who keep the book.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    person = db.session.get(SharePerson, person_id)
    if person is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "shares.statement", person)
    return person


def own_persons(actor: Actor) -> list[SharePerson]:
    """The entries of institutions that belong to the actor's own account."""
    if actor.user_id is None:
        return []
    query = sa.select(SharePerson).where(SharePerson.user_id == actor.user_id).order_by(SharePerson.id)
    return list(db.session.scalars(query))


@dataclass(frozen=True)
class Basis:
    """How a part of an allocation came about; sums in minor units, rates in per cent as text.

    `net_minor` was divided, `own_minor` of it is the institution's own part before persons.
    """

    net_minor: int
    own_minor: int
    persons_percent: str | None
    amount_minor: int


@dataclass(frozen=True)
class Line:
    """One entry of a person's statement: above zero what became due, below zero what was paid or reversed."""

    entry: LedgerTransaction
    amount_minor: int
    bases: tuple[Basis, ...]


@dataclass(frozen=True)
class Statement:
    """What is a person's: every entry of a year (or of all time) and what is due now, by currency."""

    person: SharePerson
    year: int | None
    lines: tuple[Line, ...]
    due: Mapping[str, int]


def statement(actor: Actor, person_id: int, year: int | None = None) -> Statement:
    """A person's statement, for the person and for those who keep the book.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    person = get(actor, person_id)
    accounts = list(db.session.scalars(sa.select(LedgerAccount).where(LedgerAccount.person_id == person.id)))
    query = (
        sa.select(LedgerTransaction, LedgerPosting.amount_minor)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerPosting.account_id.in_([one.id for one in accounts]), LedgerTransaction.posted.is_(True))
        .order_by(LedgerTransaction.occurred_on, LedgerTransaction.id)
    )
    if year is not None:
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
        query = query.where(LedgerTransaction.occurred_on.between(first, last))
    rows = list(db.session.execute(query).unique())
    steps = report.steps([entry.id for entry, _amount in rows if entry.kind == "allocation"])
    standing = balances([one.id for one in accounts])
    due: dict[str, int] = {}
    for one in accounts:
        due[one.currency] = due.get(one.currency, 0) - standing.get(one.id, 0)
    lines = tuple(
        Line(entry, -int(amount), tuple(_bases(steps.get(entry.id, []), person))) for entry, amount in rows
    )
    return Statement(person, year, lines, due)


def _bases(steps: Sequence[Mapping[str, Any]], person: SharePerson) -> Iterator[Basis]:
    for step in steps:
        mine = sum(one["amount_minor"] for one in step["persons"] if one["person"] == person.id)
        own = sum(
            one["amount_minor"] for one in step["owners"] if one["organisation"] == person.organisation_id
        )
        if mine:
            yield Basis(step["amount_minor"], own, step["persons_percent"], mine)
