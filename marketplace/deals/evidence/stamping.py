"""Time-stamps over notices: asked for with the notice, fetched by the worker, tried again while they fail.

A notice never waits for its time-stamp and never fails by it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.lazily import Lazily
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals.models import Notice

from .lifecycle import TIME_STAMP
from .models import TimeStamp

if TYPE_CHECKING:
    from marketplace.core.papers import timestamping
else:
    timestamping = Lazily("marketplace.core.papers.timestamping")

TASK: Final = "deals.stamp_notice"
_WAITS: Final = tuple(dt.timedelta(minutes=one) for one in (1, 5, 30, 120, 360))
_AT_ONCE: Final = 500


def ask_time_stamp(notice: Notice) -> None:
    """Ask for a time-stamp over a new notice's document, in the present unit of work.

    Without a configured authority nothing happens.
    """
    if timestamping.authority() is None:
        return
    db.session.add(
        TimeStamp(
            notice=notice, digest=notice.document_digest, state=TIME_STAMP.initial, asked_at=clock.now()
        )
    )
    db.session.flush()
    enqueue(TASK, key=str(notice.id), notice_id=notice.id)


def stamp_notice(notice_id: int) -> None:
    """Fetch a notice's time-stamp (a task; opens its own unit of work after the network was used).

    A failure is kept on the row, where both parties see it, and the task asks for itself again later.
    """
    row = stamp_of(notice_id)
    authority = timestamping.authority()
    if row is None or row.state == "stamped" or authority is None:
        return
    key, digest = row.id, bytes.fromhex(row.digest)
    db.session.rollback()
    try:
        stamped = authority.stamp(digest)
    except timestamping.TimeStampFailed as error:
        with unit_of_work():
            row = lock(TimeStamp, key)
            row.tried, row.tried_at, row.failure = row.tried + 1, clock.now(), error.code
            wait = _WAITS[min(row.tried, len(_WAITS)) - 1]
            enqueue(TASK, key=str(notice_id), delay=wait, notice_id=notice_id)
        return
    with unit_of_work():
        row = lock(TimeStamp, key)
        if row.state == "stamped":
            return

        def effect() -> None:
            row.token, row.stamped_at, row.serial = stamped.token, stamped.at, stamped.serial[:80]
            row.authority, row.failure = stamped.authority, None

        TIME_STAMP.execute(
            SYSTEM,
            row,
            "stamp",
            effect=effect,
            organisation_id=row.notice.licensee_id,
            notice_id=notice_id,
            offer_id=row.notice.offer_id,
            serial=stamped.serial[:80],
        )


def ask_again() -> None:
    """Ask for the time-stamps that are still waited for (a schedule).

    One whose task was lost, or came up while no authority was configured, is not forgotten; one whose task
    waits for its time is left alone.
    """
    if timestamping.authority() is None:
        return
    waiting = sa.select(TimeStamp.notice_id).where(TimeStamp.state == "waiting")
    for notice_id in list(db.session.scalars(waiting.order_by(TimeStamp.id).limit(_AT_ONCE))):
        with unit_of_work():
            enqueue(TASK, key=str(notice_id), notice_id=notice_id)


def stamp_of(notice_id: int) -> TimeStamp | None:
    """The time-stamp of a notice, asked for or there; None where none was asked for."""
    return db.session.scalar(sa.select(TimeStamp).where(TimeStamp.notice_id == notice_id))


def token_of(notice_id: int) -> bytes:
    """The signed token (DER) over a notice's document; whether the reader may have it was asked before.

    Raises:
        NotFound: `time-stamp-none`: none was asked for, or it is not there yet.
    """
    stamp = stamp_of(notice_id)
    if stamp is None or stamp.token is None:
        raise NotFound("time-stamp-none", "This notice has no time-stamp.")
    return stamp.token
