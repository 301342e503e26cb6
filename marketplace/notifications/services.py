"""Inboxes: what an organisation or the staff were told, and sending it by mail."""

from __future__ import annotations

import smtplib
from collections import defaultdict
from collections.abc import Sequence

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
from marketplace.core.tasks import enqueue, enqueue_all
from marketplace.core.unit_of_work import unit_of_work

from .alerts import TOPICS, addition
from .hours import held_until
from .maillog import note, was_sent
from .models import STAFF, Notification
from .rules import Telling, rows_of, tellings
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
    """As `tell_all`, of one entry."""
    return tell_all([entry], by_mail=by_mail)


def tell_all(entries: Sequence[JournalEntry], *, by_mail: bool = True) -> list[Notification]:
    """Make the messages of entries, in the present unit of work; what was told already stays.

    Mail is asked for only for what happens live, not for imports, the demo and repairs.

    Args:
        by_mail: False where what the schedules did belongs to an invented past.
    """
    query = sa.select(Notification.entry_id, Notification.recipient, Notification.code)
    query = query.where(Notification.entry_id.in_([entry.id for entry in entries]))
    told = {(row.entry_id, row.recipient, row.code) for row in db.session.execute(query)}
    held = rows_of(entries)
    made = [
        (entry, _notification(entry, telling))
        for entry in entries
        for telling in tellings(entry)
        if (entry.id, telling.recipient, telling.code) not in told
    ]
    del held
    notifications = [one for _, one in made]
    db.session.add_all(notifications)
    db.session.flush()
    if by_mail:
        _ask_for_mails(
            [one for entry, one in made if entry.origin == "live" and one.code not in _IN_DAILY_MAIL]
        )
    return notifications


def _ask_for_mails(notifications: Sequence[Notification]) -> None:
    readers = _readers(notifications)
    enqueue_all(
        "notifications.mail",
        [
            (f"{one.id}:{user_id}", {"notification_id": one.id, "user_id": user_id})
            for one in notifications
            for user_id in readers[one.organisation_id or one.staff_role]
            if one.user_id in (None, user_id)
        ],
    )


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


def _readers(notifications: Sequence[Notification]) -> defaultdict[int | str | None, list[int]]:
    """Organisation or staff role → ids of the people there who get its messages by mail."""
    found: defaultdict[int | str | None, list[int]] = defaultdict(list)
    organisations = {one.organisation_id for one in notifications if one.organisation_id is not None}
    if organisations:
        members = (
            sa.select(Membership.organisation_id, User.id)
            .join(User, Membership.user_id == User.id)
            .where(User.active, Membership.organisation_id.in_(organisations))
            .order_by(User.id)
        )
        for organisation_id, user_id in db.session.execute(members):
            found[organisation_id].append(user_id)
    roles = {one.staff_role for one in notifications if one.staff_role is not None}
    if roles:
        staff = sa.select(User.staff_role, User.id).where(User.active, User.staff_role.in_(roles))
        for role, user_id in db.session.execute(staff.order_by(User.id)):
            found[role].append(user_id)
    return found


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
