"""Inboxes: what an organisation or the staff were told, and sending it by mail."""

from __future__ import annotations

import smtplib

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.accounts.mailing.choices import wants
from marketplace.accounts.mailing.outbox import send_once, went_out
from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.mailer import mailer
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import unit_of_work

from .alerts import TOPICS, addition
from .hours import held_until
from .maillog import note, was_sent
from .models import STAFF, Notification
from .rules import Telling, tellings
from .texts import render

_MOST = 200
# What the daily mail of recommendations tells is not mailed a second time.
_IN_DAILY_MAIL = frozenset({"demand_matched"})


def inbox(actor: Actor, *, after: int | None = None, limit: int = 30) -> list[Notification]:
    """Messages of the organisation that the actor acts for, and of the actor's staff roles, newest first.

    Args:
        after: id of the last one of the page before (keyset paging).
        limit: at most this many, 200 at most.
    """
    query = sa.select(Notification).where(_mine(actor))
    if after is not None:
        query = query.where(Notification.id < after)
    return list(db.session.scalars(query.order_by(Notification.id.desc()).limit(min(limit, _MOST))))


def unread(actor: Actor) -> int:
    """How many of these messages nobody has read."""
    query = (
        sa.select(sa.func.count())
        .select_from(Notification)
        .where(_mine(actor), Notification.read_at.is_(None))
    )
    return db.session.scalar(query) or 0


def mark_read(actor: Actor, *, up_to: int | None = None, notification_id: int | None = None) -> int:
    """Mark messages as read, in the present unit of work; returns how many were unread.

    Args:
        up_to: those up to this id; those that came after the page was shown stay unread.
        notification_id: only this one. Others' messages are never touched.
    """
    query = sa.update(Notification).where(_mine(actor), Notification.read_at.is_(None))
    if up_to is not None:
        query = query.where(Notification.id <= up_to)
    if notification_id is not None:
        query = query.where(Notification.id == notification_id)
    changed: int = db.session.execute(query.values(read_at=clock.now())).rowcount  # type: ignore[attr-defined]
    return changed


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    recipients = [role for role in STAFF if role in actor.roles]
    if actor.organisation_id is None:
        if actor.user_id is not None and recipients:
            recipients.append(f"user:{actor.user_id}")
        return sa.and_(Notification.recipient.in_(recipients), Notification.organisation_id.is_(None))
    recipients.append(f"organisation:{actor.organisation_id}")
    # What is for this member alone belongs to the organisation all the same.
    own = sa.and_(
        Notification.recipient == f"user:{actor.user_id}",
        Notification.organisation_id == actor.organisation_id,
    )
    return sa.or_(Notification.recipient.in_(recipients), own)


def tell(entry: JournalEntry, *, by_mail: bool = True) -> list[Notification]:
    """Make the messages of an entry, in the present unit of work; what was told already stays.

    Mail is asked for only for what happens live, not for imports, the demo and repairs.

    Args:
        by_mail: False where what the schedules did belongs to an invented past.
    """
    query = sa.select(Notification.recipient, Notification.code).where(Notification.entry_id == entry.id)
    told = {(row.recipient, row.code) for row in db.session.execute(query)}
    made = [
        _notification(entry, telling)
        for telling in tellings(entry)
        if (telling.recipient, telling.code) not in told
    ]
    db.session.add_all(made)
    db.session.flush()
    if by_mail and entry.origin == "live":
        for notification in made:
            if notification.code in _IN_DAILY_MAIL:
                continue
            for user_id in _readers(notification):
                enqueue(
                    "notifications.mail",
                    key=f"{notification.id}:{user_id}",
                    notification_id=notification.id,
                    user_id=user_id,
                )
    return made


def _notification(entry: JournalEntry, telling: Telling) -> Notification:
    to = telling.to
    return Notification(
        recipient=telling.recipient,
        organisation_id=to if isinstance(to, int) else None,
        staff_role=to if isinstance(to, str) else None,
        entry_id=entry.id,
        code=telling.code,
        parameters=telling.parameters,
        created_at=entry.recorded_at,
    )


def _readers(notification: Notification) -> list[int]:
    """Ids of the people who get it by mail."""
    query = sa.select(User.id).where(User.active).order_by(User.id)
    if notification.organisation_id is None:
        query = query.where(User.staff_role == notification.staff_role)
    else:
        query = query.join(Membership, Membership.user_id == User.id).where(
            Membership.organisation_id == notification.organisation_id
        )
    if notification.user_id is not None:
        query = query.where(User.id == notification.user_id)
    return list(db.session.scalars(query))


def mail(notification_id: int, user_id: int) -> None:
    """Send a message to one person in their language (a task; outside a unit of work).

    In the person's quiet hours it is held until their end, unless a deadline is at stake. What a person may
    end goes out at most once; what the law wants told rather twice than never, where the worker is killed
    between the server's answer and the note of it.

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
        smtplib.SMTPException: it refuses the address for good.
    """
    notification = db.session.get(Notification, notification_id)
    user = db.session.get(User, user_id)
    if notification is None or user is None or not user.active or was_sent(notification_id, user_id):
        return
    topic = TOPICS.get(notification.code)
    if topic is not None and not wants(user_id, topic):
        return
    until = held_until(user_id, notification.code)
    if until is not None:
        # The same task once more, which the queue does when its key is asked for again while it runs.
        with unit_of_work():
            note(notification, user, "held", held_until=until)
            enqueue(
                "notifications.mail",
                key=f"{notification_id}:{user_id}",
                delay=until - clock.now(),
                notification_id=notification_id,
                user_id=user_id,
            )
        return
    with force_locale(user.locale):
        message = render(notification)
        address = current_app.config["SETTINGS"].public_url + message.path
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
        more = addition(notification, user_id)
        body = "\n\n".join((message.body, *more.paragraphs, address))
        closing = f"{footer}\n{more.closing}" if more.closing else footer
    to, text = user.email, f"{body}\n\n-- \n{closing}\n"
    key = f"notification:{notification_id}:{user_id}"
    db.session.rollback()
    try:
        if topic is None:
            mailer().send(to, message.title, text)
        else:
            send_once(key, user_id, topic, to=to, title=message.title, text=text, stop=more.stop)
    except smtplib.SMTPException:
        with unit_of_work():
            note(notification, user, "refused")
        raise
    if topic is None or went_out(key):
        with unit_of_work():
            note(notification, user, "sent")
