"""What the worker does for guided tasks: it looks at them anew when offers, patents or facts change."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader
from marketplace.core.tasks import Handler, Schedule
from marketplace.listings.models import Offer

from .services import settle_on


def _settle(entries: Sequence[JournalEntry]) -> None:
    patents = {entry.subject_id for entry in entries if entry.subject_type == "patents"}
    offers = {entry.subject_id for entry in entries if entry.subject_type == "offers"}
    if offers:
        patents |= set(db.session.scalars(sa.select(Offer.patent_id).where(Offer.id.in_(offers))))
    if patents:
        settle_on(sorted(patents))


def readers() -> Sequence[Reader]:
    """The reader that ends tasks; it starts now: a task that is begun later looks at the facts itself."""
    return [Reader("changes", inside=_settle, start="now")]


TASKS: dict[str, Handler] = {}
SCHEDULES: tuple[Schedule, ...] = ()
