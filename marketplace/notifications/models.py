"""Messages to organisations, made from journal entries: a code and ids, rendered in the reader's language."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Key, Model


class Notification(Model):
    """One message in an organisation's inbox."""

    __tablename__ = "notifications"
    __table_args__ = (sa.UniqueConstraint("entry_id", "organisation_id", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    entry_id: Mapped[int] = mapped_column(Key)
    code: Mapped[str] = mapped_column(Code(48))
    parameters: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]
