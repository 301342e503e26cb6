"""Impressions and page views: a bounded buffer per process, added to the database once a second.

They are not changes of state, so they pass the journal by. Noting one costs a request a dictionary entry:
it never waits, never raises and never touches the request's transaction. What does not fit is dropped and
counted in `marketplace_activity_dropped_total`.
"""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import Flask, current_app
from prometheus_client import Counter

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer, PatentParty

from .models import ACTIVITY_KINDS, Activity

log = logging.getLogger(__name__)

CHANNELS = ("web", "api", "mail")
CAPACITY = 20_000  # different keys
WAKE_AT = CAPACITY // 2
EVERY = 1.0  # seconds
DROPPED = Counter("marketplace_activity_dropped_total", "Impressions and views lost to a full buffer.")
_EXTENSION = "marketplace.activity"
_CRAWLER = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|fetcher|monitor|uptime|validator", re.IGNORECASE
)


class View(NamedTuple):
    """What is added up. `viewers` are the organisations acted for, only kept until the owner is known."""

    day: dt.date
    offer_id: int
    kind: str
    channel: str
    audience: str
    viewers: frozenset[int]


class Buffer:
    """Views of one process that are not yet in the database."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.wake = threading.Event()
        self._counts: dict[View, int] = {}
        self._lock = threading.Lock()

    def add(self, views: Mapping[View, int]) -> int:
        """Take views in. Returns how many were dropped because the buffer is full."""
        dropped = 0
        with self._lock:
            for view, number in views.items():
                if view in self._counts or len(self._counts) < self.capacity:
                    self._counts[view] = self._counts.get(view, 0) + number
                else:
                    dropped += number
            if len(self._counts) >= min(WAKE_AT, self.capacity):
                self.wake.set()
        if dropped:
            DROPPED.inc(dropped)
        return dropped

    def take(self) -> dict[View, int]:
        """All views, leaving none."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken

    def __len__(self) -> int:
        return len(self._counts)


def buffer_of(app: Flask) -> Buffer:
    """The application's buffer in this process. Nothing is written until `start` or `flush`."""
    found: Buffer = app.extensions.setdefault(_EXTENSION, Buffer())
    return found


def note(
    kind: str,
    offer_ids: Iterable[int],
    channel: str,
    actor: Actor,
    user_agent: str | None,
) -> None:
    """Count offers as shown, opened, contacted, recommended or passed, today.

    Bots, staff and (when it is written) the owner's own views are left out. For web and API views, called
    in a request; no transaction is needed and none is touched.

    Args:
        kind: one of ACTIVITY_KINDS.
        offer_ids: the offers, each counted once.
        channel: one of CHANNELS.
        actor: who looks.
        user_agent: the header of the request; a page asked for without one is a bot's.
    """
    if actor.is_staff or is_bot(user_agent, channel):
        return
    if kind not in ACTIVITY_KINDS or channel not in CHANNELS:
        log.error("unknown activity", extra={"kind": kind, "channel": channel})
        return
    day = clock.today()
    viewers = actor.principals | (
        {actor.organisation_id} if actor.organisation_id is not None else frozenset()
    )
    audience = audience_of(actor)
    buffer = buffer_of(current_app)
    buffer.add({View(day, offer_id, kind, channel, audience, viewers): 1 for offer_id in offer_ids})


def is_bot(user_agent: str | None, channel: str) -> bool:
    """Whether a request comes from a crawler. Programs are welcome in the API, if they are no crawlers."""
    if not user_agent:
        return channel == "web"
    return _CRAWLER.search(user_agent) is not None


def audience_of(actor: Actor) -> str:
    """`visitor`, `manager` (a technology manager) or `member`."""
    if actor.user_id is None:
        return "visitor"
    return "manager" if "manager" in actor.roles else "member"


def flush(app: Flask) -> int:
    """Add what the buffer holds to the database, in a unit of work of its own.

    Returns:
        How many views were added. When the database is away they go back into the buffer.
    """
    buffer = buffer_of(app)
    taken = buffer.take()
    if not taken:
        return 0
    try:
        with app.app_context(), unit_of_work(SYSTEM):
            return _write(taken)
    except sa.exc.SQLAlchemyError:
        log.exception("activity could not be written")
        buffer.add(taken)
        return 0


def _write(taken: dict[View, int]) -> int:
    owners = _owners({view.offer_id for view in taken})
    counts: dict[tuple[Any, ...], int] = defaultdict(int)
    for view, number in taken.items():
        # An offer that is not there cannot be counted; an owner looking at its own is no interest.
        if view.offer_id in owners and not view.viewers & owners[view.offer_id]:
            counts[view[:5]] += number
    if not counts:
        return 0
    names = View._fields[:5]
    # Sorted, so that two processes cannot wait for each other's rows.
    rows = [dict(zip(names, key, strict=True)) | {"count": counts[key]} for key in sorted(counts)]
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    statement = insert(Activity.__table__)
    statement = statement.on_conflict_do_update(
        index_elements=list(names), set_={"count": Activity.__table__.c.count + statement.excluded["count"]}
    )
    db.session.execute(statement, rows)
    return sum(counts.values())


def _owners(offer_ids: set[int]) -> dict[int, set[int]]:
    """Offer → its holder and all patentees."""
    found: dict[int, set[int]] = {}
    ids = sorted(offer_ids)
    for begin in range(0, len(ids), 500):
        query = (
            sa.select(Offer.id, Offer.holder_id, PatentParty.organisation_id)
            .outerjoin(PatentParty, PatentParty.patent_id == Offer.patent_id)
            .where(Offer.id.in_(ids[begin : begin + 500]))
        )
        for offer_id, holder_id, party_id in db.session.execute(query):
            found.setdefault(offer_id, set()).update(
                {holder_id} if party_id is None else {holder_id, party_id}
            )
    return found


def start(app: Flask) -> threading.Thread:
    """Flush once a second, when the buffer fills, and at the end of the process. Once per server process."""
    buffer = buffer_of(app)

    def run() -> None:
        while True:
            buffer.wake.wait(EVERY)
            buffer.wake.clear()
            try:
                flush(app)
            except Exception:  # the thread must outlive whatever goes wrong once
                log.exception("activity could not be written")

    thread = threading.Thread(target=run, name="activity", daemon=True)
    thread.start()
    atexit.register(flush, app)
    return thread
