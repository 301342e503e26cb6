"""By what income is shared: the co-owners' agreement and an institution's rule for persons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record
from marketplace.listings.models import Patent

from . import rules
from .books import File, book_of, kept
from .models import InventorPart, InventorRule, OwnerPart, OwnerSplit, SharePerson


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
    book_of(actor, book_id)
    patent = db.session.get(Patent, patent_id)
    require(actor, "shares.rule", patent)
    rules.check_whole(parts)
    if patent is None or not set(parts) <= {party.organisation_id for party in patent.parties}:
        raise Invalid("share-not-an-owner", "Only owners of the patent share in its income.")
    row = OwnerSplit(
        patent_id=patent_id,
        book_id=book_id,
        effective_from=since,
        evidence_id=kept(evidence, book_id),
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
    book = book_of(actor, organisation_id)
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
        evidence_id=kept(evidence, organisation_id),
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
        parts=[InventorPart(person_id=key, percent=part) for key, part in parts.items()],
    )
    db.session.add(row)
    record("shares.inventors_set", row, organisation_id=organisation_id, patent_id=patent_id)
    return row
