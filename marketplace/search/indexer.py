"""From rows to documents: which offers a journal entry touches, and what the index says of them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.accounts.past import former_names_with_periods
from marketplace.core import clock, journal
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import DeadLetter, Reader, wall
from marketplace.core.unit_of_work import record
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty, in_force
from marketplace.listings.showcase.services import search_texts

from .document import OfferDocument
from .engine import SearchEngine, WriteReport

log = logging.getLogger(__name__)
REWRITE = "search.rewrite"  # the task that writes one offer's document again
BATCH = 500
# Every deal has this entry a moment after the one that it begins with, and the index knows of no certificate.
_SAYS_NOTHING: Final = frozenset({"licence.certificate_issued"})


def touched(entries: Iterable[JournalEntry]) -> set[int]:
    """Ids of the offers whose documents the entries may have changed."""
    by_type: dict[str, set[int]] = {}
    for entry in entries:
        if entry.action in _SAYS_NOTHING:
            continue
        by_type.setdefault(entry.subject_type, set()).add(entry.subject_id)
    ids = set(by_type.get("offers", ()))
    if patents := by_type.get("patents"):
        ids.update(db.session.scalars(sa.select(Offer.id).where(Offer.patent_id.in_(patents))))
    if licences := by_type.get("licences"):
        query = sa.select(Licence.offer_id).where(Licence.id.in_(licences), Licence.offer_id.is_not(None))
        ids.update(offer_id for offer_id in db.session.scalars(query) if offer_id is not None)
    if organisations := by_type.get("organisations"):
        ids.update(
            db.session.scalars(
                sa.select(Offer.id)
                .join(PatentParty, PatentParty.patent_id == Offer.patent_id)
                .where(PatentParty.organisation_id.in_(organisations))
            )
        )
    return ids


def all_ids() -> list[int]:
    """Every offer that was ever verified as announced: the population of the index."""
    return list(db.session.scalars(sa.select(Offer.id).where(*_INDEXED).order_by(Offer.id)))


_INDEXED: Final = (Offer.evidence == "verified", Offer.announced_on.is_not(None))
_COLUMNS: Final = (
    Offer.id, Offer.patent_id, Offer.declaration_number, Offer.status, Offer.evidence, Offer.announced_on,
    Offer.term_to, Offer.fee_form, Offer.fee_minor, Offer.rate_percent, Offer.rate_base, Patent.number,
    Patent.publication_number, Patent.kind, Patent.title, Patent.title_en, Patent.abstract,
    Patent.abstract_en, Patent.application, Patent.problem, Patent.advantage, Patent.district,
    Patent.expires_on,
)  # fmt: skip


def documents(offer_ids: Iterable[int]) -> Iterator[OfferDocument]:
    """Documents of the offers that belong into the index, from their present rows.

    The version is the journal's head read before the rows: a later state can only carry a higher one.
    Columns are read instead of objects: making those would take most of the time of a rebuild.
    """
    ids = sorted(offer_ids)
    today = clock.today()
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        version = journal.last_id()
        rows = db.session.execute(
            sa.select(*_COLUMNS).join(Patent, Patent.id == Offer.patent_id)
            .where(Offer.id.in_(part), *_INDEXED).order_by(Offer.id)
        ).all()  # fmt: skip
        patents = [row.patent_id for row in rows]
        owners, symbols = _owners(patents), _symbols(patents)
        counts, told = licence_counts(part), search_texts(part)
        # A fresh transaction for the next part: its version must not be older than its rows.
        db.session.rollback()
        for row in rows:
            yield _document(
                row,
                version,
                today,
                owners.get(row.patent_id, ()),
                symbols.get(row.patent_id, ()),
                counts.get(row.id, 0),
                told.get(row.id, {}),
            )


class Owner(NamedTuple):
    """An owner as the index knows it, with the names it had before."""

    name: str
    name_en: str | None
    type: str
    formerly: tuple[str, ...]


def _owners(patent_ids: Sequence[int]) -> dict[int, list[Owner]]:
    """Patent id → its owners, in the register's order."""
    found: dict[int, list[Owner]] = {}
    query = (
        sa.select(
            PatentParty.patent_id, Organisation.id, Organisation.name, Organisation.name_en, Organisation.type
        )
        .join(Organisation, Organisation.id == PatentParty.organisation_id)
        .where(PatentParty.patent_id.in_(patent_ids))
        .order_by(PatentParty.patent_id, PatentParty.position)
    )
    rows = db.session.execute(query).all()
    former = former_names_with_periods({row.id for row in rows})
    for patent_id, organisation_id, name, name_en, kind in rows:
        past = tuple(dict.fromkeys(one.name for one in former.get(organisation_id, ())))
        found.setdefault(patent_id, []).append(Owner(name, name_en, kind, past))
    return found


def _symbols(patent_ids: Sequence[int]) -> dict[int, list[str]]:
    """Patent id → its places in the classification, the main one first."""
    found: dict[int, list[str]] = {}
    query = (
        sa.select(PatentClass.patent_id, PatentClass.symbol)
        .where(PatentClass.patent_id.in_(patent_ids))
        .order_by(PatentClass.patent_id, PatentClass.position)
    )
    for patent_id, symbol in db.session.execute(query):
        found.setdefault(patent_id, []).append(symbol)
    return found


def licence_counts(offer_ids: Sequence[int]) -> dict[int, int]:
    """Offer id → how many open licences were taken under it."""
    rows = db.session.execute(
        sa.select(Licence.offer_id, sa.func.count())
        .where(Licence.offer_id.in_(offer_ids), Licence.kind == "open")
        .group_by(Licence.offer_id)
    )
    return {offer_id: count for offer_id, count in rows if offer_id is not None}


def _document(
    row: Any,
    version: int,
    today: dt.date,
    owners: Sequence[Owner],
    symbols: Sequence[str],
    licences: int,
    told: Mapping[str, str],
) -> OfferDocument:
    if row.announced_on is None or row.term_to is None or row.fee_form is None:
        raise ValueError(f"offer {row.id} is announced without date, term or price form")
    live = in_force(
        today,
        status=row.status,
        evidence=row.evidence,
        announced_on=row.announced_on,
        term_to=row.term_to,
        expires_on=row.expires_on,
    )
    return OfferDocument(
        id=str(row.id),
        version=version,
        live=live,
        patent_number=row.number or "",
        publication_number=row.publication_number,
        declaration_number=row.declaration_number,
        kind=row.kind,
        title=row.title,
        title_en=row.title_en or "",
        abstract=row.abstract or "",
        abstract_en=row.abstract_en or "",
        application=told.get("application") or row.application or "",
        problem=told.get("problem") or row.problem or "",
        advantage=told.get("advantage") or row.advantage or "",
        ipc=tuple(symbols),
        owners=tuple(owner.name for owner in owners),
        owners_en=tuple(owner.name_en for owner in owners if owner.name_en),
        formerly=tuple(dict.fromkeys(name for owner in owners for name in owner.formerly)),
        owner_types=tuple(sorted({owner.type for owner in owners})),
        district=row.district,
        fee_form=row.fee_form,
        fee_minor=row.fee_minor,
        rate_percent=row.rate_percent,
        rate_base=row.rate_base,
        announced_on=row.announced_on,
        term_to=row.term_to,
        licences=licences,
        status=row.status,
        product=told.get("product", ""),
        costs=told.get("costs", ""),
    )


def reader(engine: SearchEngine, generation: str, name: str) -> Reader:
    """The journal reader that keeps one generation in step with the database."""
    rejected: list[tuple[str, str]] = []

    def write(entries: Sequence[JournalEntry]) -> None:
        ids = touched(entries)
        rejected[:] = engine.write(generation, documents(ids)).rejected if ids else ()

    def keep_rejected(entries: Sequence[JournalEntry]) -> None:
        keep(WriteReport(rejected=tuple(rejected)), generation, entries[-1].id)

    return Reader(name, outside=write, inside=keep_rejected, start="placed", batch=500, prompt=True)


def keep(report: WriteReport, generation: str, entry_id: int | None) -> None:
    """Put what the engine refused into the dead letters, inside a unit of work; a retry writes it again."""
    for offer_id, reason in report.rejected:
        letter = DeadLetter(
            source=f"search:{generation}",
            entry_id=entry_id,
            task={
                "name": REWRITE,
                "key": f"{generation}:{offer_id}",
                "arguments": {"generation": generation, "offer": offer_id},
            },
            error=reason[:2000],
            created_at=wall(),
        )
        db.session.add(letter)
        record("dead_letter.added", letter, source=letter.source, offer=offer_id)
