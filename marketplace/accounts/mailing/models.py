"""Which mails a person does not want, and the mails that were to go out, each once."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Key, Model, one_of

OUTGOING_STATES = ("due", "sending", "sent", "refused")


class MailStop(Model):
    """A person who wants no more mails of one kind."""

    __tablename__ = "mail_stops"
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(Code(32), primary_key=True)
    stopped_at: Mapped[dt.datetime]


class OutgoingMail(Model):
    """A mail that goes out at most once: its key says to whom, about what and of which day.

    It is `sending` from before the mail server is asked until its answer is kept. One that is found so by
    another try may have gone out, and is not sent again.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        one_of("state", OUTGOING_STATES),
        sa.UniqueConstraint("key"),
        sa.Index("ix_outgoing_mails_asked_at", "asked_at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(Code(120))
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    topic: Mapped[str] = mapped_column(Code(32))
    state: Mapped[str] = mapped_column(Code(16), default="due")
    asked_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
