"""Finding the rows of a deal, and locking them in one order: offer, notice, obligation, payment, licence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock
from marketplace.listings.models import IN_FORCE, Offer, PatentParty

from .models import Licence, Notice, Obligation, Payment, RefundTask
from .rules import end_of_offer

Row = TypeVar("Row", Notice, Payment, Licence, RefundTask)

_FEW: Final = 500
_ENDS = ("offer.withdrawn", "offer.revoked", "offer.lapsed")


def find(actor: Actor, action: str, model: type[Row], key: int) -> Row:
    """The row, when the actor may do `action` to it.

    Raises:
        NotFound: there is none, or it is another party's.
        Unauthenticated, Forbidden: the actor may not.
    """
    row = db.session.get(model, key)
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, action, row)
    return row


def lock_notice(notice: Notice) -> Notice:
    """The notice afresh, its offer and itself held to the end of the unit of work."""
    lock(Offer, notice.offer_id)
    return lock(Notice, notice.id)


def lock_payment(payment: Payment) -> Payment:
    """The payment afresh, with all that its settlement touches held to the end of the unit of work."""
    notice = payment.obligation.notice
    lock(Offer, notice.offer_id)
    lock(Notice, notice.id)
    lock(Obligation, payment.obligation_id)
    return lock(Payment, payment.id)


def lock_licence(licence: Licence) -> Licence:
    """The licence afresh, held to the end of the unit of work."""
    return lock(Licence, licence.id)


def owned_by(organisations: Collection[int]) -> sa.ColumnElement[bool]:
    """Whether an offer's patent belongs, alone or with others, to one of these; or was declared by one.

    For queries that join or select `Offer`.
    """
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(organisations))
    return sa.or_(Offer.holder_id.in_(organisations), Offer.patent_id.in_(owned))


def few(query: sa.Select[int], most: int = _FEW) -> Any:
    """The ids that a query finds where they are few, else the query itself, for the right side of an IN.

    With the ids at hand the database knows how few they are, and reads by them instead of page by page.
    """
    found = list(db.session.scalars(query.limit(most + 1)))
    return found if len(found) <= most else query


def licences_of_holders(organisations: Collection[int]) -> list[sa.ColumnElement[bool]]:
    """Which licences are the holders': on their patents, and under what they declared on those of others.

    Rules of which no licence meets two, each read by an index of its own: one OR over two columns would read
    the whole table.
    """
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(organisations))
    declared = sa.select(Offer.id).where(Offer.holder_id.in_(organisations), Offer.patent_id.not_in(owned))
    rules: list[sa.ColumnElement[bool]] = [Licence.patent_id.in_(few(owned))]
    others = few(declared)
    if others != []:
        rules.append(sa.and_(Licence.offer_id.in_(others), Licence.patent_id.not_in(owned)))
    return rules


def newest(
    rules: Sequence[sa.ColumnElement[bool]], *further: sa.ColumnElement[bool], limit: int
) -> sa.Select[Any]:
    """The newest licences that meet one of these rules and all further ones, each rule read by its index."""
    if len(rules) == 1:
        return sa.select(Licence).where(rules[0], *further).order_by(Licence.id.desc()).limit(limit)
    parts = [
        sa.select(
            sa.select(Licence.id)
            .where(rule, *further)
            .order_by(Licence.id.desc())
            .limit(limit)
            .subquery()
            .c.id
        )
        for rule in rules
    ]
    ids = sa.union(*parts).subquery()
    return sa.select(Licence).join(ids, ids.c.id == Licence.id).order_by(Licence.id.desc()).limit(limit)


def payments_of(notice: Notice) -> list[Payment]:
    """Every attempt to pay under a notice, oldest first."""
    if not notice.obligations:
        return []
    return list(
        db.session.scalars(
            sa.select(Payment)
            .join(Obligation, Payment.obligation_id == Obligation.id)
            .where(Obligation.notice_id == notice.id)
            .order_by(Payment.id)
        )
    )


def licence_of(notice: Notice) -> Licence | None:
    """The licence that came of a notice, if it did."""
    # Its notice, offer, patent and licensee are those of the notice, which are at hand.
    query = sa.select(Licence).where(Licence.notice_id == notice.id).options(sa.orm.lazyload("*"))
    return db.session.scalar(query)


def licences_of(notice_ids: Collection[int]) -> dict[int, Licence]:
    """The licences that came of several notices, by the notice's id."""
    rows = db.session.scalars(sa.select(Licence).where(Licence.notice_id.in_(notice_ids))).unique()
    return {one.notice_id: one for one in rows if one.notice_id is not None}


def offer_ended_at(offer: Offer) -> dt.datetime | None:
    """The instant from which an offer can no longer be taken up; None while it stands.

    The day of the end is a legal date of the offer, the earliest where it has several (lapsed, then
    withdrawn); when it was first recorded here is in the journal.
    """
    if offer.status in IN_FORCE:
        return None
    recorded_at = db.session.scalar(
        sa.select(JournalEntry.recorded_at)
        .where(
            JournalEntry.subject_type == Offer.__tablename__,
            JournalEntry.subject_id == offer.id,
            JournalEntry.action.in_(_ENDS),
        )
        .order_by(JournalEntry.id)
        .limit(1)
    )
    days = [day for day in (offer.withdrawn_on, offer.revoked_on, offer.lapsed_on) if day is not None]
    if not days:
        return recorded_at or clock.now()
    return end_of_offer(min(days), recorded_at)


def last_day(offer: Offer) -> dt.date | None:
    """The last day on which a licence under the offer can begin; None when neither end is on record."""
    return min((day for day in (offer.term_to, offer.patent.expires_on) if day is not None), default=None)
