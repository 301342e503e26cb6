"""What was sent by mail to whom and when: written as it happens, read by the person and by operators."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import current

from .hours import URGENT
from .models import Notification, SentMail

KEPT_DAYS: Final = 180
"""How long the address stays in the log; after that the fact stays, with the account's number."""


def was_sent(notification_id: int, user_id: int) -> bool:
    """Whether a message has reached the mail server for a person already."""
    found = _row(notification_id, user_id)
    return found is not None and found.state == "sent"


def note(
    notification: Notification, user: User, state: str, *, held_until: dt.datetime | None = None
) -> SentMail:
    """Note what became of a mail, in the present unit of work.

    Args:
        state: `held`, `sent` or `refused`.
        held_until: for one that is held.
    """
    current()
    now = clock.now()
    row = _row(notification.id, user.id)
    if row is None:
        row = SentMail(
            notification_id=notification.id,
            user_id=user.id,
            organisation_id=notification.organisation_id,
            code=notification.code,
            urgent=notification.code in URGENT,
            asked_at=now,
        )
        db.session.add(row)
    row.address, row.locale, row.state = user.email, user.locale, state
    if held_until is not None:
        row.held_until = held_until
    if state == "sent":
        row.sent_at = now
    db.session.flush()
    return row


def _row(notification_id: int, user_id: int) -> SentMail | None:
    return db.session.scalar(
        sa.select(SentMail).where(SentMail.notification_id == notification_id, SentMail.user_id == user_id)
    )


def log(
    actor: Actor,
    *,
    everybody: bool = False,
    address: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[tuple[SentMail, Notification | None]]:
    """Mails with their messages, newest first: the actor's own, or everybody's for an operator.

    Args:
        everybody: all, which is the operator's alone.
        address: only those to this address, exactly.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.

    Raises:
        Unauthenticated, Forbidden: nobody is signed in, or not an operator.
    """
    require(actor, "mail_log.audit" if everybody else "mail_hours.set")
    query = (
        sa.select(SentMail, Notification)
        .outerjoin(Notification, SentMail.notification_id == Notification.id)
        .order_by(SentMail.id.desc())
        .limit(min(limit, 200))
    )
    if not everybody:
        query = query.where(SentMail.user_id == actor.user_id)
    if address:
        query = query.where(SentMail.address == address.strip().lower())
    if after is not None:
        query = query.where(SentMail.id < after)
    return [(sent, told) for sent, told in db.session.execute(query)]
