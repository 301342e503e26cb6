"""What the gazette announced about a recordal after it took effect."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.deals.models import Licence

KINDS = ("changed", "cancelled")
SIDES = ("holder", "licensee", "operator", "gazette")
REMINDERS = ("due_30", "due_14", "due_3")


class RecordalChange(Model):
    """A change of a recorded licence (item, before, after), or the cancellation of its recordal.

    `side` is who says so: a party that filed it, or the gazette's list, which verifies it.
    """

    __tablename__ = "recordal_changes"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("side", SIDES),
        sa.UniqueConstraint("licence_id", "kind", "announced_on", "item"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"))
    kind: Mapped[str] = mapped_column(Code(16))
    announced_on: Mapped[dt.date]
    item: Mapped[str] = mapped_column(sa.String(100), default="")
    before: Mapped[str | None] = mapped_column(sa.String(1000))
    after: Mapped[str | None] = mapped_column(sa.String(1000))
    side: Mapped[str] = mapped_column(Code(16), default="gazette")
    created_at: Mapped[dt.datetime]

    licence: Mapped[Licence] = relationship(lazy="joined")


class RecordalReminder(Model):
    """That both sides were reminded of a recordal so many days before its last day."""

    __tablename__ = "recordal_reminders"
    __table_args__ = (one_of("kind", REMINDERS), sa.UniqueConstraint("licence_id", "kind"))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    licence_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("licences.id"))
    kind: Mapped[str] = mapped_column(Code(16))
    created_at: Mapped[dt.datetime]

    licence: Mapped[Licence] = relationship(lazy="joined")


class AnnuityRelief(Versioned, Model):
    """What a patentee says of the fee relief for holders of small means that it has been granted (费减备案).

    Of this relief and the cut for open licences the higher counts, never both (GL V-11 §8). `until` is the
    last day of the relief, None while it goes on; a row is there from the first statement on.
    """

    __tablename__ = "annuity_reliefs"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id"),
        sa.CheckConstraint("until IS NULL OR until >= since", name="not_reversed"),
        first_counts(),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    since: Mapped[dt.date]
    until: Mapped[dt.date | None]
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    stated_at: Mapped[dt.datetime]
