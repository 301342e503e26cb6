"""The written notice of Article 51: prepared (printed and sealed), served, lapsed or abandoned."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound, Unavailable
from marketplace.core.files import keep, store
from marketplace.core.mailer import mailer
from marketplace.core.papers import MissingGlyph, content_digest
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.listings.models import IN_FORCE, Offer, Patent

from . import numbers, papers
from .clauses.models import OfferClause
from .clauses.services import accept_with_notice, chosen_of
from .documents import NoticeDocument, notice_pdf
from .evidence.services import OwnDocument, keep_proof, note_evidence, note_mail, own_document
from .evidence.stamping import ask_time_stamp
from .export_control.holding import (
    hold_back,
    open_check,
    refusal_of,
    require_exportable,
    wait_no_more,
    waits,
)
from .export_control.rules import MAINLAND
from .licences import grant
from .lifecycle import NOTICE, PAYMENT
from .lookup import find, last_day, lock_notice, offer_ended_at, owned_by, payments_of
from .models import OPEN_NOTICE, OPEN_PAYMENT, Licence, Notice, Obligation, Payment
from .refunds import give_back
from .rules import basis_of, effective_on_service, makes_the_licence, obligations_of, pay_by, too_late

MAX_USE: Final = 2000
MAX_CONTACT: Final = 500
CHECKOUT_LIFE: Final = dt.timedelta(hours=25)  # Stripe closes a session after 24 hours
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


# A notice says nothing of a patent's classes and facts.
_NOTICED: Final = (
    sa.orm.joinedload(Offer.patent).options(sa.orm.lazyload(Patent.classes), sa.orm.lazyload(Patent.facts)),
)


@dataclass(frozen=True)
class PreparedNotice:
    """A notice that is printed and sealed but not served yet.

    `content_digest` is that of its values: when the offer has changed since, it does not fit any more.
    """

    offer_id: int
    licensee_id: int
    number: str
    written_at: dt.datetime
    use: str | None
    contact: str | None
    content_digest: str
    pdf: bytes
    own: OwnDocument | None = None
    seat: str = MAINLAND
    technology: str | None = None
    clauses: tuple[int, ...] = ()


def prepare_notice(
    actor: Actor,
    offer_id: int,
    use: str | None = None,
    contact: str | None = None,
    *,
    licensee_id: int | None = None,
    document: bytes | None = None,
    seat: str = MAINLAND,
    technology: str | None = None,
    clauses: Sequence[int] = (),
) -> PreparedNotice:
    """Print and seal the notice from the present rows; call it before the unit of work (about 0.3 s).

    Args:
        actor: anyone who acts for an organisation.
        offer_id: which offer.
        use: what the licensee intends to do with the patent, for the holder's information; no condition.
        contact: how the holder reaches the licensee.
        licensee_id: for whom, when an agency acts under a mandate; by default the actor's own organisation.
        document: a written notice of the licensee's own, as a PDF, which then takes the place of ours.
        seat: where the licensee is seated, as an ISO 3166 code.
        technology: what the licensee thinks applies to the technology (a code of `export_control.ANSWERS`);
            needed where it is seated outside the mainland.
        clauses: ids of further clauses that it accepts; none is ever needed.

    Raises:
        NotFound: there is no such offer; `clause-unknown`.
        Conflict: `offer-not-live`, `own-offer`, `notice-open`, `licence-in-effect`, `terms-incomplete`,
            `term-unknown`, `technology-banned`, `clause-withdrawn`.
        Invalid: `text-too-long`, `text-not-printable`, `seat-unknown`, `technology-class-missing`, and what
            `own_document` raises.
        Unavailable: `font-missing`, when a name holds a character that no font has.
    """
    require(actor, "notice.serve")
    use, contact = clean_text(use, "use", MAX_USE), clean_text(contact, "contact", MAX_CONTACT)
    licensee = licensee_for(actor, licensee_id)
    offer = db.session.get(Offer, offer_id, options=_NOTICED)
    if offer is None or offer.status not in PUBLIC:
        raise NotFound("offer-not-found", "There is no such offer.")
    _check(offer, licensee)
    require_exportable(offer, seat, technology)
    own = own_document(document) if document is not None else None
    written_at = clock.now()
    number = numbers.new_number(numbers.NOTICE, clock.legal_date(written_at))
    taken = chosen_of(offer.id, clauses)
    written = _document(
        offer, licensee, number=number, at=written_at, use=use, contact=contact, clauses=taken
    )
    pdf = own.pdf if own is not None else papers.seal(_printed(written), "书面通知")
    store().write(pdf)  # here, where no other writer waits for the disk
    return PreparedNotice(
        offer_id=offer.id,
        licensee_id=licensee.id,
        number=number,
        written_at=written_at,
        use=use,
        contact=contact,
        content_digest=content_digest(written),
        pdf=pdf,
        own=own,
        seat=seat,
        technology=technology,
        clauses=tuple(one.id for one in taken),
    )


def serve_notice(actor: Actor, prepared: PreparedNotice) -> Notice:
    """Serve a prepared notice, in the present unit of work.

    It is served on arrival when the holder has joined; else it is sealed, mailed to the announced contact
    and `not_served` until proof of sending is recorded. Nobody approves anything: for a free offer (and by
    setting a pure royalty) the licence is in effect when this returns.

    Raises:
        NotFound, Conflict: as `prepare_notice`; `offer-changed` when it has to be prepared again.
    """
    require(actor, "notice.serve")
    licensee = licensee_for(actor, prepared.licensee_id)
    offer = lock(Offer, prepared.offer_id, *_NOTICED)
    _check(offer, licensee)
    require_exportable(offer, prepared.seat, prepared.technology)
    document = _document(
        offer,
        licensee,
        number=prepared.number,
        at=prepared.written_at,
        use=prepared.use,
        contact=prepared.contact,
        clauses=chosen_of(offer.id, prepared.clauses),
    )
    if content_digest(document) != prepared.content_digest:
        raise Conflict("offer-changed", "The offer has changed in this moment: please look at it again.")
    terms = frozen_terms(offer)
    kept = keep(
        prepared.pdf,
        name=f"{prepared.number}.pdf",
        content_type="application/pdf",
        purpose="notice",
        organisation_id=licensee.id,
    )
    notice = Notice(
        number=prepared.number,
        offer=offer,
        licensee=licensee,
        user_id=actor.user_id,
        state=NOTICE.initial,
        terms=terms,
        use=prepared.use,
        contact=prepared.contact,
        document_digest=kept.digest,
        written_at=prepared.written_at,
        obligations=[
            Obligation(
                kind=one.kind,
                amount_minor=one.amount_minor,
                currency=one.currency,
                state="open",
                instalment=one.instalment,
                due_months=one.due_months,
            )
            for one in obligations_of(terms)
        ],
    )
    db.session.add(notice)
    _note(notice, "notice.written", sha256=kept.digest)
    note_evidence(actor, notice, prepared.own)
    open_check(actor, notice, prepared.seat, prepared.technology)
    accept_with_notice(actor, notice, prepared.clauses)
    ask_time_stamp(notice)
    if offer.holder.joined:
        _arrive(SYSTEM, notice, "serve", clock.now())
    else:
        enqueue("deals.send_notice", key=str(notice.id), notice_id=notice.id)
    return notice


def prove_service(
    actor: Actor,
    notice_id: int,
    *,
    proof: str,
    sent_at: dt.datetime,
    file: tuple[bytes, str] | None = None,
) -> Notice:
    """Record the proof that a sealed notice reached a holder who has not joined.

    Args:
        actor: the operator, or the holder's side.
        notice_id: which; also one that has ended as `undelivered`.
        proof: what proves it: a tracking number, the holder's answer, a file's name.
        sent_at: when it was sent or received by that proof.
        file: bytes and name of a file that proves it: a receipt, the holder's answer.

    Raises:
        Invalid: `proof-missing`, `date-in-future`, `date-too-early` (before the notice was written).
        Conflict: `offer-not-live`, when the offer had ended by then; `illegal-transition`.
    """
    notice = lock_notice(find(actor, "notice.prove_service", Notice, notice_id))
    proof = (proof or "").strip()
    if not proof or len(proof) > MAX_CONTACT:
        raise Invalid(
            "proof-missing",
            "Please say what proves the service.",
            fields={"proof": ["Please say what proves the service."]},
        )
    if sent_at > clock.now():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"sent_at": ["This day is still to come."]}
        )
    if clock.legal_date(sent_at) < clock.legal_date(notice.written_at):
        raise Invalid(
            "date-too-early",
            "The notice was not written yet on this day.",
            fields={"sent_at": ["The notice was not written yet on this day."]},
        )
    at = max(sent_at, notice.written_at)
    if too_late(
        at,
        offer_ended_at=offer_ended_at(notice.offer),
        notice_ended_at=None,
        last_day=last_day(notice.offer),
    ):
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    notice.service_proof = proof
    if file is not None:
        keep_proof(notice, *file)
    _arrive(actor, notice, "prove_service", at)
    return notice


def abandon_notice(actor: Actor, notice_id: int) -> Notice:
    """The licensee gives its notice up; open attempts to pay are cancelled.

    Raises:
        Conflict: `illegal-transition`, when it is paid or over.
    """
    notice = lock_notice(find(actor, "notice.abandon", Notice, notice_id))
    _close(actor, notice, "abandon", clock.now())
    return notice


def get_notice(actor: Actor, notice_id: int) -> Notice:
    """One notice.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    notice = find(actor, "notice.view", Notice, notice_id)
    if actor.is_staff and notice.contact:
        people = [notice.user_id] if notice.user_id is not None else []
        access_log.note(actor, "contact", people, organisation_id=notice.licensee_id, subject=notice)
    return notice


def notice_document(actor: Actor, notice_id: int) -> bytes:
    """The sealed PDF of a notice, whose sha256 is `document_digest`.

    Raises:
        NotFound: as `get_notice`, or `file-missing`.
    """
    return store().read(get_notice(actor, notice_id).document_digest)


def list_notices(
    actor: Actor, *, after: int | None = None, limit: int = 50, state: str | None = None
) -> list[Notice]:
    """Notices that the actor is party to, as a co-owner too (staff: all), newest first.

    Args:
        actor: who asks.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
        state: only those in this state.
    """
    query = sa.select(Notice).order_by(Notice.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(Notice.id < after)
    if state is not None:
        query = query.where(Notice.state == state)
    if not actor.is_staff:
        theirs = sa.select(Offer.id).where(owned_by(actor.holders))
        query = query.where(sa.or_(Notice.licensee_id.in_(actor.licensees), Notice.offer_id.in_(theirs)))
    return list(db.session.scalars(query))


def frozen_terms(offer: Offer) -> dict[str, Any]:
    """The announced terms as frozen into a notice; the account is the holder's where the offer names none."""
    terms = offer.terms()
    if not terms["payee_account"] and offer.holder.bank_account:
        terms["payee_account_name"] = offer.holder.bank_account_name
        terms["payee_bank"] = offer.holder.bank_name
        terms["payee_account"] = offer.holder.bank_account
    return terms


def send_notice(notice_id: int) -> None:
    """Mail a sealed notice to the announced contact (a task); sending alone does not prove service.

    An announced contact without an address (post, telephone) is left to the operator: the notice stays
    `not_served` and is listed as such.
    """
    notice = db.session.get_one(Notice, notice_id)
    address = _EMAIL.search(notice.terms["contact"] or "")
    if notice.state != "not_served" or address is None:
        return
    mailer().send(
        address.group(),
        f"专利开放许可书面通知 {notice.number}",
        _LETTER.format(
            holder=notice.offer.holder.name,
            licensee=notice.licensee.name,
            number=notice.number,
            title=notice.offer.patent.title,
            patent=papers.patent_number(notice.offer.patent),
            declaration=notice.offer.declaration_number or "",
            digest=notice.document_digest,
            issuer=papers.ISSUER,
            address=papers.settings().public_url,
        ),
        attachment=(f"{notice.number}.pdf", store().read(notice.document_digest)),
    )
    with unit_of_work():
        note_mail(lock(Notice, notice_id), address.group(), clock.now())


_LETTER = """{holder}：

{licensee} 依照《专利法》第五十一条，就贵方已公告的专利开放许可声明（编号 {declaration}）
通知贵方实施下列专利：

    {patent}　{title}

所附书面通知 {number} 已经封存，其 SHA-256 为
{digest}

请回复本邮件确认收到。贵方也可在 {address} 注册，注册后通知到达本平台即为送达。

{issuer}
"""


def serve_waiting() -> None:
    """Serve notices whose holder has joined meanwhile: they have now arrived in its inbox (a schedule)."""
    waiting = (
        sa.select(Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .join(Organisation, Offer.holder_id == Organisation.id)
        .where(Notice.state == "not_served", Organisation.claimed_at.is_not(None))
    )
    for key in list(db.session.scalars(waiting)):
        with unit_of_work():
            notice = lock_notice(db.session.get_one(Notice, key))
            if notice.state != "not_served":
                continue
            if _end_for_arrival(notice.offer) is None:
                _arrive(SYSTEM, notice, "serve", clock.now())


def end_undelivered() -> None:
    """End notices that had not arrived when their offer ended (a schedule); later proof can revive them."""
    today = clock.today()
    waiting = (
        sa.select(Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .join(Patent, Offer.patent_id == Patent.id)
        .where(
            Notice.state == "not_served",
            sa.or_(Offer.status.not_in(IN_FORCE), Offer.term_to < today, Patent.expires_on < today),
        )
    )
    for key in list(db.session.scalars(waiting)):
        with unit_of_work():
            notice = lock_notice(db.session.get_one(Notice, key))
            ended_at = _end_for_arrival(notice.offer)
            if notice.state == "not_served" and ended_at is not None:
                _close(SYSTEM, notice, "undeliver", ended_at)


def _end_for_arrival(offer: Offer) -> dt.datetime | None:
    """The instant from which a notice under an offer can no longer arrive in time; None while it can."""
    ended_at, last = offer_ended_at(offer), last_day(offer)
    if ended_at is None and last is not None and last < clock.today():
        return clock.end_of_day_utc(last)
    return ended_at


def lapse_notices() -> None:
    """Lapse notices that were not paid by their day (a schedule).

    One with a slip uploaded or a checkout that is still open waits: its money may be on the way.
    """
    today = clock.today()
    fresh = clock.now() - CHECKOUT_LIFE
    over = sa.select(Notice.id).where(Notice.state == "served", Notice.pay_by < today)
    for key in list(db.session.scalars(over)):
        with unit_of_work():
            notice = lock_notice(db.session.get_one(Notice, key))
            if notice.state != "served" or notice.pay_by is None or notice.pay_by >= today:
                continue
            if any(
                one.state == "slip_uploaded"
                or (one.state == "open" and one.channel == "stripe" and one.created_at > fresh)
                for one in payments_of(notice)
            ) or waits(notice):
                continue
            _close(SYSTEM, notice, "lapse", clock.end_of_day_utc(notice.pay_by))


PUBLIC: Final = ("announced", "withdrawal_filed", "withdrawn", "revoked", "lapsed")


def clean_text(text: str | None, field: str, limit: int) -> str | None:
    """What a licensee wrote, without blanks around; None for nothing. Raises Invalid: `text-too-long`."""
    text = (text or "").strip()
    if len(text) > limit:
        raise Invalid(
            "text-too-long",
            "This text is too long.",
            fields={field: ["This text is too long."]},
            limit=limit,
        )
    return text or None


def licensee_for(actor: Actor, licensee_id: int | None) -> Organisation:
    """For whom a licence is taken: by default the actor's own organisation.

    Raises:
        Forbidden: the actor does not take licences for it.
    """
    chosen = licensee_id if licensee_id is not None else actor.organisation_id
    if chosen is None or chosen not in actor.licensees:
        raise Forbidden("forbidden", "Your account may not do this.")
    return db.session.get_one(Organisation, chosen)


def _check(offer: Offer, licensee: Organisation) -> None:
    """Raise unless this licensee may take up this offer now."""
    # Ids only: a row would bring its offer, patent and parties along.
    first = db.session.scalar(
        sa.select(Notice.id).where(
            Notice.offer_id == offer.id, Notice.licensee_id == licensee.id, Notice.state.in_(OPEN_NOTICE)
        )
    )
    held = db.session.scalar(
        sa.select(Licence.id).where(
            Licence.offer_id == offer.id,
            Licence.licensee_id == licensee.id,
            Licence.kind == "open",
            Licence.state == "in_effect",
        )
    )
    problem = hindrance(offer, licensee, first, held)
    if problem is not None:
        raise problem


def hindrance(offer: Offer, licensee: Organisation, first: int | None, held: int | None) -> Conflict | None:
    """Why a licensee cannot take up an offer today. Nothing about the licensee matters but this.

    Args:
        first: id of its open notice on the offer, if it has one.
        held: id of its licence in effect under the offer, if it has one.
    """
    if licensee.id == offer.holder_id or any(
        one.organisation_id == licensee.id for one in offer.patent.parties
    ):
        return Conflict("own-offer", "This is your own offer: you need no licence for your own patent.")
    if not offer.in_force_on(clock.today()):
        return Conflict("offer-not-live", "This offer cannot be taken up any more.")
    if first is not None:
        return Conflict(
            "notice-open", "You have already served a notice on this offer.", notice_id=str(first)
        )
    if held is not None:
        return Conflict(
            "licence-in-effect", "You already hold a licence under this offer.", licence_id=str(held)
        )
    return None


def _document(
    offer: Offer,
    licensee: Organisation,
    *,
    number: str,
    at: dt.datetime,
    use: str | None,
    contact: str | None,
    clauses: Sequence[OfferClause],
) -> NoticeDocument:
    return papers.notice_document(
        offer,
        licensee,
        frozen_terms(offer),
        number=number,
        at=at,
        use=use,
        contact=contact,
        clauses=clauses,
    )


def _printed(document: NoticeDocument) -> bytes:
    try:
        return notice_pdf(document, papers.fallback_fonts())
    except MissingGlyph as error:
        for field, text in (
            ("use", document.intended_use),
            ("contact", document.licensee.contact),
        ):
            if set(error.characters) & set(text):
                raise Invalid(
                    "text-not-printable",
                    "These characters cannot be printed: %(characters)s",
                    fields={field: [N_("Some characters cannot be printed; please write it without them.")]},
                    characters=error.characters,
                ) from error
        raise Unavailable(
            "font-missing",
            "A rare character in a name (%(characters)s) cannot be printed: an operator must add a font.",
            characters=error.characters,
        ) from error


def _arrive(actor: Actor, notice: Notice, action: str, at: dt.datetime) -> None:
    """The notice is served at `at`; what needs no payment is a licence at once."""

    def effect() -> None:
        notice.served_at, notice.ended_at = at, None
        if basis_of(notice.terms) == "paid":
            notice.pay_by = pay_by(at)
            for one in notice.obligations:
                # Later instalments fall due after the licence took effect.
                one.due_on = notice.pay_by if makes_the_licence(one.instalment) else None

    NOTICE.execute(
        actor,
        notice,
        action,
        effect=effect,
        organisation_id=notice.licensee_id,
        occurred_on=clock.legal_date(at),
        **_ids(notice),
    )
    setting = papers.settings().royalty_only_effective_on_notice
    if effective_on_service(notice.terms, royalty_only_effective_on_notice=setting):
        pay_in_full(notice, at)


def pay_in_full(notice: Notice, at: dt.datetime) -> None:
    """Everything that was due is paid (or nothing was): the licence takes effect at `at`.

    Where the technology would leave the mainland, it waits until the export check is settled (GL V-11 §6).
    """
    free_at = hold_back(notice, at)
    if free_at is None:
        return
    NOTICE.execute(
        SYSTEM,
        notice,
        "pay",
        organisation_id=notice.licensee_id,
        occurred_on=clock.legal_date(free_at),
        **_ids(notice),
    )
    grant(notice, free_at)


def refuse_notice(notice: Notice, reason: str) -> None:
    """Refuse a notice that the law does not let become a licence; what was paid has to go back.

    Args:
        notice: locked with its offer.
        reason: `technology_banned`; or why the export could not be cleared in time: `patent_ended`,
            `term_over`, `offer_ended`.
    """
    _close(SYSTEM, notice, "refuse", clock.now(), refund=refusal_of(notice), reason=reason)


def _close(
    actor: Actor,
    notice: Notice,
    action: str,
    at: dt.datetime,
    *,
    refund: str = "notice_ended",
    **data: Any,
) -> None:
    def effect() -> None:
        notice.ended_at = at

    for payment in payments_of(notice):
        if payment.state in OPEN_PAYMENT:
            release(payment)
    NOTICE.execute(
        actor,
        notice,
        action,
        effect=effect,
        organisation_id=notice.licensee_id,
        **_ids(notice),
        **data,
    )
    wait_no_more(notice)
    give_back(notice, refund)


def release(payment: Payment) -> None:
    """Cancel an open attempt because it has become pointless; a checkout is closed at the provider."""
    payment = lock(Payment, payment.id)
    if payment.state not in OPEN_PAYMENT:
        return
    PAYMENT.execute(SYSTEM, payment, "release", organisation_id=payment.obligation.notice.licensee_id)
    if payment.checkout_session_id is not None:
        enqueue("deals.expire_session", key=str(payment.id), payment_id=payment.id)


def _ids(notice: Notice) -> dict[str, Any]:
    return {
        "offer_id": notice.offer_id,
        "patent_id": notice.offer.patent_id,
        "holder_id": notice.offer.holder_id,
    }


def _note(notice: Notice, action: str, **data: Any) -> None:
    db.session.flush()
    record(action, notice, organisation_id=notice.licensee_id, **_ids(notice), **data)
