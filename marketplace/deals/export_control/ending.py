"""Paid notices of which nothing can come any more while they wait for their export check: money goes back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals import notices
from marketplace.deals.lookup import last_day, lock_notice, offer_ended_at
from marketplace.deals.models import Notice
from marketplace.deals.rules import PATENT_ENDS, too_late
from marketplace.listings.duties import stated_by_holder
from marketplace.listings.models import Patent

from . import rules
from .models import ExportCheck
from .supervision import WAITING


def end_waits() -> None:
    """Refuse paid (or free) notices whose time is over while their check is open (a schedule)."""
    waiting = (
        sa.select(ExportCheck.id)
        .join(Notice, ExportCheck.notice_id == Notice.id)
        .where(WAITING, ExportCheck.ready_at.is_not(None))
        .order_by(ExportCheck.id)
    )
    for key in list(db.session.scalars(waiting)):
        with unit_of_work():
            notice = lock_notice(db.session.get_one(ExportCheck, key).notice)
            check = lock(ExportCheck, key)
            if check.state not in rules.OPEN or check.ready_at is None:
                continue
            ended_at = offer_ended_at(notice.offer)
            reason = rules.over(
                clock.today(),
                asked_on=clock.legal_date(check.licensee_at),
                last_day=last_day(notice.offer),
                patent_over=_over(notice.offer.patent),
                offer_ended_on=clock.legal_date(ended_at) if ended_at is not None else None,
            )
            if reason is not None:
                notices.refuse_notice(notice, reason)


def why_too_late(notice: Notice, at: dt.datetime) -> str | None:
    """Why a licence that would take effect at `at` cannot follow from a cleared check; None when it can."""
    if _over(notice.offer.patent):
        return "patent_ended"
    last = last_day(notice.offer)
    if last is not None and clock.today() > last:
        return "term_over"
    return too_late(at, offer_ended_at=offer_ended_at(notice.offer), notice_ended_at=None, last_day=last)


def _over(patent: Patent) -> bool:
    """Whether a patent has ended, and not by its holder's word alone."""
    status = next((fact.value for fact in patent.facts if fact.name == "legal_status"), None)
    return status in PATENT_ENDS and not stated_by_holder(patent, "legal_status")
