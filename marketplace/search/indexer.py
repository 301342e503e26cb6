"""From rows to documents: which offers a journal entry touches, and what the index says of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock, journal
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import DeadLetter, Reader, wall
from marketplace.core.unit_of_work import record
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, PatentParty
from marketplace.listings.showcase.services import search_texts

from .document import OfferDocument
from .engine import SearchEngine, WriteReport

log = logging.getLogger(__name__)
REWRITE = "search.rewrite"  # the task that writes one offer's document again
BATCH = 500


def touched(entries: Iterable[JournalEntry]) -> set[int]:
    """Ids of the offers whose documents the entries may have changed."""
    by_type: dict[str, set[int]] = {}
    for entry in entries:
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
    return list(db.session.scalars(_indexed(sa.select(Offer.id)).order_by(Offer.id)))


def _indexed(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.where(Offer.evidence == "verified", Offer.announced_on.is_not(None))


def documents(offer_ids: Iterable[int]) -> Iterator[OfferDocument]:
    """Documents of the offers that belong into the index, from their present rows.

    The version is the journal's head read before the rows: a later state can only carry a higher one.
    """
    ids = sorted(offer_ids)
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        version = journal.last_id()
        wanted = _indexed(sa.select(Offer.id).where(Offer.id.in_(part)))
        offers = db.session.scalars(
            sa.select(Offer).where(Offer.id.in_(wanted)).order_by(Offer.id)
            .execution_options(populate_existing=True)
        ).unique().all()  # fmt: skip
        counts = licence_counts(part)
        told = search_texts(part)
        found = [
            _document(offer, version, counts.get(offer.id, 0), told.get(offer.id, {})) for offer in offers
        ]
        # A fresh transaction for the next part: its version must not be older than its rows.
        db.session.rollback()
        yield from found


def licence_counts(offer_ids: Sequence[int]) -> dict[int, int]:
    """Offer id → how many open licences were taken under it."""
    rows = db.session.execute(
        sa.select(Licence.offer_id, sa.func.count())
        .where(Licence.offer_id.in_(offer_ids), Licence.kind == "open")
        .group_by(Licence.offer_id)
    )
    return {offer_id: count for offer_id, count in rows if offer_id is not None}


def _document(offer: Offer, version: int, licences: int, told: Mapping[str, str]) -> OfferDocument:
    patent = offer.patent
    owners = [party.organisation for party in patent.parties]
    announced_on, term_to = offer.announced_on, offer.term_to
    if announced_on is None or term_to is None or offer.fee_form is None:
        raise ValueError(f"offer {offer.id} is announced without date, term or price form")
    return OfferDocument(
        id=str(offer.id),
        version=version,
        live=offer.in_force_on(clock.today()),
        patent_number=patent.number or "",
        publication_number=patent.publication_number,
        declaration_number=offer.declaration_number,
        kind=patent.kind,  # type: ignore[arg-type]
        title=patent.title,
        title_en=patent.title_en or "",
        abstract=patent.abstract or "",
        abstract_en=patent.abstract_en or "",
        application=told.get("application") or patent.application or "",
        problem=told.get("problem") or patent.problem or "",
        advantage=told.get("advantage") or patent.advantage or "",
        ipc=tuple(item.symbol for item in patent.classes),
        owners=tuple(owner.name for owner in owners),
        owner_types=tuple(sorted({owner.type for owner in owners})),
        district=patent.district,
        fee_form=offer.fee_form,  # type: ignore[arg-type]
        fee_minor=offer.fee_minor,
        rate_percent=offer.rate_percent,
        rate_base=offer.rate_base,
        announced_on=announced_on,
        term_to=term_to,
        licences=licences,
        status=offer.status,
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

    return Reader(name, outside=write, inside=keep_rejected, batch=500)


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
