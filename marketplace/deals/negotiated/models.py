"""How a negotiated ordinary licence came to be recorded: by whom, on what evidence; the answer."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile
from marketplace.deals.models import Licence

STATES = ("stated", "confirmed", "contested", "withdrawn")
SIDES = ("holder", "licensee")


class NegotiatedRecord(Versioned, Model):
    """One side's word, with its evidence, on an ordinary licence that both have negotiated.

    `stated` until the other side has confirmed or contested it; the licence itself is the contract's work.
    """

    __tablename__ = "negotiated_records"
    __table_args__ = (one_of("state", STATES), one_of("side", SIDES))
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"), unique=True)
    state: Mapped[str] = mapped_column(Code(16), default="stated")
    side: Mapped[str] = mapped_column(Code(16))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    signed_on: Mapped[dt.date]
    file_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))
    recorded_at: Mapped[dt.datetime]
    answered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    answered_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(500))

    licence: Mapped[Licence] = relationship(lazy="joined")
    file: Mapped[StoredFile] = relationship(lazy="joined")
