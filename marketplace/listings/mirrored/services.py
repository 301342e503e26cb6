"""Offers of other platforms: taken in, looked through, and deleted when their platform ends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record

from .models import MirroredOffer, MirrorSource

Values = Mapping[str, Any]
Said = Literal["created", "updated", "unchanged"]
_MOST_WORDS = 5


def source_named(name: str | None) -> MirrorSource:
    """The source of that name, made when it is new; inside a unit of work.

    Raises:
        Invalid: `mirror-source-missing`: the name is empty or longer than 80 characters.
    """
    name = (name or "").strip()
    if not name or len(name) > 80:
        raise Invalid("mirror-source-missing", "Name the platform that these offers come from.")
    found = db.session.scalar(sa.select(MirrorSource).where(MirrorSource.name == name).with_for_update())
    if found is None:
        found = MirrorSource(name=name, created_at=clock.now())
        db.session.add(found)
        db.session.flush()
    return found


def take(actor: Actor, source: MirrorSource, values: Values, digest: str) -> Said:
    """Store one offer as its platform shows it; repeating changes nothing.

    Args:
        values: converted import columns, see `columns.COLUMNS`; money in 分, rate in per cent.
        digest: of what the row says, to tell repetition from change.
    """
    require(actor, "mirrored.import")
    row = _known(source, values["reference"])
    if row is not None and row.digest == digest:
        return "unchanged"
    number = values["patent_number"]
    now = clock.now()
    created = row is None
    if row is None:
        row = MirroredOffer(source=source, reference=values["reference"], created_at=now)
        db.session.add(row)
    row.address = values["address"]
    row.patent_number, row.kind = str(number), number.kind
    row.title = values["title"]
    row.owners = "; ".join(values.get("owners") or ())[:1_000] or None
    row.ipc = next(iter(values.get("ipc") or ()), None)
    row.declaration_number = values.get("declaration_number")
    row.announced_on = values.get("announced_on")
    row.fee_form = values.get("fee_form")
    row.fee_minor, row.rate_percent = values.get("fee"), values.get("rate")
    row.rate_base = values.get("rate_base")
    row.payment_text, row.term_to = values.get("payment_text"), values.get("term_to")
    row.digest, row.updated_at = digest, now
    record("mirrored.entered" if created else "mirrored.changed", row, source=source.id)
    return "created" if created else "updated"


def end(actor: Actor, source: MirrorSource, reference: str) -> bool:
    """Delete an offer that its platform has ended; whether it was here."""
    require(actor, "mirrored.import")
    row = _known(source, reference)
    if row is None:
        return False
    record("mirrored.deleted", row, source=source.id)
    db.session.delete(row)
    db.session.flush()
    return True


def references(source: MirrorSource) -> set[str]:
    """What the offers that are mirrored from a platform are called there."""
    query = sa.select(MirroredOffer.reference).where(MirroredOffer.source_id == source.id)
    return set(db.session.scalars(query))


def _known(source: MirrorSource, reference: str) -> MirroredOffer | None:
    return db.session.scalar(
        sa.select(MirroredOffer).where(
            MirroredOffer.source_id == source.id, MirroredOffer.reference == reference
        )
    )


def find(
    *, words: str = "", source_id: int | None = None, before: int | None = None, size: int = 30
) -> list[MirroredOffer]:
    """Mirrored offers, the newest first.

    Args:
        words: a patent number in any written form, else words that title or owners all contain.
        source_id: only of this platform.
        before: the id of the last one of the page before (keyset paging).
    """
    query = sa.select(MirroredOffer).order_by(MirroredOffer.id.desc()).limit(size)
    if source_id is not None:
        query = query.where(MirroredOffer.source_id == source_id)
    if before is not None:
        query = query.where(MirroredOffer.id < before)
    if words:
        query = query.where(*_matching(words))
    return list(db.session.scalars(query))


def _matching(words: str) -> list[sa.ColumnElement[bool]]:
    try:
        return [MirroredOffer.patent_number == str(parse_number(words))]
    except InvalidNumber:
        return [
            sa.or_(
                MirroredOffer.title.icontains(word, autoescape=True),
                MirroredOffer.owners.icontains(word, autoescape=True),
                MirroredOffer.declaration_number == word,
            )
            for word in words.split()[:_MOST_WORDS]
        ]


@dataclass(frozen=True)
class SourceCount:
    """A platform, how many of its offers are mirrored here and how many of them are free; never counted."""

    source: MirrorSource
    offers: int
    free: int


def counts() -> list[SourceCount]:
    """The platforms with what is mirrored of each, by name. These are in no figure of this market."""
    number = sa.func.count(MirroredOffer.id)
    free = sa.func.count(sa.case((MirroredOffer.fee_form == "free", 1)))
    query = (
        sa.select(MirrorSource, number, free)
        .outerjoin(MirroredOffer, MirroredOffer.source_id == MirrorSource.id)
        .group_by(MirrorSource.id)
        .order_by(MirrorSource.name)
    )
    return [SourceCount(*row) for row in db.session.execute(query)]
