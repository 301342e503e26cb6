"""Lists of reference fees by industry, and the scale of annuities."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.core import clock, convert
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.importing import Checked, Importer, Problem, RowImporter
from marketplace.core.tables import Column
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.columns import KIND, RATE_BASE

from .models import AnnuityFee, ReferenceFee
from .rules import YEARS_OF_RIGHT

Row = TypeVar("Row", ReferenceFee, AnnuityFee)
_EARLIEST_YEAR = 2000
_division = convert.code(r"[A-T]|[A-T]?[0-9]{2,4}")


def industry(cell: object) -> Any:
    """A code of GB/T 4754-2017: a section (C), or a division or group with or without its letter (C38).

    Raises:
        InvalidValue: code-form.
    """
    value = _division(cell)
    return value.lstrip("ABCDEFGHIJKLMNOPQRST") or value if isinstance(value, str) else value


def _store(
    model: type[Row], action: str, found: Row | None, values: Mapping[str, Any]
) -> Literal["created", "updated", "unchanged"]:
    if found is None:
        row = model(**values)
        db.session.add(row)
        record(f"{action}.created", row)
        return "created"
    changed = {name: value for name, value in values.items() if getattr(found, name) != value}
    if not changed:
        return "unchanged"
    kept = lock(model, found.id)
    for name, value in changed.items():
        setattr(kept, name, value)
    record(f"{action}.changed", kept)
    return "updated"


def _address_problems(values: Mapping[str, Any]) -> list[Problem]:
    """A figure without an address where it can be checked is hearsay."""
    if values["source"].lower().startswith(("http://", "https://")):
        return []
    return [Problem("source", "source-address", gettext("Give the web address of the source."))]


class ReferenceFeeImport(RowImporter):
    """Published figures by industry and year; a row says all there is to say about its year."""

    permission = "reference_fee.import"
    columns = (
        Column("industry", "行业代码", industry, required=True, aliases=("industry_code", "行业")),
        Column("year", "年度", convert.integer(_EARLIEST_YEAR, 2200), required=True, aliases=("年份",)),
        Column("sample_size", "样本数", convert.integer(), required=True, aliases=("合同数",)),
        Column("mean_rate", "平均提成率", convert.rate()),
        Column("median_rate", "提成率中位数", convert.rate()),
        Column("rate_base", "提成基数", convert.choice(RATE_BASE)),
        Column("mean_lump_sum", "平均固定费用", convert.yuan()),
        Column("source", "来源网址", convert.text(500), required=True, aliases=("source_address", "来源")),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [(values["industry"], values["year"])]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        problems = _address_problems(values)
        if all(values.get(name) is None for name in ("mean_rate", "median_rate", "mean_lump_sum")):
            reason = gettext("The row has neither a rate nor a sum.")
            problems.append(Problem("", "reference-empty", reason))
        if values["year"] > clock.today().year:
            problems.append(Problem("year", "year-in-future", gettext("This year has not come yet.")))
        return problems

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        found = db.session.scalar(
            sa.select(ReferenceFee).where(
                ReferenceFee.industry == values["industry"], ReferenceFee.year == values["year"]
            )
        )
        names = ("industry", "year", "sample_size", "mean_rate", "median_rate", "rate_base", "source")
        said = {name: values.get(name) for name in names}
        said["mean_lump_sum_minor"] = values.get("mean_lump_sum")
        return _store(ReferenceFee, "reference_fee", found, said)


class AnnuityFeeImport(RowImporter):
    """The scale of annuities: a range of patent years a row; the newest scale of a kind counts."""

    permission = "annuity_fee.import"
    columns = (
        Column("kind", "专利类型", convert.choice(KIND), required=True),
        Column("year_from", "起始年度", convert.integer(1, 25), required=True),
        Column("year_to", "截止年度", convert.integer(1, 25), required=True),
        Column("amount", "年费", convert.yuan(), required=True, aliases=("金额",)),
        Column("as_of", "标准日期", convert.date(), required=True, aliases=("执行日期",)),
        Column("source", "来源网址", convert.text(500), required=True, aliases=("source_address", "来源")),
        Column("confirmed", "已核对", convert.boolean(empty=False)),
    )

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        years = range(values["year_from"], values["year_to"] + 1)
        return [(values["kind"], values["as_of"], year) for year in years]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        longest = YEARS_OF_RIGHT[values["kind"]]
        if values["year_to"] < values["year_from"]:
            reason = gettext("The range of years ends before it begins.")
            return [Problem("year_to", "years-reversed", reason)]
        if values["year_to"] > longest:
            reason = gettext("Such a right lasts %(years)s years at most.", years=longest)
            return [Problem("year_to", "years-beyond-right", reason)]
        return _address_problems(values)

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values = row.values
        overlapping = db.session.scalars(
            sa.select(AnnuityFee).where(
                AnnuityFee.kind == values["kind"],
                AnnuityFee.as_of == values["as_of"],
                AnnuityFee.year_from <= values["year_to"],
                AnnuityFee.year_to >= values["year_from"],
            )
        ).all()
        found = next((each for each in overlapping if each.year_from == values["year_from"]), None)
        if any(each is not found for each in overlapping):
            raise Conflict(
                "years-overlap", "The scale of that day has other figures for some of these years already."
            )
        said = {name: values[name] for name in ("kind", "year_from", "year_to", "as_of", "source")}
        said["amount_minor"] = values["amount"]
        said["confirmed"] = bool(values.get("confirmed"))
        return _store(AnnuityFee, "annuity_fee", found, said)


IMPORTS: dict[str, type[Importer]] = {"reference-fees": ReferenceFeeImport, "annuities": AnnuityFeeImport}
