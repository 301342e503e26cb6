"""The papers of a declaration made from our rows. Slow: outside units of work."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from flask_babel import force_locale, gettext

from marketplace.accounts.models import Mandate, Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound, Unavailable
from marketplace.core.files import StoredFile, store
from marketplace.core.identifiers import PatentNumber
from marketplace.core.lazily import Lazily
from marketplace.core.papers import MissingGlyph
from marketplace.core.papers.sealing import ISSUER, fallback_fonts, seal, settings
from marketplace.core.permissions import allowed, require
from marketplace.listings.consents import standing
from marketplace.listings.consents.models import Consent
from marketplace.listings.declared import shown_terms, terms_digest, withdrawal_digest
from marketplace.listings.lifecycle import declaration_faults, sentences
from marketplace.listings.models import IN_FORCE, Offer

from . import content
from .checklist import Known, Line, Owners, PriceNotice, checklist, withdrawal_checklist

if TYPE_CHECKING:
    from . import typesetting
else:
    typesetting = Lazily("marketplace.listings.papers.typesetting")

SEAL_REASON: Final = "平台生成，非当事人签章"
KINDS: Final = ("declaration", "withdrawal", "checklist", "consent")
FORMATS: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Paper:
    """A paper as a file."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Written:
    """A consent as it was shown and signed: by whom, when, to which terms, and the paper that says so."""

    name: str
    position: str
    at: dt.datetime
    digest: str
    pdf: bytes


# --- what a paper says


def _number(offer: Offer) -> str:
    number = offer.patent.number
    return PatentNumber.parse(number).spaced if number else offer.patent.reference


def _party(organisation: Organisation) -> content.Party:
    """As printed: a person's code never is, and one that nobody has confirmed says so."""
    code = "" if organisation.type == "individual" else organisation.code or ""
    if code and not organisation.confirmed:
        code = f"{code}，自行填报"
    return content.Party(organisation.name, code)


def terms_of(offer: Offer) -> content.Terms:
    """The declared terms of an offer.

    Raises:
        Invalid: `declaration-incomplete`, with the fields.
    """
    faults = declaration_faults(offer)
    shown = shown_terms(offer)
    if offer.term_to is None or offer.fee_form is None or (offer.status in standing.EARLY and faults):
        raise Invalid(
            "declaration-incomplete",
            "The declaration cannot be filed yet: please complete or correct it.",
            fields=sentences(faults),
        )
    payee = shown["payee"]
    return content.Terms(
        patent_number=_number(offer),
        title=offer.patent.title,
        patentees=tuple(_party(party.organisation) for party in offer.patent.parties),
        fee_form=offer.fee_form,
        fee_minor=offer.fee_minor,
        currency=offer.currency,
        rate_percent=shown["rate_percent"],
        rate_base=offer.rate_base,
        payment_text=shown["payment_text"],
        channels=tuple(shown["channels"]),
        payee=None if payee is None else (payee[0], payee[1] or "", payee[2]),
        term_from=offer.term_from,
        term_to=offer.term_to,
        contact=offer.contact or "—",
        fee_explanation=offer.fee_explanation or "",
        not_included=offer.not_included or "",
        digest=terms_digest(offer),
    )


def _frame(at: dt.datetime, agency: str = "") -> content.Frame:
    return content.Frame(ISSUER, at, not settings().production, agency)


def _mandate(actor: Actor, offer: Offer) -> Mandate | None:
    """The power of attorney by which an agency acts for the holder today."""
    if actor.organisation_id is None or offer.holder_id in actor.own:
        return None
    today = clock.today()
    return db.session.scalar(
        sa.select(Mandate)
        .where(
            Mandate.agent_id == actor.organisation_id,
            Mandate.principal_id == offer.holder_id,
            Mandate.scope.in_(("holder", "both")),
            Mandate.state == "accepted",
            Mandate.valid_from <= today,
            Mandate.valid_to >= today,
            Mandate.state == "accepted",
        )
        .order_by(Mandate.valid_to.desc())
        .limit(1)
    )


def _typeset(sheet: content.Sheet, form: str) -> bytes:
    """The sheet as a file; a PDF bears the platform's seal, and the parties may sign it after that."""
    try:
        if form != "pdf":
            return typesetting.docx(sheet)
        return seal(
            typesetting.pdf(sheet, fallback_fonts(), sealed=True),
            SEAL_REASON,
            others_sign=bool(sheet.signatures),
        )
    except MissingGlyph as error:
        raise Unavailable(
            "font-missing",
            "A rare character in a name (%(characters)s) cannot be printed: an operator must add a font.",
            characters=error.characters,
        ) from error


# --- the checklist


def to_hand_in(actor: Actor, offer: Offer) -> list[Line]:
    """What has to be handed in with this declaration, and what of it is there."""
    consents = standing.consents_of(offer)
    parties = standing.patentees(offer, consents)
    agency = actor.user_id is not None and not actor.is_staff and offer.holder_id not in actor.own
    mandate = _mandate(actor, offer) if agency else None
    asked = parties if agency else [one for one in parties if not one.is_holder]
    owners: Owners
    if not asked:
        owners = "sole"
    elif all(one.state == "given" for one in asked):
        owners = "signed"
    else:
        owners = "stated" if offer.owners_agreed_on else "open"
    facts = {fact.name: fact.value for fact in offer.patent.facts}
    return checklist(
        Known(
            kind=offer.patent.kind,
            report=facts.get("evaluation_report"),
            pledged=facts.get("pledged"),
            owners=owners,
            agency=agency,
            mandate_until=mandate.valid_to if mandate else None,
            price_notice=_price_notice(offer),
        )
    )


def to_hand_in_with_withdrawal(actor: Actor, offer: Offer) -> list[Line]:
    """What has to be handed in with the withdrawal of this offer, and what of it is there."""
    agency = actor.user_id is not None and not actor.is_staff and offer.holder_id not in actor.own
    found = standing.patentees(offer, purpose="withdrawal")
    asked = found if agency else [one for one in found if not one.is_holder]
    owners: Owners
    if not asked:
        owners = "sole"
    elif all(one.state == "given" for one in asked):
        owners = "signed"
    else:
        owners = "open"
    mandate = agency and _mandate(actor, offer) is not None
    return withdrawal_checklist(owners, agency=agency, mandate=mandate)


def _price_notice(offer: Offer) -> PriceNotice:
    notice = standing.running_notice(offer)
    if notice is None:
        return "missing" if offer.holder.state_established else "none"
    settled = all(one.decision == "rejected" for one in notice.objections)
    return "over" if settled and clock.today() > notice.ends_on else "running"


def _items(actor: Actor, offer: Offer) -> tuple[content.Item, ...]:
    lines = to_hand_in_with_withdrawal if offer.status in IN_FORCE else to_hand_in
    with force_locale("zh"):
        return tuple(
            content.Item(gettext(line.text), gettext(line.basis), line.done) for line in lines(actor, offer)
        )


# --- making papers


def possible(offer: Offer) -> list[str]:
    """The kinds of papers that state and terms of the offer allow; consents are made party by party."""
    if offer.status in IN_FORCE:
        return ["withdrawal", "checklist"]
    complete = offer.status == "filed" or (offer.status in standing.EARLY and not declaration_faults(offer))
    return ["declaration", "checklist"] if complete else []


def make(actor: Actor, offer: Offer, kind: str, form: str, *, party: int | None = None) -> Paper:
    """One paper of an offer.

    Args:
        kind: `declaration`, `withdrawal`, `checklist`, or `consent` (to be signed by hand); the last two
            are about the withdrawal once the offer is in force.
        form: `pdf` or `docx`.
        party: the patentee's organisation id for a consent; without it, it is the pledgee's.

    Raises:
        NotFound: `paper-unknown`, or `not-found` for somebody else's offer.
        Invalid: `declaration-incomplete`.
        Conflict: `paper-not-due`: a withdrawal of what was not announced, a declaration after its filing.
        Unavailable: `font-missing`: a character that no font at hand has.
    """
    require(actor, "offer.papers", offer)
    if kind not in KINDS or form not in FORMATS:
        raise NotFound("paper-unknown", "There is no such paper.")
    in_force = offer.status in IN_FORCE
    due = kind != "declaration" if in_force else kind != "withdrawal"
    if not due or not (in_force or offer.status in (*standing.EARLY, "filed")):
        raise Conflict("paper-not-due", "This paper has no place in the present state of the offer.")
    mandate = _mandate(actor, offer)
    frame = _frame(clock.now().replace(microsecond=0), mandate.agent.name if mandate else "")
    terms = terms_of(offer)
    if kind == "declaration":
        sheet = content.declaration(terms, frame)
    elif kind == "withdrawal":
        sheet = content.withdrawal(terms, frame, *_withdrawn(offer))
    elif kind == "checklist":
        sheet = content.checklist(terms, frame, _items(actor, offer), withdrawing=in_force)
    elif in_force:
        if party is None:
            raise NotFound("paper-unknown", "There is no such paper.")
        withdrawn, _agreed = _withdrawn(offer)
        digest = withdrawal_digest(offer, withdrawn.reason or None)
        sheet = content.withdrawal_consent(terms, frame, withdrawn, _to_sign(offer, party), digest)
    else:
        sheet = content.consent(terms, frame, _to_sign(offer, party))
    name = f"{offer.patent.reference}-{_suffix(kind, party)}.{form}"
    return Paper(name, FORMATS[form], _typeset(sheet, form))


def _withdrawn(offer: Offer) -> tuple[content.Withdrawn, tuple[content.Agreed, ...]]:
    """What is withdrawn on what ground, and the consents to it that are kept here."""
    rows = standing.consents_of(offer, "withdrawal")
    reason = offer.withdrawal_reason or standing.ground_of(rows) or ""
    agreed = tuple(
        content.Agreed(_answer_of(one.consent), one.consent.terms_sha256)
        for one in standing.patentees(offer, rows, "withdrawal")
        if one.consent is not None and one.state == "given"
    )
    return content.Withdrawn(offer.declaration_number or "", offer.announced_on, reason), agreed


def _answer_of(consent: Consent) -> content.Answer:
    return content.Answer(
        consent.capacity,
        consent.party_name,
        consent.signer_name or "",
        consent.signer_position or "",
        consent.answered_at,
        consent.strength or "paper",
    )


def _suffix(kind: str, party: int | None) -> str:
    return kind if kind != "consent" else f"consent-{party if party is not None else 'pledgee'}"


def _to_sign(offer: Offer, party: int | None) -> content.Answer:
    if party is None:
        return content.Answer("pledgee", "　" * 16)
    for one in offer.patent.parties:
        if one.organisation_id == party:
            return content.Answer("patentee", one.organisation.name)
    raise NotFound("paper-unknown", "There is no such paper.")


def consent_paper(consent: Consent, *, name: str, position: str, strength: str) -> Written:
    """The paper of a consent that is about to be given, to the terms or the withdrawal as they stand now.

    Args:
        name, position: who signs.
        strength: `link` or `member`.

    Raises:
        Unavailable: `font-missing`.
    """
    offer, at = consent.offer, clock.now().replace(microsecond=0)
    terms = terms_of(offer)
    answer = content.Answer(consent.capacity, consent.party_name, name, position, at, strength)
    if consent.purpose == "withdrawal":
        withdrawn = content.Withdrawn(
            offer.declaration_number or "", offer.announced_on, consent.ground or ""
        )
        digest = standing.digest_of(consent)
        sheet = content.withdrawal_consent(terms, _frame(at), withdrawn, answer, digest)
    else:
        digest, sheet = terms.digest, content.consent(terms, _frame(at), answer)
    return Written(name, position, at, digest, _typeset(sheet, "pdf"))


# --- many at once


def bundle(actor: Actor, offer_ids: Sequence[int], forms: Sequence[str] = ("pdf", "docx")) -> Iterator[bytes]:
    """The papers of many offers as a ZIP, piece by piece: each is made when its turn comes.

    A folder an offer: the declaration (before the filing) or the withdrawal (in force), its checklist,
    consents that were given, and those still to be signed. What cannot be made is named, with the reason, in
    a text file.

    Raises:
        Invalid: `papers-none`, `papers-too-many` (500 offers).
    """
    if not offer_ids:
        raise Invalid("papers-none", "Select at least one declaration.")
    if len(offer_ids) > MOST_AT_ONCE:
        raise Invalid("papers-too-many", "At most %(most)s declarations at once.", most=MOST_AT_ONCE)
    return _pieces(actor, list(dict.fromkeys(offer_ids)), tuple(forms))


class _Pipe(io.RawIOBase):
    """Collects what the archive writes until it is sent on; it cannot be rewound."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        written = bytes(data)  # type: ignore[call-overload]
        self._held += written
        return len(written)

    def take(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


def _pieces(actor: Actor, offer_ids: list[int], forms: tuple[str, ...]) -> Iterator[bytes]:
    pipe = _Pipe()
    faults: list[str] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for offer_id in offer_ids:
            offer = db.session.get(Offer, offer_id)
            if offer is None or not allowed(actor, "offer.papers", offer).allowed:
                faults.append(f"{offer_id}: {gettext('There is no such offer.')}")
                continue
            folder = f"{offer.patent.reference}-{offer.id}"
            for kind, form, party in _wanted(offer, forms):
                try:
                    paper = make(actor, offer, kind, form, party=party)
                except (Invalid, Unavailable) as error:
                    reason = gettext(error.message, **error.parameters)
                    faults.append(f"{folder}/{_suffix(kind, party)}.{form}: {reason}")
                    continue
                archive.writestr(f"{folder}/{paper.name}", paper.content)
                yield pipe.take()
            for name, kept in _kept(offer):
                archive.writestr(f"{folder}/{name}", kept)
                yield pipe.take()
            db.session.expunge_all()
        if faults:
            archive.writestr("not-made.txt", "\n".join(faults) + "\n")
    yield pipe.take()


def _wanted(offer: Offer, forms: tuple[str, ...]) -> list[tuple[str, str, int | None]]:
    purpose = "withdrawal" if offer.status in IN_FORCE else "declaration"
    if purpose == "declaration" and offer.status not in (*standing.EARLY, "filed"):
        return []
    wanted: list[tuple[str, str, int | None]] = [(purpose, form, None) for form in forms]
    if "pdf" in forms:
        wanted.append(("checklist", "pdf", None))
    open_parties = [
        one.organisation.id
        for one in standing.patentees(offer, purpose=purpose)
        if one.state != "given" and (len(offer.patent.parties) > 1 and not one.is_holder)
    ]
    return wanted + [("consent", form, party) for party in open_parties for form in forms]


def _kept(offer: Offer) -> Iterator[tuple[str, bytes]]:
    purpose = "withdrawal" if offer.status in IN_FORCE else "declaration"
    rows = standing.consents_of(offer, purpose)
    digest = (
        terms_digest(offer)
        if purpose == "declaration"
        else withdrawal_digest(offer, standing.ground_of(rows))
    )
    for consent in rows:
        if consent.state != "given" or consent.terms_sha256 != digest or consent.file_id is None:
            continue
        row = db.session.get(StoredFile, consent.file_id)
        if row is not None:
            yield f"signed-{row.name}", store().read(row.digest)
