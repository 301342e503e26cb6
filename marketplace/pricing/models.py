"""What fees are held against: published figures by industry, and the scale of annuities.

Both are imported with their source; nothing here is a price that this platform made up.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Model, Versioned, one_of
from marketplace.listings.models import KINDS, RATE_BASES


class ReferenceFee(Versioned, Model):
    """Published figures of recorded licence contracts of one industry in one year.

    Rates in per cent, sums in 分. `sample_size` is the number of contracts that the figures rest on.
    """

    __tablename__ = "reference_fees"
    __table_args__ = (
        sa.UniqueConstraint("industry", "year"),
        sa.CheckConstraint("sample_size >= 0", name="sample_not_negative"),
        sa.CheckConstraint(
            "mean_lump_sum_minor IS NULL OR mean_lump_sum_minor >= 0", name="lump_sum_not_negative"
        ),
        one_of("rate_base", RATE_BASES),
    )
    industry: Mapped[str] = mapped_column(Code(8))
    year: Mapped[int]
    sample_size: Mapped[int]
    mean_rate: Mapped[Decimal | None]
    median_rate: Mapped[Decimal | None]
    rate_base: Mapped[str | None] = mapped_column(Code(16))
    mean_lump_sum_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    source: Mapped[str] = mapped_column(sa.String(500))


class AnnuityFee(Versioned, Model):
    """The annuity of one kind of right for a range of patent years, in 分 a year.

    `as_of` is the day on which the scale was in force by its source: the newest scale counts. `confirmed`
    says whether somebody compared it with the office's own announcement.
    """

    __tablename__ = "annuity_fees"
    __table_args__ = (
        sa.UniqueConstraint("kind", "as_of", "year_from"),
        sa.CheckConstraint("year_from >= 1 AND year_to >= year_from", name="years_in_order"),
        sa.CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        one_of("kind", KINDS),
    )
    kind: Mapped[str] = mapped_column(Code(16))
    as_of: Mapped[dt.date]
    year_from: Mapped[int]
    year_to: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    source: Mapped[str] = mapped_column(sa.String(500))
    confirmed: Mapped[bool]
