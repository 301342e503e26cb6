"""Whether everything that proves something still holds: the journal, the log of accesses, the anchors."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.access_log.models import Access
from marketplace.core import journal
from marketplace.core.database import db
from marketplace.core.journal import GENESIS, JournalEntry, Verification

from . import merkle
from .anchors import digest_of, seals_of
from .models import Anchor


def verify(progress: Callable[[int], None] | None = None) -> Verification:
    """Recompute the journal, then the log of accesses, then each anchor; only reads.

    An anchor shows what the chain alone cannot: that all seals were computed anew, or that the log of
    accesses lost its tail.

    Args:
        progress: called with the number of journal entries that hold, after every 2000.

    Returns:
        The journal's own break if it has one; else `kind` is `accesses` or `anchor` for a break there.
    """
    found = journal.verify(progress)
    if not found.ok:
        return found
    line = access_log.first_break()
    if line is not None:
        sentence = f"line {line} of the log of accesses is missing or was changed"
        return Verification(found.entries, sentence, "accesses")
    sentence = _fault_of_anchors()
    return Verification(found.entries, sentence or None, "anchor" if sentence else None)


def _fault_of_anchors() -> str:
    """What the first anchor that does not hold contradicts, as an English sentence; empty if all hold."""
    number, digest = 0, GENESIS
    while row := db.session.scalar(sa.select(Anchor).where(Anchor.id > number).order_by(Anchor.id).limit(1)):
        number += 1
        columns = {column.key: getattr(row, column.key) for column in Anchor.__table__.columns}
        if row.id != number or digest_of(columns, digest) != row.digest:
            return f"anchor {number} is missing or was changed"
        seal = db.session.scalar(sa.select(JournalEntry.seal).where(JournalEntry.id == row.last))
        if seal != row.seal or merkle.root(seals_of(row)[1]) != row.root:
            return f"anchor {number} contradicts the journal up to entry {row.last}"
        line = db.session.scalar(sa.select(Access.seal).where(Access.id == row.accesses))
        if (line or GENESIS) != row.accesses_seal:
            return f"anchor {number} contradicts the log of accesses up to line {row.accesses}"
        digest = row.digest
        db.session.expunge(row)
    return ""
