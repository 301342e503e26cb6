"""What the worker does for search: generations read the journal, missing ones are built, hints follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule

from . import generations, suggestions
from .indexer import REWRITE


def refresh_suggestions() -> None:
    """Bring what is suggested while typing in step with the live offers."""
    suggestions.refresh()


TASKS: dict[str, Handler] = {
    "search.ensure": generations.ensure,
    "search.rebuild": generations.rebuild_kept,
    "search.rollback": generations.roll_back,
    REWRITE: generations.rewrite,
    "search.suggestions": refresh_suggestions,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("search.ensure", dt.timedelta(minutes=1)),
    Schedule("search.suggestions", dt.timedelta(minutes=5)),
)


def readers() -> Sequence[Reader]:
    """One per index generation."""
    return generations.readers()
