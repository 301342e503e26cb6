"""Anchoring the chain: each part is checked once, hashed into a tree, and shown to a time-stamp authority.

An anchor makes a change of the chain show even if all later seals were recomputed: the digest that the
authority signed cannot be. It also proves single entries without showing those between them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from marketplace.accounts.access_log import services as access_log
from marketplace.core import clock
from marketplace.core.checks import tell
from marketplace.core.database import db
from marketplace.core.journal import GENESIS, JournalEntry, Verification, last_id, seal_of
from marketplace.core.lazily import Lazily
from marketplace.core.tasks import renew
from marketplace.core.unit_of_work import unit_of_work

from . import merkle
from .models import Anchor

if TYPE_CHECKING:
    from marketplace.core.papers import timestamping
else:
    timestamping = Lazily("marketplace.core.papers.timestamping")

log = logging.getLogger(__name__)
TASK: Final = "audit.anchor"
MOST: Final = 65_536  # entries of one anchor
_STRIDE: Final = 2000


class ChainBroken(Exception):
    """The chain does not hold; `number` is the first entry that is missing or was changed."""

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} is missing or was changed")
        self.number = number


@dataclass(frozen=True)
class Part:
    """A stretch of the chain that was recomputed."""

    last: int
    seal: bytes
    seals: list[bytes]


def checked(after: int, seal: bytes, most: int = MOST) -> Part:
    """Recompute at most `most` entries that follow entry `after`, whose seal is `seal`.

    Raises:
        ChainBroken: at the first entry that is missing or was changed.
    """
    table = JournalEntry.__table__
    seals: list[bytes] = []
    last = after
    while len(seals) < most:
        query = sa.select(table).where(table.c.id > last).order_by(table.c.id)
        rows = db.session.execute(query.limit(min(_STRIDE, most - len(seals)))).mappings().all()
        if not rows:
            break
        for row in rows:
            seal = seal_of(seal, row["id"], dict(row)) if row["id"] == last + 1 else b""
            if seal != row["seal"]:
                raise ChainBroken(last + 1)
            seals.append(seal)
            last += 1
    return Part(last, seal, seals)


def digest_of(anchor: dict[str, Any], previous: bytes) -> bytes:
    """SHA-256 over an anchor's numbers and hashes (hex) as canonical JSON, with the anchor before."""
    values = {
        "number": anchor["id"],
        "made_at": anchor["made_at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "last": anchor["last"],
        "seal": anchor["seal"].hex(),
        "root": anchor["root"].hex(),
        "accesses": anchor["accesses"],
        "accesses_seal": anchor["accesses_seal"].hex(),
        "previous": previous.hex(),
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).digest()


def last_anchor() -> Anchor | None:
    """The newest anchor; None where there is none."""
    return db.session.scalar(sa.select(Anchor).order_by(Anchor.id.desc()).limit(1))


def anchor(*, stamped: bool = True) -> list[Anchor]:
    """Anchor what was added since the last anchor; opens its own units of work, outside of any other.

    Args:
        stamped: ask the time-stamp authority for the newest of them; one that does not answer fails nothing.

    Returns:
        The new anchors, oldest first; none where nothing was added.

    Raises:
        ChainBroken: the chain does not hold. It is logged as an error, and nothing is anchored behind it.
    """
    made: list[Anchor] = []
    while True:
        before = last_anchor()
        number, seal = (before.last, before.seal) if before else (0, GENESIS)
        try:
            part = checked(number, seal)
        except ChainBroken as error:
            log.error("the journal's chain is broken", extra={"entry": error.number})
            raise
        head = last_id()
        if not part.seals:
            if head < number:
                log.error("the journal's tail was cut", extra={"entry": head + 1})
                raise ChainBroken(head + 1)
            return made
        accesses, accesses_seal = access_log.head()
        values: dict[str, Any] = {
            "id": (before.id if before else 0) + 1,
            "made_at": clock.now(),
            "last": part.last,
            "seal": part.seal,
            "root": merkle.root(part.seals),
            "accesses": accesses,
            "accesses_seal": accesses_seal,
        }
        values["digest"] = digest_of(values, before.digest if before else GENESIS)
        db.session.rollback()
        if stamped and part.last >= head:
            values |= _stamp(values["digest"])
        with unit_of_work():
            # Somebody else may have anchored meanwhile: the number is the primary key, so one of us fails.
            if db.session.get(Anchor, values["id"]) is not None:
                continue
            row = Anchor(**values)
            db.session.add(row)
        made.append(row)


def _stamp(digest: bytes) -> dict[str, Any]:
    """The columns of a time-stamp, or why there is none."""
    authority = timestamping.authority()
    if authority is None:
        return {}
    try:
        found = authority.stamp(digest)
    except timestamping.TimeStampFailed as error:
        log.warning("no time-stamp for the journal", extra={"reason": error.code})
        return {"failure": error.code}
    return {"token": found.token, "stamped_at": found.at, "authority": found.authority[:200]}


def anchor_daily() -> None:
    """Anchor the chain (a task); a break is recorded as the whole check records one, and seen by operators.

    The whole check could not find it again where all later seals were computed anew.
    """
    renew()
    try:
        anchor()
    except ChainBroken as error:
        tell(Verification(error.number - 1, str(error), "changed"))


def anchor_over(number: int) -> Anchor | None:
    """The anchor whose stretch holds the entry; None while there is none."""
    query = sa.select(Anchor).where(Anchor.last >= number).order_by(Anchor.last).limit(1)
    return db.session.scalar(query)


def first_stamped(number: int) -> Anchor | None:
    """The first anchor over the entry that a time-stamp authority has signed, or a later one."""
    query = sa.select(Anchor).where(Anchor.last >= number, Anchor.token.is_not(None))
    return db.session.scalar(query.order_by(Anchor.last).limit(1))


def seals_of(row: Anchor) -> tuple[int, list[bytes]]:
    """The first number of an anchor's stretch, and its seals in order."""
    first = (db.session.scalar(sa.select(sa.func.max(Anchor.last)).where(Anchor.id < row.id)) or 0) + 1
    query = sa.select(JournalEntry.seal).where(JournalEntry.id.between(first, row.last))
    return first, list(db.session.scalars(query.order_by(JournalEntry.id)))
