"""Sending a mail at most once: the intent is committed with a unique key, then the server is asked.

Whoever finds a mail `sending` does not know whether it has gone out (a worker was killed between the
server's answer and the commit), and leaves it: better one mail too few, whose contents are on the site, than
two.
"""

from __future__ import annotations

import logging
import smtplib
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.mailer import mailer
from marketplace.core.unit_of_work import lock, unit_of_work

from .models import OutgoingMail

log = logging.getLogger(__name__)


def intend(key: str, user_id: int, topic: str) -> bool:
    """Keep, in the present unit of work, that this mail is to go out; False where it was kept before."""
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    values = {"key": key, "user_id": user_id, "topic": topic, "state": "due", "asked_at": clock.now()}
    made = db.session.execute(
        insert(OutgoingMail).values(**values).on_conflict_do_nothing().returning(OutgoingMail.id)
    )
    return made.scalar() is not None


def send_once(
    key: str, user_id: int, topic: str, *, to: str, title: str, text: str, stop: str | None = None
) -> bool:
    """Send a mail, unless another try has sent it or may have (outside a unit of work).

    Args:
        key: what makes it the same mail: its kind, to whom, and of which day or about what.
        stop: the address that ends such mails.

    Returns:
        Whether it was sent now.

    Raises:
        Unavailable: the mail server does not answer; it may be tried again.
        smtplib.SMTPException: it refuses the mail for good; it may be tried again too.
    """
    with unit_of_work():
        intend(key, user_id, topic)
        mail = lock(OutgoingMail, _id(key))
        if mail.state not in ("due", "refused"):
            if mail.state == "sending":
                log.warning("a mail may have gone out and is not sent again", extra={"key": key})
            return False
        mail.state = "sending"
    try:
        mailer().send(to, title, text, stop=stop)
    except Unavailable:
        _note(key, "due")
        raise
    except smtplib.SMTPException:
        _note(key, "refused")
        raise
    _note(key, "sent")
    return True


def _id(key: str) -> int:
    return db.session.scalars(sa.select(OutgoingMail.id).where(OutgoingMail.key == key)).one()


def _note(key: str, state: str) -> None:
    with unit_of_work():
        mail = lock(OutgoingMail, _id(key))
        mail.state = state
        mail.sent_at = clock.now() if state == "sent" else None


def waits(key: str) -> bool:
    """Whether this mail is known and has certainly not gone out."""
    return _state(key) in ("due", "refused")


def went_out(key: str) -> bool:
    """Whether the mail server has certainly taken this mail."""
    return _state(key) == "sent"


def _state(key: str) -> str | None:
    return db.session.scalar(sa.select(OutgoingMail.state).where(OutgoingMail.key == key))
