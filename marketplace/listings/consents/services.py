"""Asking for consent, answering by link or as a member, signed papers; all of it before the filing.

It is about a declaration before that is filed, or about the withdrawal of an offer in force.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts import links
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.files import StoredFile, checked_upload, keep, store
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.declared import terms_digest, withdrawal_digest
from marketplace.listings.facts import writing
from marketplace.listings.lifecycle import declaration_faults, sentences
from marketplace.listings.models import Offer, Patent, PatentFact
from marketplace.listings.papers.services import Written

from . import standing
from .lifecycle import CONSENT
from .models import Consent

VALID_FOR: Final = dt.timedelta(days=30)
MAIL_TASK: Final = "listings.mail_consent"
_EXTENSIONS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


# --- reading


def get_consent(actor: Actor, consent_id: int) -> Consent:
    """A consent that this actor asked for, or that its organisation was asked for.

    Raises:
        NotFound: `not-found`, also for somebody else's.
    """
    found = db.session.get(Consent, consent_id)
    if found is None or not allowed(actor, "consent.see", found).allowed:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def asked_of(organisation_ids: frozenset[int]) -> list[Consent]:
    """What these organisations were asked for, open questions first, the last 100."""
    query = (
        sa.select(Consent)
        .where(Consent.organisation_id.in_(organisation_ids), Consent.state != "void")
        .order_by(sa.case((Consent.state == "asked", 0), else_=1), Consent.id.desc())
        .limit(100)
    )
    return list(db.session.scalars(query))


def paper_of(actor: Actor, consent_id: int) -> tuple[StoredFile, bytes]:
    """The paper of a consent that was given: made here, or the signed one that was handed in.

    Raises:
        NotFound: `not-found`, `file-missing`.
    """
    return _paper(get_consent(actor, consent_id))


def _paper(consent: Consent) -> tuple[StoredFile, bytes]:
    row = db.session.get(StoredFile, consent.file_id) if consent.file_id is not None else None
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return row, store().read(row.digest)


def paper_by_link(consent_id: int) -> tuple[StoredFile, bytes]:
    """The same, for the browser in which the link was answered: the page has checked that."""
    return _paper(db.session.get_one(Consent, consent_id))


# --- asking


def ask(
    actor: Actor,
    offer_id: int,
    *,
    patentee: int | None = None,
    pledgee: str | None = None,
    email: str | None = None,
    locale: str = "zh",
    purpose: str = "declaration",
    ground: str | None = None,
) -> Consent:
    """Ask a patentee, or a pledgee, to consent to the declaration as it stands; a former question ends.

    Or, with the purpose `withdrawal`, a patentee to the withdrawal on a ground.

    Args:
        patentee: the organisation's id; it is one of the patentees.
        pledgee: the name of the pledgee.
        email: where the link goes; a patentee that has joined may be asked without.
        locale: the language of the message, `zh` or `en`.
        purpose: `declaration` or `withdrawal`.
        ground: of the withdrawal, as it will be filed.

    Raises:
        Invalid: `consent-party-unknown`, `email-missing`, `declaration-incomplete`, `value-missing`
            (a withdrawal's ground).
        Conflict: `consent-too-late` once it is filed, `withdrawal-not-due`, `consent-given` already.
    """
    offer = _askable(actor, offer_id, purpose)
    organisation, name = _party(offer, patentee, pledgee if purpose == "declaration" else None)
    if not email and (organisation is None or organisation.claimed_at is None):
        message = gettext("Please fill in this field.")
        raise Invalid("email-missing", "The link needs an e-mail address.", fields={"email": [message]})
    _refuse_faults(offer, purpose, ground)
    consent = _begin(actor, offer, organisation, name, purpose, ground)
    consent.email, consent.locale = email or None, "en" if locale == "en" else "zh"
    db.session.flush()
    if email:
        consent.nonce = links.new_nonce()
        consent.token_hash = links.digest_of(token_of(consent))
        consent.expires_at = clock.now() + VALID_FOR
        enqueue(MAIL_TASK, key=str(consent.id), consent_id=consent.id)
    record(
        "consent.asked",
        consent,
        organisation_id=offer.holder_id,
        offer=offer.id,
        party=consent.organisation_id,
        terms=consent.terms_sha256,
        purpose=purpose,
    )
    return consent


def hand_in(
    actor: Actor,
    offer_id: int,
    *,
    content: bytes,
    signer: str,
    position: str,
    signed_on: dt.date,
    patentee: int | None = None,
    pledgee: str | None = None,
    purpose: str = "declaration",
    ground: str | None = None,
) -> Consent:
    """Keep a consent that was signed on paper, for the declaration as it stands or for its withdrawal.

    Args:
        content: the scanned paper: PDF, PNG or JPEG.
        signer, position: who signed it.
        purpose, ground: as `ask`.

    Raises:
        Invalid: `file-empty`, `file-too-large`, `file-type`, `date-impossible`, and as `ask`.
        Conflict: as `ask`.
    """
    offer = _askable(actor, offer_id, purpose)
    organisation, name = _party(offer, patentee, pledgee if purpose == "declaration" else None)
    _refuse_faults(offer, purpose, ground)
    if signed_on > clock.today():
        message = gettext("This day lies in the future.")
        raise Invalid("date-impossible", "This date is not possible.", fields={"signed_on": [message]})
    content_type = checked_upload(content)
    consent = _begin(actor, offer, organisation, name, purpose, ground)
    db.session.flush()
    kept = keep(
        content,
        name=f"consent-{consent.id}.{_EXTENSIONS[content_type]}",
        content_type=content_type,
        purpose="consent",
        organisation_id=offer.holder_id,
    )

    def effect() -> None:
        consent.strength, consent.file_id = "paper", kept.id
        consent.signer_name, consent.signer_position = signer, position
        consent.signed_on, consent.answered_at, consent.user_id = signed_on, clock.now(), actor.user_id

    CONSENT.execute(
        actor,
        consent,
        "hand_in",
        effect=effect,
        organisation_id=offer.holder_id,
        occurred_on=signed_on,
        offer=offer.id,
        party=consent.organisation_id,
        terms=consent.terms_sha256,
        paper=kept.digest,
        purpose=purpose,
    )
    _settle_pledge(consent)
    return consent


def take_back(actor: Actor, consent_id: int) -> Consent:
    """Take a question back: its link is worthless from now on.

    Raises:
        Conflict: `illegal-transition` once it is answered.
    """
    consent = lock(Consent, get_consent(actor, consent_id).id)
    CONSENT.execute(
        actor,
        consent,
        "take_back",
        effect=lambda: _close_link(consent),
        organisation_id=consent.offer.holder_id,
        offer=consent.offer_id,
    )
    return consent


def void_all(actor: Actor, offer: Offer, *, unless: str | None = None) -> None:
    """Make open questions and consents to a declaration void, as other terms are another one.

    Args:
        unless: the digest of the terms for which they go on holding.
    """
    for consent in standing.consents_of(offer):
        if consent.state not in ("asked", "given") or consent.terms_sha256 == unless:
            continue
        was_given, held = consent.state == "given", lock(Consent, consent.id)

        def effect(held: Consent = held) -> None:
            _close_link(held)
            held.voided_at = clock.now()

        CONSENT.execute(actor, held, "void", effect=effect, organisation_id=offer.holder_id, offer=offer.id)
        if was_given and held.capacity == "pledgee":
            _state_pledge(held, "without_consent", only_own=True)


def _askable(actor: Actor, offer_id: int, purpose: str) -> Offer:
    offer = db.session.get(Offer, offer_id)
    if offer is None or not allowed(actor, "offer.see", offer).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    lock(Patent, offer.patent_id)
    offer = lock(Offer, offer.id)
    require(actor, "consent.ask", offer)
    _refuse_late(offer, purpose)
    return offer


def _refuse_late(offer: Offer, purpose: str) -> None:
    if standing.may_be_asked(offer, purpose):
        return
    if purpose == "withdrawal":
        raise Conflict(
            "withdrawal-not-due",
            "Consent to a withdrawal is given while the offer stands and before its withdrawal is filed.",
        )
    raise Conflict("consent-too-late", "Consent is given before the declaration is filed.")


def _party(offer: Offer, patentee: int | None, pledgee: str | None) -> tuple[Organisation | None, str]:
    if patentee is not None:
        found = next((p.organisation for p in offer.patent.parties if p.organisation_id == patentee), None)
        if found is not None:
            return found, found.name
    name = (pledgee or "").strip()
    if patentee is not None or not name:
        message = gettext("Please name a patentee or the pledgee.")
        raise Invalid(
            "consent-party-unknown",
            "Only patentees and the pledgee are asked for consent.",
            fields={"party": [message]},
        )
    return None, name


def _refuse_faults(offer: Offer, purpose: str, ground: str | None) -> None:
    if purpose == "withdrawal":
        if not (ground or "").strip():
            message = gettext("Please fill in this field.")
            raise Invalid("value-missing", "A value is missing.", fields={"ground": [message]})
        return
    faults = declaration_faults(offer)
    if faults:
        raise Invalid(
            "declaration-incomplete",
            "The declaration cannot be filed yet: please complete or correct it.",
            fields=sentences(faults),
        )


def _begin(
    actor: Actor,
    offer: Offer,
    organisation: Organisation | None,
    name: str,
    purpose: str,
    ground: str | None,
) -> Consent:
    """A new question to a party, in the place of its former one."""
    capacity = "patentee" if organisation is not None else "pledgee"
    ground = (ground or "").strip() or None if purpose == "withdrawal" else None
    digest = terms_digest(offer) if purpose == "declaration" else withdrawal_digest(offer, ground)
    for former in standing.consents_of(offer, purpose):
        same = former.capacity == capacity and (
            former.organisation_id == organisation.id if organisation else former.party_name == name
        )
        if not same or former.state not in ("asked", "given"):
            continue
        if former.state == "given" and former.terms_sha256 == digest:
            raise Conflict("consent-given", "This party has agreed to these terms already.")
        held = lock(Consent, former.id)
        action = "take_back" if held.state == "asked" else "void"
        CONSENT.execute(
            actor,
            held,
            action,
            effect=lambda held=held: _close_link(held),  # type: ignore[misc]
            organisation_id=offer.holder_id,
            offer=offer.id,
        )
    db.session.flush()
    consent = Consent(
        offer_id=offer.id,
        offer=offer,
        organisation_id=organisation.id if organisation else None,
        organisation=organisation,
        party_name=name,
        purpose=purpose,
        ground=ground,
        capacity=capacity,
        state=CONSENT.initial,
        terms_sha256=digest,
        locale="zh",
        asked_at=clock.now(),
        asked_by=actor.user_id,
    )
    db.session.add(consent)
    return consent


# --- the link


def token_of(consent: Consent) -> str:
    """What the link of an open question carries (see `accounts.links`)."""
    if consent.nonce is None:
        raise ValueError("this question has no open link")
    return links.token_of(consent.nonce, f"consent:{consent.id}")


def _close_link(consent: Consent) -> None:
    consent.token_hash = consent.nonce = consent.expires_at = None


def by_link(token: str) -> Consent:
    """The open question that a link leads to.

    Raises:
        NotFound: `consent-link-invalid`: forged, used, taken back, void or too old.
    """
    found = db.session.scalar(sa.select(Consent).where(Consent.token_hash == links.digest_of(token)))
    if (
        found is None
        or found.state != "asked"
        or found.expires_at is None
        or clock.now() > found.expires_at
        or not standing.may_be_asked(found.offer, found.purpose)
    ):
        raise NotFound(
            "consent-link-invalid",
            "This link is not valid any more: it was used or taken back, or it is too old.",
        )
    return found


# --- answering


def give(actor: Actor, consent_id: int, written: Written, *, token: str | None = None) -> Consent:
    """Consent to the terms that were shown.

    Args:
        written: the paper, made before this unit of work from what was shown.
        token: of the link, by which somebody answers who is no member of the party.

    Raises:
        Conflict: `terms-changed` since they were shown; `illegal-transition` when it was answered.
        NotFound: `consent-link-invalid`.
    """
    consent, offer = _to_answer(actor, consent_id, token)
    check_shown(consent, written.digest)
    kept = keep(
        written.pdf,
        name=f"consent-{consent.id}.pdf",
        content_type="application/pdf",
        purpose="consent",
        organisation_id=offer.holder_id,
    )

    def effect() -> None:
        consent.strength = "member" if token is None else "link"
        consent.signer_name, consent.signer_position = written.name, written.position
        consent.answered_at, consent.user_id = written.at, actor.user_id if token is None else None
        consent.signed_on, consent.file_id = clock.legal_date(written.at), kept.id
        _close_link(consent)

    _answer(actor, consent, "give", token, effect, paper=kept.digest)
    _settle_pledge(consent)
    return consent


def check_shown(consent: Consent, digest: str) -> None:
    """Whether what was read is what is asked and declared now.

    Raises:
        Conflict: `terms-changed`.
    """
    if not digest == consent.terms_sha256 == standing.digest_of(consent):
        raise Conflict("terms-changed", "The terms were changed in the meantime: please read them again.")


def refuse(
    actor: Actor, consent_id: int, *, name: str, position: str, reason: str, token: str | None = None
) -> Consent:
    """Refuse, with the reason.

    Raises:
        Invalid: `value-missing` without a reason.
        Conflict, NotFound: as `give`.
    """
    if not reason.strip():
        message = gettext("Please fill in this field.")
        raise Invalid("value-missing", "A value is missing.", fields={"reason": [message]})
    consent, _offer = _to_answer(actor, consent_id, token)

    def effect() -> None:
        consent.strength = "member" if token is None else "link"
        consent.signer_name, consent.signer_position, consent.reason = name, position, reason.strip()
        consent.answered_at, consent.user_id = clock.now(), actor.user_id if token is None else None
        _close_link(consent)

    _answer(actor, consent, "refuse", token, effect)
    if consent.capacity == "pledgee":
        _state_pledge(consent, "without_consent")
    return consent


def _to_answer(actor: Actor, consent_id: int, token: str | None) -> tuple[Consent, Offer]:
    found = get_consent(actor, consent_id) if token is None else by_link(token)
    if found.id != consent_id:
        raise NotFound("consent-link-invalid", "This link is not valid any more.")
    lock(Patent, found.offer.patent_id)
    offer = lock(Offer, found.offer_id)
    consent = lock(Consent, found.id)
    if token is not None:
        by_link(token)  # again, now that nobody else can answer
    _refuse_late(offer, consent.purpose)
    return consent, offer


def _answer(actor: Actor, consent: Consent, action: str, token: str | None, effect: Any, **data: Any) -> None:
    CONSENT.execute(
        actor,
        consent,
        action if token is None else f"{action}_by_link",
        effect=effect,
        organisation_id=consent.offer.holder_id,
        offer=consent.offer_id,
        party=consent.organisation_id,
        terms=consent.terms_sha256,
        strength="member" if token is None else "link",
        purpose=consent.purpose,
        **data,
    )


# --- what a pledgee's answer says of the patent (IR 86 (4))


def _settle_pledge(consent: Consent) -> None:
    if consent.capacity == "pledgee":
        _state_pledge(consent, "with_consent")


def _state_pledge(consent: Consent, value: str, *, only_own: bool = False) -> None:
    """Write what follows for the pledge; a pledge that is known to be over needs nobody's consent.

    Args:
        only_own: only where what is known rests on a pledgee's consent here.
    """
    patent_id = consent.offer.patent_id
    known = db.session.scalar(
        sa.select(PatentFact).where(PatentFact.patent_id == patent_id, PatentFact.name == "pledged")
    )
    if value == "without_consent" and known is not None and known.value == "no":
        return
    if only_own and (known is None or known.source != "pledgee"):
        return
    writing.state(
        [writing.Statement(patent_id, {"pledged": value}, clock.today())], source="pledgee", force=True
    )
