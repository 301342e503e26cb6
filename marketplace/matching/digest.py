"""The daily mail of new recommendations: one for each person, in that person's language, nothing twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale, gettext, ngettext

from marketplace.accounts.mailing.choices import Link, stopped, wants
from marketplace.accounts.mailing.outbox import intend, send_once, waits
from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands.models import Recommendation

from .models import DigestItem

FROM_HOUR: Final = 8  # o'clock in Shanghai: from then on the day's mail goes out
_LOOKS_BACK: Final = dt.timedelta(days=14)
_NAMED: Final = 12  # recommendations that one mail names
TOPIC: Final = "recommendations"


def due(user_id: int) -> list[Recommendation]:
    """What a person is to be told of today: not looked at yet, and never told before."""
    told = sa.select(DigestItem.recommendation_id).where(DigestItem.user_id == user_id)
    query = (
        sa.select(Recommendation)
        .join(Membership, Membership.organisation_id == Recommendation.organisation_id)
        .where(
            Membership.user_id == user_id,
            Recommendation.state == "shown",
            Recommendation.shown_at > clock.now() - _LOOKS_BACK,
            Recommendation.id.not_in(told),
        )
        .order_by(Recommendation.id)
    )
    return list(db.session.scalars(query).unique())


def readers() -> list[int]:
    """Ids of the people with something new who take the mail and had none today."""
    today = sa.select(DigestItem.user_id).where(DigestItem.sent_on == clock.today())
    told = sa.exists().where(DigestItem.user_id == User.id, DigestItem.recommendation_id == Recommendation.id)
    query = (
        sa.select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .join(Recommendation, Recommendation.organisation_id == Membership.organisation_id)
        .where(
            User.active,
            User.id.not_in(stopped(TOPIC)),
            User.id.not_in(today),
            Recommendation.state == "shown",
            Recommendation.shown_at > clock.now() - _LOOKS_BACK,
            ~told,
        )
        .distinct()
        .order_by(User.id)
    )
    return list(db.session.scalars(query))


def send_all() -> None:
    """Ask for everybody's mail of the day, once it is morning (a task; recurs)."""
    if clock.now() < clock.start_of_day_utc(clock.today()) + dt.timedelta(hours=FROM_HOUR):
        return
    people = readers()
    if not people:
        return
    day = clock.today().isoformat()
    with unit_of_work():
        for user_id in people:
            enqueue("matching.digest", key=f"{user_id}:{day}", user_id=user_id, day=day)


def send(user_id: int, day: str) -> None:
    """Send one person's mail of a day, at most once (a task; outside a unit of work).

    What is in it is committed first, so that a second try sends the same mail or, where the first may have
    gone out, none. A mail that has not gone out by the end of its day goes with the next day's.

    Args:
        day: in Shanghai, as ISO 8601 has it.

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    of_day, key = dt.date.fromisoformat(day), f"{TOPIC}:{user_id}:{day}"
    user = db.session.get(User, user_id)
    if user is None or not user.active or not wants(user_id, TOPIC):
        return
    with unit_of_work():
        lock(User, user_id)
        if of_day < clock.today():
            if waits(key):
                mine = (DigestItem.user_id == user_id, DigestItem.sent_on == of_day)
                db.session.execute(sa.delete(DigestItem).where(*mine))
            return
        rows = _of_day(user_id, of_day)
        if not rows:
            rows = due(user_id)
            db.session.add_all(
                DigestItem(user_id=user_id, recommendation_id=row.id, sent_on=of_day) for row in rows
            )
        if not rows:
            return
        intend(key, user_id, TOPIC)
    with force_locale(user.locale):
        link = Link(user_id, TOPIC)
        title, text = render(rows, link, english=user.locale == "en")
    to, address = user.email, link.address
    db.session.rollback()
    send_once(key, user_id, TOPIC, to=to, title=title, text=text, stop=address)


def _of_day(user_id: int, day: dt.date) -> list[Recommendation]:
    """What is in a person's mail of a day already."""
    query = (
        sa.select(Recommendation)
        .join(DigestItem, DigestItem.recommendation_id == Recommendation.id)
        .where(DigestItem.user_id == user_id, DigestItem.sent_on == day)
        .order_by(Recommendation.id)
    )
    return list(db.session.scalars(query).unique())


def render(rows: Sequence[Recommendation], link: Link, *, english: bool) -> tuple[str, str]:
    """Subject and text in the present language; the firm's own demands are named by their titles."""
    base = current_app.config["SETTINGS"].public_url
    title = ngettext(
        "%(num)d open licence that may suit you", "%(num)d open licences that may suit you", len(rows)
    )
    lines = []
    for row in rows[:_NAMED]:
        patent = row.offer.patent
        name = patent.title_en if english and patent.title_en else patent.title
        lines += [f"• {name}", f"  {_why(row)}", f"  {base}/offers/{row.offer_id}", ""]
    if len(rows) > _NAMED:
        more = len(rows) - _NAMED
        lines += [ngettext("And %(num)d more.", "And %(num)d more.", more), ""]
    lines += [gettext("All of them, with the reasons: %(address)s", address=f"{base}/recommendations"), ""]
    lines += ["-- ", gettext("No more such mails: %(address)s", address=link.address)]
    return title, "\n".join(lines) + "\n"


def _why(row: Recommendation) -> str:
    words = [str(one["value"]) for one in row.reasons if one.get("kind") == "term"]
    shared = gettext("in common: %(words)s", words=", ".join(words[:4])) if words else ""
    if row.demand is not None:
        cause = gettext("for your demand “%(title)s”", title=row.demand.title)
    elif row.channel == "patents":
        cause = gettext("close to your own patents")
    else:
        cause = gettext("in a field that you follow")
    return "; ".join(filter(None, (cause, shared)))
