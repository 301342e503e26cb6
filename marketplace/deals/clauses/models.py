"""Optional clauses of an offer, and which of them a licensee has accepted."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.deals.models import Notice
from marketplace.listings.models import Offer

KINDS = ("use_reports", "grace_period", "improvements", "support", "marking", "other")
STATES = ("published", "withdrawn")


class OfferClause(Versioned, Model):
    """A further clause that the holder offers beside the announced terms (GL V-11 §3.3: no condition).

    Its text is never changed: another wording is another clause. Withdrawing it leaves what was accepted.
    """

    __tablename__ = "offer_clauses"
    __table_args__ = (one_of("kind", KINDS), one_of("state", STATES))
    offer_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offers.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="published")
    text: Mapped[str] = mapped_column(sa.Text)
    text_en: Mapped[str | None] = mapped_column(sa.Text)
    published_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    published_at: Mapped[dt.datetime]
    withdrawn_at: Mapped[dt.datetime | None]

    offer: Mapped[Offer] = relationship(lazy="joined")


class ClauseAcceptance(Model):
    """A clause that a licensee has accepted, with its notice or later; both sides are bound by it since."""

    __tablename__ = "clause_acceptances"
    __table_args__ = (sa.UniqueConstraint("clause_id", "notice_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    clause_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("offer_clauses.id"))
    notice_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("notices.id"), index=True)
    accepted_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    accepted_at: Mapped[dt.datetime]

    clause: Mapped[OfferClause] = relationship(lazy="joined")
    notice: Mapped[Notice] = relationship(lazy="joined")

    @property
    def state(self) -> str:
        """An acceptance stands for good: `accepted`."""
        return "accepted"
