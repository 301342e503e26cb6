"""Endpoints of organisations' systems, what is to be sent to them, and every attempt."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of

ENDPOINT_STATES = ("active", "disabled", "removed")
DELIVERY_STATES = ("pending", "delivered", "failed")


class WebhookEndpoint(Versioned, Model):
    """An HTTPS address to which what concerns an organisation is sent.

    The secret is not stored: it is derived from the instance's key and `nonce` (`signing`). While a rotation
    overlaps, messages are signed with the old one too, until `old_until`.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (one_of("state", ENDPOINT_STATES),)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    url: Mapped[str] = mapped_column(sa.String(500))
    label: Mapped[str] = mapped_column(sa.String(120), default="")
    events: Mapped[list[str]]
    state: Mapped[str] = mapped_column(Code(16), default="active")
    nonce: Mapped[str] = mapped_column(Code(64))
    old_nonce: Mapped[str | None] = mapped_column(Code(64))
    old_until: Mapped[dt.datetime | None]
    failing_since: Mapped[dt.datetime | None]
    created_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]


class WebhookDelivery(Model):
    """One message to one endpoint; `body` has ids and states only. A replay sends the same message again."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        one_of("state", DELIVERY_STATES),
        sa.UniqueConstraint("endpoint_id", "entry_id", "event"),
        sa.Index("ix_webhook_deliveries_created_at", "created_at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("webhook_endpoints.id"))
    entry_id: Mapped[int] = mapped_column(Key)
    event: Mapped[str] = mapped_column(Code(48))
    message_id: Mapped[str] = mapped_column(Code(48), unique=True)
    body: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(Code(16), default="pending")
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime]
    next_at: Mapped[dt.datetime | None]
    delivered_at: Mapped[dt.datetime | None]

    endpoint: Mapped[WebhookEndpoint] = relationship(lazy="joined")
    attempts: Mapped[list[WebhookAttempt]] = relationship(
        order_by="WebhookAttempt.id", cascade="all, delete-orphan", passive_deletes=True
    )


class WebhookAttempt(Model):
    """One attempt to deliver: the answer's status, or what kept it from coming."""

    __tablename__ = "webhook_attempts"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[dt.datetime]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Code(40))
    milliseconds: Mapped[int]
