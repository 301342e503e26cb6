"""Orders of what a holder offers beside its licence, with the words and the price as they stood."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import Offer

STATES = ("ordered", "accepted", "declined", "cancelled", "done", "paid")
LIVING = ("ordered", "accepted", "done")


class ServiceOrder(Versioned, Model):
    """An order of know-how or a service; a contract of its own, its money in no figure of licences.

    `price_minor` in minor units of `currency` is the listed price, or what the holder named on accepting;
    None until then where the list says by agreement.
    """

    __tablename__ = "service_orders"
    __table_args__ = (
        one_of("state", STATES),
        sa.CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price_not_negative"),
    )
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    provider_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    customer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(Code(24))
    what_zh: Mapped[str] = mapped_column(sa.String(500))
    what_en: Mapped[str | None] = mapped_column(sa.String(800))
    price_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3), default="CNY")
    price_unit: Mapped[str] = mapped_column(Code(8), default="once")
    state: Mapped[str] = mapped_column(Code(16), default="ordered")
    wish: Mapped[str | None] = mapped_column(sa.Text)
    wanted_by: Mapped[dt.date | None]
    answer: Mapped[str | None] = mapped_column(sa.String(1000))
    ordered_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]
    done_on: Mapped[dt.date | None]
    paid_on: Mapped[dt.date | None]

    offer: Mapped[Offer] = relationship(lazy="joined")
    provider: Mapped[Organisation] = relationship(foreign_keys=[provider_id], lazy="joined")
    customer: Mapped[Organisation] = relationship(foreign_keys=[customer_id], lazy="joined")
