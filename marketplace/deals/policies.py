"""Who may do what with notices, payments and licences.

Verifying people never gates a notice: whoever acts for an organisation may serve one.
"""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import (
    READ,
    WRITE,
    Rule,
    acts_for_an_organisation,
    bureau,
    operator,
    system,
)

from .models import ON_THE_REGISTER, Correction, Licence, Notice, Payment, RefundTask


def notice_of(subject: Any) -> Notice | None:
    """The notice that a row of this package belongs to."""
    if isinstance(subject, Notice):
        return subject
    if isinstance(subject, Payment):
        return subject.obligation.notice
    if isinstance(subject, RefundTask):
        return subject.payment.obligation.notice
    if isinstance(subject, Licence):
        return subject.notice
    raise TypeError(f"no notice behind {type(subject).__name__}")


def licensee_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the licensee: its members and agencies under a mandate."""
    row = subject if isinstance(subject, Licence) else notice_of(subject)
    return row is not None and row.licensee_id in actor.licensees


def holder_side(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder who declared, or for a co-owner."""
    if isinstance(subject, Licence):
        offer, patent = subject.offer, subject.patent
    else:
        notice = notice_of(subject)
        if notice is None:
            return False
        offer, patent = notice.offer, notice.offer.patent
    return (offer is not None and offer.holder_id in actor.holders) or any(
        party.organisation_id in actor.holders for party in patent.parties
    )


def side_of(actor: Actor, licence: Licence) -> str:
    """For whom the actor speaks: `operator`, `holder` or `licensee`."""
    if actor.is_operator:
        return "operator"
    return "holder" if holder_side(actor, licence) else "licensee"


def payee(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder, into whose account the money goes."""
    notice = notice_of(subject)
    return notice is not None and notice.offer.holder_id in actor.holders


def operator_for_absent_payee(actor: Actor, subject: Any) -> bool:
    """The operator, as long as nobody acts for the holder here: someone must be able to say it arrived."""
    notice = notice_of(subject)
    return notice is not None and actor.is_operator and not notice.offer.holder.joined


def proposing_side(actor: Actor, subject: Any) -> bool:
    """The side that has proposed to end a licence by agreement."""
    if not isinstance(subject, Licence) or subject.end_proposed_side is None:
        return False
    return (holder_side if subject.end_proposed_side == "holder" else licensee_side)(actor, subject)


def answering_side(actor: Actor, subject: Any) -> bool:
    """The other side; and never the organisation that proposed it, which may have both mandates (CC 168)."""
    if not isinstance(subject, Licence) or subject.end_proposed_side is None:
        return False
    other = licensee_side if subject.end_proposed_side == "holder" else holder_side
    return other(actor, subject) and actor.organisation_id != subject.end_proposed_by


def stating_side(actor: Actor, subject: Any) -> bool:
    """The side that has stated the last step of a licence's recordal."""
    if not isinstance(subject, Licence):
        return False
    side = subject.recorded_side if subject.recordal_state in ON_THE_REGISTER else subject.recordal_filed_side
    if side == "holder":
        return holder_side(actor, subject)
    return side == "licensee" and licensee_side(actor, subject)


def operator_in_person(actor: Actor, _subject: Any) -> bool:
    """An operator who is signed in; no command, of which nobody could tell who gave it."""
    return actor.is_operator and actor.user_id is not None


def other_operator(actor: Actor, subject: Any) -> bool:
    """Another operator than the one who proposed a correction."""
    return (
        operator_in_person(actor, subject)
        and isinstance(subject, Correction)
        and actor.user_id != subject.proposed_by
    )


def proposing_operator(actor: Actor, subject: Any) -> bool:
    """The operator who proposed a correction."""
    return (
        operator_in_person(actor, subject)
        and isinstance(subject, Correction)
        and actor.user_id == subject.proposed_by
    )


_PARTIES = (licensee_side, holder_side, bureau)

RULES = {
    "notice.serve": Rule(WRITE, (acts_for_an_organisation,)),
    "notice.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "notice.prove_service": Rule(WRITE, (holder_side, operator), sees=_PARTIES),
    "notice.abandon": Rule(WRITE, (licensee_side,), sees=_PARTIES),
    "notice.run": Rule(WRITE, (system,), sees=_PARTIES),
    "payment.start": Rule(WRITE, (licensee_side,), sees=_PARTIES),
    "payment.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "payment.upload_slip": Rule(WRITE, (licensee_side,), sees=_PARTIES),
    "payment.cancel": Rule(WRITE, (licensee_side,), sees=_PARTIES),
    "payment.confirm": Rule(WRITE, (payee, operator_for_absent_payee), sees=_PARTIES),
    "payment.invoice": Rule(WRITE, (payee,), sees=_PARTIES),
    "payment.run": Rule(WRITE, (system,), sees=_PARTIES),
    "licence.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "licence.add_paper": Rule(WRITE, (licensee_side, holder_side, operator), sees=_PARTIES),
    "licence.end": Rule(WRITE, (licensee_side, holder_side, operator), sees=_PARTIES),
    "licence.propose_end": Rule(WRITE, (licensee_side, holder_side), sees=_PARTIES),
    "licence.answer_end": Rule(WRITE, (answering_side,), sees=_PARTIES),
    "licence.take_end_back": Rule(WRITE, (proposing_side,), sees=_PARTIES),
    "licence.recordal": Rule(WRITE, (licensee_side, holder_side, operator), sees=_PARTIES),
    "licence.correct_recordal": Rule(WRITE, (stating_side, operator), sees=_PARTIES),
    "licence.confirm_patent_end": Rule(WRITE, (operator,)),
    "licence.import": Rule(WRITE, (acts_for_an_organisation, operator)),
    "licence.run": Rule(WRITE, (system,), sees=_PARTIES),
    "quarantine.view": Rule(READ, (bureau,)),
    "quarantine.resolve": Rule(WRITE, (operator,)),
    "correction.propose": Rule(WRITE, (operator_in_person,)),
    "correction.decide": Rule(WRITE, (other_operator,)),
    "correction.take_back": Rule(WRITE, (proposing_operator,)),
    "refund.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "refund.done": Rule(WRITE, (payee, operator), sees=_PARTIES),
    "refund.at_provider": Rule(WRITE, (payee,), sees=_PARTIES),
}
