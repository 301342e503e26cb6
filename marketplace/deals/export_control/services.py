"""Answering the export check: the holder's word, the export licence, the registration of free technology."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.files import checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals import notices
from marketplace.deals.lookup import find, lock_notice
from marketplace.deals.models import Notice
from marketplace.deals.rules import pay_by
from marketplace.listings.models import Offer, Patent

from . import rules
from .ending import why_too_late
from .holding import check_of, stated_class
from .lifecycle import EXPORT_CHECK
from .models import ANSWERS, CLASSES, ExportCheck, TechnologyClass

MAX_NOTE: Final = 1000
MAX_NUMBER: Final = 80


def state_class(actor: Actor, offer_id: int, *, answer: str, note: str | None = None) -> TechnologyClass:
    """State of a patent's technology what applies to all licensees abroad; a later word takes its place.

    It counts for notices served after it; checks that are open are answered one by one.

    Raises:
        NotFound: no such offer, or not the actor's. Invalid: `technology-class-missing`, `text-too-long`.
    """
    offer = db.session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    require(actor, "export.state_class", offer)
    if answer not in CLASSES:
        raise _missing("answer")
    patent = lock(Patent, offer.patent_id)
    row = stated_class(patent.id)
    if row is None:
        row = TechnologyClass(patent=patent)
        db.session.add(row)
    row.answer, row.note = answer, _note(note)
    row.stated_by, row.stated_at = actor.user_id, clock.now()
    db.session.flush()
    record(
        "export.class_stated", row, organisation_id=offer.holder_id, patent_id=offer.patent_id, answer=answer
    )
    return row


def answer(actor: Actor, notice_id: int, *, answer: str, note: str | None = None) -> ExportCheck:
    """The holder's word on the technology of a notice, or the operator's in its place.

    Free: the licence takes effect as of notice and payment. Banned: the notice is refused. Restricted: the
    licence waits for the export licence.

    Raises:
        NotFound: no such notice, another party's, or without a check. Conflict: `export-settled`.
        Invalid: `technology-class-missing`, `text-too-long`.
    """
    notice, check = _open(actor, "export.answer", notice_id)
    if answer not in ANSWERS:
        raise _missing("answer")
    remark, outcome = _note(note), rules.settled(check.licensee_answer, answer)

    def effect() -> None:
        check.holder_answer, check.holder_by, check.holder_at = answer, actor.user_id, clock.now()
        check.note = remark
        check.settled_at = clock.now() if outcome == "banned" else None

    _move(actor, check, f"answer_{outcome}", effect, state=outcome, answer=answer)
    if outcome == "banned":
        notices.refuse_notice(notice, "technology_banned")
    elif outcome == "free":
        _release(notice, check)
    return check


def note_licence(
    actor: Actor, notice_id: int, *, number: str, on: dt.date, content: bytes | None = None, name: str = ""
) -> ExportCheck:
    """Note the export licence of restricted technology: the licence takes effect with it.

    Raises:
        NotFound: as `answer`. Conflict: `export-not-restricted`, `export-settled`.
        Invalid: `export-licence-number-missing`, `date-in-future`, and what `checked_upload` raises.
    """
    notice, check = _open(actor, "export.note_licence", notice_id)
    if check.state != "restricted":
        raise Conflict("export-not-restricted", "Nobody has said that this technology is restricted.")
    number = (number or "").strip()
    if not number or len(number) > MAX_NUMBER:
        raise Invalid(
            "export-licence-number-missing",
            "Please give the number of the export licence.",
            fields={"number": ["Please give the number of the export licence."]},
        )
    _not_in_future(on)

    def effect() -> None:
        check.licence_number, check.licence_on = number, on
        if content:
            _keep_licence(check, content, name)

    _move(actor, check, "license", effect, state="licensed")
    _release(notice, check)
    return check


def keep_licence(actor: Actor, notice_id: int, content: bytes, name: str = "") -> ExportCheck:
    """Keep a copy of the export licence (PDF, PNG or JPEG up to 10 MB), once its number is noted.

    Raises:
        NotFound: as `answer`. Conflict: `export-licence-none`. Invalid: what `checked_upload` raises.
    """
    notice = lock_notice(find(actor, "export.note_licence", Notice, notice_id))
    check = _check(notice)
    if check.licence_number is None:
        raise Conflict("export-licence-none", "Please note the number of the export licence first.")
    _keep_licence(check, content, name)
    _told(actor, "export.licence_kept", check)
    return check


def _keep_licence(check: ExportCheck, content: bytes, name: str) -> None:
    check.licence_file_id = keep(
        content,
        name=(name or "export-licence")[:200],
        content_type=checked_upload(content),
        purpose="export_licence",
        organisation_id=check.notice.licensee_id,
    ).id


def note_registration(actor: Actor, notice_id: int, *, number: str, on: dt.date) -> ExportCheck:
    """Note the registration of a contract on free technology; the licence did not wait for it (TIE 36).

    Raises:
        NotFound: as `answer`. Conflict: `export-not-free`.
        Invalid: `registration-number-missing`, `date-in-future`.
    """
    notice = lock_notice(find(actor, "export.note_licence", Notice, notice_id))
    check = _check(notice)
    if check.state != "free":
        raise Conflict("export-not-free", "Only contracts on free technology are registered.")
    number = (number or "").strip()
    if not number or len(number) > MAX_NUMBER:
        raise Invalid(
            "registration-number-missing",
            "Please give the number of the registration.",
            fields={"number": ["Please give the number of the registration."]},
        )
    _not_in_future(on)
    check.registration_number, check.registered_on = number, on
    _told(actor, "export.registered", check)
    return check


def _open(actor: Actor, action: str, notice_id: int) -> tuple[Notice, ExportCheck]:
    notice = lock_notice(find(actor, action, Notice, notice_id))
    check = _check(notice)
    if check.state not in rules.OPEN:
        raise Conflict("export-settled", "This export check is settled already.")
    return notice, check


def _check(notice: Notice) -> ExportCheck:
    check = check_of(notice.id)
    if check is None:
        raise NotFound("export-check-none", "This notice needs no export check.")
    return lock(ExportCheck, check.id)


def _release(notice: Notice, check: ExportCheck) -> None:
    """The check stands no longer in the way: who has paid is licensed, who has not may pay."""
    check.settled_at = clock.now()
    if check.ready_at is not None:
        reason = why_too_late(notice, rules.effective_at(check.ready_at, check.licence_on))
        if reason is not None:
            notices.refuse_notice(notice, reason)
        else:
            notices.pay_in_full(notice, check.ready_at)
    elif notice.state == "served" and notice.pay_by is not None:
        notice.pay_by = max(notice.pay_by, pay_by(clock.now()))


def _move(actor: Actor, check: ExportCheck, action: str, effect: Callable[[], None], **data: Any) -> None:
    EXPORT_CHECK.execute(
        actor,
        check,
        action,
        effect=effect,
        organisation_id=actor.organisation_id,
        notice_id=check.notice_id,
        offer_id=check.notice.offer_id,
        **data,
    )
    db.session.flush()


def _told(actor: Actor, action: str, check: ExportCheck) -> None:
    record(
        action,
        check,
        organisation_id=actor.organisation_id,
        notice_id=check.notice_id,
        offer_id=check.notice.offer_id,
        state=check.state,
    )


def _missing(field: str) -> Invalid:
    sentence = "Please say what applies to the technology."
    return Invalid("technology-class-missing", sentence, fields={field: [sentence]})


def _note(note: str | None) -> str | None:
    note = (note or "").strip()
    if len(note) > MAX_NOTE:
        raise Invalid(
            "text-too-long",
            "This text is too long.",
            fields={"note": ["This text is too long."]},
            limit=MAX_NOTE,
        )
    return note or None


def _not_in_future(on: dt.date) -> None:
    if on > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"on": ["This day is still to come."]}
        )
