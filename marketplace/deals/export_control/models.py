"""What the parties say of the technology under 《技术进出口管理条例》, and what follows for a licence."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.deals.models import Notice
from marketplace.listings.models import Patent

CLASSES = ("free", "restricted", "banned")
ANSWERS = (*CLASSES, "unsure")
STATES = ("asked", "free", "restricted", "licensed", "banned")


class TechnologyClass(Versioned, Model):
    """What the holder states of a patent's technology once and for all licensees abroad."""

    __tablename__ = "technology_classes"
    __table_args__ = (one_of("answer", CLASSES),)
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), unique=True)
    answer: Mapped[str] = mapped_column(Code(16))
    note: Mapped[str | None] = mapped_column(sa.Text)
    stated_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    stated_at: Mapped[dt.datetime]

    patent: Mapped[Patent] = relationship(lazy="joined")


class ExportCheck(Versioned, Model):
    """The technology-export check of a notice whose licensee is seated outside the mainland.

    `seat` is an ISO 3166 code, HK, MO and TW included. `asked`: not settled yet, the licence waits; `free`:
    the licence needs nothing more, and the contract is registered beside it (TIE 36); `restricted`: it waits
    for the export licence; `licensed`: that is recorded; `banned`: the notice was refused. `ready_at` is when
    notice and payment were both there while the check was open.
    """

    __tablename__ = "export_checks"
    __table_args__ = (
        one_of("state", STATES),
        one_of("licensee_answer", ANSWERS),
        one_of("holder_answer", ANSWERS),
        sa.CheckConstraint(
            "state <> 'licensed' OR (licence_number IS NOT NULL AND licence_on IS NOT NULL)",
            name="licensed_has_its_licence",
        ),
    )
    notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("notices.id"), unique=True)
    seat: Mapped[str] = mapped_column(Code(2))
    state: Mapped[str] = mapped_column(Code(16), default="asked")
    licensee_answer: Mapped[str] = mapped_column(Code(16))
    licensee_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    licensee_at: Mapped[dt.datetime]
    holder_answer: Mapped[str | None] = mapped_column(Code(16))
    holder_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    holder_at: Mapped[dt.datetime | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    ready_at: Mapped[dt.datetime | None]
    licence_number: Mapped[str | None] = mapped_column(sa.String(80))
    licence_on: Mapped[dt.date | None]
    licence_file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
    registration_number: Mapped[str | None] = mapped_column(sa.String(80))
    registered_on: Mapped[dt.date | None]
    settled_at: Mapped[dt.datetime | None]

    notice: Mapped[Notice] = relationship(lazy="joined")
