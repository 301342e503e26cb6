"""The state of the machinery: search index, journal, readers."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core import journal
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.core.readers import JournalCursor
from marketplace.core.tasks import Task, enqueue
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import generations
from marketplace.search.engine import EngineUnavailable

from .operator_frame import blueprint


@dataclass(frozen=True)
class Cursor:
    """A reader of the journal and how many entries it is behind."""

    name: str
    lag: int
    error: str | None


@blueprint.get("/system")
@access("operator")
def system() -> ResponseReturnValue:
    """Search index, journal readers and waiting work."""
    return _page()


def _page(verification: journal.Verification | None = None) -> ResponseReturnValue:
    try:
        status = generations.status()
    except EngineUnavailable as error:
        status = {
            "engine": "—",
            "available": False,
            "detail": str(error),
            "generation": None,
            "lag": None,
            "counts": None,
        }
    last = journal.last_id()
    cursors = [
        Cursor(row.reader, last - row.position, row.last_error)
        for row in db.session.scalars(sa.select(JournalCursor).order_by(JournalCursor.reader))
    ]
    waiting = db.session.scalar(sa.select(sa.func.count()).select_from(Task)) or 0
    rebuilding = db.session.scalar(sa.select(Task.id).where(Task.name == "search.rebuild")) is not None
    return render_template(
        "operator/system.html",
        status=status,
        entries=last,
        cursors=cursors,
        waiting=waiting,
        rebuilding=rebuilding,
        verification=verification,
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


@blueprint.post("/system/journal")
@access("operator")
def verify_journal() -> ResponseReturnValue:
    """Recompute the chain of seals; reads every entry."""
    return _page(journal.verify())
