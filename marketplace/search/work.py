"""What the worker does for search: every generation reads the journal; a missing one is built."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule

from . import generations
from .indexer import REWRITE

TASKS: dict[str, Handler] = {
    "search.ensure": generations.ensure,
    "search.rebuild": generations.rebuild_kept,
    "search.rollback": generations.roll_back,
    REWRITE: generations.rewrite,
}
SCHEDULES: tuple[Schedule, ...] = (Schedule("search.ensure", dt.timedelta(minutes=1)),)


def readers() -> Sequence[Reader]:
    """One per index generation."""
    return generations.readers()
