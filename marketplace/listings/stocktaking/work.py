"""What the worker does for the stock: rows for new patents, actions on many, standings that time moves."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule, enqueue
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer

from . import jobs, setup, upkeep

_AT_A_STRETCH: Final = 3.0  # seconds, then others have their turn


def follow(entries: Sequence[JournalEntry]) -> None:
    """Bring the stock of the patents that these entries speak of up to date."""
    patents = {entry.subject_id for entry in entries if entry.subject_type == "patents"}
    offers = {entry.subject_id for entry in entries if entry.subject_type == "offers"}
    if offers:
        patents |= set(db.session.scalars(sa.select(Offer.patent_id).where(Offer.id.in_(offers))))
    upkeep.refresh(patents)


def readers() -> Sequence[Reader]:
    """The reader that keeps the stock complete; it begins with the first entry, so nothing is left out."""
    return (Reader("stock", inside=follow, batch=500),)


def run_job(job_id: int) -> None:
    """Carry on with an action on many patents for a moment, then queue up again. A task."""
    until = time.monotonic() + _AT_A_STRETCH
    while True:
        with unit_of_work():
            done = jobs.carry_on(job_id)
            if not done and time.monotonic() > until:
                enqueue(jobs.TASK, key=str(job_id), job_id=job_id)
                return
        if done:
            return
        db.session.expunge_all()


def resume() -> None:
    """Free the actions that a worker left behind when it was killed. A task."""
    left = jobs.left_behind()
    db.session.rollback()
    for job_id in left:
        with unit_of_work():
            jobs.release(job_id)


def refresh_standings() -> None:
    """Once a day: annuities fall due and licences end without anybody doing anything. A task."""
    due = upkeep.due_for_standings()
    db.session.rollback()
    for organisation_id in due:
        with unit_of_work():
            upkeep.refresh_standings(organisation_id)
            setup.settings_of(organisation_id).standing_on = clock.today()
        db.session.expunge_all()


TASKS: dict[str, Handler] = {
    jobs.TASK: run_job,
    "stock.resume": resume,
    "stock.standings": refresh_standings,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("stock.resume", every=dt.timedelta(seconds=30)),
    Schedule("stock.standings", every=dt.timedelta(minutes=15)),
)
