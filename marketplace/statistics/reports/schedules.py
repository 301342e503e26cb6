"""Which reports are made by themselves, when, and who is sent them."""

from __future__ import annotations

import datetime as dt
import smtplib
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.files import store
from marketplace.core.mailer import mailer
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.statistics import facts

from . import services
from .models import SCHEDULED, ReportMail, ReportRecipient, ReportSchedule, StatisticsReport
from .periods import Period, last_over

LARGEST_ATTACHMENT = 8 * 1024 * 1024  # bytes: what mail servers commonly take
_SHANGHAI = ZoneInfo("Asia/Shanghai")


def schedules(actor: Actor) -> dict[str, ReportSchedule | None]:
    """Kind → its schedule, None where none was ever set.

    Raises:
        Forbidden, Unauthenticated: not for this actor.
    """
    require(actor, "report.list")
    rows = {row.kind: row for row in db.session.scalars(sa.select(ReportSchedule))}
    return {kind: rows.get(kind) for kind in SCHEDULED}


def recipients(actor: Actor) -> dict[str, list[ReportRecipient]]:
    """Kind → who is sent its published reports.

    Raises:
        Forbidden, Unauthenticated: not for this actor.
    """
    require(actor, "report.list")
    rows = db.session.scalars(sa.select(ReportRecipient).order_by(ReportRecipient.id)).all()
    return {kind: [row for row in rows if row.kind == kind] for kind in SCHEDULED}


def set_schedule(
    actor: Actor,
    kind: str,
    *,
    active: bool,
    day: int,
    hour: int,
    publish: bool,
    public: bool,
    issuer: str,
    addresses: Sequence[str],
) -> ReportSchedule:
    """Set when reports of a kind are made, and who is sent them.

    Args:
        kind: one of SCHEDULED.
        active: whether any are made.
        day: of the month after the period, 1 to 28.
        hour: 0 to 23 in Shanghai.
        publish: without a person looking first.
        public: visitors may have them.
        issuer: as printed.
        addresses: e-mail addresses of accounts that have confirmed them.

    Raises:
        NotFound: there is no such kind.
        Invalid: `report-schedule-time`, `report-text-long`, `report-address-unknown`: the named addresses
            belong to no account, or were not confirmed.
        Forbidden, Unauthenticated: not for this actor.
    """
    require(actor, "report.schedule")
    if kind not in SCHEDULED:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if not 1 <= day <= 28 or not 0 <= hour <= 23:
        sentence = "Please choose a day from 1 to 28 and an hour from 0 to 23."
        raise Invalid(
            "report-schedule-time",
            "Please choose a day from 1 to 28 and an hour from 0 to 23.",
            fields={"day": [sentence]},
        )
    if len(issuer) > services.LONGEST_ISSUER:
        raise Invalid("report-text-long", "This is too long.", fields={"issuer": ["This is too long."]})
    people = _people(addresses)
    found = db.session.scalars(
        sa.select(ReportSchedule).where(ReportSchedule.kind == kind).with_for_update()
    ).first()
    if found is None:
        found = ReportSchedule(kind=kind, since=clock.today())
        db.session.add(found)
    elif active and not found.active:
        found.since = clock.today()
    found.active, found.day, found.hour = active, day, hour
    found.publish, found.public, found.issuer = publish, public, issuer
    db.session.execute(sa.delete(ReportRecipient).where(ReportRecipient.kind == kind))
    db.session.add_all(ReportRecipient(kind=kind, user_id=one) for one in people)
    record("report.scheduled", found, kind=kind, active=active, recipients=len(people))
    return found


def _people(addresses: Sequence[str]) -> list[int]:
    wanted = list(dict.fromkeys(one.strip().lower() for one in addresses if one.strip()))
    query = sa.select(User.id, sa.func.lower(User.email)).where(
        sa.func.lower(User.email).in_(wanted), User.active.is_(True), User.email_verified_at.is_not(None)
    )
    known = {email: user_id for user_id, email in db.session.execute(query)}
    missing = [one for one in wanted if one not in known]
    if missing:
        sentence = "No account has confirmed these addresses: %(addresses)s"
        raise Invalid(
            "report-address-unknown",
            "No account has confirmed these addresses: %(addresses)s",
            fields={"addresses": [sentence]},
            addresses=", ".join(missing),
        )
    return [known[one] for one in wanted]


def due(schedule: ReportSchedule, now: dt.datetime) -> Period | None:
    """The period whose report has to be made now: the last one that is over, once its day and hour came."""
    local = now.astimezone(_SHANGHAI)
    period = last_over(schedule.kind, local.date())
    start = (period.last + dt.timedelta(days=1)).replace(day=schedule.day)
    when = dt.datetime.combine(start, dt.time(schedule.hour), _SHANGHAI)
    return period if schedule.active and local >= when and period.last >= schedule.since else None


def make_due() -> None:
    """Make the drafts that are due; a period that has a report already gets no other (a schedule)."""
    now = clock.now()
    waiting = []
    for schedule in db.session.scalars(sa.select(ReportSchedule).where(ReportSchedule.active.is_(True))):
        period = due(schedule, now)
        if period is not None and not _made(period):
            waiting.append((period, schedule.issuer, schedule.public))
    db.session.rollback()
    if not waiting:
        return
    facts.refresh()
    for period, issuer, public in waiting:
        prepared = services.prepare(period)
        db.session.rollback()
        with unit_of_work():
            if not _made(period):
                services.make(SYSTEM, prepared, issuer=issuer, public=public, automatic=True)


def _made(period: Period) -> bool:
    """Whether the period has, or had, a report: a draft that someone threw away does not come back."""
    query = sa.select(StatisticsReport.id).where(
        StatisticsReport.kind == period.kind,
        StatisticsReport.first == period.first,
        StatisticsReport.last == period.last,
    )
    return db.session.scalar(query.limit(1)) is not None


def mail(mail_id: int) -> None:
    """Send a published report to one person in their language, with its PDF where that is small enough.

    It is sent at most once: what was sent, or was refused for good, is left alone.

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
        smtplib.SMTPException: it refuses the address for good; the operator sees it.
    """
    asked = db.session.get(ReportMail, mail_id)
    if asked is None or asked.sent_at is not None or not asked.user.active:
        return
    report, user = db.session.get_one(StatisticsReport, asked.report_id), asked.user
    language = "en" if user.locale == "en" else "zh"
    file = next((one.file for one in report.files if (one.form, one.language) == ("pdf", language)), None)
    period = Period(report.kind, report.first, report.last)
    with force_locale(language):
        region = current_app.config["SETTINGS"].region
        title = period.title(services.group_names()("district", region))
        said = gettext("The report has been published, with figures as of %(day)s.", day=report.as_of)
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
    address = f"{current_app.config['SETTINGS'].public_url}/bureau/reports/{report.id}"
    attachment = None
    if file is not None and file.size <= LARGEST_ATTACHMENT:
        attachment = (file.name, store().read(file.digest))
    to = user.email
    db.session.rollback()
    failed: smtplib.SMTPException | None = None
    try:
        mailer().send(to, title, f"{said}\n\n{address}\n\n-- \n{footer}\n", attachment)
    except smtplib.SMTPException as error:
        failed = error
    with unit_of_work():
        kept = db.session.get_one(ReportMail, mail_id, with_for_update=True, populate_existing=True)
        kept.failed = failed is not None
        kept.sent_at = None if failed is not None else clock.now()
    if failed is not None:
        raise failed
