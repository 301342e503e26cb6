"""Offering further clauses, and accepting them with the notice or later.

The announced terms alone make the licence (PL 51); a clause is an offer of its own that the licensee takes or
leaves, and nothing asks whether one was taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.lookup import find, lock_notice
from marketplace.deals.models import Notice
from marketplace.listings.models import IN_FORCE, Offer

from .lifecycle import CLAUSE
from .models import KINDS, ClauseAcceptance, OfferClause

MAX_TEXT: Final = 2000
ENDED: Final = ("lapsed", "abandoned", "undelivered", "refused")


def clauses_of(offer_id: int, *, published_only: bool = True) -> list[OfferClause]:
    """The further clauses of an offer, oldest first."""
    query = sa.select(OfferClause).where(OfferClause.offer_id == offer_id).order_by(OfferClause.id)
    if published_only:
        query = query.where(OfferClause.state == "published")
    return list(db.session.scalars(query))


def clauses_of_each(offer_ids: Collection[int]) -> dict[int, list[OfferClause]]:
    """The further clauses that are offered beside each of these offers, oldest first; none, no entry."""
    query = sa.select(OfferClause).where(
        OfferClause.offer_id.in_(offer_ids), OfferClause.state == "published"
    )
    found: dict[int, list[OfferClause]] = {}
    for one in db.session.scalars(query.order_by(OfferClause.id)):
        found.setdefault(one.offer_id, []).append(one)
    return found


def named(clause_ids: Iterable[int]) -> dict[int, OfferClause]:
    """Clauses by their ids, offered or not."""
    query = sa.select(OfferClause).where(OfferClause.id.in_(set(clause_ids)))
    return {one.id: one for one in db.session.scalars(query)}


def chosen_of(offer_id: int, clause_ids: Iterable[int]) -> list[OfferClause]:
    """The clauses of an offer that a licensee wants to accept, each once, in the order of their making.

    Raises:
        NotFound: `clause-unknown`, one that the offer has not. Conflict: `clause-withdrawn`.
    """
    wanted = set(clause_ids)
    if not wanted:
        return []
    if not all(0 < key < 2**63 for key in wanted):
        raise NotFound("clause-unknown", "This offer has no such clause.")
    query = sa.select(OfferClause).where(OfferClause.id.in_(wanted), OfferClause.offer_id == offer_id)
    found = list(db.session.scalars(query.order_by(OfferClause.id)))
    if len(found) < len(wanted):
        raise NotFound("clause-unknown", "This offer has no such clause.")
    if any(one.state != "published" for one in found):
        raise Conflict("clause-withdrawn", "This clause is no longer offered.")
    return found


def public_clauses(offer_id: int) -> list[OfferClause]:
    """The further clauses of an offer that everybody may see.

    Raises:
        NotFound: there is no such offer, or it is not announced.
    """
    offer = db.session.get(Offer, offer_id)
    if offer is None or offer.status not in IN_FORCE or offer.evidence != "verified":
        raise NotFound("offer-not-found", "There is no such offer.")
    return clauses_of(offer.id)


def accepted_by(notice_id: int) -> list[ClauseAcceptance]:
    """What the licensee of a notice has accepted, in that order."""
    query = sa.select(ClauseAcceptance).where(ClauseAcceptance.notice_id == notice_id)
    return list(db.session.scalars(query.order_by(ClauseAcceptance.id)))


def publish_clause(
    actor: Actor, offer_id: int, *, kind: str, text: str, text_en: str | None = None
) -> OfferClause:
    """Offer a further clause beside the announced terms, which stay as they are.

    Raises:
        NotFound: no such offer. Forbidden: not the actor's. Conflict: `offer-not-live`: it has ended.
        Invalid: `clause-kind-unknown`, `clause-empty`, `text-too-long`.
    """
    offer = db.session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    require(actor, "clause.publish", offer)
    offer = lock(Offer, offer.id)
    if offer.status not in IN_FORCE:
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    if kind not in KINDS:
        raise Invalid(
            "clause-kind-unknown",
            "Please choose what the clause is about.",
            fields={"kind": ["Please choose what the clause is about."]},
        )
    wordings = {"text": (text or "").strip(), "text_en": (text_en or "").strip()}
    if not wordings["text"]:
        raise Invalid(
            "clause-empty", "Please write the clause.", fields={"text": ["Please write the clause."]}
        )
    for field, wording in wordings.items():
        if len(wording) > MAX_TEXT:
            raise Invalid(
                "text-too-long",
                "This text is too long.",
                fields={field: ["This text is too long."]},
                limit=MAX_TEXT,
            )
    clause = OfferClause(
        offer=offer,
        kind=kind,
        state=CLAUSE.initial,
        text=wordings["text"],
        text_en=wordings["text_en"] or None,
        published_by=actor.user_id,
        published_at=clock.now(),
    )
    db.session.add(clause)
    db.session.flush()
    record("clause.published", clause, organisation_id=offer.holder_id, offer_id=offer.id, kind=kind)
    return clause


def withdraw_clause(actor: Actor, clause_id: int) -> OfferClause:
    """Offer a clause no longer; who accepted it keeps it.

    Raises:
        NotFound: there is none. Forbidden: not the actor's. Conflict: `clause-withdrawn` already.
    """
    clause = _clause(clause_id)
    require(actor, "clause.publish", clause)
    clause = lock(OfferClause, clause.id)
    if clause.state != "published":
        raise Conflict("clause-withdrawn", "This clause is no longer offered.")

    def effect() -> None:
        clause.withdrawn_at = clock.now()

    CLAUSE.execute(
        actor,
        clause,
        "withdraw_clause",
        effect=effect,
        organisation_id=clause.offer.holder_id,
        offer_id=clause.offer_id,
    )
    return clause


def accept_with_notice(actor: Actor, notice: Notice, clause_ids: Iterable[int]) -> None:
    """Accept clauses in the act of serving the notice; its rows are locked and new."""
    for clause_id in dict.fromkeys(clause_ids):
        _accept(actor, notice, clause_id)


def accept_clause(actor: Actor, notice_id: int, clause_id: int) -> ClauseAcceptance:
    """Accept a clause later, while the notice or the licence of it lives.

    Raises:
        NotFound: no such notice or clause, or of another offer. Conflict: `clause-withdrawn`,
            `clause-accepted` already, `notice-ended`.
    """
    notice = lock_notice(find(actor, "clause.accept", Notice, notice_id))
    if notice.state in ENDED:
        raise Conflict("notice-ended", "This notice has ended: there is nothing to add a clause to.")
    return _accept(actor, notice, clause_id)


def _accept(actor: Actor, notice: Notice, clause_id: int) -> ClauseAcceptance:
    clause = _clause(clause_id)
    if clause.offer_id != notice.offer_id:
        raise NotFound("clause-unknown", "This offer has no such clause.")
    clause = lock(OfferClause, clause.id)
    if any(one.clause_id == clause.id for one in accepted_by(notice.id)):
        raise Conflict("clause-accepted", "You have accepted this clause already.")
    if clause.state != "published":
        raise Conflict("clause-withdrawn", "This clause is no longer offered.")
    acceptance = ClauseAcceptance(
        clause=clause, notice=notice, accepted_by=actor.user_id, accepted_at=clock.now()
    )
    db.session.add(acceptance)
    db.session.flush()
    record(
        "clause.accepted",
        acceptance,
        organisation_id=notice.licensee_id,
        notice_id=notice.id,
        offer_id=notice.offer_id,
        clause_id=clause.id,
    )
    return acceptance


def _clause(clause_id: int) -> OfferClause:
    clause = db.session.get(OfferClause, clause_id)
    if clause is None:
        raise NotFound("clause-unknown", "This offer has no such clause.")
    return clause
