"""The stock as files: the template reads back, rows are told of one by one, exports hold no live formulas."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from marketplace.core import importing
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.tables import read_table
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import columns, exports, services, setup, upkeep
from marketplace.listings.stocktaking.desk import desk_of
from marketplace.listings.stocktaking.filters import Filter
from tests import factories

pytestmark = pytest.mark.usefixtures("context")


class World:
    def __init__(self) -> None:
        with unit_of_work():
            self.organisation = factories.organisation("示例盘点大学", type="university")
            self.actor = factories.actor(self.organisation)
            self.inventor = factories.user(self.organisation, name="沈例青", email="shen@example.org")
            self.patents = [factories.patent(self.organisation) for _ in range(3)]
            upkeep.refresh(patent.id for patent in self.patents)
        with unit_of_work(self.actor):
            college = setup.add_unit(self.desk, "材料学院", name_en="School of Materials")
        with unit_of_work(self.actor):
            self.unit = setup.add_unit(self.desk, "电池研究所", parent_id=college.id)

    @property
    def desk(self):  # type: ignore[no-untyped-def]
        return desk_of(self.actor, self.organisation.id)

    def run(self, path: Path, **options: object) -> importing.Summary:
        return importing.run(
            "stock",
            path,
            actor=self.actor,
            owner=self.organisation.name,
            **options,  # type: ignore[arg-type]
        )

    def row(self, index: int):  # type: ignore[no-untyped-def]
        db.session.expire_all()
        return services.case_of(self.desk, self.patents[index]).row


@pytest.mark.parametrize("english", [False, True])
def test_the_template_offers_this_organisations_choices_and_its_reader_takes_it_back(
    tmp_path: Path, english: bool
) -> None:
    world = World()
    book = openpyxl.load_workbook(io.BytesIO(exports.template(world.desk, english=english)))
    sheet, example, lists = book.worksheets[0], book.worksheets[1], book["lists"]
    assert [cell.value for cell in sheet[1]] == [
        column.name if english else column.zh for column in columns.COLUMNS
    ]
    assert len(sheet.data_validations.dataValidation) == 5
    offered = {str(cell.value) for column in lists.columns for cell in column if cell.value}
    assert "沈例青" in offered
    assert ("School of Materials / 电池研究所" if english else "材料学院 / 电池研究所") in offered
    assert any(value.startswith("G1 ") for value in offered)
    assert example.max_row == 3
    # The example is read by the same table without a fault.
    for cell, value in zip(sheet[2], [cell.value for cell in example[2]], strict=False):
        cell.value = value
    sheet["A2"] = world.patents[0].number
    path = tmp_path / "filled.xlsx"
    book.save(path)
    assert [row.errors for row in read_table(path, columns.COLUMNS)] == [()]
    summary = world.run(path)
    assert summary.as_json() == {"read": 1, "created": 0, "updated": 1, "unchanged": 0, "rejected": 0}
    row = world.row(0)
    assert (row.grade, row.practice, row.unit_id is not None) == ("G1", "none", True)
    assert world.run(path).unchanged == 1


def test_each_bad_row_is_told_with_line_column_value_and_reason_and_good_ones_go_in(tmp_path: Path) -> None:
    world = World()
    with unit_of_work():
        foreign = factories.patent(factories.organisation())
    numbers = [patent.number for patent in world.patents]
    path = tmp_path / "list.csv"
    path.write_text(
        "专利号,所属单位,填报人,分级,转化意愿,实施情况,实施主体\n"
        f"{numbers[0]},材料学院/电池研究所,shen@example.org,优先转化,许可;转让,,\n"
        f"{numbers[1]},哲学院,,,,,\n"
        f"{numbers[2]},,,Z9,,,\n"
        f"{foreign.number},,,G1,,,\n"
        "ZL201910000010.4,,,G1,,,\n"
        f"{numbers[1]},,,,,也许,\n",
        encoding="utf-8",
    )
    report = tmp_path / "report.csv"
    dry = world.run(path, dry_run=True)
    assert (dry.updated, dry.rejected) == (1, 5)
    assert world.row(0).grade == ""
    done = world.run(path, report=report)
    assert (done.read, done.updated, done.rejected) == (6, 1, 5)
    row = world.row(0)
    assert (row.unit_id, row.inventor_id, row.grade, row.wish) == (world.unit.id, world.inventor.id, "G1", 3)
    with report.open(encoding="utf-8") as file:
        told = {(line["line"], line["field"], line["code"]) for line in csv.DictReader(file)}
    assert {
        ("3", "unit", "unit-unknown"),
        ("4", "grade", "stock-invalid"),
        ("5", "number", "stock-not-found"),
    } < told
    assert {(line, field) for line, field, _code in told} >= {("6", "number"), ("7", "practice")}


def test_an_export_reads_back_and_changes_nothing(tmp_path: Path) -> None:
    world = World()
    with unit_of_work(world.actor):
        case = services.case_of(world.desk, world.patents[0])
        services.place(case, {"unit_id": world.unit.id, "inventor_id": world.inventor.id})
        services.edit(case, {"grade": "G2", "wish": ["licence"], "practice": "own", "practised_by": "中试线"})
    for name, write in (("out.csv", exports.as_csv), ("out.xlsx", exports.as_xlsx)):
        path = tmp_path / name
        path.write_bytes(b"".join(write(exports.rows(Filter(), world.desk, english=False))))
        assert world.run(path).as_json() == {
            "read": 3, "created": 0, "updated": 0, "unchanged": 3, "rejected": 0,
        }  # fmt: skip
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert (sheet.max_row, sheet.max_column) == (4, len(columns.EXPORTED))


def test_no_exported_cell_is_a_live_formula(tmp_path: Path) -> None:
    world = World()
    evil = ["=1+1", "+86 21", "-2", "@sum", "\tx"]
    with unit_of_work(world.actor):
        world.patents[0].title = '=HYPERLINK("http://x")'
        upkeep.refresh([world.patents[0].id])
        for patent, text in zip(world.patents, evil[1:4], strict=True):
            case = services.case_of(world.desk, patent)
            services.edit(case, {"note": text, "practice": "own", "practised_by": "=cmd|' /C calc'!A0"})
    lines = list(exports.rows(Filter(), world.desk, english=False))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for line in lines for cell in line)
    path = tmp_path / "out.xlsx"
    path.write_bytes(b"".join(exports.as_xlsx(lines)))
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    assert sheet.cell(2, 2).value == '\'=HYPERLINK("http://x")'


def test_a_list_of_others_is_refused(tmp_path: Path) -> None:
    world = World()
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    path = tmp_path / "list.csv"
    path.write_text(f"专利号,分级\n{world.patents[0].number},G1\n", encoding="utf-8")
    with pytest.raises(Forbidden):
        importing.run("stock", path, actor=stranger, owner=world.organisation.name)
    summary = importing.run("stock", path, actor=stranger)
    assert summary.rejected == 1
