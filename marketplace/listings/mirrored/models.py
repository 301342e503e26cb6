"""Offers that are shown on other platforms, and where each source was read to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import FEE_FORMS, KINDS, RATE_BASES


class MirrorSource(Versioned, Model):
    """Another platform. `cursor` is where a pull goes on, within a harvest or after it; None at its start."""

    __tablename__ = "mirror_sources"
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    address: Mapped[str | None] = mapped_column(sa.String(1000))
    cursor: Mapped[str | None] = mapped_column(sa.String(500))
    read_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]


class MirroredOffer(Model):
    """An offer as its platform shows it: no offer of this market, so nobody can take it here.

    Money in 分, rate in per cent. It is deleted when its platform ends it.
    """

    __tablename__ = "mirrored_offers"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("fee_form", FEE_FORMS),
        one_of("rate_base", RATE_BASES),
        sa.UniqueConstraint("source_id", "reference"),
        sa.CheckConstraint("fee_minor IS NULL OR fee_minor >= 0", name="fee_not_negative"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("mirror_sources.id"))
    reference: Mapped[str] = mapped_column(sa.String(80))
    address: Mapped[str] = mapped_column(sa.String(1000))
    patent_number: Mapped[str] = mapped_column(Code(20), index=True)
    title: Mapped[str] = mapped_column(sa.String(500))
    owners: Mapped[str | None] = mapped_column(sa.String(1000))
    kind: Mapped[str] = mapped_column(Code(16))
    ipc: Mapped[str | None] = mapped_column(Code(20))
    declaration_number: Mapped[str | None] = mapped_column(sa.String(40))
    announced_on: Mapped[dt.date | None]
    fee_form: Mapped[str | None] = mapped_column(Code(24))
    fee_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    rate_percent: Mapped[Decimal | None]
    rate_base: Mapped[str | None] = mapped_column(Code(16))
    payment_text: Mapped[str | None] = mapped_column(sa.Text)
    term_to: Mapped[dt.date | None]
    digest: Mapped[str] = mapped_column(Code(64))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]

    source: Mapped[MirrorSource] = relationship(lazy="joined")
