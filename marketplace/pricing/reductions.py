"""Annuities that open licences make cheaper: which years of which patent, by how much, and until when.

GL V-11 §8 with CNIPA's Announcement 594 of 2024: 15 per cent while a recorded open licence is practised, from
its effect to the end of its term, for annuities that are not yet due on the day of recordal; after the
declaration is withdrawn, from the next patent year on no more. Of two reductions the higher counts.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import ON_THE_REGISTER, Licence
from marketplace.deals.recordals.reliefs import Relief, reliefs_of
from marketplace.listings.models import Offer, Patent, PatentParty

from .figures import annuity_scale
from .rules import AnnuityYear, Band, annuity_years, patent_year

_BATCH: Final = 500


@dataclass(frozen=True)
class Practice:
    """A recorded open licence as the reduction sees it; days inclusive.

    `ends_on` is the last day of its term, or its earlier end; `withdrawn_on` when the withdrawal of the
    declaration was announced (or its revocation), None while it stands.
    """

    licence_id: int
    recorded_on: dt.date
    ends_on: dt.date
    withdrawn_on: dt.date | None = None


@dataclass(frozen=True)
class Reduced:
    """A patent year whose annuity is reduced, and the licence that first makes it so."""

    annuity: AnnuityYear
    licence_id: int


def reduced_years(
    kind: str,
    filed_on: dt.date,
    granted_on: dt.date,
    expires_on: dt.date | None,
    scale: Sequence[Band],
    practices: Sequence[Practice],
    *,
    relief: Relief | None = None,
) -> tuple[Reduced, ...]:
    """The patent years that are reduced, each once, whichever of several licences brings it.

    Args:
        practices: the recorded open licences on the patent.
        relief: what all patentees have been granted for small means; it counts for annuities due within it.
    """
    found: dict[int, Reduced] = {}
    for one in sorted(practices, key=lambda each: (each.recorded_on, each.licence_id)):
        for percent in (0, relief.percent if relief else 0):
            for row in annuity_years(
                kind,
                filed_on,
                granted_on,
                expires_on,
                scale,
                recorded_on=one.recorded_on,
                practised_to=one.ends_on,
                relief=percent,
            ):
                over = one.withdrawn_on is not None and row.year > patent_year(filed_on, one.withdrawn_on)
                if over or (percent and not (relief and relief.covers(row.due_on))):
                    continue
                if row.year not in found or (percent and found[row.year].licence_id == one.licence_id):
                    found[row.year] = Reduced(row, one.licence_id)
    return tuple(found[year] for year in sorted(found))


# --- from the rows


@dataclass(frozen=True)
class Line:
    """A reduced annuity with its patent and the licence that it rests on; sums in 分, None where unknown."""

    patent_id: int
    patent_number: str
    title: str
    title_en: str | None
    patentees: tuple[str, ...]
    annuity: AnnuityYear
    licence_number: str
    recordal_number: str | None
    recorded_on: dt.date
    withdrawn_on: dt.date | None
    ends_on: dt.date


@dataclass(frozen=True)
class Totals:
    """Reduced annuities summed over all patents.

    Attributes:
        years: how many annuities are reduced.
        saved_minor: what that saves in 分, later years included.
        so_far_minor: of that, for annuities due by today.
        unknown: years without a sum, since the scale has none for them.
    """

    years: int
    saved_minor: int
    so_far_minor: int
    unknown: int


MOST_SUMMED: Final = 5_000
"""Patents over which a page still sums: more would keep its reader waiting; the file has them all."""


def lines(organisation_id: int | None = None) -> Iterator[Line]:
    """Every reduced annuity of an organisation's patents, of all patents without one; patent by patent."""
    after = 0
    while ids := patents_after(organisation_id, after, _BATCH):
        yield from lines_of(ids)
        after = ids[-1]


def patents_after(organisation_id: int | None, after: int, size: int) -> list[int]:
    """Ids of the next patents with a recorded open licence, at most `size`, behind the id `after`."""
    wanted = _patents(organisation_id).where(Licence.patent_id > after)
    return list(db.session.scalars(wanted.order_by(Licence.patent_id).limit(size)))


def count_patents(organisation_id: int | None = None) -> int:
    """How many patents have a recorded open licence: an organisation's, or all."""
    counted = sa.select(sa.func.count()).select_from(_patents(organisation_id).subquery())
    return db.session.scalar(counted) or 0


def page(organisation_id: int | None, number: int, size: int) -> list[Line]:
    """The reduced annuities of the patents of one page.

    Args:
        organisation_id: whose patents; None for all.
        number: of the page, from 1.
        size: patents to a page.
    """
    wanted = _patents(organisation_id).order_by(Licence.patent_id).limit(size).offset((number - 1) * size)
    return list(lines_of(list(db.session.scalars(wanted))))


def totals(organisation_id: int | None = None) -> Totals | None:
    """The sums over all of them, None over more than `MOST_SUMMED` patents."""
    if count_patents(organisation_id) > MOST_SUMMED:
        return None
    today, years, saved, so_far, unknown = clock.today(), 0, 0, 0, 0
    for one in lines(organisation_id):
        sum_ = one.annuity.saved_minor
        years += 1
        saved += sum_ or 0
        so_far += (sum_ or 0) if one.annuity.due_on <= today else 0
        unknown += sum_ is None
    return Totals(years, saved, so_far, unknown)


def _patents(organisation_id: int | None) -> sa.Select[int]:
    """Ids of the patents that a recorded open licence reduces annuities of."""
    wanted = (
        sa.select(Licence.patent_id)
        .where(
            Licence.kind == "open",
            Licence.evidence != "holder_stated",
            Licence.recordal_state.in_(ON_THE_REGISTER),
            Licence.recorded_on.is_not(None),
        )
        .distinct()
    )
    if organisation_id is None:
        return wanted
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    return wanted.where(Licence.patent_id.in_(owned))


def lines_of(ids: Sequence[int]) -> Iterator[Line]:
    """The reduced annuities of these patents, in the order of their ids."""
    if not ids:
        return
    licences: dict[int, list[Any]] = defaultdict(list)
    query = (
        sa.select(
            Licence.id,
            Licence.patent_id,
            Licence.number,
            Licence.recordal_number,
            Licence.recorded_on,
            Licence.term_to,
            Licence.ended_on,
            sa.func.coalesce(Offer.withdrawn_on, Offer.revoked_on).label("withdrawn_on"),
        )
        .join(Offer, Licence.offer_id == Offer.id)
        .where(
            Licence.patent_id.in_(ids),
            Licence.kind == "open",
            Licence.evidence != "holder_stated",
            Licence.recordal_state.in_(ON_THE_REGISTER),
            Licence.recorded_on.is_not(None),
        )
        .order_by(Licence.id)
    )
    for row in db.session.execute(query):
        licences[row.patent_id].append(row)
    owners: dict[int, list[tuple[int, str]]] = defaultdict(list)
    parties = (
        sa.select(PatentParty.patent_id, Organisation.id, Organisation.name)
        .join(Organisation, PatentParty.organisation_id == Organisation.id)
        .where(PatentParty.patent_id.in_(ids))
        .order_by(PatentParty.patent_id, PatentParty.position)
    )
    for patent_id, owner_id, name in db.session.execute(parties):
        owners[patent_id].append((owner_id, name))
    reliefs = reliefs_of({owner_id for rows in owners.values() for owner_id, _ in rows})
    today = clock.today()
    patents = sa.select(
        Patent.id,
        Patent.number,
        Patent.publication_number,
        Patent.kind,
        Patent.title,
        Patent.title_en,
        Patent.filing_date,
        Patent.grant_date,
        Patent.expires_on,
    ).where(Patent.id.in_(ids))
    for patent in db.session.execute(patents.order_by(Patent.id)):
        if patent.filing_date is None or patent.grant_date is None:
            continue
        rows = {row.id: row for row in licences[patent.id]}
        practices = {
            key: Practice(key, row.recorded_on, ends_on, row.withdrawn_on)
            for key, row in rows.items()
            if (
                ends_on := min(
                    (day for day in (row.term_to, row.ended_on, patent.expires_on) if day), default=None
                )
            )
        }
        for one in reduced_years(
            patent.kind,
            patent.filing_date,
            patent.grant_date,
            patent.expires_on,
            annuity_scale(patent.kind, today).bands,
            list(practices.values()),
            relief=reliefs.of([owner_id for owner_id, _ in owners[patent.id]]),
        ):
            practice, row = practices[one.licence_id], rows[one.licence_id]
            yield Line(
                patent_id=patent.id,
                patent_number=patent.number or patent.publication_number or "",
                title=patent.title,
                title_en=patent.title_en,
                patentees=tuple(name for _, name in owners[patent.id]),
                annuity=one.annuity,
                licence_number=row.number,
                recordal_number=row.recordal_number,
                recorded_on=practice.recorded_on,
                withdrawn_on=practice.withdrawn_on,
                ends_on=practice.ends_on,
            )
