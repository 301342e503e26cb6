"""Figures with their sources: published totals, reference fees by industry, the scale of annuities."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources

import sqlalchemy as sa

from marketplace.core.database import db

from .models import AnnuityFee, ReferenceFee
from .rules import Band

_YEARS_SHOWN = 5


# --- published totals


@dataclass(frozen=True)
class PublishedYear:
    """Recorded licence contracts of one year in the whole country; sums in 分, terms in years.

    All recorded licences, of which open licences are a part; None where the source has no figure.
    """

    year: int
    contracts: int
    patents: int | None
    fixed_contracts: int
    fixed_total_minor: int
    fixed_mean_minor: int
    fixed_mean_years: Decimal
    royalty_contracts: int
    royalty_mean_years: Decimal
    free_contracts: int
    source: str


@cache
def published_years() -> Sequence[PublishedYear]:
    """The published totals that come with the product, newest first."""
    return tuple(
        sorted(
            (
                PublishedYear(
                    int(year),
                    int(contracts),
                    int(patents) if patents else None,
                    int(fixed),
                    int(total) * 100,
                    int(mean) * 100,
                    Decimal(fixed_years),
                    int(royalty),
                    Decimal(royalty_years),
                    int(free),
                    source,
                )
                for (
                    year, contracts, patents, fixed, total, mean, fixed_years,
                    royalty, royalty_years, free, source,
                ) in _rows("published_totals.tsv")
            ),
            key=lambda row: -row.year,
        )
    )  # fmt: skip


# --- reference fees


def reference_fees(industry: str | None) -> list[ReferenceFee]:
    """What was loaded for an industry, newest year first; nothing until official figures are loaded."""
    if industry is None:
        return []
    return list(
        db.session.scalars(
            sa.select(ReferenceFee)
            .where(ReferenceFee.industry == industry)
            .order_by(ReferenceFee.year.desc())
            .limit(_YEARS_SHOWN)
        )
    )


# --- annuities


@dataclass(frozen=True)
class Scale:
    """The annuities of one kind of right, and where they are known from.

    Attributes:
        shipped: whether these are the rows that come with the product, not imported ones.
        confirmed: whether somebody compared them with the office's own announcement.
    """

    bands: tuple[Band, ...]
    as_of: dt.date
    sources: tuple[str, ...]
    confirmed: bool
    shipped: bool


def annuity_scale(kind: str, today: dt.date) -> Scale:
    """The newest imported scale that is in force today, else the one that comes with the product."""
    newest = (
        sa.select(sa.func.max(AnnuityFee.as_of))
        .where(AnnuityFee.kind == kind, AnnuityFee.as_of <= today)
        .scalar_subquery()
    )
    rows = db.session.scalars(
        sa.select(AnnuityFee)
        .where(AnnuityFee.kind == kind, AnnuityFee.as_of == newest)
        .order_by(AnnuityFee.year_from)
    ).all()
    if not rows:
        return _shipped_scale(kind)
    return Scale(
        tuple(Band(row.year_from, row.year_to, row.amount_minor) for row in rows),
        rows[0].as_of,
        tuple(dict.fromkeys(row.source for row in rows)),
        all(row.confirmed for row in rows),
        shipped=False,
    )


@cache
def _shipped_scale(kind: str) -> Scale:
    rows = [row for row in _rows("annuities.tsv") if row[0] == kind]
    return Scale(
        tuple(Band(int(first), int(last), int(yuan) * 100) for _, first, last, yuan, _, _ in rows),
        dt.date.fromisoformat(rows[0][4]),
        tuple(dict.fromkeys(row[5] for row in rows)),
        confirmed=False,
        shipped=True,
    )


def _rows(name: str) -> Iterator[list[str]]:
    with (resources.files(__package__) / "data" / name).open(encoding="utf-8") as file:
        yield from (row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#"))
