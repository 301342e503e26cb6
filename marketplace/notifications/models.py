"""Messages to organisations and staff, made from journal entries: codes and ids, not wording."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.accounts.following import IN_WORDS, first_counts
from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, Versioned, one_of

STAFF = ("bureau", "operator")
MAIL_STATES = ("held", "sent", "refused")


class Notification(Model):
    """One message in the inbox of an organisation, or of all who are of one staff role.

    `recipient` names either (`organisation:12`, `operator`), so that an entry never tells anybody twice;
    `user:7` is one member of the organisation, whom alone it concerns.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        sa.UniqueConstraint("entry_id", "recipient", "code"),
        one_of("staff_role", STAFF),
        sa.CheckConstraint("(organisation_id IS NULL) <> (staff_role IS NULL)", name="one_recipient"),
        first_counts(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    recipient: Mapped[str] = mapped_column(Code(40), info={IN_WORDS: ("entry_id", "code")})
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    staff_role: Mapped[str | None] = mapped_column(Code(16), index=True)
    entry_id: Mapped[int] = mapped_column(Key)
    code: Mapped[str] = mapped_column(Code(48))
    parameters: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]

    @property
    def user_id(self) -> int | None:
        """The one member whom it is for; None where it is for all."""
        kind, _, key = self.recipient.partition(":")
        return int(key) if kind == "user" else None


class MailHours(Versioned, Model):
    """When a person wants no mail: from one minute of the day to another in Asia/Shanghai, over midnight."""

    __tablename__ = "mail_hours"
    __table_args__ = (
        sa.CheckConstraint("quiet_from BETWEEN 0 AND 1439", name="from_in_the_day"),
        sa.CheckConstraint("quiet_to BETWEEN 0 AND 1439", name="to_in_the_day"),
        sa.CheckConstraint("quiet_from <> quiet_to", name="some_time"),
    )
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), unique=True)
    quiet_from: Mapped[int]
    quiet_to: Mapped[int]


class SentMail(Model):
    """What was sent by mail to whom and when; the address goes after its retention, the fact stays.

    `held_until` is the end of the quiet hours that a mail waits or waited for.
    """

    __tablename__ = "sent_mails"
    __table_args__ = (
        one_of("state", MAIL_STATES),
        sa.UniqueConstraint("notification_id", "user_id"),
        sa.Index("ix_sent_mails_asked_at", "asked_at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    notification_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("notifications.id"))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    code: Mapped[str] = mapped_column(Code(48))
    address: Mapped[str | None] = mapped_column(sa.String(254), info=of_user())
    locale: Mapped[str] = mapped_column(Code(8))
    state: Mapped[str] = mapped_column(Code(16))
    urgent: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[dt.datetime]
    held_until: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
