"""What the worker does for patents and offers: what comes with time, and what takes long."""

from __future__ import annotations

import datetime as dt

from marketplace.core.database import db
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from .consents.mail import mail_consent
from .consents.services import MAIL_TASK
from .duties import due_for_review, review
from .facts import attesting, reminders


def review_offers() -> None:
    """Let offers lapse and bring duties to withdraw up to date, each in a unit of work of its own."""
    due = due_for_review()
    db.session.rollback()
    for offer_id in due:
        with unit_of_work():
            review(offer_id)


TASKS: dict[str, Handler] = {
    "listings.review": review_offers,
    MAIL_TASK: mail_consent,
    "listings.attestation": attesting.write_all,
    "listings.remind": reminders.remind,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("listings.review", every=dt.timedelta(hours=1)),
    Schedule("listings.remind", every=dt.timedelta(hours=12)),
)
