"""Writing patents: one at a time or a thousand, by the same way.

Rows say what they know; what they leave empty stays as it is, and what they say there is none of is taken
away. A patent is known by its application number or by a publication number; a row that has both joins them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import Named, resolve
from marketplace.core import clock
from marketplace.core.convert import KNOWN_NONE
from marketplace.core.database import db
from marketplace.core.identifiers import PatentNumber, PublicationNumber
from marketplace.core.importing import Outcome, Problem, WrittenRow, digest_of
from marketplace.core.unit_of_work import current, record

from .duties import on_holders_word, review, staff_ids
from .facts import writing
from .models import ALL_FACTS, IN_FORCE, Offer, Patent, PatentClass, PatentFact, PatentParty

Values = Mapping[str, Any]
_TEXTS = ("title", "title_en", "abstract", "abstract_en", "application", "problem", "advantage")
_COLUMNS = (
    "number", "publication_number", "kind", *_TEXTS, "filing_date", "grant_date", "expires_on", "district",
)  # fmt: skip
_PATENTS: Any = Patent.__table__
_PARTIES: Any = PatentParty.__table__
_CLASSES: Any = PatentClass.__table__
_FACTS: Any = PatentFact.__table__


def numbers_of(values: Values) -> tuple[PatentNumber | None, PublicationNumber | None]:
    """Application and publication number of a row; either may stand in the column `number`."""
    number, publication = values.get("number"), values.get("publication_number")
    if isinstance(number, PublicationNumber):
        return None, publication or number
    return number, publication


def problems(values: Values, today: dt.date) -> list[Problem]:
    """What is wrong with a row by itself."""
    number, publication = numbers_of(values)
    named = number or publication
    if named is None:
        return [Problem("number", "required", gettext("Give the patent number, or a publication number."))]
    found = []
    # A publication number says by itself what it publishes; beside an application number it must agree.
    stated = (
        values.get("kind") if number else None,
        number and number.kind,
        publication and publication.kind,
    )
    kinds = {kind for kind in stated if kind}
    if len(kinds) > 1:
        reason = gettext("The number is that of another kind of patent.")
        found.append(Problem("kind", "kind-contradicts", reason))
    symbols = _some(values, "ipc") or ()
    if named.kind == "design" and not all(symbol[0].isdigit() for symbol in symbols):
        reason = gettext("Designs have Locarno classes such as 09-03.")
        found.append(Problem("ipc", "ipc-for-design", reason))
    if named.kind != "design" and any(symbol[0].isdigit() for symbol in symbols):
        reason = gettext("Only designs have Locarno classes.")
        found.append(Problem("ipc", "locarno-for-others", reason))
    found += _date_problems(values, today)
    names = values.get("patentees") or ()
    for column in ("patentee_codes", "patentee_regions"):
        given = values.get(column) or ()
        if len(given) > max(len(names), 1):
            reason = gettext("There are more entries here than patentees.")
            found.append(Problem(column, "more-than-patentees", reason))
    if len(set(names)) != len(names):
        reason = gettext("A patentee occurs twice.")
        found.append(Problem("patentees", "patentee-twice", reason))
    return found


def _some(values: Values, name: str) -> Any:
    """What a row says there is; None where it says nothing, or that there is none."""
    value = values.get(name)
    return None if value is KNOWN_NONE else value


def _date_problems(values: Values, today: dt.date) -> list[Problem]:
    found = []
    filing, grant = values.get("filing_date"), _some(values, "grant_date")
    if filing and filing > today:
        found.append(Problem("filing_date", "date-in-future", gettext("This day lies in the future.")))
    if filing and grant and grant < filing:
        reason = gettext("The grant cannot have been announced before the filing.")
        found.append(Problem("grant_date", "dates-reversed", reason))
    as_of = values.get("facts_as_of")
    if as_of and as_of > today:
        found.append(Problem("facts_as_of", "date-in-future", gettext("This day lies in the future.")))
    return found


@dataclass
class _Item:
    """A row on its way into the register."""

    values: Values
    digest: str
    number: PatentNumber | None
    publication: PublicationNumber | None
    patent_id: int | None = None
    version: int = 1
    stored: Mapping[str, Any] | None = None
    outcome: Outcome = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    parties: list[tuple[int, str | None]] = field(default_factory=list)
    holder_id: int | None = None

    @property
    def names(self) -> list[str]:
        """Every number by which it may be known."""
        return names(self.values)


def names(values: Values) -> list[str]:
    """Every number by which the patent of a row may be known; an application and its grant share digits."""
    number, publication = numbers_of(values)
    return [*([str(number)] if number else []), *_variants(publication)]


def _variants(publication: PublicationNumber | None) -> list[str]:
    if publication is None:
        return []
    if publication.kind == "invention" and len(publication.digits) == 9:
        return [f"{publication.base}A", f"{publication.base}B"]
    return [str(publication)]


def stored(rows: Iterable[Values]) -> dict[str, Patent]:
    """The known patents that rows speak of, by each of their numbers. See `names`."""
    wanted = {name for values in rows for name in names(values)}
    query = sa.select(Patent).where(sa.or_(Patent.number.in_(wanted), Patent.publication_number.in_(wanted)))
    found: dict[str, Patent] = {}
    for patent in db.session.scalars(query):
        found |= {name: patent for name in (patent.number, patent.publication_number) if name}
    return found


def write(rows: Sequence[Values], *, source: str, digests: Sequence[str] | None = None) -> list[Outcome]:
    """Write checked rows in the present unit of work: patents, parties, classes, facts, journal entries.

    No two rows may speak of the same patent.

    Args:
        source: where the facts come from: `holder`, `operator`, `import` or a name.
        digests: of the rows, if they are known already.

    Returns:
        One outcome for each row, in order.
    """
    items = []
    for index, values in enumerate(rows):
        digest = digests[index] if digests is not None else digest_of(values)
        items.append(_Item(values, digest, *numbers_of(values)))
    _find(items)
    todo = [item for item in items if not item.outcome]
    _load(todo)
    now = clock.now()
    had_parties = _stored_parties([item.patent_id for item in todo if item.stored is not None])
    _take_parties(todo, had_parties, trusted=source != "holder")
    for item in todo:
        _merge(item)
    _insert([item for item in todo if item.stored is None], now)
    _settle(todo, had_parties, source, now)
    return [item.outcome for item in items]


def _find(items: list[_Item]) -> None:
    """Find the patents that are known; unchanged and impossible rows get their outcome."""
    names = {name for item in items for name in item.names}
    columns = (Patent.id, Patent.number, Patent.publication_number, Patent.digest, Patent.version)
    known: dict[str, Any] = {}
    for patent in db.session.execute(
        sa.select(*columns).where(sa.or_(Patent.number.in_(names), Patent.publication_number.in_(names)))
    ):
        known[patent.number] = known[patent.publication_number] = patent
    for item in items:
        found = {known[name].id: known[name] for name in item.names if name in known}
        if len(found) > 1:
            reason = gettext(
                "Application number and publication number belong to two different patents here."
            )
            item.outcome = [Problem("publication_number", "number-conflict", reason)]
        elif found:
            [patent] = found.values()
            if item.number and patent.number and patent.number != str(item.number):
                reason = gettext(
                    "This publication number belongs to patent %(number)s.", number=patent.number
                )
                item.outcome = [Problem("publication_number", "number-conflict", reason)]
            item.patent_id, item.version = patent.id, patent.version
            if patent.digest == item.digest:
                item.outcome = "unchanged"
        elif not item.values.get("patentees"):
            item.outcome = [Problem("patentees", "required", gettext("The patentee is missing."))]
    if current().actor.is_operator:
        _take_up_confirmed([item for item in items if item.outcome == "unchanged"])


def _take_up_confirmed(repeated: list[_Item]) -> None:
    """What an operator repeats word for word is news all the same where it rests on the holder's word."""
    named = {
        item.patent_id: {name for name in ALL_FACTS if item.values.get(name) is not None} for item in repeated
    }
    ids = [id_ for id_, facts in named.items() if id_ is not None and facts]
    if not ids:
        return
    staff = staff_ids()
    stated = sa.or_(_FACTS.c.source == "holder", _FACTS.c.entered_by.is_not(None))
    columns = (_FACTS.c.patent_id, _FACTS.c.name, _FACTS.c.source, _FACTS.c.entered_by)
    rows = db.session.execute(sa.select(*columns).where(_FACTS.c.patent_id.in_(ids), stated))
    lifted = {
        row.patent_id for row in rows if row.name in named[row.patent_id] and on_holders_word(row, staff)
    }
    for item in repeated:
        if item.patent_id in lifted:
            item.outcome = []


def _load(todo: list[_Item]) -> None:
    ids = [item.patent_id for item in todo if item.patent_id is not None]
    if not ids:
        return
    rows = {
        row["id"]: dict(row)
        for row in db.session.execute(sa.select(_PATENTS).where(_PATENTS.c.id.in_(ids))).mappings()
    }
    for item in todo:
        if item.patent_id is not None:
            item.stored = rows[item.patent_id]


def _take_parties(
    todo: list[_Item], stored: Mapping[int, list[tuple[int, str | None]]], *, trusted: bool
) -> None:
    """The patentees that each row names, as organisations with regions; those stored where it names none."""
    organisations = resolve((party for item in todo for party in named(item.values)), trusted=trusted)
    regions = _home_regions(set(organisations.values()))
    for item in todo:
        before = stored.get(item.patent_id or 0, [])
        known = regions | {id_: region for id_, region in before if region} if before else regions
        item.parties = [
            (organisations[party], party.region or known.get(organisations[party]))
            for party in named(item.values)
        ] or before
        item.holder_id = item.parties[0][0] if item.parties else None


def owned_by(organisation: Organisation) -> dict[str, Any]:
    """What a row says that leaves out its patentee, because it is in this organisation's own list."""
    return {
        "patentees": (organisation.name,),
        "patentee_codes": (organisation.code,),
        "patentee_ids": (organisation.id,),
    }


def named(values: Values) -> list[Named]:
    """The patentees that a row names."""
    names = values.get("patentees") or ()
    codes = _padded(values.get("patentee_codes"), len(names))
    regions = _padded(values.get("patentee_regions"), len(names))
    ids = _padded(values.get("patentee_ids"), len(names))
    return [Named(*party) for party in zip(names, codes, regions, ids, strict=True)]


def _padded(values: Sequence[Any] | None, length: int) -> list[Any]:
    given = list(values or ())[:length]
    return given + [None] * (length - len(given))


def _merge(item: _Item) -> None:
    """What the patent's row is to hold: what was stored, overlaid by what this row says."""
    values, stored = item.values, item.stored
    columns: dict[str, Any] = {name: stored[name] if stored else None for name in _COLUMNS}
    if item.number:
        columns["number"] = str(item.number)
    before = columns["publication_number"]
    if item.publication and (before is None or before.endswith("A") or item.publication.granted):
        columns["publication_number"] = str(item.publication)
    for name in (*_TEXTS, "filing_date", "grant_date"):
        if values.get(name) is not None:
            columns[name] = _some(values, name)
    # An announcement that publishes an application is no grant.
    if item.publication is not None and not item.publication.granted and item.number is None:
        columns["grant_date"] = stored["grant_date"] if stored else None
    named = item.number or item.publication
    if named is not None:
        columns["kind"] = named.kind
    if columns["filing_date"] is not None:
        columns["expires_on"] = clock.patent_expiry(columns["kind"], columns["filing_date"])
    columns["district"] = _district(item.parties)
    item.columns = columns


def _insert(new: list[_Item], now: dt.datetime) -> None:
    """Insert patents without RETURNING (four times slower on PostgreSQL), then look up their ids."""
    if not new:
        return
    rest = {"created_at": now, "updated_at": now, "version": 1}
    db.session.execute(sa.insert(_PATENTS), [{**item.columns, "digest": item.digest, **rest} for item in new])
    names = [item.columns["number"] or item.columns["publication_number"] for item in new]
    ids = {}
    for row in db.session.execute(
        sa.select(Patent.id, Patent.number, Patent.publication_number).where(
            sa.or_(
                Patent.number.in_(names),
                sa.and_(Patent.number.is_(None), Patent.publication_number.in_(names)),
            )
        )
    ):
        ids[row.number or row.publication_number] = row.id
    for item, name in zip(new, names, strict=True):
        item.patent_id = ids[name]


def _settle(
    todo: list[_Item], had_parties: Mapping[int, list[tuple[int, str | None]]], source: str, now: dt.datetime
) -> None:
    """Parties, classes, facts and the patent's own row; an entry for each patent that changed by it."""
    ids = [item.patent_id for item in todo if item.stored is not None]
    had_classes = _stored_classes(ids)
    had_facts = writing.stored_facts([id_ for id_ in ids if id_ is not None])
    batch = _Batch()
    facts = writing.Batch(source)
    changed: list[_Item] = []
    for item in todo:
        assert item.patent_id is not None  # noqa: S101 - found or inserted above
        before = had_parties.get(item.patent_id, [])
        moved = item.parties != before
        if moved:
            batch.replace_parties(item.patent_id, item.parties, stored=bool(before))
        moved |= batch.take_classes(item, had_classes.get(item.patent_id, []))
        moved |= _take_facts(facts, item, had_facts.get(item.patent_id, {}))
        if item.stored is None:
            item.outcome = "created"
            changed.append(item)
        elif moved or any(item.columns[name] != item.stored[name] for name in _COLUMNS):
            item.outcome = "updated"
            item.version += 1
            changed.append(item)
        else:
            item.outcome = "unchanged"
    batch.execute()
    facts.execute()
    _update([item for item in changed if item.outcome == "updated"], now)
    for item in changed:
        action = "patent.entered" if item.outcome == "created" else "patent.changed"
        row = WrittenRow("patents", item.patent_id or 0, item.version)
        record(action, row, organisation_id=item.holder_id, digest=item.digest)
    _review_offers([item.patent_id for item in changed if item.outcome == "updated"])


def _update(items: list[_Item], now: dt.datetime) -> None:
    if not items:
        return
    named: dict[str, Any] = {
        name: sa.bindparam(f"_{name}") for name in (*_COLUMNS, "digest", "version", "updated_at")
    }
    db.session.execute(
        sa.update(_PATENTS).where(_PATENTS.c.id == sa.bindparam("_id")).values(named),
        [
            {
                **{f"_{name}": item.columns[name] for name in _COLUMNS},
                "_digest": item.digest,
                "_version": item.version,
                "_updated_at": now,
                "_id": item.patent_id,
            }
            for item in items
        ],
    )


def _stored_parties(ids: Sequence[int | None]) -> dict[int, list[tuple[int, str | None]]]:
    found: dict[int, list[tuple[int, str | None]]] = {}
    if ids:
        query = sa.select(_PARTIES).where(_PARTIES.c.patent_id.in_(ids)).order_by(_PARTIES.c.position)
        for row in db.session.execute(query):
            found.setdefault(row.patent_id, []).append((row.organisation_id, row.region))
    return found


def _stored_classes(ids: Sequence[int | None]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if ids:
        query = sa.select(_CLASSES).where(_CLASSES.c.patent_id.in_(ids)).order_by(_CLASSES.c.position)
        for row in db.session.execute(query):
            found.setdefault(row.patent_id, []).append(row.symbol)
    return found


def _home_regions(ids: set[int]) -> dict[int, str | None]:
    """The regions of the organisations themselves, for parties whose row names none."""
    if not ids:
        return {}
    rows = db.session.execute(sa.select(Organisation.id, Organisation.region).where(Organisation.id.in_(ids)))
    return {row.id: row.region for row in rows}


def region_prefix() -> str:
    """The digits that all codes in the instance's region begin with: `31` for 310000."""
    region: str = current_app.config["SETTINGS"].region
    while region.endswith("00"):
        region = region[:-2]
    return region


def _district(parties: Iterable[tuple[int, str | None]]) -> str | None:
    """The region of the first patentee who sits in the instance's region."""
    prefix = region_prefix()
    return next((region for _, region in parties if region and region.startswith(prefix)), None)


class _Batch:
    """Statements that are collected over all rows and executed together."""

    def __init__(self) -> None:
        self.drop: dict[str, list[int]] = {"parties": [], "classes": []}
        self.parties: list[dict[str, Any]] = []
        self.classes: list[dict[str, Any]] = []

    def replace_parties(
        self, patent_id: int, parties: Sequence[tuple[int, str | None]], *, stored: bool
    ) -> None:
        if stored:
            self.drop["parties"].append(patent_id)
        self.parties += [
            {"patent_id": patent_id, "position": position, "organisation_id": id_, "region": region}
            for position, (id_, region) in enumerate(parties)
        ]

    def take_classes(self, item: _Item, before: list[str]) -> bool:
        """Replace the classes if the row names others. Returns whether it does."""
        symbols = list(dict.fromkeys(_some(item.values, "ipc") or ()))
        if symbols == before or not (symbols or item.values.get("ipc") is KNOWN_NONE):
            return False
        assert item.patent_id is not None  # noqa: S101
        if before:
            self.drop["classes"].append(item.patent_id)
        self.classes += [
            {"patent_id": item.patent_id, "position": position, "symbol": symbol}
            for position, symbol in enumerate(symbols)
        ]
        return True

    def execute(self) -> None:
        for table, column, ids in (
            (_PARTIES, _PARTIES.c.patent_id, self.drop["parties"]),
            (_CLASSES, _CLASSES.c.patent_id, self.drop["classes"]),
        ):
            if ids:
                db.session.execute(sa.delete(table).where(column.in_(ids)))
        for table, rows in ((_PARTIES, self.parties), (_CLASSES, self.classes)):
            if rows:
                db.session.execute(sa.insert(table), rows)


def _take_facts(facts: writing.Batch, item: _Item, before: Mapping[str, Any]) -> bool:
    """Take the facts of a row that are news. Returns whether there is any."""
    assert item.patent_id is not None  # noqa: S101
    dated = item.values.get("facts_as_of")
    given = {
        name: writing.text_of(item.values[name]) for name in ALL_FACTS if item.values.get(name) is not None
    }
    return bool(facts.take(item.patent_id, given, before, dated or clock.today(), dated=dated is not None))


def _review_offers(patent_ids: Sequence[int | None]) -> None:
    """New facts may end an offer in force or oblige its holder to withdraw it."""
    if not patent_ids:
        return
    query = sa.select(Offer.id).where(Offer.patent_id.in_(patent_ids), Offer.status.in_(IN_FORCE))
    for offer_id in db.session.scalars(query).all():
        review(offer_id)
