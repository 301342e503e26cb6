"""Days that a holder should know of ahead: annuities run out, exclusive licences end, a report is missing.

One message per holder and kind gathers all patents that reach the mark that day; each patent is mentioned
once per mark. Who holds many patents gets one line, not a thousand.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.listings import standing
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentFact, PatentParty

from .models import Reminder
from .worklist import ENDED

# Kind → the fact that holds the day, and how many days ahead it is told.
AHEAD: Final = {
    "annuity_7": ("annuity_paid_until", 7),
    "annuity_30": ("annuity_paid_until", 30),
    "exclusive_7": ("exclusive_licence_until", 7),
    "exclusive_30": ("exclusive_licence_until", 30),
}
_PART: Final = 1_000


def remind() -> None:
    """Tell holders of the days ahead; opens a unit of work per kind. A task that may be repeated."""
    for kind in (*AHEAD, "report_missing"):
        with unit_of_work():
            _remind(kind, clock.today())


def due(kind: str, today: dt.date) -> list[tuple[int, dt.date]]:
    """Patent id and day of those that have reached the mark and were not told of yet. Reads only."""
    query = _without_report(today) if kind == "report_missing" else _running_out(kind, today)
    return [(patent_id, dt.date.fromisoformat(day)) for patent_id, day in db.session.execute(query)]


@dataclass(frozen=True)
class Ahead:
    """How many patents of an organisation reach a day soon, and the first such day."""

    kind: str
    patents: int
    first: dt.date


def ahead(organisation_id: int, today: dt.date) -> list[Ahead]:
    """What comes within 30 days for the patents of an organisation: annuities and exclusive licences."""
    last = (today + dt.timedelta(days=30)).isoformat()
    mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    query = (
        sa.select(PatentFact.name, sa.func.count(), sa.func.min(PatentFact.value))
        .where(
            PatentFact.patent_id.in_(mine),
            PatentFact.name.in_({name for name, _ in AHEAD.values()}),
            PatentFact.value >= today.isoformat(),
            PatentFact.value <= last,
            PatentFact.patent_id.not_in(_over()),
        )
        .group_by(PatentFact.name)
        .order_by(PatentFact.name)
    )
    return [Ahead(name, count, dt.date.fromisoformat(day)) for name, count, day in db.session.execute(query)]


def _running_out(kind: str, today: dt.date) -> sa.Select[int, str]:
    name, days = AHEAD[kind]
    # Facts hold ISO dates as text, which sort as dates do; `none` sorts behind every date.
    first, last = today.isoformat(), (today + dt.timedelta(days=days)).isoformat()
    # Who is told on a patent for the first time within the shorter mark is not told of the longer one.
    marks = [other for other, (fact, ahead) in AHEAD.items() if fact == name and ahead <= days]
    told = (
        sa.select(Reminder.patent_id, sa.cast(Reminder.due_on, sa.String).label("due_on"))
        .where(Reminder.kind.in_(marks))
        .subquery()
    )
    return (
        sa.select(PatentFact.patent_id, PatentFact.value)
        .outerjoin(told, sa.and_(told.c.patent_id == PatentFact.patent_id, told.c.due_on == PatentFact.value))
        .where(
            PatentFact.name == name,
            PatentFact.value >= first,
            PatentFact.value <= last,
            told.c.patent_id.is_(None),
            PatentFact.patent_id.not_in(_over()),
        )
        .order_by(PatentFact.patent_id)
    )


def _without_report(today: dt.date) -> sa.Select[int, str]:
    """Utility models and designs with a declaration under way and no evaluation report (PL 50)."""
    preparing = [status for status in standing.CURRENT if status != "filed" and status not in IN_FORCE]
    known = sa.exists().where(
        PatentFact.patent_id == Patent.id,
        PatentFact.name == "evaluation_report",
        PatentFact.value != "none",
    )
    told = sa.exists().where(Reminder.patent_id == Patent.id, Reminder.kind == "report_missing")
    return (
        sa.select(Patent.id, sa.literal(today.isoformat()))
        .where(
            Patent.kind != "invention",
            Patent.id.in_(sa.select(Offer.patent_id).where(Offer.status.in_(preparing))),
            ~known,
            ~told,
            Patent.id.not_in(_over()),
        )
        .order_by(Patent.id)
    )


def _over() -> sa.Select[Any]:
    return sa.select(PatentFact.patent_id).where(
        PatentFact.name == "legal_status", PatentFact.value.in_(ENDED)
    )


def _remind(kind: str, today: dt.date) -> None:
    found = due(kind, today)
    if not found:
        return
    days: dict[int, list[dt.date]] = defaultdict(list)
    told: set[int] = set()
    for start in range(0, len(found), _PART):
        part = found[start : start + _PART]
        on = dict(part)
        query = (
            sa.select(PatentParty.patent_id, PatentParty.organisation_id)
            .join(Organisation, Organisation.id == PatentParty.organisation_id)
            .where(PatentParty.patent_id.in_(on), Organisation.claimed_at.is_not(None))
        )
        for patent_id, organisation_id in db.session.execute(query):
            days[organisation_id].append(on[patent_id])
            told.add(patent_id)
    if not told:
        return
    db.session.execute(
        sa.insert(Reminder.__table__),  # type: ignore[arg-type]
        [
            {"patent_id": patent_id, "kind": kind, "due_on": day, "reminded_at": clock.now()}
            for patent_id, day in found
            if patent_id in told
        ],
    )
    for organisation_id, due_on in sorted(days.items()):
        organisation = db.session.get_one(Organisation, organisation_id)
        record(
            "facts.reminder",
            organisation,
            organisation_id=organisation_id,
            kind=kind,
            patents=len(due_on),
            first=min(due_on).isoformat(),
        )
