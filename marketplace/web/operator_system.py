"""The state of the machinery: search index, journal, readers, worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.core import checks, journal
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.core.readers import JournalCursor, wall
from marketplace.core.tasks import ScheduleState, Task, enqueue
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import engines, generations
from marketplace.search.engine import EngineUnavailable

from .operator_frame import blueprint

BREAKS = {
    "missing": _l("Entry %(number)s is missing although later ones exist."),
    "changed": _l("Entry %(number)s was changed after it was written."),
    "cut": _l("Entries from number %(number)s on were cut off, or the journal's head was changed."),
}
READERS = {
    "search": _l("Search index"),
    "matching": _l("Matching"),
    "notifications": _l("Notifications"),
    "stock": _l("Stock-taking"),
    "changes": _l("Changes being worked on"),
    "saved_searches": _l("Saved searches"),
}
# The shortest schedule is a minute: behind by so much, nothing takes up work.
_PATIENCE = dt.timedelta(minutes=3)


@dataclass(frozen=True)
class Cursor:
    """A reader of the journal and how many entries it is behind."""

    name: str
    what: Any
    lag: int
    error: str | None


@dataclass(frozen=True)
class Job:
    """A task that somebody may ask for: whether it waits, or is being done."""

    since: dt.datetime
    running: bool


def idle_since() -> dt.datetime | None:
    """Since when work that is due has not been taken up; None while the worker keeps up.

    The worker is then not running, or busy with one long task.
    """
    due = db.session.scalar(sa.select(sa.func.min(ScheduleState.next_at)))
    return due if due is not None and due < wall() - _PATIENCE else None


def break_of(check: checks.Check | None) -> str | None:
    """The sentence on the break that a check found; None if it found none."""
    if check is None or check.kind is None:
        return None
    return str(BREAKS[check.kind] % {"number": check.entries + 1})


def _status() -> dict[str, Any]:
    try:
        return generations.status()
    except EngineUnavailable as error:
        return {
            "engine": current_app.config["SETTINGS"].search_engine,
            "available": False,
            "detail": str(error),
            "generation": None,
            "lag": None,
            "counts": None,
            "earlier": None,
            "standby": None if (spare := engines.standby()) is None else generations.standby_status(spare),
        }


def _job(tasks: Sequence[Task], *names: str) -> Job | None:
    """The one of these tasks that was asked for; the hourly rounds of the schedule are nobody's question."""
    found = [task for task in tasks if task.name in names and (task.key != "schedule" or task.lease)]
    if not found:
        return None
    now = wall()
    running = any(task.lease_until is not None and task.lease_until > now for task in found)
    return Job(min(task.due_at for task in found), running)


@blueprint.get("/system")
@access("operator")
def system() -> ResponseReturnValue:
    """Search index, journal readers and waiting work. Everything is counted, nothing is read through."""
    last = journal.last_id()
    cursors = [
        Cursor(row.reader, READERS.get(row.reader.split(":")[0]), last - row.position, row.last_error)
        for row in db.session.scalars(sa.select(JournalCursor).order_by(JournalCursor.reader))
    ]
    asked = db.session.scalars(
        sa.select(Task)
        .where(Task.name.in_(("search.rebuild", "search.rollback", checks.TASK)))
        .order_by(Task.id)
    ).all()
    due = sa.select(sa.func.count()).select_from(Task).where(Task.due_at <= wall())
    check = checks.last_check()
    return render_template(
        "operator/system.html",
        status=_status(),
        entries=last,
        cursors=cursors,
        waiting=db.session.scalar(due) or 0,
        rebuilding=_job(asked, "search.rebuild"),
        going_back=_job(asked, "search.rollback"),
        checking=_job(asked, checks.TASK),
        check=check,
        broken=break_of(check),
        idle_since=idle_since(),
    )


@blueprint.post("/system/rebuild")
@access("operator")
def rebuild() -> ResponseReturnValue:
    """Ask the worker for a new generation of the index; the present one answers until it is there."""
    actor = current_actor()
    require(actor, "search.rebuild")
    with unit_of_work(actor):
        enqueue("search.rebuild", key="requested")
    flash(gettext("The worker builds a new index; the present one answers until it is ready."), "success")
    return redirect(url_for("operator.system"))


@blueprint.post("/system/rollback")
@access("operator")
def roll_back() -> ResponseReturnValue:
    """Ask the worker to let the generation answer again that answered before."""
    actor = current_actor()
    require(actor, "search.rollback")
    with unit_of_work(actor):
        enqueue("search.rollback", key="requested")
    flash(gettext("The worker goes back to the earlier index; the present one is kept."), "success")
    return redirect(url_for("operator.system"))


@blueprint.post("/system/journal")
@access("operator")
def verify_journal() -> ResponseReturnValue:
    """Ask the worker to recompute the chain of seals: it reads every entry."""
    with unit_of_work(current_actor()):
        checks.ask_for_check()
    flash(gettext("The worker checks the chain; the result appears here when it is done."), "success")
    return redirect(url_for("operator.system"))
