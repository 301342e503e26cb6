"""The daily mail of new recommendations: one for each person, in that person's language, nothing twice."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale, gettext, ngettext

from marketplace.accounts.links import token_of
from marketplace.accounts.models import Membership, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.mailer import mailer
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands.models import Recommendation

from .models import DigestItem, DigestStop

FROM_HOUR: Final = 8  # o'clock in Shanghai: from then on the day's mail goes out
_LOOKS_BACK: Final = dt.timedelta(days=14)
_NAMED: Final = 12  # recommendations that one mail names
_PURPOSE: Final = "recommendation-mail"


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
    stopped = sa.select(DigestStop.user_id)
    today = sa.select(DigestItem.user_id).where(DigestItem.sent_on == clock.today())
    told = sa.exists().where(DigestItem.user_id == User.id, DigestItem.recommendation_id == Recommendation.id)
    query = (
        sa.select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .join(Recommendation, Recommendation.organisation_id == Membership.organisation_id)
        .where(
            User.active,
            User.id.not_in(stopped),
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
    with unit_of_work():
        for user_id in people:
            enqueue("matching.digest", key=f"{user_id}:{clock.today().isoformat()}", user_id=user_id)


def send(user_id: int) -> None:
    """Send one person's mail of the day and keep what was in it (a task; outside a unit of work).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    user = db.session.get(User, user_id)
    if user is None or not user.active or db.session.get(DigestStop, user_id) is not None:
        return
    rows = due(user_id)
    if not rows:
        return
    with force_locale(user.locale):
        title, text = render(rows, user_id, english=user.locale == "en")
    to, ids = user.email, [row.id for row in rows]
    db.session.rollback()
    mailer().send(to, title, text)
    with unit_of_work():
        db.session.add_all(
            DigestItem(user_id=user_id, recommendation_id=one, sent_on=clock.today()) for one in ids
        )


def render(rows: Sequence[Recommendation], user_id: int, *, english: bool) -> tuple[str, str]:
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
    stop = f"{base}/recommendations/stop?user={user_id}&token={stop_token(user_id)}"
    lines += ["-- ", gettext("No more such mails: %(address)s", address=stop)]
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


# --- wanting it or not


def takes_mail(user_id: int) -> bool:
    """Whether a person gets the daily mail; everybody does until they say no."""
    return db.session.get(DigestStop, user_id) is None


def set_mail(actor: Actor, wanted: bool) -> None:
    """Say whether one wants the daily mail.

    Raises:
        Unauthenticated, Forbidden: nobody is signed in.
    """
    require(actor, "digest.choose")
    if actor.user_id is not None:
        _set(actor.user_id, wanted)


def stop_token(user_id: int) -> str:
    """What the mail's link carries, by which whoever gets the mail ends it without signing in."""
    return token_of(str(user_id), _PURPOSE)


def check_stop(user_id: int, token: str) -> None:
    """Raise NotFound `link-unknown` unless the token is this person's."""
    if not hmac.compare_digest(stop_token(user_id).encode(), token.encode("utf-8", "replace")):
        raise NotFound("link-unknown", "This link is not known.")


def stop(user_id: int, token: str) -> None:
    """End the mails of whoever has the link.

    Raises:
        NotFound: `link-unknown`.
    """
    check_stop(user_id, token)
    if db.session.get(User, user_id) is not None:
        _set(user_id, wanted=False)


def _set(user_id: int, wanted: bool) -> None:
    held = db.session.get(DigestStop, user_id)
    if wanted and held is not None:
        db.session.delete(held)
    elif not wanted and held is None:
        db.session.add(DigestStop(user_id=user_id, stopped_at=clock.now()))
    db.session.flush()
