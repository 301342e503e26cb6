"""Baskets, bundles of notices, and transfers that pay several of them at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import Organisation
from marketplace.accounts.personal import of_user
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.deals.models import Notice, Payment
from marketplace.listings.models import Offer

PART_STATES = ("waiting", "served", "refused")


class BasketItem(Model):
    """An offer that an organisation has laid aside to take up with others."""

    __tablename__ = "basket_items"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "offer_id"), first_counts())
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    added_at: Mapped[dt.datetime]

    offer: Mapped[Offer] = relationship(lazy="joined")


class Bundle(Versioned, Model):
    """Several notices given in one go. It has no state of its own: each part is a legal act of its own.

    `user_id` gave them, acting for `organisation_id`: the licensee itself, or its agency under a mandate.
    `seat`: where the licensee is seated (ISO 3166). `done_at`: when no part waited any more for the first
    time.
    """

    __tablename__ = "bundles"
    number: Mapped[str] = mapped_column(Code(24), unique=True)
    licensee_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    user_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    use: Mapped[str | None] = mapped_column(sa.Text)
    contact: Mapped[str | None] = mapped_column(sa.String(500), info=of_user(kept="contract"))
    seat: Mapped[str] = mapped_column(Code(2))
    created_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]

    licensee: Mapped[Organisation] = relationship(foreign_keys=[licensee_id], lazy="joined")
    parts: Mapped[list[BundlePart]] = relationship(
        back_populates="bundle", lazy="selectin", order_by="BundlePart.id"
    )
    transfers: Mapped[list[BundleTransfer]] = relationship(
        back_populates="bundle", lazy="selectin", order_by="BundleTransfer.id"
    )


class BundlePart(Versioned, Model):
    """One offer of a bundle: waiting, its notice given, or refused with the code of the reason.

    `terms_digest` is that of the terms which the licensee saw and agreed to: no others are taken up.
    `technology`: what a licensee seated abroad thinks applies to it (a code of `export_control.ANSWERS`).
    `clauses`: ids of the holder's further clauses that it accepts with the notice; none is ever needed.
    """

    __tablename__ = "bundle_parts"
    __table_args__ = (
        one_of("state", PART_STATES),
        sa.UniqueConstraint("bundle_id", "offer_id"),
        sa.CheckConstraint("(state = 'served') = (notice_id IS NOT NULL)", name="notice_when_served"),
    )
    bundle_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("bundles.id"))
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="waiting")
    notice_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("notices.id"), unique=True)
    problem: Mapped[str | None] = mapped_column(Code(40))
    technology: Mapped[str | None] = mapped_column(Code(16))
    terms_digest: Mapped[str] = mapped_column(Code(64))
    clauses: Mapped[list[Any]] = mapped_column(default=list)

    bundle: Mapped[Bundle] = relationship(back_populates="parts", lazy="joined")
    offer: Mapped[Offer] = relationship(lazy="joined")
    notice: Mapped[Notice | None] = relationship(lazy="joined")


class BundleTransfer(Versioned, Model):
    """One transfer, or one checkout, that pays several notices of a bundle into one account of one payee.

    The sums stay those of its payments, each of which pays its own obligation; `amount_minor` is their sum
    in minor units of `currency` as it was when it was begun. A checkout's session is also that of each of
    its payments.
    """

    __tablename__ = "bundle_transfers"
    __table_args__ = (
        one_of("channel", ("bank", "stripe")),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("channel <> 'bank' OR account IS NOT NULL", name="transfer_has_account"),
        sa.CheckConstraint("channel <> 'stripe' OR stripe_account IS NOT NULL", name="checkout_has_account"),
    )
    bundle_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("bundles.id"), index=True)
    payee_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    channel: Mapped[str] = mapped_column(Code(8))
    reference: Mapped[str] = mapped_column(Code(40), unique=True)
    account_name: Mapped[str | None] = mapped_column(sa.String(200))
    bank: Mapped[str | None] = mapped_column(sa.String(200))
    account: Mapped[str | None] = mapped_column(sa.String(64))
    stripe_account: Mapped[str | None] = mapped_column(sa.String(64))
    checkout_session_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    checkout_url: Mapped[str | None] = mapped_column(sa.Text)
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    created_at: Mapped[dt.datetime]

    payee: Mapped[Organisation] = relationship(lazy="joined")
    bundle: Mapped[Bundle] = relationship(back_populates="transfers", lazy="joined")
    items: Mapped[list[BundleTransferItem]] = relationship(
        lazy="selectin", order_by="BundleTransferItem.payment_id"
    )


class BundleTransferItem(Model):
    """A payment that a transfer is part of; a payment belongs to one transfer at most."""

    __tablename__ = "bundle_transfer_items"
    transfer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("bundle_transfers.id"), primary_key=True)
    payment_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("payments.id"), primary_key=True, unique=True)

    payment: Mapped[Payment] = relationship(lazy="joined")
