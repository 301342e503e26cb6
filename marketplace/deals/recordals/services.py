"""Recordals: reminders of their last day, what CNIPA sent, changes and cancellations by hand or by list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.evidence.services import lay_paper
from marketplace.deals.lifecycle import RECORDAL
from marketplace.deals.lookup import find, lock_licence
from marketplace.deals.models import Licence
from marketplace.deals.policies import side_of

from .models import RecordalChange, RecordalReminder
from .rules import MARKS, mark_of

MAX_ITEM: Final = 100
MAX_VALUE: Final = 1000


def remind() -> None:
    """Tell both sides of recordals whose last day comes near, once per mark (a schedule).

    Licences that one party alone has stated are not reminded of: nobody here knows that day for certain.
    """
    today = clock.today()
    near = (
        sa.select(Licence.id)
        .where(
            Licence.kind == "open",
            Licence.state == "in_effect",
            Licence.evidence != "holder_stated",
            Licence.recordal_state == "to_do",
            Licence.recordal_due_on.between(today, today + dt.timedelta(days=max(MARKS.values()))),
            ~_told(today),
        )
        .order_by(Licence.id)
    )
    for key in list(db.session.scalars(near)):
        with unit_of_work():
            licence = lock_licence(db.session.get_one(Licence, key))
            due_on = licence.recordal_due_on
            mark = None if due_on is None else mark_of(due_on, today)
            # Filed in the meantime, or told by another worker.
            if due_on is None or mark is None or licence.recordal_state != "to_do" or _marked(key, mark):
                continue
            db.session.add(RecordalReminder(licence=licence, kind=mark, created_at=clock.now()))
            record(
                "licence.recordal_due_soon",
                licence,
                organisation_id=licence.licensee_id,
                due_on=due_on.isoformat(),
                mark=mark,
            )


def _told(today: dt.date) -> sa.ColumnElement[bool]:
    """Whether the mark that a licence's recordal has reached was told of; as `mark_of` reckons it."""
    # A mark counts until the nearer one is reached.
    bounds = zip(MARKS, (-1, *MARKS.values()), strict=False)
    reached = [
        sa.and_(
            RecordalReminder.kind == mark,
            Licence.recordal_due_on > today + dt.timedelta(days=nearer),
        )
        for mark, nearer in bounds
    ]
    return sa.exists().where(RecordalReminder.licence_id == Licence.id, sa.or_(*reached))


def _marked(licence_id: int, mark: str) -> bool:
    query = sa.select(RecordalReminder.id).where(
        RecordalReminder.licence_id == licence_id, RecordalReminder.kind == mark
    )
    return db.session.scalar(query) is not None


def changes_of(licence: Licence) -> Sequence[RecordalChange]:
    """The changes and the cancellation of a licence's recordal, in the order of their days."""
    query = sa.select(RecordalChange).where(RecordalChange.licence_id == licence.id)
    return db.session.scalars(query.order_by(RecordalChange.announced_on, RecordalChange.id)).all()


def keep_result(actor: Actor, licence_id: int, *, content: bytes, name: str) -> Licence:
    """Lay what CNIPA sent of a recordal beside the licence.

    Raises:
        NotFound, Forbidden: the actor is no party. Invalid: what `lay_paper` raises.
    """
    licence = lock_licence(find(actor, "licence.recordal", Licence, licence_id))
    lay_paper(actor, licence, "recordal", content=content, name=name)
    return licence


def change_recordal(
    actor: Actor,
    licence_id: int,
    *,
    on: dt.date,
    item: str,
    before: str | None = None,
    after: str | None = None,
    content: bytes | None = None,
    name: str = "",
) -> Licence:
    """Note by hand that an item of a recorded licence was changed (变更).

    Args:
        on: the day of the change as CNIPA gives it.
        item: which one, in CNIPA's words.
        content, name: its notice of the change, if at hand.

    Raises:
        Invalid: `change-item-missing`, `text-too-long`, `date-in-future`, `date-too-early`.
        Conflict: `recordal-missing`, `change-known`.
    """
    licence = lock_licence(find(actor, "licence.recordal", Licence, licence_id))
    item = item.strip()
    if not item:
        raise Invalid(
            "change-item-missing",
            "Say which item was changed.",
            fields={"item": ["Say which item was changed."]},
        )
    lengths = (("item", item, MAX_ITEM), ("before", before, MAX_VALUE), ("after", after, MAX_VALUE))
    for field, text, most in lengths:
        if text is not None and len(text) > most:
            raise Invalid(
                "text-too-long",
                "This text is too long.",
                fields={field: ["This text is too long."]},
                limit=most,
            )
    _require_recorded(licence)
    _after_the_recordal(licence, on)
    side = side_of(actor, licence)
    if not note_change(actor, licence, on=on, item=item, before=before, after=after, side=side):
        raise Conflict("change-known", "This change is on record already.")
    if content:
        lay_paper(actor, licence, "recordal", content=content, name=name)
    return licence


def cancel_recordal(
    actor: Actor, licence_id: int, *, on: dt.date, content: bytes | None = None, name: str = ""
) -> Licence:
    """Note by hand that CNIPA has cancelled the recordal of a licence that is over (注销).

    A party's word on the recordal ends no licence: the end itself comes first.

    Raises:
        Invalid: `date-in-future`, `date-too-early`.
        Conflict: `recordal-missing`, `licence-not-over`.
    """
    licence = lock_licence(find(actor, "licence.recordal", Licence, licence_id))
    _require_recorded(licence)
    if licence.state == "in_effect":
        raise Conflict(
            "licence-not-over", "The licence is in effect: record its end first, then the cancellation."
        )
    _after_the_recordal(licence, on)
    note_cancellation(actor, licence, on=on, side=side_of(actor, licence))
    if content:
        lay_paper(actor, licence, "recordal", content=content, name=name)
    return licence


def note_change(
    actor: Actor,
    licence: Licence,
    *,
    on: dt.date,
    item: str,
    before: str | None,
    after: str | None,
    side: str,
) -> bool:
    """Keep a change of the recordal of a licence that is locked.

    Args:
        side: who says so: `holder`, `licensee`, `operator`, or `gazette`, which verifies what a party said.

    Returns:
        Whether that is news.
    """
    known = _known(licence, "changed", on, item)
    if known is not None:
        return _verified(known, side)
    row = RecordalChange(
        licence=licence,
        kind="changed",
        announced_on=on,
        item=item,
        before=before or None,
        after=after or None,
        side=side,
        created_at=clock.now(),
    )
    RECORDAL.execute(
        actor,
        licence,
        "change_recordal",
        effect=lambda: db.session.add(row),
        organisation_id=licence.licensee_id,
        occurred_on=on,
        item=item,
        side=side,
    )
    return True


def note_cancellation(actor: Actor, licence: Licence, *, on: dt.date, side: str) -> bool:
    """Keep the cancellation of the recordal of a licence that is locked; the licence itself stays as it is.

    Returns:
        Whether that is news.
    """
    known = _known(licence, "cancelled", on, "")
    if known is not None:
        return _verified(known, side)
    row = RecordalChange(
        licence=licence, kind="cancelled", announced_on=on, side=side, created_at=clock.now()
    )
    RECORDAL.execute(
        actor,
        licence,
        "cancel_recordal",
        effect=lambda: db.session.add(row),
        organisation_id=licence.licensee_id,
        occurred_on=on,
        side=side,
    )
    return True


def _known(licence: Licence, kind: str, on: dt.date, item: str) -> RecordalChange | None:
    return db.session.scalar(
        sa.select(RecordalChange).where(
            RecordalChange.licence_id == licence.id,
            RecordalChange.kind == kind,
            RecordalChange.announced_on == on,
            RecordalChange.item == item,
        )
    )


def _verified(row: RecordalChange, side: str) -> bool:
    """The gazette prints what a party had said."""
    if side != "gazette" or row.side == "gazette":
        return False
    row.side = "gazette"
    return True


def _require_recorded(licence: Licence) -> None:
    if licence.recordal_state != "recorded":
        raise Conflict(
            "recordal-missing", "Only a recordal that is on record here can be changed or cancelled."
        )


def _after_the_recordal(licence: Licence, on: dt.date) -> None:
    if on > clock.today():
        raise Invalid(
            "date-in-future", "This day is still to come.", fields={"on": ["This day is still to come."]}
        )
    if on < (licence.recorded_on or licence.effective_on):
        raise Invalid(
            "date-too-early",
            "The licence was not recorded on this day.",
            fields={"on": ["The licence was not recorded on this day."]},
        )
