"""An organisation shows who it is, with papers that staff looks at; on top of `confirming`.

Never a gate for taking a licence (PL 51): it only lets lists be matched with the organisation, and others see
that somebody has looked. The papers are seen by staff only, and deleted some time after the decision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from flask import current_app

from marketplace.core import clock, files
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record, unit_of_work

from .access_log import services as access_log
from .confirming import clean_code, confirm_organisation
from .lifecycle import VERIFICATION
from .models import Organisation, Verification, VerificationDocument
from .services import get_organisation

PURPOSE: Final = "verification"
KINDS: Final = ("business_licence", "letter_of_authority", "other")
MOST: Final = 5  # papers of one verification
MOST_TOGETHER: Final = 20 * 1024 * 1024  # bytes


def state_of(organisation: Organisation) -> str:
    """`confirmed` as long as the identity is; else the last verification's state, `none` without one."""
    if organisation.confirmed:
        return "confirmed"
    last = last_of(organisation.id)
    # A confirmation that was taken back is none.
    return "none" if last is None or last.state == "confirmed" else last.state


def last_of(organisation_id: int) -> Verification | None:
    """The organisation's latest verification."""
    return db.session.scalar(
        sa.select(Verification)
        .where(Verification.organisation_id == organisation_id)
        .order_by(Verification.id.desc())
        .limit(1)
    )


def submit(
    actor: Actor, organisation_id: int, *, code: str | None, papers: Sequence[tuple[str, str, bytes]]
) -> Verification:
    """Hand in papers that show who an organisation is.

    Args:
        code: the credit code as in the papers, if it has one.
        papers: kind (one of KINDS), file name and content of each: PDF, PNG or JPEG of at most 10 MB.

    Raises:
        Forbidden: not one that the actor administers.
        Invalid: `papers-missing`, `papers-too-many`, `verification-waiting`, `credit-code-invalid`, and what
            `files.checked_upload` raises.
    """
    organisation = lock(Organisation, get_organisation(organisation_id).id)
    require(actor, "verification.submit", organisation)
    if not papers:
        message = N_("Please add at least one paper.")
        raise Invalid("papers-missing", message, fields={"business_licence": [message]})
    if len(papers) > MOST or sum(len(content) for _, _, content in papers) > MOST_TOGETHER:
        message = N_("Please hand in at most five papers of 20 MB together.")
        raise Invalid("papers-too-many", message, fields={"other": [message]})
    last = last_of(organisation.id)
    if last is not None and last.state == VERIFICATION.initial:
        raise Invalid("verification-waiting", "Your papers are being looked at: the answer is still to come.")
    verification = Verification(
        organisation=organisation,
        state=VERIFICATION.initial,
        code=clean_code(code) or organisation.code,
        submitted_by=actor.user_id,
        submitted_at=clock.now(),
    )
    for kind, name, content in papers:
        kept = files.keep(
            content,
            name=name,
            content_type=files.checked_upload(content),
            purpose=PURPOSE,
            organisation_id=organisation.id,
        )
        verification.documents.append(VerificationDocument(kind=kind, file_id=kept.id))
    db.session.add(verification)
    record("verification.submitted", verification, organisation_id=organisation.id, papers=len(papers))
    return verification


def waiting(actor: Actor, *, limit: int = 50) -> Sequence[Verification]:
    """What nobody has decided yet, oldest first; for staff."""
    require(actor, "verification.see")
    query = sa.select(Verification).where(Verification.state == VERIFICATION.initial)
    return db.session.scalars(query.order_by(Verification.id).limit(limit)).all()


def get(actor: Actor, verification_id: int) -> Verification:
    """One verification, for staff.

    Raises:
        NotFound: there is none; Forbidden: not staff.
    """
    require(actor, "verification.see")
    found = db.session.get(Verification, verification_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    _note(actor, found)
    return found


def confirm(actor: Actor, verification_id: int, *, source: str) -> Verification:
    """Confirm the organisation by its papers: an operator by documents, the bureau on its own word.

    Args:
        source: which document of which day it rests on.

    Raises:
        NotFound; Forbidden: not staff. Conflict: `illegal-transition`, `code-confirmed`. Invalid: as
            `confirm_organisation`.
    """
    verification = _locked(actor, verification_id)
    VERIFICATION.find("confirm", verification.state)
    how = "documents" if actor.is_operator else "bureau"
    confirm_organisation(actor, verification.organisation_id, how=how, source=source, code=verification.code)
    _decide(actor, verification, "confirm")
    return verification


def give_back(actor: Actor, verification_id: int, *, reason: str) -> Verification:
    """Return the papers, saying why; the organisation may hand in others.

    Raises:
        NotFound; Forbidden: not staff. Invalid: `reason-missing`. Conflict: `illegal-transition`.
    """
    verification = _locked(actor, verification_id)
    reason = reason.strip()
    if not reason or len(reason) > 500:
        message = N_("Please say why, in at most 500 characters.")
        raise Invalid("reason-missing", message, fields={"reason": [message]})
    verification.reason = reason
    _decide(actor, verification, "return")
    return verification


def _decide(actor: Actor, verification: Verification, action: str) -> None:
    def effect() -> None:
        verification.decided_by, verification.decided_at = actor.user_id, clock.now()

    VERIFICATION.execute(
        actor, verification, action, effect=effect, organisation_id=verification.organisation_id
    )


def _locked(actor: Actor, verification_id: int) -> Verification:
    require(actor, "verification.decide")
    found = db.session.get(Verification, verification_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    # The order of locks: the organisation before what is about it.
    lock(Organisation, found.organisation_id)
    return lock(Verification, verification_id)


def paper_of(actor: Actor, document_id: int) -> files.StoredFile:
    """One paper, for staff only: not even the organisation that handed it in sees it again.

    Raises:
        NotFound: there is none, or it is deleted; Forbidden: not staff.
    """
    require(actor, "verification.see")
    document = db.session.get(VerificationDocument, document_id)
    if document is None or document.file_id is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    _note(actor, db.session.get_one(Verification, document.verification_id))
    return db.session.get_one(files.StoredFile, document.file_id)


def _note(actor: Actor, seen: Verification) -> None:
    """A look at the papers that show who somebody is, of whoever handed them in."""
    access_log.note(
        actor,
        "verification",
        [seen.submitted_by] if seen.submitted_by is not None else [],
        organisation_id=seen.organisation_id,
        subject=seen,
    )


def forget_papers() -> None:
    """Delete the papers of verifications decided longer ago than the retention (a schedule)."""
    days = current_app.config["SETTINGS"].verification_retention_days
    query = sa.select(Verification.id).where(
        Verification.forgotten_at.is_(None),
        Verification.decided_at.is_not(None),
        Verification.decided_at < clock.now() - dt.timedelta(days=days),
    )
    ids = list(db.session.scalars(query.order_by(Verification.id)))
    db.session.rollback()
    for verification_id in ids:
        with unit_of_work():
            forget(lock(Verification, verification_id))


def forget(verification: Verification) -> None:
    """Delete the papers of a verification that is locked; harmless when repeated."""
    if verification.forgotten_at is not None:
        return
    for document in verification.documents:
        row = db.session.get(files.StoredFile, document.file_id) if document.file_id is not None else None
        document.file_id = None
        db.session.flush()
        if row is not None:
            files.forget(row)
    verification.forgotten_at = clock.now()
    record("verification.papers_deleted", verification, organisation_id=verification.organisation_id)
