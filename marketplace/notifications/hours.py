"""Quiet hours: when a person wants no mail, and which mails do not wait for their end."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .models import MailHours

_DAY: Final = 24 * 60

URGENT: Final = frozenset(
    {
        # The patentee has to withdraw promptly and to tell the licensees (GL V-11 §2).
        "duty_to_withdraw", "licensed_offer_barred",
        # Recordal within three months of the effect (IR 15), and a notice that lapses unpaid.
        "licence_recordal_due", "licence_recordal_late", "notice_lapsed",
        # Annuities: behind the last day of grace the right ends (IR 115).
        "reminder_annuity_7",
        # Days for answers that the other side or the platform has set.
        "dispute_answer_due", "dispute_answer_overdue",
    }
)  # fmt: skip
"""Messages about a deadline: their mails go out at once, in quiet hours too."""


def quiet_until(now: dt.datetime, quiet_from: int, quiet_to: int) -> dt.datetime | None:
    """The instant at which the quiet hours end in which `now` lies; None where it lies in none.

    Args:
        now: an aware instant.
        quiet_from, quiet_to: minutes of the day in Asia/Shanghai; from the first on, before the second.
    """
    here = now.astimezone(clock.SHANGHAI)
    minute = here.hour * 60 + here.minute
    if not (minute - quiet_from) % _DAY < (quiet_to - quiet_from) % _DAY:
        return None
    start = here.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + dt.timedelta(minutes=quiet_to)
    return (end if end > here else end + dt.timedelta(days=1)).astimezone(dt.UTC)


def hours_of(user_id: int | None) -> MailHours | None:
    """The quiet hours of a person; None for none."""
    return db.session.scalar(sa.select(MailHours).where(MailHours.user_id == user_id))


def held_until(user_id: int, code: str) -> dt.datetime | None:
    """Until when a mail to a person has to wait now; None where it may go."""
    hours = None if code in URGENT else hours_of(user_id)
    return None if hours is None else quiet_until(clock.now(), hours.quiet_from, hours.quiet_to)


def set_hours(actor: Actor, quiet_from: int | None, quiet_to: int | None) -> None:
    """Set one's own quiet hours, or none.

    Args:
        quiet_from, quiet_to: minutes of the day in Asia/Shanghai; both None for no quiet hours.

    Raises:
        Unauthenticated: nobody is signed in. Invalid: `quiet-hours`: only one is given, or both are the same.
    """
    require(actor, "mail_hours.set")
    user = lock(User, actor.user_id)
    found = hours_of(user.id)
    if quiet_from is None and quiet_to is None:
        if found is not None:
            db.session.delete(found)
            record("mail.hours_ended", user)
        return
    fit = [one is not None and 0 <= one < _DAY for one in (quiet_from, quiet_to)]
    if quiet_from is None or quiet_to is None or not all(fit) or quiet_from == quiet_to:
        message = N_("Please give two different times, or leave both empty.")
        raise Invalid("quiet-hours", message, fields={"quiet_to": [message]})
    if found is None:
        db.session.add(MailHours(user_id=user.id, quiet_from=quiet_from, quiet_to=quiet_to))
    else:
        found.quiet_from, found.quiet_to = quiet_from, quiet_to
    record("mail.hours_set", user)
