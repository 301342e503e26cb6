"""What is noted of a notice and its sender, the mail that carried it, and papers laid beside a licence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.files import checked_upload, keep
from marketplace.core.lazily import Lazily
from marketplace.core.unit_of_work import record
from marketplace.deals.lookup import find
from marketplace.deals.models import Licence, Notice
from marketplace.deals.policies import side_of

from .models import LicencePaper, NoticeEvidence

if TYPE_CHECKING:
    from marketplace.core.papers import signing
else:
    signing = Lazily("marketplace.core.papers.signing")

MAX_TEXT: Final = 2000


@dataclass(frozen=True)
class OwnDocument:
    """A written notice that the licensee made itself: its bytes, and what its first signature is worth.

    `intact` is None where it bears no signature that can be read, a scan with a stamp in ink for instance.
    """

    pdf: bytes
    intact: bool | None
    signer: str


def own_document(content: bytes) -> OwnDocument:
    """Look at an uploaded notice, before the unit of work.

    Raises:
        Invalid: what `checked_upload` raises, `notice-not-pdf`, or `seal-broken`: it was changed after it was
            signed.
    """
    if checked_upload(content) != "application/pdf":
        raise Invalid("notice-not-pdf", "A notice of your own has to be a PDF.")
    found = signing.verify(content, ())
    if not found.signer:
        return OwnDocument(content, None, "")
    if not (found.intact and found.valid):
        raise Invalid("seal-broken", "The seal on this PDF is broken: it was changed after it was signed.")
    return OwnDocument(content, True, found.signer[:200])


def note_evidence(actor: Actor, notice: Notice, own: OwnDocument | None) -> NoticeEvidence:
    """Keep what is known of a new notice's sender now; nothing of it gates the notice."""
    licensee = notice.licensee
    found = sa.select(User.email_verified_at, User.totp_secret).where(User.id == actor.user_id)
    user = db.session.execute(found).first()
    row = NoticeEvidence(
        notice=notice,
        form="uploaded" if own is not None else "online",
        identity=licensee.identity,
        identity_how=licensee.confirmed_how,
        email_verified=user is not None and user.email_verified_at is not None,
        second_factor=user is not None and user.totp_secret is not None,
        capacity="member" if licensee.id in actor.own else "mandate",
        system="designated_system" if notice.offer.holder.joined else "announced_contact",
        seal_intact=own.intact if own is not None else None,
        seal_signer=own.signer or None if own is not None else None,
    )
    db.session.add(row)
    return row


def evidence_of(notice: Notice) -> NoticeEvidence | None:
    """What was noted of a notice; None for those of the time before it was."""
    return db.session.scalar(sa.select(NoticeEvidence).where(NoticeEvidence.notice_id == notice.id))


def note_mail(notice: Notice, address: str, at: dt.datetime) -> None:
    """Keep that the sealed notice left for the announced contact, in the present unit of work."""
    row = evidence_of(notice)
    if row is None or row.sent_at is not None:
        return
    row.sent_to, row.sent_at = address[:254], at
    record("notice.sent", notice, organisation_id=notice.licensee_id, offer_id=notice.offer_id)


def keep_proof(notice: Notice, content: bytes, name: str) -> None:
    """Keep a file that proves service, in the present unit of work. Raises what `checked_upload` raises."""
    kept = keep(
        content,
        name=name,
        content_type=checked_upload(content),
        purpose="service_proof",
        organisation_id=notice.licensee_id,
    )
    row = evidence_of(notice)
    if row is not None:
        row.proof = kept


def lay_paper(
    actor: Actor,
    licence: Licence,
    kind: str,
    *,
    text: str | None = None,
    content: bytes | None = None,
    name: str = "",
) -> LicencePaper:
    """Lay a paper beside a licence, in the present unit of work; whether the actor may was asked before.

    Raises:
        Invalid: `paper-empty`, `text-too-long`, and what `checked_upload` raises.
    """
    text = (text or "").strip() or None
    if text is None and not content:
        raise Invalid("paper-empty", "Please write something or choose a file.")
    if text is not None and len(text) > MAX_TEXT:
        raise Invalid("text-too-long", "This text is too long.", limit=MAX_TEXT)
    file_id = None
    if content:
        file_id = keep(
            content,
            name=name or kind,
            content_type=checked_upload(content),
            purpose=f"licence_{kind}",
            organisation_id=actor.organisation_id,
        ).id
    paper = LicencePaper(
        licence=licence,
        kind=kind,
        text=text,
        file_id=file_id,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        created_at=clock.now(),
    )
    db.session.add(paper)
    record(
        "licence.paper_kept",
        licence,
        organisation_id=licence.licensee_id,
        kind=kind,
        side=side_of(actor, licence),
    )
    return paper


def add_source(actor: Actor, licence_id: int, *, text: str | None, content: bytes | None, name: str) -> None:
    """Lay evidence beside a licence, by a party or the operator.

    Raises:
        NotFound: another party's; Invalid: as `lay_paper`.
    """
    lay_paper(
        actor,
        find(actor, "licence.add_paper", Licence, licence_id),
        "source",
        text=text,
        content=content,
        name=name,
    )


def papers_of(licence: Licence) -> list[LicencePaper]:
    """The papers beside a licence, oldest first."""
    query = sa.select(LicencePaper).where(LicencePaper.licence_id == licence.id).order_by(LicencePaper.id)
    return list(db.session.scalars(query))
