"""Which mails a person wants, and the link in a mail by which whoever gets it ends such mails.

What the law wants told (notices, payments, licences, duties) is no topic here: it is always mailed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts.links import token_of
from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .models import MailStop

TOPICS: Final = ("recommendations", "saved_searches", "reminders")
"""The daily mail of recommendations, alerts of saved searches, and reminders about demands."""

_PURPOSE: Final = "mail-stop"
_MOST_DIGITS: Final = 18


@dataclass(frozen=True)
class Link:
    """What a link in a mail ends.

    Attributes:
        user_id: whose mails.
        topic: one of `TOPICS`.
        about: the one thing that the mail was about (a saved search), where ending that is enough.
    """

    user_id: int
    topic: str
    about: int | None = None

    @property
    def text(self) -> str:
        """What the address carries: all of it and a token, which nobody can make without the secret key."""
        return f"{self._said}.{token_of(self._said, _PURPOSE)}"

    @property
    def _said(self) -> str:
        return f"{self.user_id}.{self.topic}.{self.about or 0}"

    @property
    def address(self) -> str:
        """The full address: a page for people, and for a mail program's POST (RFC 8058)."""
        return f"{current_app.config['SETTINGS'].public_url}/mails/stop?link={self.text}"


def read_link(text: str) -> Link:
    """The link that a text stands for.

    Raises:
        NotFound: `link-unknown`.
    """
    parts = text.split(".")
    numbers = [parts[0], parts[2]] if len(parts) == 4 else []
    if numbers and parts[1] in TOPICS and all(_number(one) for one in numbers):
        link = Link(int(parts[0]), parts[1], int(parts[2]) or None)
        if hmac.compare_digest(link.text.encode(), text.encode("utf-8", "replace")):
            return link
    raise NotFound("link-unknown", "This link is not known.")


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def wants(user_id: int, topic: str) -> bool:
    """Whether a person gets mails of a topic; everybody does until they say no."""
    return db.session.get(MailStop, (user_id, topic)) is None


def stopped(topic: str) -> sa.Select[int]:
    """Ids of the people who want no mails of a topic, for a query."""
    return sa.select(MailStop.user_id).where(MailStop.topic == topic)


def choose(actor: Actor, topic: str, wanted: bool) -> None:
    """Say whether one wants the mails of a topic.

    Raises:
        Unauthenticated, Forbidden: nobody is signed in, or the token only reads.
        Invalid: `mail-topic-unknown`.
    """
    require(actor, "mail.choose")
    if topic not in TOPICS:
        message = N_("There are no such mails to choose.")
        raise Invalid("mail-topic-unknown", message, fields={"topic": [message]})
    if actor.user_id is not None:
        _set(actor.user_id, topic, wanted)


def stop(link: Link) -> None:
    """End the mails of a link's topic for whoever holds it; doing it twice changes nothing."""
    _set(link.user_id, link.topic, wanted=False)


def _set(user_id: int, topic: str, wanted: bool) -> None:
    user = lock(User, user_id)  # two clicks at once make one row
    held = db.session.get(MailStop, (user_id, topic))
    if wanted and held is not None:
        db.session.delete(held)
        record("mail.wanted", user, topic=topic)
    elif not wanted and held is None:
        db.session.add(MailStop(user_id=user_id, topic=topic, stopped_at=clock.now()))
        record("mail.stopped", user, topic=topic)
