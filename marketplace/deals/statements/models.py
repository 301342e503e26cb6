"""Lines of holders' bank statements that speak of money owed here."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.deals.models import Payment

STATES = ("part", "settled", "differs", "suggested", "dismissed")


class BankLine(Versioned, Model):
    """Money that came into a holder's account, by its own statement, and the payment it belongs to.

    `part` of what is owed, the rest was awaited; `settled`, alone or with earlier parts; `differs`, as more
    came than was owed, it was paid already, or it is another currency; `suggested` by sum and payer, without
    the reference, until the holder has said whether it is so; `dismissed` by the holder. A line that says
    nothing of a payment here is none of our business and is not kept.
    """

    __tablename__ = "bank_lines"
    __table_args__ = (
        one_of("state", STATES),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.UniqueConstraint("organisation_id", "serial", "receipt_id"),
        sa.Index(
            "uq_bank_lines_no_receipt",
            "organisation_id",
            "serial",
            unique=True,
            sqlite_where=sa.text("receipt_id IS NULL"),
            postgresql_where=sa.text("receipt_id IS NULL"),
        ),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    payment_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("payments.id"), index=True)
    receipt_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("receipts.id"))
    serial: Mapped[str] = mapped_column(sa.String(64))
    booked_on: Mapped[dt.date]
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(Code(3))
    payer: Mapped[str | None] = mapped_column(sa.String(200))
    remark: Mapped[str | None] = mapped_column(sa.String(500))
    state: Mapped[str] = mapped_column(Code(16))
    created_at: Mapped[dt.datetime]

    payment: Mapped[Payment] = relationship(lazy="joined")
