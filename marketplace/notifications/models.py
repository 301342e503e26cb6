"""Messages to organisations and staff, made from journal entries: codes and ids, not wording."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.accounts.following import IN_WORDS, first_counts
from marketplace.core.database import Code, Key, Model, one_of

STAFF = ("bureau", "operator")


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
