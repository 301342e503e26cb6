"""Licences: how they come into effect, their certificate, recordal and end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.convert import InvalidValue, recordal_number
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.files import keep, store
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock_all, record, unit_of_work

from . import numbers, papers
from .documents import certificate_pdf
from .evidence.services import lay_paper
from .lifecycle import AGREED_END, LICENCE, RECORDAL
from .lookup import find, licence_of, licences_of_holders, lock_licence, newest
from .models import ON_THE_REGISTER, Licence, Notice
from .policies import holder_side, side_of
from .rules import instalment_due, licence_term, recordal_deadline

GROUNDS: Final = ("contractual_ground", "statutory_ground")
PARTIES_REASONS: Final = ("agreed", *GROUNDS)
OPERATOR_REASONS: Final = (*PARTIES_REASONS, "patent_ended", "patent_invalidated")

CORRECTIONS: Final = ("typing_error", "wrong_licence", "not_done")


@dataclass(frozen=True)
class CertificateCheck:
    """What anyone may learn by a certificate's code.

    The licensee is public once the licence is recorded (the gazette then names it), not before.
    `valid` is whether the licence is in effect today; `sha256` is that of the signed PDF, None until made.
    """

    valid: bool
    code: str
    number: str
    state: str
    patent_number: str
    patent_title: str
    declaration_number: str | None
    holders: tuple[str, ...]
    licensee: str | None
    effective_on: dt.date
    term_to: dt.date | None
    ended_on: dt.date | None
    recordal_number: str | None
    sha256: str | None


def grant(notice: Notice, at: dt.datetime) -> Licence:
    """The licence of a paid notice, in the present unit of work; its rows are locked by the caller.

    Args:
        notice: just paid, or free.
        at: when notice and payment were both there.
    """
    existing = licence_of(notice)
    if existing is not None:
        return existing
    offer = notice.offer
    effective_on = clock.legal_date(at)
    term = licence_term(effective_on, offer.term_to, offer.patent.expires_on)
    if term is None:
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    fee = [one for one in notice.obligations if one.state == "paid"]
    licence = Licence(
        number=numbers.new_number(numbers.LICENCE, effective_on),
        kind="open",
        state=LICENCE.initial,
        evidence="platform",
        notice=notice,
        offer=offer,
        patent=offer.patent,
        licensee=notice.licensee,
        notice_on=clock.legal_date(notice.served_at or at),
        paid_on=max((clock.legal_date(one.paid_at) for one in fee if one.paid_at), default=None),
        effective_at=at,
        effective_on=effective_on,
        term_to=term.ends,
        offer_term_to=offer.term_to,
        patent_expires_on=offer.patent.expires_on,
        # The fee that was agreed on: all of it, where later instalments are still to come.
        amount_minor=sum(one.amount_minor for one in notice.obligations),
        currency=notice.terms["currency"],
        certificate_code=numbers.new_certificate_code(),
        recordal_state=RECORDAL.initial,
        recordal_due_on=recordal_deadline(effective_on).date,
        created_at=clock.now(),
    )
    for one in notice.obligations:
        if one.due_months and one.state == "open":
            one.due_on = instalment_due(effective_on, one.due_months).date
    db.session.add(licence)
    record(
        "licence.in_effect",
        licence,
        organisation_id=notice.licensee_id,
        occurred_on=effective_on,
        notice_id=notice.id,
        offer_id=offer.id,
        patent_id=offer.patent_id,
        holder_id=offer.holder_id,
    )
    enqueue("deals.render_certificate", key=str(licence.id), licence_id=licence.id)
    return licence


def render_certificates(licence_ids: Collection[int]) -> None:
    """Print, seal and store the deal certificates of these licences, each once (outside a unit of work).

    Raises:
        MissingGlyph: a name holds a character that no font has; nothing is stored.
    """
    wanted = sa.select(Licence).where(Licence.id.in_(licence_ids), Licence.certificate_digest.is_(None))
    papers_of = {one.id: _certificate(one) for one in db.session.scalars(wanted)}
    for pdf in papers_of.values():
        store().write(pdf)  # here, where no other writer waits for the disk
    with unit_of_work():
        for licence in lock_all(Licence, papers_of):
            # Two may have printed at once; signatures differ, so the first one stays.
            if licence.certificate_digest is not None:
                continue
            kept = keep(
                papers_of[licence.id],
                name=f"{licence.number}.pdf",
                content_type="application/pdf",
                purpose="certificate",
                organisation_id=licence.licensee_id,
            )
            licence.certificate_digest = kept.digest
            record(
                "licence.certificate_issued",
                licence,
                organisation_id=licence.licensee_id,
                sha256=kept.digest,
            )


def _certificate(licence: Licence) -> bytes:
    document = papers.certificate_document(licence)
    return papers.seal(certificate_pdf(document, papers.fallback_fonts()), "成交凭证")


def render_certificate(licence_id: int) -> None:
    """As `render_certificates`, of one."""
    render_certificates([licence_id])


def certificate_bytes(actor: Actor, licence_id: int) -> bytes:
    """The signed certificate; printed now if the worker has not come to it yet (outside a unit of work).

    Raises:
        NotFound: no such licence, another party's, or one that was not concluded here.
    """
    licence = find(actor, "licence.view", Licence, licence_id)
    if licence.certificate_code is None:
        raise NotFound("certificate-none", "This licence was not concluded here and has no certificate.")
    if licence.certificate_digest is None:
        render_certificate(licence.id)
        licence = db.session.get_one(Licence, licence_id, populate_existing=True)
    return store().read(licence.certificate_digest or "")


def check_certificate(code: str) -> CertificateCheck:
    """What a certificate's code says, for anyone.

    Args:
        code: as printed or typed: any case, with or without dashes and spaces.

    Raises:
        NotFound: `certificate-unknown`.
    """
    licence = db.session.scalar(
        sa.select(Licence).where(Licence.certificate_code == numbers.clean_code(code))
    )
    if licence is None:
        raise NotFound("certificate-unknown", "No certificate has this code: it is mistyped or not genuine.")
    today = clock.today()
    return CertificateCheck(
        valid=licence.state == "in_effect" and (licence.term_to is None or today <= licence.term_to),
        code=licence.certificate_code or "",
        number=licence.number,
        state=licence.state,
        patent_number=licence.patent.reference,
        patent_title=licence.patent.title,
        declaration_number=licence.offer.declaration_number if licence.offer else None,
        holders=tuple(one.organisation.name for one in licence.patent.parties),
        licensee=licence.licensee.name if licence.recordal_state in ON_THE_REGISTER else None,
        effective_on=licence.effective_on,
        term_to=licence.term_to,
        ended_on=licence.ended_on,
        recordal_number=licence.recordal_number,
        sha256=licence.certificate_digest,
    )


def list_licences(
    actor: Actor, *, after: int | None = None, limit: int = 50, offer_id: int | None = None
) -> list[Licence]:
    """Licences that the actor is party to (staff: all), newest first.

    Args:
        actor: who asks.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
        offer_id: only those under this offer.
    """
    further: list[sa.ColumnElement[bool]] = []
    if after is not None:
        further.append(Licence.id < after)
    if offer_id is not None:
        further.append(Licence.offer_id == offer_id)
    rules: list[sa.ColumnElement[bool]] = [sa.true()]
    if not actor.is_staff:
        rules = [Licence.licensee_id.in_(actor.licensees), *licences_of_holders(actor.holders)]
    return list(db.session.scalars(newest(rules, *further, limit=min(limit, 200))))


def get_licence(actor: Actor, licence_id: int) -> Licence:
    """One licence.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    return find(actor, "licence.view", Licence, licence_id)


def file_recordal(
    actor: Actor, licence_id: int, *, filed_on: dt.date | None = None, late_reason: str | None = None
) -> Licence:
    """Note that the recordal (备案) was filed, by default today.

    Raises:
        Invalid: `date-in-future`, `date-too-early`, or `late-reason-missing` after the deadline.
    """
    licence = lock_licence(find(actor, "licence.recordal", Licence, licence_id))
    filed_on = filed_on or clock.today()
    _not_before_effect(licence, filed_on, "filed_on")
    due = licence.recordal_due_on
    if due is not None and filed_on > due and not late_reason:
        raise Invalid(
            "late-reason-missing",
            "The three months are over: please say why the recordal is late.",
            fields={"late_reason": ["The three months are over: please say why the recordal is late."]},
        )

    def effect() -> None:
        licence.recordal_filed_on, licence.late_reason = filed_on, late_reason or licence.late_reason
        licence.recordal_filed_side = side_of(actor, licence)

    RECORDAL.execute(
        actor,
        licence,
        "file_recordal",
        effect=effect,
        organisation_id=licence.licensee_id,
        occurred_on=filed_on,
    )
    return licence


def record_recordal(actor: Actor, licence_id: int, *, number: str, on: dt.date) -> Licence:
    """Note CNIPA's recordal number (备案号) and date.

    Args:
        number: as it is printed or typed; kept half-width, in upper case and without spaces.
        on: the day of the recordal.

    Raises:
        Invalid: `recordal-number-missing`, `recordal-number-form`, `date-in-future`, `date-too-early`.
    """
    licence = lock_licence(find(actor, "licence.recordal", Licence, licence_id))
    number = _recordal_number(number)
    _not_before_effect(licence, on, "on")
    enter_recordal(actor, licence, number=number, on=on, side=side_of(actor, licence))
    return licence


def enter_recordal(actor: Actor, licence: Licence, *, number: str, on: dt.date, side: str) -> None:
    """Note a recordal whose number and day have been checked, on a licence that is locked.

    Args:
        side: who says so (see `side_of`), or `gazette` for its list, which verifies what was only stated.
    """

    def effect() -> None:
        licence.recordal_number, licence.recorded_on, licence.recorded_side = number, on, side
        if side == "gazette" and licence.evidence == "holder_stated":
            licence.evidence = "verified"

    RECORDAL.execute(
        actor,
        licence,
        "record_recordal",
        effect=effect,
        organisation_id=licence.licensee_id,
        occurred_on=on,
        number=number,
    )


def correct_recordal(actor: Actor, licence_id: int, *, reason: str) -> Licence:
    """Take back, one step, what was stated about the recordal: that it is recorded, else that it is filed.

    Args:
        actor: the side that stated it, or the operator.
        reason: a code of `CORRECTIONS`; it stays in the journal, beside what had been stated.

    Raises:
        Invalid: `correction-reason-unknown`.
        Forbidden: the other side stated it.
        Conflict: `recordal-verified` by the gazette's list; `illegal-transition` when nothing is stated.
    """
    licence = lock_licence(find(actor, "licence.view", Licence, licence_id))
    if reason not in CORRECTIONS:
        raise Invalid(
            "correction-reason-unknown",
            "Please say why it is taken back.",
            fields={"reason": ["Please say why it is taken back."]},
        )
    recorded = licence.recordal_state == "recorded"
    action = "take_filing_back"
    if recorded:
        action = "take_record_back" if licence.recordal_filed_on else "take_unfiled_record_back"
    stated = licence.recorded_on if recorded else licence.recordal_filed_on
    number = licence.recordal_number

    def effect() -> None:
        if recorded:
            licence.recordal_number = licence.recorded_on = licence.recorded_side = None
        else:
            licence.recordal_filed_on = licence.recordal_filed_side = licence.late_reason = None

    RECORDAL.execute(
        actor,
        licence,
        action,
        effect=effect,
        organisation_id=licence.licensee_id,
        reason=reason,
        number=number,
        stated_on=None if stated is None else stated.isoformat(),
    )
    return licence


def confirm_recordal(licence: Licence) -> bool:
    """The gazette's list says the same as what was stated of a recorded licence, which is locked.

    It is verified then if it was only stated, and no party takes the recordal back any more.

    Returns:
        Whether that is news.
    """
    if licence.recorded_side == "gazette":
        return False
    licence.recorded_side = "gazette"
    if licence.evidence == "holder_stated":
        licence.evidence = "verified"
        record("licence.verified", licence, organisation_id=licence.licensee_id)
    else:
        record("licence.recordal_verified", licence, organisation_id=licence.licensee_id)
    return True


def _recordal_number(given: str) -> str:
    """The number in the one form in which it is stored and compared."""
    try:
        number: str | None = recordal_number()(given)
    except InvalidValue as error:
        raise Invalid(
            "recordal-number-form",
            "A recordal number has 4 to 40 letters, digits and hyphens, without brackets or other signs.",
            fields={"number": [error.reason]},
        ) from error
    if number is None:
        raise Invalid(
            "recordal-number-missing",
            "Please give the recordal number.",
            fields={"number": ["Please give the recordal number."]},
        )
    return number


def end_licence(
    actor: Actor,
    licence_id: int,
    *,
    reason: str,
    on: dt.date | None = None,
    ground: str | None = None,
    content: bytes | None = None,
    name: str = "",
) -> Licence:
    """End a licence before its term.

    Args:
        actor: a party to it, or the operator.
        licence_id: which.
        reason: `contractual_ground` or `statutory_ground`, on which the holder gave notice of termination,
            which one side may do alone; `agreed` (operator, from what both have signed: the parties use
            `propose_end`); `patent_ended`, `patent_invalidated` (operator; else by itself, `patent_ends`).
        on: last day of the licence, by default today.
        ground: what the holder wrote to the licensee on its ground (Civil Code 562, 563, 565); None where it
            is not kept here.
        content, name: that notice as a file. Either is kept beside the licence, where the licensee sees it.

    Raises:
        Invalid: `end-reason-unknown`, `date-in-future`, `date-too-early`, and what `lay_paper` raises.
        Forbidden: only the holder's side can state the holder's ground.
        Conflict: `end-needs-agreement`: one party cannot state alone that both agreed.
    """
    licence = lock_licence(find(actor, "licence.end", Licence, licence_id))
    if reason not in (OPERATOR_REASONS if actor.is_operator else PARTIES_REASONS):
        raise Invalid(
            "end-reason-unknown",
            "Please state one of the known grounds.",
            fields={"reason": ["Please state one of the known grounds."]},
        )
    if reason == "agreed" and not actor.is_operator:
        raise Conflict("end-needs-agreement", "The other party has to agree: propose the end to it.")
    if reason.endswith("_ground") and not (holder_side(actor, licence) or actor.is_operator):
        raise Forbidden("forbidden", "Your account may not do this.")
    on = on or clock.today()
    _not_before_effect(licence, on, "on")
    end_now(actor, licence, "end", reason, on)
    if reason.endswith("_ground") and (ground is not None or content):
        lay_paper(actor, licence, "termination", text=ground, content=content, name=name)
    return licence


def propose_end(actor: Actor, licence_id: int, *, on: dt.date | None = None) -> Licence:
    """Propose to the other party to end a licence by agreement; it stays in effect until that one accepts.

    Args:
        on: what shall be its last day, by default today.

    Raises:
        Invalid: `date-in-future`, `date-too-early`.
        Conflict: `licence-over`, `other-party-absent`, `illegal-transition` when one is open already.
    """
    licence = lock_licence(find(actor, "licence.propose_end", Licence, licence_id))
    require_in_effect(licence)
    on = on or clock.today()
    _not_before_effect(licence, on, "on")
    side = "holder" if holder_side(actor, licence) else "licensee"
    if not _joined(licence, "licensee" if side == "holder" else "holder"):
        raise Conflict(
            "other-party-absent",
            "The other party has not joined: an operator can record the end from what both have signed.",
        )

    def effect() -> None:
        licence.end_proposed_on, licence.end_proposed_side = on, side
        licence.end_proposed_by = actor.organisation_id

    AGREED_END.execute(
        actor, licence, "propose_end", effect=effect, organisation_id=licence.licensee_id, side=side
    )
    return licence


def accept_end(actor: Actor, licence_id: int) -> Licence:
    """Agree to the end that the other party has proposed: the licence ends with the proposed day.

    Raises:
        Forbidden: the actor is on the side that proposed it.
        Conflict: `licence-over`, `illegal-transition` when nothing is proposed.
    """
    licence = lock_licence(find(actor, "licence.view", Licence, licence_id))
    AGREED_END.find("accept_end", licence.agreed_end)
    require_in_effect(licence)
    AGREED_END.execute(actor, licence, "accept_end", organisation_id=licence.licensee_id)
    end_now(actor, licence, "end", "agreed", licence.end_proposed_on or clock.today())
    return licence


def decline_end(actor: Actor, licence_id: int) -> Licence:
    """Decline the end that the other party has proposed: the licence stays as it is.

    Raises:
        Forbidden: the actor is on the side that proposed it.
        Conflict: `illegal-transition` when nothing is proposed.
    """
    return _drop_proposal(actor, licence_id, "decline_end")


def take_end_back(actor: Actor, licence_id: int) -> Licence:
    """Take back what one's own side has proposed.

    Raises:
        Forbidden: the actor is on the other side.
        Conflict: `illegal-transition` when nothing is proposed.
    """
    return _drop_proposal(actor, licence_id, "take_end_back")


def _drop_proposal(actor: Actor, licence_id: int, action: str) -> Licence:
    licence = lock_licence(find(actor, "licence.view", Licence, licence_id))
    AGREED_END.find(action, licence.agreed_end)
    side = licence.end_proposed_side

    def effect() -> None:
        licence.end_proposed_on = licence.end_proposed_side = licence.end_proposed_by = None

    AGREED_END.execute(actor, licence, action, effect=effect, organisation_id=licence.licensee_id, side=side)
    return licence


def require_in_effect(licence: Licence) -> None:
    """Raise the Conflict `licence-over` unless the licence is in effect."""
    if licence.state != "in_effect":
        raise Conflict("licence-over", "This licence has ended already.")


def _joined(licence: Licence, side: str) -> bool:
    """Whether anybody acts for a side here, so that it can answer."""
    if side == "licensee":
        return licence.licensee.joined
    holders = [party.organisation for party in licence.patent.parties]
    return any(one.joined for one in (*holders, *([licence.offer.holder] if licence.offer else [])))


def expire_licences() -> None:
    """End licences whose term is over, and mark recordals that are overdue (a schedule)."""
    today = clock.today()
    ends = sa.func.coalesce(Licence.term_to, Licence.patent_expires_on)
    over = sa.select(Licence.id).where(Licence.state == "in_effect", ends < today)
    overdue = sa.select(Licence.id).where(
        Licence.recordal_state == "to_do", Licence.recordal_due_on < today, Licence.kind == "open"
    )
    for key in list(db.session.scalars(over)):
        with unit_of_work():
            licence = lock_licence(db.session.get_one(Licence, key))
            last = licence.term_to or licence.patent_expires_on
            if licence.state == "in_effect" and last is not None and last < today:
                end_now(SYSTEM, licence, "expire", "term" if licence.term_to else "patent_ended", last)
    for key in list(db.session.scalars(overdue)):
        with unit_of_work():
            licence = lock_licence(db.session.get_one(Licence, key))
            if licence.recordal_state == "to_do":
                RECORDAL.execute(SYSTEM, licence, "overdue", organisation_id=licence.licensee_id)


def end_now(actor: Actor, licence: Licence, action: str, reason: str, on: dt.date) -> None:
    """End a licence that is locked.

    Args:
        action: of the table LICENCE.
        reason: a code of `end_reason`.
        on: its last day.
    """

    def effect() -> None:
        licence.ended_on, licence.ended_reason = on, reason

    LICENCE.execute(
        actor,
        licence,
        action,
        effect=effect,
        organisation_id=licence.licensee_id,
        occurred_on=on,
        reason=reason,
    )


def _not_before_effect(licence: Licence, day: dt.date, field: str) -> None:
    if day > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={field: ["This day is still to come."]}
        )
    if day < licence.effective_on:
        raise Invalid(
            "date-too-early",
            "The licence was not in effect on this day.",
            fields={field: ["The licence was not in effect on this day."]},
        )
