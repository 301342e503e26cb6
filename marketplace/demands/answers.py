"""Answers of holders to demands, what is said between the two sides, and what the poster thinks of them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentParty

from .lifecycle import ANSWER, DEMAND
from .models import Demand, DemandAnswer, DemandReply, Recommendation
from .rules import LONGEST_NOTE, LONGEST_TEXT, PASS_REASONS
from .services import get_demand


def answer_demand(actor: Actor, demand_id: int, offer_id: int, text: str | None = None) -> Demand:
    """Point the firm in need to an offer: its holder, an agency with a mandate, or an operator does.

    The offer joins the demand's recommendations if it is not among them. Repeating it changes the words only.

    Args:
        text: what the holder says besides.

    Raises:
        NotFound: no such demand or offer, or not this actor's to see.
        Conflict: `offer-not-yours`, `offer-not-live`, `own-demand`, `answers-closed`, `answer-passed`,
            `illegal-transition`.
        Invalid: `text-too-long`.
    """
    return answer_with_offer(actor, demand_id, offer_id, text).demand


def answer_with_offer(actor: Actor, demand_id: int, offer_id: int, text: str | None = None) -> DemandAnswer:
    """As `answer_demand`; gives the answer."""
    demand = lock(Demand, get_demand(actor, demand_id).id)
    offer = db.session.get(Offer, offer_id)
    if offer is None or not allowed(actor, "offer.see", offer).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    if not (offer.holder_id in actor.holders or actor.is_operator):
        raise Conflict("offer-not-yours", "Only the holder of an offer can answer with it.")
    _check(demand, offer.holder_id)
    if not offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer is not in force.")
    words = _words(text)
    known = db.session.scalar(
        sa.select(DemandAnswer).where(DemandAnswer.demand_id == demand.id, DemandAnswer.offer_id == offer.id)
    )
    if known is not None:
        return _again(actor, known, words)
    answer = _give(actor, demand, offer.holder_id, "offer", words, offer=offer)
    _recommend(demand, offer)
    return answer


def answer_with_patent(actor: Actor, demand_id: int, patent_id: int, text: str | None = None) -> DemandAnswer:
    """Point to a patent of one's own that is not declared yet, as an intention to open it.

    Raises:
        NotFound: no such demand or patent, or not this actor's to see.
        Conflict: `patent-not-yours`, `own-demand`, `answers-closed`, `answered-already`,
            `illegal-transition`.
        Invalid: `text-too-long`.
    """
    demand = lock(Demand, get_demand(actor, demand_id).id)
    patent = db.session.get(Patent, patent_id)
    owners = [] if patent is None else [party.organisation_id for party in patent.parties]
    mine = [one for one in owners if one in actor.holders]
    if patent is None or not mine:
        raise Conflict("patent-not-yours", "Only an owner of a patent can answer with it.")
    _check(demand, mine[0])
    if db.session.scalar(
        sa.select(DemandAnswer.id).where(
            DemandAnswer.demand_id == demand.id,
            DemandAnswer.patent_id == patent.id,
            DemandAnswer.state != "withdrawn",
        )
    ):
        raise Conflict("answered-already", "This patent has been named to the firm already.")
    return _give(actor, demand, mine[0], "patent", _words(text), patent=patent)


def answer_with_message(actor: Actor, demand_id: int, text: str) -> DemandAnswer:
    """Write to the firm without pointing to an offer.

    Raises:
        NotFound: no such demand, or not this actor's to see; Forbidden: the actor acts for no organisation.
        Invalid: `text-missing`, `text-too-long`.
        Conflict: `own-demand`, `answers-closed`, `illegal-transition`.
    """
    demand = lock(Demand, get_demand(actor, demand_id).id)
    if actor.organisation_id is None:
        raise Forbidden("forbidden", "Your account may not do this.")
    _check(demand, actor.organisation_id)
    return _give(actor, demand, actor.organisation_id, "message", _needed(text))


def _check(demand: Demand, holder_id: int) -> None:
    if holder_id == demand.organisation_id:
        raise Conflict("own-demand", "This is your own demand.")
    if demand.answer_by is not None and demand.answer_by < clock.today():
        raise Conflict("answers-closed", "The day by which answers were wanted is over.")


def _give(
    actor: Actor,
    demand: Demand,
    holder_id: int,
    kind: str,
    words: str | None,
    *,
    offer: Offer | None = None,
    patent: Patent | None = None,
) -> DemandAnswer:
    answer = DemandAnswer(
        demand=demand,
        organisation_id=holder_id,
        user_id=actor.user_id,
        kind=kind,
        offer_id=offer.id if offer else None,
        patent_id=patent.id if patent else None,
        text=words,
        state=ANSWER.initial,
        answered_at=clock.now(),
    )
    require(actor, "demand.answer", demand)
    DEMAND.find("answer", demand.state)
    db.session.add(answer)
    db.session.flush()
    DEMAND.execute(
        actor,
        demand,
        "answer",
        organisation_id=demand.organisation_id,
        offer_id=answer.offer_id,
        answered_by=holder_id,
        answer_id=answer.id,
    )
    return answer


def _again(actor: Actor, answer: DemandAnswer, words: str | None) -> DemandAnswer:
    answer = lock(DemandAnswer, answer.id)
    if answer.state == "passed":
        raise Conflict("answer-passed", "The firm has passed over this offer; its reason stands with it.")
    if words:
        answer.text = words
    if answer.state == "withdrawn":
        ANSWER.execute(actor, answer, "renew", organisation_id=answer.demand.organisation_id)
    return answer


def _recommend(demand: Demand, offer: Offer) -> None:
    known = db.session.scalar(
        sa.select(Recommendation.id).where(
            Recommendation.demand_id == demand.id, Recommendation.offer_id == offer.id
        )
    )
    if known is None:
        db.session.add(
            Recommendation(
                organisation_id=demand.organisation_id,
                demand=demand,
                offer=offer,
                channel="answer",
                state="shown",
                rank=0,
                reasons=[{"kind": "answer", "value": offer.holder.name}],
                shown_at=clock.now(),
                changed_at=clock.now(),
            )
        )
        db.session.flush()


# --- reading


def get_answer(actor: Actor, answer_id: int) -> DemandAnswer:
    """An answer, for its two sides and the bureau. Raises NotFound: `answer-not-found`."""
    row = db.session.get(DemandAnswer, answer_id)
    if row is None or not allowed(actor, "answer.see", row).allowed:
        raise NotFound("answer-not-found", "There is no such answer.")
    return row


def answers_to(actor: Actor, demand: Demand) -> list[DemandAnswer]:
    """Answers to a demand that this actor may see: all for the poster and the bureau, else one's own.

    Those that wait for the poster come first, then the helpful ones, the newest first.
    """
    query = sa.select(DemandAnswer).where(DemandAnswer.demand_id == demand.id)
    if not allowed(actor, "demand.answers", demand).allowed:
        if not actor.holders:
            return []
        query = query.where(DemandAnswer.organisation_id.in_(actor.holders))
    rows = db.session.scalars(query.order_by(DemandAnswer.id.desc())).unique().all()
    order = {"given": 0, "helpful": 1, "passed": 2, "withdrawn": 3}
    return sorted(rows, key=lambda row: order[row.state])


def own_answers(actor: Actor, *, after: int | None = None, limit: int = 20) -> Sequence[DemandAnswer]:
    """Answers that the actor's organisation and its principals have given, newest first (keyset paging)."""
    query = sa.select(DemandAnswer).where(DemandAnswer.organisation_id.in_(actor.holders))
    if after is not None:
        query = query.where(DemandAnswer.id < after)
    return db.session.scalars(query.order_by(DemandAnswer.id.desc()).limit(limit)).unique().all()


def waiting(demand_ids: Sequence[int]) -> dict[int, int]:
    """Demand id → answers that the poster has neither found helpful nor passed."""
    query = (
        sa.select(DemandAnswer.demand_id, sa.func.count())
        .where(DemandAnswer.demand_id.in_(demand_ids), DemandAnswer.state == "given")
        .group_by(DemandAnswer.demand_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def undeclared_patents(actor: Actor, limit: int) -> Sequence[Patent]:
    """Patents of the actor's holders, not expired, without a declaration in force; newest first."""
    declared = sa.select(Offer.patent_id).where(Offer.status.in_(IN_FORCE))
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(actor.holders))
    query = sa.select(Patent).where(
        Patent.id.in_(owned),
        Patent.id.not_in(declared),
        sa.or_(Patent.expires_on.is_(None), Patent.expires_on >= clock.today()),
    )
    return db.session.scalars(query.order_by(Patent.id.desc()).limit(limit)).unique().all()


# --- what follows


def judge(
    actor: Actor, answer_id: int, action: str, *, reason: str | None = None, note: str | None = None
) -> DemandAnswer:
    """Find an answer helpful, or pass it with a reason that the holder is told.

    Args:
        action: `helpful` or `pass`.
        reason: with `pass`, one of `PASS_REASONS`.
        note: with `pass`, in one's own words.

    Raises:
        NotFound, Forbidden: not the poster's.
        Invalid: `pass-reason-unknown`.
        Conflict: `illegal-transition`.
    """
    answer = lock(DemandAnswer, get_answer(actor, answer_id).id)
    require(actor, "answer.judge", answer)
    passing = action == "pass"
    if passing and reason not in PASS_REASONS:
        message = N_("Please choose why this does not fit: the holder is told.")
        raise Invalid("pass-reason-unknown", message, fields={"reason": [message]})

    def effect() -> None:
        answer.judged_at = clock.now()
        answer.pass_reason = reason if passing else None
        answer.pass_note = (note or "").strip()[:LONGEST_NOTE] or None if passing else None

    ANSWER.execute(
        actor,
        answer,
        action,
        effect=effect,
        organisation_id=answer.demand.organisation_id,
        demand_id=answer.demand_id,
        offer_id=answer.offer_id,
        reason=reason if passing else None,
    )
    return answer


def withdraw_answer(actor: Actor, answer_id: int) -> DemandAnswer:
    """Take an answer back, as the holder. Raises NotFound, Forbidden, Conflict: `illegal-transition`."""
    answer = lock(DemandAnswer, get_answer(actor, answer_id).id)
    ANSWER.execute(
        actor, answer, "withdraw", organisation_id=answer.demand.organisation_id, demand_id=answer.demand_id
    )
    return answer


def reply(actor: Actor, answer_id: int, text: str) -> DemandReply:
    """Write to the other side of an answer.

    Raises:
        NotFound, Forbidden: not one of the two sides.
        Invalid: `text-missing`, `text-too-long`.
        Conflict: `answer-withdrawn`.
    """
    answer = lock(DemandAnswer, get_answer(actor, answer_id).id)
    require(actor, "answer.reply", answer)
    if answer.state == "withdrawn":
        raise Conflict("answer-withdrawn", "This answer was taken back.")
    side = "poster" if allowed(actor, "answer.judge", answer).allowed else "holder"
    row = DemandReply(
        answer_id=answer.id, side=side, user_id=actor.user_id, text=_needed(text), written_at=clock.now()
    )
    db.session.add(row)
    db.session.flush()
    db.session.expire(answer, ["replies"])
    record(
        "demand_answer.replied",
        answer,
        organisation_id=answer.demand.organisation_id,
        side=side,
        reply_id=row.id,
    )
    return row


def _words(text: str | None) -> str | None:
    words = (text or "").strip()
    if len(words) > LONGEST_TEXT:
        message = N_("Please write at most 4,000 characters.")
        raise Invalid("text-too-long", message, fields={"text": [message]})
    return words or None


def _needed(text: str | None) -> str:
    words = _words(text)
    if words is None:
        message = N_("Please write something.")
        raise Invalid("text-missing", message, fields={"text": [message]})
    return words
