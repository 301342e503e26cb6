"""What the worker does for patents and offers: what comes with time, and what takes long."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.retention import Retention, nothing, number
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from .consents.mail import mail_consent
from .consents.models import Consent, PriceObjection
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
# Three years: the time in which claims may be brought (Civil Code 188). Consents that were given are evidence
# of a declaration and stay.
RETENTIONS: tuple[Retention, ...] = (
    Retention(
        "consent_addresses",
        Consent,
        days=180,
        since=sa.func.coalesce(Consent.answered_at, Consent.voided_at, Consent.expires_at, Consent.asked_at),
        holds=Consent.email.is_not(None),
        blank={"email": nothing},
    ),
    Retention(
        "consents_not_given",
        Consent,
        days=3 * 365,
        since=sa.func.coalesce(Consent.voided_at, Consent.answered_at),
        holds=sa.and_(
            Consent.state.in_(("refused", "void")),
            sa.or_(Consent.signer_name.is_not(None), Consent.reason.is_not(None)),
        ),
        blank={"signer_name": nothing, "signer_position": nothing, "reason": nothing},
    ),
    Retention(
        "price_objections",
        PriceObjection,
        days=3 * 365,
        since=sa.func.coalesce(PriceObjection.decided_at, PriceObjection.made_at),
        holds=PriceObjection.name != sa.literal("#").concat(sa.cast(PriceObjection.id, sa.String)),
        blank={"name": number},
    ),
)
