"""Who may do what with patents and offers."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import (
    READ,
    WRITE,
    Rule,
    acts_for_an_organisation,
    anyone,
    bureau,
    operator,
    system,
)

# What has been an open licence stays public after its end: licences and figures refer to it.
_PUBLIC_STATUSES = frozenset({"announced", "withdrawal_filed", "withdrawn", "revoked", "lapsed"})


def is_public(offer: Any) -> bool:
    """Whether everybody may see the offer: its announcement was verified."""
    return offer.evidence == "verified" and offer.status in _PUBLIC_STATUSES


def _public(_actor: Actor, offer: Any) -> bool:
    return is_public(offer)


def _holder(actor: Actor, offer: Any) -> bool:
    """The holder, or an agency with its mandate."""
    return offer is not None and offer.holder_id in actor.holders


def _member_of_patentee(actor: Actor, organisation_id: Any) -> bool:
    """A person who is a member of the organisation itself: nobody else vouches for its patents."""
    return actor.user_id is not None and organisation_id is not None and organisation_id in actor.own


def _patentee(actor: Actor, patent: Any) -> bool:
    """One of the patentees, or an agency with a mandate of one."""
    return patent is not None and any(party.organisation_id in actor.holders for party in patent.parties)


def _holder_of_consent(actor: Actor, subject: Any) -> bool:
    """The holder of the offer that it is about: an offer itself, or what hangs on one."""
    return _holder(actor, getattr(subject, "offer", subject))


def _asked(actor: Actor, consent: Any) -> bool:
    """A member of the very party that is asked: a mandate does not consent for its principal."""
    return consent is not None and _member_of_patentee(actor, consent.organisation_id)


_SEES = (_public, _holder, bureau)
_SEES_CONSENT = (_holder_of_consent, _asked, bureau)

RULES: dict[str, Rule] = {
    "patent.see": Rule(READ, (anyone,)),
    "patent.enter": Rule(WRITE, (acts_for_an_organisation, operator)),
    "patent.change": Rule(WRITE, (_patentee, operator)),
    "patent.import": Rule(WRITE, (acts_for_an_organisation, operator)),
    "patent.facts": Rule(READ, (_patentee, bureau)),
    "patent.attest": Rule(WRITE, (_member_of_patentee,)),
    "attestation.revoke": Rule(WRITE, (_member_of_patentee, operator)),
    "wording.change": Rule(WRITE, (operator,)),
    "offer.see": Rule(READ, (anyone,), sees=_SEES),
    "offer.draft": Rule(WRITE, (_patentee, operator)),
    "offer.edit": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.prepare": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.file": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.announce": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.verify": Rule(WRITE, (operator,), sees=_SEES),
    "offer.refuse": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.file_withdrawal": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.withdraw": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.withdraw_announced": Rule(WRITE, (operator,), sees=_SEES),
    # The command's lists only: what a person is offered must not fail for its date.
    "offer.withdraw_lapsed": Rule(WRITE, (system,), sees=_SEES),
    "offer.revoke": Rule(WRITE, (operator,), sees=_SEES),
    "offer.lapse": Rule(WRITE, (system,), sees=_SEES),
    "offer.papers": Rule(READ, (_holder, operator), sees=_SEES),
    "consent.see": Rule(READ, _SEES_CONSENT, sees=_SEES_CONSENT),
    "consent.ask": Rule(WRITE, (_holder_of_consent, operator)),
    "consent.answer": Rule(WRITE, (_asked,), sees=_SEES_CONSENT),
    # The single-use link is the key; the service has checked it.
    "consent.answer_by_link": Rule(WRITE, (anyone,)),
    "price_notice.rule": Rule(WRITE, (_member_of_patentee, operator)),
    "price_notice.keep": Rule(WRITE, (_holder_of_consent, operator)),
    "price_notice.object": Rule(WRITE, (anyone,)),
    "price_notice.decide": Rule(WRITE, (_holder, operator), sees=_SEES),
    "offer.import": Rule(WRITE, (acts_for_an_organisation, operator)),
}
