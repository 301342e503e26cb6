"""What the worker does about shares: money becomes income in books, institutions are told of reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.listings.models import Offer

from . import rules, services
from .models import TransformationReport

_MONEY = ("receipt.entered", "receipt.reversed")


def _enter(entries: Sequence[JournalEntry]) -> None:
    for entry in entries:
        if entry.action in _MONEY:
            services.enter_receipt(entry.subject_id)
        elif entry.action == "ledger.entered" and entry.data["kind"] in ("payout", "reversal"):
            services.enter_shares(entry.subject_id)


def readers() -> Sequence[Reader]:
    """The reader that keeps the books; it reads from the beginning, so that they can be made anew."""
    return [Reader("shares", inside=_enter)]


def remind_of_reports() -> None:
    """Tell state-established Shanghai institutions that have offered patents of last year's report, once."""
    today = clock.today()
    year = today.year - 1
    due = rules.report_due(year)
    if not due - dt.timedelta(days=rules.REMIND_BEFORE) <= today <= due:
        return
    said, kind = Organisation.state_established, Organisation.type
    bound = sa.or_(said.is_(True), sa.and_(said.is_(None), kind.in_(rules.STATE_ESTABLISHED)))
    told = sa.select(TransformationReport.organisation_id).where(TransformationReport.year == year)
    query = sa.select(Organisation.id).where(
        bound,
        Organisation.region.startswith(rules.SHANGHAI[:2]),
        Organisation.id.in_(sa.select(Offer.holder_id)),
        Organisation.id.not_in(told),
    )
    for key in list(db.session.scalars(query.order_by(Organisation.id))):
        with unit_of_work():
            row = TransformationReport(organisation_id=key, year=year, due_on=due, reminded_at=clock.now())
            db.session.add(row)
            record("shares.report_due", row, organisation_id=key, year=year)


TASKS: dict[str, Handler] = {"shares.remind_of_reports": remind_of_reports}
SCHEDULES: tuple[Schedule, ...] = (Schedule("shares.remind_of_reports", every=dt.timedelta(hours=12)),)
