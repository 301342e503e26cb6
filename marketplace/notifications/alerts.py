"""What a mail adds to its message: the offers that a saved search has found, and how to end such mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import current_app
from flask_babel import get_locale, gettext, ngettext

from marketplace.accounts.mailing.choices import Link
from marketplace.core.database import db
from marketplace.listings.models import Offer
from marketplace.search.saved.services import TOPIC as SAVED_SEARCHES

from .models import Notification

TOPICS: Final[Mapping[str, str]] = {
    "saved_search_found": SAVED_SEARCHES,
    "demand_day_is_near": "reminders",
    "demand_opened_unanswered": "reminders",
}
"""Message → the kind of mail, for those that a person may end; the messages themselves stay."""

LISTED: Final = 10
"""How many offers a mail names; the page behind its link has all."""


@dataclass(frozen=True)
class Addition:
    """Paragraphs after the message, the last line under the footer, and the address that ends such mails."""

    paragraphs: tuple[str, ...] = ()
    closing: str = ""
    stop: str | None = None


def addition(notification: Notification, user_id: int) -> Addition:
    """What a mail to this person adds to the message, in the present language; nothing for most messages."""
    topic = TOPICS.get(notification.code)
    if topic is None:
        return Addition()
    if topic != SAVED_SEARCHES:
        stop = Link(user_id, topic).address
        return Addition((), gettext("No more such mails: %(address)s", address=stop), stop)
    stop = Link(user_id, topic, notification.parameters["saved_search"]).address
    closing = gettext("You get this because you saved this search. No more mails about it: %(address)s")
    root = current_app.config["SETTINGS"].public_url
    return Addition(tuple(_offers(notification, root)), closing % {"address": stop}, stop)


def _offers(notification: Notification, root: str) -> list[str]:
    ids: list[int] = notification.parameters.get("offers", [])[:LISTED]
    rows = db.session.scalars(sa.select(Offer).where(Offer.id.in_(ids))).unique()
    titles = {offer.id: _title(offer) for offer in rows}
    named = [f"{titles[id_]}\n{root}/offers/{id_}" for id_ in ids if id_ in titles]
    rest = notification.parameters.get("count", 0) - len(named)
    if rest > 0:
        named.append(ngettext("and %(num)d more", "and %(num)d more", rest))
    return named


def _title(offer: Offer) -> str:
    locale = get_locale()
    english = locale is not None and locale.language == "en"
    return (offer.patent.title_en if english else None) or offer.patent.title
