"""Reference fees and annuities come in with their source, and repeating a list changes nothing."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.unit_of_work import unit_of_work
from marketplace.pricing import figures
from marketplace.pricing.models import AnnuityFee, ReferenceFee
from tests import factories
from tests.pricing.conftest import Importing

TODAY = dt.date(2026, 11, 20)
REFERENCE = """行业代码,年度,样本数,平均提成率,提成率中位数,提成基数,平均固定费用,来源网址
C38,2023,64,3.2%,3%,净销售额,120万,https://example.org/2023
38,2022,31,,,,98万,https://example.org/2022
"""
ANNUITIES = """kind,year_from,year_to,amount,as_of,source,confirmed
发明,1,3,900,2026-01-01,https://example.org/fees,是
发明,4,20,1300,2026-01-01,https://example.org/fees,是
"""


def report_of(imported: Importing, text: str, kind: str, tmp_path: Path) -> list[tuple[str, str]]:
    report = tmp_path / "report.csv"
    imported(text, kind, report=report)
    with report.open(encoding="utf-8", newline="") as file:
        return [(row["field"], row["code"]) for row in csv.DictReader(file)]


def counts(**numbers: int) -> dict[str, int]:
    return {"read": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0} | numbers


def test_reference_fees_are_loaded_once_and_a_changed_row_is_updated(imported: Importing) -> None:
    assert imported(REFERENCE, "reference-fees") == counts(read=2, created=2)
    assert imported(REFERENCE, "reference-fees") == counts(read=2, unchanged=2)
    assert imported(REFERENCE.replace(",64,", ",65,"), "reference-fees") == counts(
        read=2, updated=1, unchanged=1
    )
    newest, older = figures.reference_fees("38")
    assert (newest.year, newest.sample_size, newest.mean_rate, newest.median_rate) == (
        2023,
        65,
        Decimal("3.2"),
        Decimal(3),
    )
    assert (newest.rate_base, newest.mean_lump_sum_minor) == ("net_sales", 120_000_000)
    assert (older.year, older.mean_rate, older.mean_lump_sum_minor) == (2022, None, 98_000_000)
    assert figures.reference_fees("27") == []
    assert figures.reference_fees(None) == []


def test_a_dry_run_of_reference_fees_writes_nothing(imported: Importing) -> None:
    assert imported(REFERENCE, "reference-fees", dry_run=True) == counts(read=2, created=2)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ReferenceFee)) == 0


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("C38,2023,64,,,,,https://example.org", ("", "reference-empty")),
        ("C38,2031,64,3%,,,,https://example.org", ("year", "year-in-future")),
        ("C38,2023,64,3%,,,,从报告中得知", ("source", "source-address")),
        ("C38,2023,64,130%,,,,https://example.org", ("mean_rate", "rate-range")),
        ("电气,2023,64,3%,,,,https://example.org", ("industry", "code-form")),
        ("C38,2023,,3%,,,,https://example.org", ("sample_size", "required")),
        ("C38,2023,64,3%,,,,", ("source", "required")),
    ],
)
def test_a_reference_fee_without_figure_sample_or_source_is_refused(
    imported: Importing, tmp_path: Path, row: str, problem: tuple[str, str]
) -> None:
    header = REFERENCE.splitlines()[0]
    assert report_of(imported, f"{header}\n{row}\n", "reference-fees", tmp_path) == [problem]


def test_the_shipped_scale_is_unconfirmed_and_an_imported_one_takes_its_place(imported: Importing) -> None:
    shipped = figures.annuity_scale("invention", TODAY)
    assert (shipped.shipped, shipped.confirmed) == (True, False)
    assert shipped.bands[0].amount_minor == 90_000
    assert all(source.startswith("http") for source in shipped.sources)
    assert imported(ANNUITIES, "annuities") == counts(read=2, created=2)
    assert imported(ANNUITIES, "annuities") == counts(read=2, unchanged=2)
    found = figures.annuity_scale("invention", TODAY)
    assert (found.shipped, found.confirmed, found.as_of) == (False, True, dt.date(2026, 1, 1))
    assert [(band.year_from, band.year_to, band.amount_minor) for band in found.bands] == [
        (1, 3, 90_000),
        (4, 20, 130_000),
    ]
    assert figures.annuity_scale("design", TODAY).shipped


def test_the_newest_scale_counts_once_its_day_has_come(imported: Importing) -> None:
    imported(ANNUITIES, "annuities")
    imported(ANNUITIES.replace("1300", "1500").replace("2026-01-01", "2027-01-01"), "annuities")
    assert figures.annuity_scale("invention", TODAY).bands[1].amount_minor == 130_000
    assert figures.annuity_scale("invention", dt.date(2027, 1, 1)).bands[1].amount_minor == 150_000
    imported(ANNUITIES.replace("1300", "1400"), "annuities")
    assert figures.annuity_scale("invention", TODAY).bands[1].amount_minor == 140_000


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ("发明,4,3,900,2026-01-01,https://example.org,", [("year_to", "years-reversed")]),
        ("实用新型,9,12,900,2026-01-01,https://example.org,", [("year_to", "years-beyond-right")]),
        ("发明,1,3,900,2026-01-01,口头,", [("source", "source-address")]),
        (
            "发明,1,3,900,2026-01-01,https://example.org,\n发明,3,5,1200,2026-01-01,https://example.org,",
            [("", "row-twice")],
        ),
        ("发明,一,3,900,2026-01-01,https://example.org,", [("year_from", "integer-form")]),
    ],
)
def test_years_that_cannot_be_or_are_said_twice_are_refused(
    imported: Importing, tmp_path: Path, rows: str, problems: list[tuple[str, str]]
) -> None:
    header = ANNUITIES.splitlines()[0]
    assert report_of(imported, f"{header}\n{rows}\n", "annuities", tmp_path) == problems


def test_years_that_overlap_another_list_of_the_same_day_are_refused(
    imported: Importing, tmp_path: Path
) -> None:
    imported(ANNUITIES, "annuities")
    header = ANNUITIES.splitlines()[0]
    row = "发明,3,5,900,2026-01-01,https://example.org,"
    assert report_of(imported, f"{header}\n{row}\n", "annuities", tmp_path) == [("", "years-overlap")]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AnnuityFee)) == 2


@pytest.mark.parametrize("kind", ["reference-fees", "annuities"])
def test_only_the_operator_brings_figures(imported: Importing, kind: str) -> None:
    with unit_of_work():
        actor = factories.actor(factories.organisation())
    with pytest.raises(Forbidden):
        imported(REFERENCE, kind, actor=actor)


def test_published_totals_add_up_and_name_their_source() -> None:
    years = figures.published_years()
    assert [row.year for row in years] == [2023, 2022, 2021]
    for row in years:
        assert row.contracts == row.fixed_contracts + row.royalty_contracts + row.free_contracts
        assert row.source.startswith("http")
        # The published mean is the published total shared out, up to their rounding.
        assert abs(row.fixed_total_minor / row.fixed_contracts / row.fixed_mean_minor - 1) < 0.01


def test_the_shipped_annuities_cover_every_year_of_every_right() -> None:
    for kind, years in (("invention", 20), ("utility_model", 10), ("design", 15)):
        bands = figures._shipped_scale(kind).bands
        assert [year for band in bands for year in range(band.year_from, band.year_to + 1)] == list(
            range(1, years + 1)
        )
