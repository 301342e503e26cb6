"""How a notice was made and sent, its time-stamp, and the papers that parties lay beside a licence."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.deals.models import Licence, Notice

FORMS = ("online", "uploaded")
CAPACITIES = ("member", "mandate")
SYSTEMS = ("designated_system", "announced_contact")
IDENTITIES = ("confirmed", "stated")
STAMP_STATES = ("waiting", "stamped")
PAPER_KINDS = ("source", "termination", "recordal")


class NoticeEvidence(Model):
    """What was known of a notice and its sender in the moment in which it was written (ESL 4, 13).

    `identity` is how strongly the sending organisation's identity was established then; `email_verified`,
    `second_factor` say it of the person. `capacity`: by a member of the licensee or under a mandate.
    `system`: whether it went into the holder's designated system or to the announced contact.
    `form`: our own document, or a PDF that the licensee made and sealed itself; then `seal_intact`,
    `seal_signer` are what the check of its first signature found, None where it bears none.
    `sent_to`, `sent_at`, `message_id`: the mail to an announced contact; `proof_id`: what proves service.
    """

    __tablename__ = "notice_evidence"
    __table_args__ = (
        one_of("form", FORMS),
        one_of("identity", IDENTITIES),
        one_of("capacity", CAPACITIES),
        one_of("system", SYSTEMS),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("notices.id"), unique=True)
    form: Mapped[str] = mapped_column(Code(16))
    identity: Mapped[str] = mapped_column(Code(16))
    identity_how: Mapped[str | None] = mapped_column(Code(16))
    email_verified: Mapped[bool]
    second_factor: Mapped[bool]
    capacity: Mapped[str] = mapped_column(Code(16))
    system: Mapped[str] = mapped_column(Code(24))
    seal_intact: Mapped[bool | None]
    seal_signer: Mapped[str | None] = mapped_column(sa.String(200))
    sent_to: Mapped[str | None] = mapped_column(sa.String(254))
    sent_at: Mapped[dt.datetime | None]
    message_id: Mapped[str | None] = mapped_column(sa.String(200))
    proof_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))

    notice: Mapped[Notice] = relationship(lazy="joined")
    proof: Mapped[StoredFile | None] = relationship(lazy="joined")


class TimeStamp(Versioned, Model):
    """The RFC 3161 time-stamp over a notice's document: asked for, and the signed token once it is there.

    `tried`, `tried_at`, `failure` tell of attempts that failed; a notice never waits for its time-stamp.
    """

    __tablename__ = "time_stamps"
    __table_args__ = (
        one_of("state", STAMP_STATES),
        sa.CheckConstraint("(state = 'stamped') = (token IS NOT NULL)", name="stamped_has_token"),
    )
    notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("notices.id"), unique=True)
    digest: Mapped[str] = mapped_column(Code(64))
    state: Mapped[str] = mapped_column(Code(16), default="waiting")
    asked_at: Mapped[dt.datetime]
    tried: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[dt.datetime | None]
    failure: Mapped[str | None] = mapped_column(Code(40))
    token: Mapped[bytes | None]
    stamped_at: Mapped[dt.datetime | None]
    serial: Mapped[str | None] = mapped_column(sa.String(80))
    authority: Mapped[str | None] = mapped_column(sa.String(200))

    notice: Mapped[Notice] = relationship(lazy="joined")


class LicencePaper(Model):
    """A paper that a party or the operator laid beside a licence.

    `source`: evidence of a licence that was taken elsewhere. `termination`: the notice by which the holder
    ended the licence, with the ground as it states it. `recordal`: what CNIPA sent of a recordal, its change
    or its cancellation.
    """

    __tablename__ = "licence_papers"
    __table_args__ = (
        one_of("kind", PAPER_KINDS),
        sa.CheckConstraint("text IS NOT NULL OR file_id IS NOT NULL", name="says_something"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    text: Mapped[str | None] = mapped_column(sa.Text)
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]

    licence: Mapped[Licence] = relationship(lazy="joined")
    file: Mapped[StoredFile | None] = relationship(lazy="joined")
