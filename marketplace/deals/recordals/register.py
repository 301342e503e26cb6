"""The register of licences: what the gazette has printed of them, searched and read page by page.

Public is what the gazette prints of a recordal (GL V-8 §1.3.2.7): numbers, parties, title, dates and kind,
never a fee. A licence that is not recorded, or that one side alone has stated, is shown to staff only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid
from marketplace.core.identifiers import InvalidNumber, PatentNumber
from marketplace.deals.lookup import few
from marketplace.deals.models import ON_THE_REGISTER, RECORDAL_STATES, Licence
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty

LARGEST: Final = 200
_BATCH: Final = 1_000
_NAMES: Final = 200  # organisations whose name holds what was typed


@dataclass(frozen=True)
class Asked:
    """What is looked for; None and "" ask for nothing.

    Attributes:
        number: of the licence or of its recordal, whole.
        patent: a patent number in any usual form.
        party: a part of the name of a patentee or licensee.
        district: a GB/T 2260 code or its beginning, of the patent.
        ipc: the beginning of a classification symbol.
        first, last: days of effect, inclusive.
        state: `in_effect` or `ended`.
        recordal: a recordal state, for staff.
    """

    number: str = ""
    patent: str = ""
    party: str = ""
    district: str = ""
    ipc: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    state: str = ""
    recordal: str = ""


@dataclass(frozen=True)
class Entry:
    """A line of the register; `licensee` and `licensee_en` are public because the gazette prints them."""

    id: int
    number: str
    kind: str
    state: str
    recordal_state: str
    recordal_number: str | None
    recorded_on: dt.date | None
    patent_number: str
    title: str
    title_en: str | None
    ipc: str | None
    district: str | None
    declaration_number: str | None
    licensors: tuple[str, ...]
    licensee: str
    effective_on: dt.date
    term_to: dt.date | None
    ended_on: dt.date | None


def entries(actor: Actor, asked: Asked, *, after: int | None = None, limit: int = 50) -> list[Entry]:
    """A page of the register, newest first.

    Args:
        actor: staff see every licence, anybody else the public ones.
        after: id of the last line of the page before.
        limit: at most this many, 200 at most.

    Raises:
        Invalid: `register-number-form`: the patent number cannot be one.
    """
    wanted = _wanted(actor, asked, after, min(limit, LARGEST))
    return _entries(wanted)


def every_entry(actor: Actor, asked: Asked) -> Iterator[Entry]:
    """All lines, read in batches while they are sent."""
    after: int | None = None
    while True:
        batch = _entries(_wanted(actor, asked, after, _BATCH))
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].id
        db.session.expunge_all()


def _wanted(actor: Actor, asked: Asked, after: int | None, limit: int) -> sa.Select[Any]:
    """The ids of a page, in order."""
    rules = _rules(asked)
    patents = _patents(asked)
    if patents is not None:
        rules.append(Licence.patent_id.in_(patents))
    if not actor.is_staff:
        rules += [Licence.recordal_state.in_(ON_THE_REGISTER), Licence.evidence != "holder_stated"]
    elif asked.recordal in RECORDAL_STATES:
        rules.append(Licence.recordal_state == asked.recordal)
    if after is not None:
        rules.append(Licence.id < after)
    query = sa.select(Licence.id).where(*rules).order_by(Licence.id.desc()).limit(limit)
    if not asked.party:
        return query
    # Each side by its own index: an OR over the two would read the whole table.
    named = list(db.session.scalars(_named(asked.party)))
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(named))
    sides = [query.where(Licence.licensee_id.in_(named)), query.where(Licence.patent_id.in_(owned))]
    both = sa.union(*(sa.select(side.subquery().c.id) for side in sides)).subquery()
    return sa.select(both.c.id).order_by(both.c.id.desc()).limit(limit)


def _named(text: str) -> sa.Select[int]:
    return sa.select(Organisation.id).where(Organisation.name.contains(text, autoescape=True)).limit(_NAMES)


def _rules(asked: Asked) -> list[sa.ColumnElement[bool]]:
    rules: list[sa.ColumnElement[bool]] = []
    if asked.number:
        number = asked.number.strip().upper()
        rules.append(sa.or_(Licence.number == number, Licence.recordal_number == number))
    if asked.first is not None:
        rules.append(Licence.effective_on >= asked.first)
    if asked.last is not None:
        rules.append(Licence.effective_on <= asked.last)
    if asked.state:
        rules.append(Licence.state == asked.state)
    return rules


def _patents(asked: Asked) -> Any:
    """The patents that are asked for, for the right side of an IN; None where any will do."""
    rules = []
    if asked.patent:
        rules.append(Patent.number == _patent_number(asked.patent))
    if asked.district:
        rules.append(Patent.district.startswith(asked.district, autoescape=True))
    if asked.ipc:
        symbol = asked.ipc.replace(" ", "").upper()
        rules.append(
            Patent.id.in_(
                sa.select(PatentClass.patent_id).where(PatentClass.symbol.startswith(symbol, autoescape=True))
            )
        )
    if not rules:
        return None
    return few(sa.select(Patent.id).where(*rules))


def _patent_number(text: str) -> str:
    try:
        return PatentNumber.parse(text).canonical
    except InvalidNumber as error:
        raise Invalid(
            "register-number-form",
            "This is no patent number.",
            fields={"patent": ["This is no patent number."]},
        ) from error


def _entries(wanted: sa.Select[Any]) -> list[Entry]:
    ids = list(db.session.scalars(wanted))
    if not ids:
        return []
    rows = db.session.execute(
        sa.select(
            Licence.id,
            Licence.number,
            Licence.kind,
            Licence.state,
            Licence.recordal_state,
            Licence.recordal_number,
            Licence.recorded_on,
            Licence.effective_on,
            Licence.term_to,
            Licence.ended_on,
            Licence.patent_id,
            Patent.number.label("patent_number"),
            Patent.publication_number,
            Patent.title,
            Patent.title_en,
            Patent.district,
            Offer.declaration_number,
            Organisation.name.label("licensee"),
        )
        .join(Patent, Licence.patent_id == Patent.id)
        .join(Organisation, Licence.licensee_id == Organisation.id)
        .outerjoin(Offer, Licence.offer_id == Offer.id)
        .where(Licence.id.in_(ids))
        .order_by(Licence.id.desc())
    ).all()
    patents = {row.patent_id for row in rows}
    owners, classes = _owners(patents), _main_classes(patents)
    return [
        Entry(
            id=row.id,
            number=row.number,
            kind=row.kind,
            state=row.state,
            recordal_state=row.recordal_state,
            recordal_number=row.recordal_number,
            recorded_on=row.recorded_on,
            patent_number=row.patent_number or row.publication_number or "",
            title=row.title,
            title_en=row.title_en,
            ipc=classes.get(row.patent_id),
            district=row.district,
            declaration_number=row.declaration_number,
            licensors=owners.get(row.patent_id, ()),
            licensee=row.licensee,
            effective_on=row.effective_on,
            term_to=row.term_to,
            ended_on=row.ended_on,
        )
        for row in rows
    ]


def _owners(patents: set[int]) -> dict[int, tuple[str, ...]]:
    query = (
        sa.select(PatentParty.patent_id, Organisation.name)
        .join(Organisation, PatentParty.organisation_id == Organisation.id)
        .where(PatentParty.patent_id.in_(patents))
        .order_by(PatentParty.patent_id, PatentParty.position)
    )
    found: dict[int, tuple[str, ...]] = {}
    for patent_id, name in db.session.execute(query):
        found[patent_id] = (*found.get(patent_id, ()), name)
    return found


def _main_classes(patents: set[int]) -> dict[int, str]:
    query = sa.select(PatentClass.patent_id, PatentClass.symbol).where(
        PatentClass.patent_id.in_(patents), PatentClass.position == 0
    )
    return {row.patent_id: row.symbol for row in db.session.execute(query)}


def line_of(one: Entry) -> dict[str, Any]:
    """A line as plain values, days as text."""
    days = ("recorded_on", "effective_on", "term_to", "ended_on")
    plain = {
        name: getattr(one, name) for name in one.__dataclass_fields__ if name not in (*days, "licensors")
    }
    written = {name: value.isoformat() if (value := getattr(one, name)) else None for name in days}
    return {**plain, "id": str(one.id), "licensors": list(one.licensors), **written}
