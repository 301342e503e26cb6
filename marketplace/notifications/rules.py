"""Who is told what: from a journal entry to messages. A code and ids only; the wording is in `texts`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import IdentityClash, Mandate, Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import subjects
from marketplace.deals.disputes import parties
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.models import Licence, Notice, Obligation, Payment, PaymentFlag, Quarantine, RefundTask
from marketplace.deals.rules import makes_the_licence
from marketplace.demands.models import Demand, DemandAccess, DemandAnswer
from marketplace.listings.consents.models import Consent, PriceObjection
from marketplace.listings.models import Offer
from marketplace.listings.showcase.models import Question
from marketplace.listings.showcase.questions import who_answers
from marketplace.listings.stocktaking import telling
from marketplace.search.saved.models import SavedSearch

from . import proofs, recordals, royalties
from .beside import ACTIONS as BESIDE
from .beside import told as told_beside
from .bundles import ACTIONS as BUNDLES
from .bundles import told as told_of_bundles
from .bundles import told_in_sum
from .hooks.models import WebhookEndpoint


@dataclass(frozen=True)
class Telling:
    """One message to be made: to an organisation (by id) or to a staff role, with a code and ids.

    With `member`, the id of a user, it is for this member of the organisation alone.
    """

    to: int | str
    code: str
    parameters: dict[str, Any] = field(default_factory=dict)
    member: int | None = None

    @property
    def recipient(self) -> str:
        """As `Notification.recipient` has it."""
        if self.member is not None:
            return f"user:{self.member}"
        return f"organisation:{self.to}" if isinstance(self.to, int) else self.to


def tellings(entry: JournalEntry) -> list[Telling]:
    """What an entry gives reason to tell; nothing for most of them."""
    make = _TELL.get(entry.action)
    return [] if make is None else list(make(entry))


def rows_of(entries: Sequence[JournalEntry]) -> list[Any]:
    """Rows that `tellings` will ask for, of the kinds that come in numbers: see `subjects`."""
    return subjects((entry for entry in entries if entry.action in _TELL), Notice, Licence, Payment, Offer)


def _notice_served(entry: JournalEntry) -> Iterable[Telling]:
    """Who declared, and every co-owner."""
    notice = db.session.get_one(Notice, entry.subject_id)
    owners = {party.organisation_id for party in notice.offer.patent.parties}
    for organisation_id in sorted(owners | {notice.offer.holder_id}):
        yield Telling(
            organisation_id,
            "notice_served",
            {"notice": notice.id, "offer": notice.offer_id, "organisation": notice.licensee_id},
        )


def _notice_undelivered(entry: JournalEntry) -> Iterable[Telling]:
    notice = db.session.get_one(Notice, entry.subject_id)
    yield Telling(notice.licensee_id, "notice_undelivered", {"notice": notice.id, "offer": notice.offer_id})


def _payment_to_confirm(entry: JournalEntry) -> Iterable[Telling]:
    if entry.data.get("transfer_id") is not None:
        return  # one slip for several notices: the payee is told once
    payment = db.session.get_one(Payment, entry.subject_id)
    yield Telling(payment.obligation.notice.offer.holder_id, "payment_to_confirm", _about(payment))


def _notice_over(entry: JournalEntry) -> Iterable[Telling]:
    """Lapsed unpaid: both sides; given up: the holder's side."""
    notice = db.session.get_one(Notice, entry.subject_id)
    ids = {"notice": notice.id, "offer": notice.offer_id, "organisation": notice.licensee_id}
    to = parties.holders_of(notice.offer.patent, notice.offer)
    if entry.action == "notice.lapsed":
        to.add(notice.licensee_id)
    for organisation_id in sorted(to):
        yield Telling(organisation_id, entry.action.replace(".", "_"), ids)


def _payment_of_payer(entry: JournalEntry) -> Iterable[Telling]:
    """The payer; of the payment that makes a licence the licence itself is told."""
    payment = db.session.get_one(Payment, entry.subject_id)
    if entry.action == "payment.confirmed" and makes_the_licence(payment.obligation.instalment):
        return
    yield Telling(payment.obligation.notice.licensee_id, entry.action.replace(".", "_"), _about(payment))


def _recordal_step(entry: JournalEntry) -> Iterable[Telling]:
    """The side that did not state it; both where it is late or the gazette says so."""
    licence = db.session.get_one(Licence, entry.subject_id)
    side = {
        "licence.recordal_filed": licence.recordal_filed_side,
        "licence.recorded": licence.recorded_side,
    }.get(entry.action)
    to = {licence.licensee_id} if side == "holder" else _holders(licence)
    if side not in ("holder", "licensee"):
        to.add(licence.licensee_id)
    if licence.kind != "open" or licence.evidence == "holder_stated":
        return
    code = entry.action.replace("licence.", "licence_")
    for organisation_id in sorted(to):
        yield Telling(organisation_id, code, {"licence": licence.id, "patent": licence.patent_id})


def _beside_a_notice(entry: JournalEntry) -> Iterable[Telling]:
    for to, code, ids in proofs.told(entry):
        yield Telling(to, code, ids)


def _of_royalties(entry: JournalEntry) -> Iterable[Telling]:
    for to, code, ids in royalties.told(entry):
        yield Telling(to, code, ids)


def _beside_a_licence(entry: JournalEntry) -> Iterable[Telling]:
    for to, code, ids in recordals.told(entry):
        yield Telling(to, code, ids)


def _part_received(entry: JournalEntry) -> Iterable[Telling]:
    payment = db.session.get_one(Payment, entry.subject_id)
    yield Telling(payment.obligation.notice.licensee_id, "payment_part_received", _about(payment))


def _slip_waits(entry: JournalEntry) -> Iterable[Telling]:
    payment = db.session.get_one(Payment, entry.subject_id)
    yield Telling(payment.obligation.notice.offer.holder_id, "slip_waits", _about(payment))
    yield Telling("operator", "slip_to_look_into", _about(payment))


def _invoiced(entry: JournalEntry) -> Iterable[Telling]:
    payment = db.session.get_one(Payment, entry.subject_id)
    yield Telling(payment.obligation.notice.licensee_id, "payment_invoiced", _about(payment))


def _owed(entry: JournalEntry) -> Iterable[Telling]:
    """The licensee before a sum falls due; both sides when its day is over."""
    owed = db.session.get_one(Obligation, entry.subject_id)
    notice, code = owed.notice, entry.action.replace("obligation.", "instalment_")
    ids = {"obligation": owed.id, "notice": notice.id, "offer": notice.offer_id}
    yield Telling(notice.licensee_id, code, ids)
    if entry.action == "obligation.overdue":
        yield Telling(notice.offer.holder_id, "instalment_not_paid", ids)


def _refund(entry: JournalEntry) -> Iterable[Telling]:
    """The holder has to return money; the payer knows of it, and that it is done."""
    task = db.session.get_one(RefundTask, entry.subject_id)
    notice = task.payment.obligation.notice
    ids = {"refund": task.id, "notice": notice.id, "offer": notice.offer_id}
    if entry.action != "refund.done":
        yield Telling(notice.offer.holder_id, entry.action.replace(".", "_"), ids)
    if entry.action != "refund.failed":
        yield Telling(notice.licensee_id, entry.action.replace(".", "_") + "_payer", ids)


def _flagged(entry: JournalEntry) -> Iterable[Telling]:
    """Both sides, of the first word and of the end of a dispute."""
    flag = db.session.get_one(PaymentFlag, entry.subject_id)
    over = flag.kind == "dispute" and entry.data.get("status") in ("won", "lost")
    if not (entry.data.get("first") or over):
        return
    code = "dispute_over" if over else f"payment_{flag.kind}"
    notice = flag.payment.obligation.notice
    for to in (notice.licensee_id, notice.offer.holder_id):
        yield Telling(to, code, _about(flag.payment))


def _correction_proposed(entry: JournalEntry) -> Iterable[Telling]:
    yield Telling("operator", "correction_proposed", {"quarantine": entry.data["quarantine_id"]})


def _about(payment: Payment) -> dict[str, Any]:
    notice = payment.obligation.notice
    return {
        "payment": payment.id,
        "notice": notice.id,
        "offer": notice.offer_id,
        "organisation": notice.licensee_id,
    }


def _licence_in_effect(entry: JournalEntry) -> Iterable[Telling]:
    licence = db.session.get_one(Licence, entry.subject_id)
    ids = {"licence": licence.id, "patent": licence.patent_id}
    if licence.notice_id is None or not told_in_sum(licence):
        yield Telling(licence.licensee_id, "licence_in_effect", ids)
    if licence.offer is not None:
        for organisation_id in sorted(_holders(licence)):
            yield Telling(organisation_id, "licence_granted", ids | {"organisation": licence.licensee_id})


def _end_proposed(entry: JournalEntry) -> Iterable[Telling]:
    """The other side is asked, and told when the answer, or the taking back, is no."""
    licence = db.session.get_one(Licence, entry.subject_id)
    sides = {"licensee": {licence.licensee_id}, "holder": _holders(licence)}
    asked = "holder" if entry.data.get("side") == "licensee" else "licensee"
    proposing = "licensee" if asked == "holder" else "holder"
    to = proposing if entry.action == "licence.end_declined" else asked
    code = entry.action.removeprefix("licence.")
    for organisation_id in sorted(sides[to]):
        yield Telling(
            organisation_id, f"licence_{code}", {"licence": licence.id, "patent": licence.patent_id}
        )


def _licence_ended(entry: JournalEntry) -> Iterable[Telling]:
    """Both sides; not of what a list of old licences says."""
    licence = db.session.get_one(Licence, entry.subject_id)
    if licence.ended_reason in ("stated", "statement_withdrawn"):
        return
    reason = licence.ended_reason or ""
    code = f"licence_{reason}" if reason in ("patent_ended", "patent_invalidated") else "licence_ended"
    for organisation_id in sorted({licence.licensee_id} | _holders(licence)):
        yield Telling(organisation_id, code, {"licence": licence.id, "patent": licence.patent_id})


def _patent_end_stated(entry: JournalEntry) -> Iterable[Telling]:
    """A holder's own word does not end its licences: an operator looks into it, the licensee knows."""
    licence = db.session.get_one(Licence, entry.subject_id)
    ids = {"licence": licence.id, "patent": licence.patent_id}
    yield Telling("operator", "patent_end_to_check", ids)
    yield Telling(licence.licensee_id, "patent_end_stated", ids)


def _holders(licence: Licence) -> set[int]:
    """The patentees, and who declared, of a licence."""
    owners = {party.organisation_id for party in licence.patent.parties}
    return owners | ({licence.offer.holder_id} if licence.offer is not None else set())


def _offer_announced(entry: JournalEntry) -> Iterable[Telling]:
    offer = db.session.get_one(Offer, entry.subject_id)
    if offer.evidence == "verified":
        yield from _offer_verified(entry)
        return
    yield Telling(offer.holder_id, "offer_announced", {"offer": offer.id})
    yield Telling("operator", "announcement_to_verify", {"offer": offer.id, "organisation": offer.holder_id})


def _offer_verified(entry: JournalEntry) -> Iterable[Telling]:
    offer = db.session.get_one(Offer, entry.subject_id)
    yield Telling(offer.holder_id, "offer_live", {"offer": offer.id})


def _offer_withdrawn(entry: JournalEntry) -> Iterable[Telling]:
    offer = db.session.get_one(Offer, entry.subject_id)
    yield Telling(offer.holder_id, "offer_withdrawn", {"offer": offer.id})
    for licensee_id in _licensees(offer):
        yield Telling(licensee_id, "licensed_offer_withdrawn", {"offer": offer.id})
    for to, code, ids in proofs.offer_ended(entry):
        yield Telling(to, code, ids)


def _duty_to_withdraw(entry: JournalEntry) -> Iterable[Telling]:
    """GL V-11 §2: the holder must withdraw promptly and tell the licensees; the bureau supervises."""
    offer = db.session.get_one(Offer, entry.subject_id)
    yield Telling(offer.holder_id, "duty_to_withdraw", {"offer": offer.id})
    for licensee_id in _licensees(offer):
        yield Telling(licensee_id, "licensed_offer_barred", {"offer": offer.id})
    yield Telling("bureau", "duty_raised", {"offer": offer.id, "organisation": offer.holder_id})


def _consent_asked(entry: JournalEntry) -> Iterable[Telling]:
    """A patentee that is asked; whoever has no account has the link."""
    consent = db.session.get_one(Consent, entry.subject_id)
    if consent.organisation_id is not None:
        yield Telling(
            consent.organisation_id,
            _to_what(consent, "consent_asked"),
            {"consent": consent.id, "offer": consent.offer_id, "organisation": consent.offer.holder_id},
        )


def _consent_answered(entry: JournalEntry) -> Iterable[Telling]:
    consent = db.session.get_one(Consent, entry.subject_id)
    yield Telling(
        consent.offer.holder_id,
        _to_what(consent, entry.action.replace(".", "_")),
        {"consent": consent.id, "offer": consent.offer_id},
    )


def _to_what(consent: Consent, code: str) -> str:
    return f"withdrawal_{code}" if consent.purpose == "withdrawal" else code


def _price_objection(entry: JournalEntry) -> Iterable[Telling]:
    offer = db.session.get_one(PriceObjection, entry.subject_id).notice.offer
    yield Telling(offer.holder_id, "price_objection", {"offer": offer.id})


def _days_ahead(entry: JournalEntry) -> Iterable[Telling]:
    """Annuities that run out, exclusive licences that end, reports that are missing: all patents at once."""
    yield Telling(
        entry.subject_id,
        f"reminder_{entry.data['kind']}",
        {"count": entry.data["patents"], "day": entry.data["first"]},
    )


def _quarantine_opened(entry: JournalEntry) -> Iterable[Telling]:
    case = db.session.get_one(Quarantine, entry.subject_id)
    yield Telling("operator", "quarantine_opened", {"quarantine": case.id})


def _clash_opened(entry: JournalEntry) -> Iterable[Telling]:
    clash = db.session.get_one(IdentityClash, entry.subject_id)
    yield Telling("operator", "identity_clash", {"organisation": clash.organisation_id, "clash": clash.id})


def _join_asked(entry: JournalEntry) -> Iterable[Telling]:
    """Its administrators answer, else the operator."""
    organisation_id = entry.organisation_id
    if organisation_id is None:
        return
    parameters = {"organisation": organisation_id}
    if entry.data.get("to") == "operator":
        yield Telling("operator", "join_to_answer", parameters)
    else:
        yield Telling(organisation_id, "join_asked", parameters)


def _papers(entry: JournalEntry) -> Iterable[Telling]:
    organisation_id, action = entry.organisation_id, entry.action.removeprefix("verification.")
    if organisation_id is None:
        return
    to = "operator" if action == "submitted" else organisation_id
    yield Telling(to, f"papers_{action}", {"organisation": organisation_id})


def _mandate(entry: JournalEntry) -> Iterable[Telling]:
    """The other party is told; both where it ends by itself or an operator ends it."""
    mandate = db.session.get_one(Mandate, entry.subject_id)
    action = entry.action.removeprefix("mandate.")
    agent, principal = mandate.agent_id, mandate.principal_id
    if action in ("given", "revoked"):
        yield Telling(agent, f"mandate_{action}", {"organisation": principal})
    if action in ("accepted", "declined", "revoked"):
        yield Telling(principal, f"mandate_{action}", {"organisation": agent})
    if action == "ends_soon":
        day = mandate.valid_to.isoformat()
        yield Telling(agent, "mandate_ends", {"organisation": principal, "day": day})
        yield Telling(principal, "mandate_ends", {"organisation": agent, "day": day})


def _succeeded(entry: JournalEntry) -> Iterable[Telling]:
    """GL V-11 §9: who goes on has to withdraw and declare anew, and the operator sees to it."""
    gone = db.session.get_one(Organisation, entry.subject_id)
    for to in (gone.id, gone.succeeded_by_id, "operator"):
        if to is not None:
            yield Telling(to, "organisation_succeeded", {"organisation": gone.id})


def _erasure_asked(_entry: JournalEntry) -> Iterable[Telling]:
    yield Telling("operator", "erasure_asked")


def _demand_matched(entry: JournalEntry) -> Iterable[Telling]:
    demand = db.session.get_one(Demand, entry.subject_id)
    count = len(entry.data.get("offers", ()))
    yield Telling(demand.organisation_id, "demand_matched", {"demand": demand.id, "count": count})


def _posters(demand: Demand) -> list[int | str]:
    """Who speaks for a demand: the firm, the agency while its mandate lasts, or the bureau as its poster."""
    told: list[int | str] = [demand.organisation_id]
    if demand.poster_id is not None and _works_for(demand.poster_id, demand.organisation_id):
        told.append(demand.poster_id)
    if demand.posted_by == "bureau":
        told.append("bureau")
    return told


def _works_for(agent_id: int, principal_id: int) -> bool:
    """Whether an agency has a mandate of an organisation today."""
    mandate = (
        sa.select(Mandate.id)
        .where(
            Mandate.agent_id == agent_id,
            Mandate.principal_id == principal_id,
            Mandate.state == "accepted",
            Mandate.valid_to >= clock.today(),
        )
        .limit(1)
    )
    return db.session.scalar(mandate) is not None


def _demand_published(entry: JournalEntry) -> Iterable[Telling]:
    """The firm, where somebody else has posted for it."""
    demand = db.session.get_one(Demand, entry.subject_id)
    if demand.posted_by != "firm":
        yield Telling(demand.organisation_id, "demand_posted_for_you", {"demand": demand.id})


def _demand_answered(entry: JournalEntry) -> Iterable[Telling]:
    demand = db.session.get_one(Demand, entry.subject_id)
    for to in _posters(demand):
        ids = {"demand": demand.id, "organisation": entry.data["answered_by"]}
        if entry.data.get("offer_id") is None:
            yield Telling(to, "demand_answered_in_words", ids)
        else:
            yield Telling(to, "demand_answered", ids | {"offer": entry.data["offer_id"]})


def _demand_time(entry: JournalEntry) -> Iterable[Telling]:
    """Before the day by which answers are wanted, and when it is over."""
    demand = db.session.get_one(Demand, entry.subject_id)
    day = demand.answer_by.isoformat() if demand.answer_by else "—"
    states = [one.state for one in demand.answers]
    code = entry.action.replace(".", "_")
    if entry.action == "demand.expired" and {"given", "helpful"} & set(states):
        code = "demand_expired_answered"
    for to in _posters(demand):
        yield Telling(to, code, {"demand": demand.id, "day": day, "count": states.count("given")})


def _demand_opened(entry: JournalEntry) -> Iterable[Telling]:
    """A holder that looked at a demand and has said nothing."""
    if entry.organisation_id is not None:
        yield Telling(entry.organisation_id, "demand_opened_unanswered", {"demand": entry.subject_id})


def _answer_step(entry: JournalEntry) -> Iterable[Telling]:
    """The holder is told what the poster thinks; who has not written is told of a reply."""
    answer = db.session.get_one(DemandAnswer, entry.subject_id)
    ids = {"demand": answer.demand_id, "answer": answer.id}
    code = entry.action.replace(".", "_")
    if entry.action == "demand_answer.replied" and entry.data.get("side") == "holder":
        for to in _posters(answer.demand):
            yield Telling(to, code, ids)
    elif entry.action in ("demand_answer.withdrawn", "demand_answer.renewed"):
        for to in _posters(answer.demand):
            yield Telling(to, code, ids | {"organisation": answer.organisation_id})
    else:
        yield Telling(answer.organisation_id, code, ids)


def _access_step(entry: JournalEntry) -> Iterable[Telling]:
    """The poster is asked; who asked is told the decision, and the agency that asked for it."""
    access = db.session.get_one(DemandAccess, entry.subject_id)
    ids = {"demand": access.demand_id}
    code = entry.action.replace(".", "_")
    if entry.action == "demand_access.asked":
        for to in _posters(access.demand):
            yield Telling(to, code, ids | {"organisation": access.organisation_id})
    else:
        yield Telling(access.organisation_id, code, ids)
        if access.agent_id is not None and _works_for(access.agent_id, access.organisation_id):
            yield Telling(access.agent_id, code, ids)


def _question_asked(entry: JournalEntry) -> Iterable[Telling]:
    """The holder, and the agencies that work for it today; not before a visitor's address is confirmed."""
    question = db.session.get_one(Question, entry.subject_id)
    if question.reached_on is None:
        return
    for organisation_id in who_answers(question.offer):
        yield Telling(
            organisation_id, "question_asked", {"question": question.id, "offer": question.offer_id}
        )


def _question_answered(entry: JournalEntry) -> Iterable[Telling]:
    question = db.session.get_one(Question, entry.subject_id)
    if question.organisation_id is not None:
        yield Telling(
            question.organisation_id,
            "question_answered",
            {"question": question.id, "offer": question.offer_id},
        )


def _stock_step(entry: JournalEntry) -> Iterable[Telling]:
    """Whoever acts next in stock-taking, and the inventor; a bulk action is told once, when it is done."""
    news = telling.of_job(entry) if entry.action == "stock.job_done" else telling.of_step(entry)
    for one in news:
        ids: dict[str, Any] = {"stock": one.stock_id, "patent": one.patent_id}
        if one.comment_id is not None:
            ids["comment"] = one.comment_id
        code = f"stock_{one.what}"
        if one.count > 1:
            code, ids = f"{code}_many", ids | {"count": one.count, "state": one.state}
        yield Telling(entry.organisation_id or 0, code, ids, member=one.user_id)


def _saved_search_found(entry: JournalEntry) -> Iterable[Telling]:
    """Whoever saved the search, alone: what a person looks for is not the whole organisation's matter."""
    saved = db.session.get(SavedSearch, entry.subject_id)
    if saved is not None:
        ids = {"saved_search": saved.id, "count": entry.data["count"], "offers": entry.data["offers"]}
        to = saved.organisation_id or saved.user.staff_role
        if to is not None:
            yield Telling(to, "saved_search_found", ids, member=saved.user_id)


# Who is told of a step of a dispute: the side that did not take it, or both.
_DISPUTE_TELLS: Final[dict[str, str]] = {
    "dispute.opened": "other",
    "dispute.answered": "other",
    "dispute.added": "other",
    "dispute.answer_due": "answering",
    "dispute.answer_overdue": "both",
    "dispute.settlement_proposed": "other",
    "dispute.settlement_declined": "proposing",
    "dispute.settlement_taken_back": "other",
    "dispute.settled": "both",
    "dispute.referred": "other",
    "dispute.returned": "other",
    "dispute.decided": "both",
    "dispute.withdrawn": "answering",
}


def _dispute_step(entry: JournalEntry) -> Iterable[Telling]:
    dispute = db.session.get_one(Dispute, entry.subject_id)
    across = {"holder": "licensee", "licensee": "holder"}
    told = _DISPUTE_TELLS[entry.action]
    if told == "both":
        to = parties.told(dispute)
    elif told == "answering":
        to = parties.side(dispute, across[dispute.opened_side])
    elif told == "proposing":
        to = parties.side(dispute, entry.data["side"])
    else:
        to = parties.side(dispute, across[entry.data["side"]])
    for organisation_id in sorted(to):
        yield Telling(organisation_id, entry.action.replace(".", "_"), {"dispute": dispute.id})
    if entry.action in ("dispute.opened", "dispute.answer_overdue"):
        yield Telling("bureau", f"{entry.action.replace('.', '_')}_bureau", {"dispute": dispute.id})


def _beside_open_licences(entry: JournalEntry) -> Iterable[Telling]:
    for to, code, ids in told_beside(entry):
        yield Telling(to, code, ids)


def _bundle(entry: JournalEntry) -> Iterable[Telling]:
    for to, code, ids in told_of_bundles(entry):
        yield Telling(to, code, ids)


def _webhook_given_up(entry: JournalEntry) -> Iterable[Telling]:
    endpoint = db.session.get_one(WebhookEndpoint, entry.subject_id)
    yield Telling(endpoint.organisation_id, "webhook_given_up", {"webhook": endpoint.id})


def _licensees(offer: Offer) -> list[int]:
    """Organisations with a licence in effect under the offer."""
    query = sa.select(Licence.licensee_id).where(Licence.offer_id == offer.id, Licence.state == "in_effect")
    return sorted(set(db.session.scalars(query)) - {offer.holder_id})


_TELL: Final[dict[str, Callable[[JournalEntry], Iterable[Telling]]]] = {
    "notice.served": _notice_served,
    "notice.service_proven": _notice_served,
    "notice.undelivered": _notice_undelivered,
    "payment.slip_uploaded": _payment_to_confirm,
    "payment.part_received": _part_received,
    "payment.slip_waits": _slip_waits,
    "payment.invoiced": _invoiced,
    "obligation.due_soon": _owed,
    "obligation.overdue": _owed,
    "refund.required": _refund,
    "refund.failed": _refund,
    "refund.done": _refund,
    "payment.flagged": _flagged,
    "correction.proposed": _correction_proposed,
    "notice.lapsed": _notice_over,
    "notice.abandoned": _notice_over,
    "payment.confirmed": _payment_of_payer,
    "payment.failed": _payment_of_payer,
    "licence.recordal_filed": _recordal_step,
    "licence.recorded": _recordal_step,
    "licence.recordal_late": _recordal_step,
    "licence.in_effect": _licence_in_effect,
    "licence.ended": _licence_ended,
    "licence.patent_end_stated": _patent_end_stated,
    "licence.end_proposed": _end_proposed,
    "licence.end_declined": _end_proposed,
    "licence.end_taken_back": _end_proposed,
    "offer.announced": _offer_announced,
    "offer.verified": _offer_verified,
    "offer.withdrawn": _offer_withdrawn,
    "offer.duty_raised": _duty_to_withdraw,
    "consent.asked": _consent_asked,
    "consent.given": _consent_answered,
    "consent.refused": _consent_answered,
    "price_notice.objected": _price_objection,
    "facts.reminder": _days_ahead,
    "quarantine.opened": _quarantine_opened,
    "organisation.clash_opened": _clash_opened,
    "organisation.succeeded": _succeeded,
    "join_request.asked": _join_asked,
    "verification.submitted": _papers,
    "verification.confirmed": _papers,
    "verification.returned": _papers,
    "mandate.given": _mandate,
    "mandate.accepted": _mandate,
    "mandate.declined": _mandate,
    "mandate.revoked": _mandate,
    "mandate.ends_soon": _mandate,
    "account.erasure_asked": _erasure_asked,
    "demand.matched": _demand_matched,
    "demand.answered": _demand_answered,
    "demand.published": _demand_published,
    "demand.day_is_near": _demand_time,
    "demand.expired": _demand_time,
    "demand.opened_unanswered": _demand_opened,
    "demand_answer.helpful": _answer_step,
    "demand_answer.passed": _answer_step,
    "demand_answer.replied": _answer_step,
    "demand_answer.withdrawn": _answer_step,
    "demand_answer.renewed": _answer_step,
    "demand_access.asked": _access_step,
    "demand_access.granted": _access_step,
    "demand_access.refused": _access_step,
    "demand_access.revoked": _access_step,
    "question.asked": _question_asked,
    "question.confirmed": _question_asked,
    "question.answered": _question_answered,
    "saved_search.found": _saved_search_found,
    "webhook.given_up": _webhook_given_up,
    **dict.fromkeys(proofs.ACTIONS, _beside_a_notice),
    **dict.fromkeys(recordals.ACTIONS, _beside_a_licence),
    **dict.fromkeys(royalties.ACTIONS, _of_royalties),
    **dict.fromkeys(_DISPUTE_TELLS, _dispute_step),
    **dict.fromkeys(BESIDE, _beside_open_licences),
    **dict.fromkeys(BUNDLES, _bundle),
    **dict.fromkeys((*telling.ACTIONS, "stock.job_done"), _stock_step),
}
