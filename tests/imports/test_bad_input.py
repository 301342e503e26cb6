"""What people hand in: each fault is answered in their language, and the good rows go in all the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.core.identifiers import check_digit
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Patent
from tests import factories
from tests.web.pages import client_of, member, text_of

HEADER = ("专利号", "名称", "申请日", "授权公告日", "专利权人", "法律状态", "质押")
OWNER = "示例录入大学"
# Cells that are put into an otherwise good row, and what its author reads.
FAULTS = (
    ({"专利号": "201910000010.1"}, "校验位", "typing error in the number"),
    ({"专利号": "US10123456B2"}, "其他国家或组织", "another country or office"),
    ({"专利号": "2.0191E+11"}, "文本", "shortened this number"),
    ({"申请日": "2021-06-01", "授权公告日": "2019-03-01"}, "不能早于申请日", "before the filing"),
    ({"申请日": "12/07/2019"}, "这不是日期", "not a date"),
    ({"申请日": "2019-02-30"}, "没有这一天", "no such day"),
    ({"法律状态": "有校"}, "审查中、有效", "pending, in_force"),
    ({"质押": "#N/A"}, "#N/A", "#N/A"),
    ({"名称": ""}, "必填", "must be filled in"),
    ({"专利权人": "别的公司"}, "专利权人", "patentee"),
)
GOOD = (
    {"申请日": "2019年3月1日"},
    {"申请日": "2019.3.1", "授权公告日": "20210601"},
    {"申请日": "43525"},
    {"申请日": "２０１９－０３－０１"},
    {"申请日": "2019/3/1 0:00:00", "质押": "未质押"},
    {"申请日": "二〇一九年三月一日"},
)


def number(serial: int) -> str:
    digits = f"20191{9_720_000 + serial:07d}"
    return f"{digits}.{check_digit(digits)}"


def row(serial: int, **cells: str) -> list[str]:
    full = "ZL" + number(serial)
    wide = full.translate({ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789ZLX"})
    values = dict(zip(HEADER, (wide if serial % 2 else full, f"一种阀门{serial}", "2019-03-01", "2021-06-01",
                               OWNER, "有效", "否"), strict=True))  # fmt: skip
    return list((values | cells).values())


def text_table(rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue()


class Desk:
    """A holder at the page of lists."""

    def __init__(self, app: Flask, language: str) -> None:
        self.app = app
        user_id, self.organisation_id = member(app, OWNER)
        self.browser: FlaskClient = client_of(app, user_id, language)

    def check(self, content: bytes, name: str) -> str:
        data = {"file": (io.BytesIO(content), name)}
        return self.browser.post("/holder/lists/patents", data=data).get_data(as_text=True)

    def take(self, page: str) -> None:
        [kept] = re.findall(r'name="file" value="(\d+)"', page)
        done = self.browser.post("/holder/lists/patents/import", data={"file": kept}, follow_redirects=True)
        assert done.status_code == 200

    def numbers(self) -> set[str]:
        with self.app.app_context():
            found = set(db.session.scalars(sa.select(Patent.number)))
            db.session.remove()
        return {one for one in found if one}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_every_fault_of_a_list_is_told_in_the_readers_language_and_good_rows_go_in(
    app: Flask, language: str, encoding: str
) -> None:
    desk = Desk(app, language)
    good = [row(serial, **cells) for serial, cells in enumerate(GOOD)]
    bad = [row(100 + serial, **cells) for serial, (cells, *_) in enumerate(FAULTS)]
    page = desk.check(text_table([*bad, *good]).encode(encoding), "清单.csv")
    told = text_of(page)
    for cells, chinese, english in FAULTS:
        assert (chinese if language == "zh" else english) in told, cells
    desk.take(page)
    assert desk.numbers() == {number(serial) for serial in range(len(GOOD))}
    with app.app_context():
        assert set(db.session.scalars(sa.select(Patent.filing_date))) == {dt.date(2019, 3, 1)}
        db.session.remove()


def workbook(path: Path) -> bytes:
    """A sheet as offices keep it: a title, merged cells, a formula, a hidden sheet, dates as dates."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["本校专利清单"])
    sheet.merge_cells("A1:G1")
    sheet.append(HEADER)
    for serial in range(3):
        sheet.append([*row(serial)[:2], dt.datetime(2019, 3, 1), dt.date(2021, 6, 1), OWNER, "有效", "否"])
    sheet.merge_cells("B4:B5")  # of merged cells only the first keeps its value
    sheet.append([*row(7)[:1], "=A1&B1", *row(7)[2:]])
    hidden = book.create_sheet("旧清单")
    hidden.append(HEADER)
    hidden.append(row(9))
    hidden.sheet_state = "hidden"
    book.save(path)
    return path.read_bytes()


def with_macros(content: bytes) -> bytes:
    """The same workbook as the .xlsm that a spreadsheet with macros is."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "[Content_Types].xml":
                data = data.replace(
                    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                    b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
                )
            target.writestr(name, data)
        target.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" + b"macro" * 100)
    return out.getvalue()


@pytest.mark.parametrize("name", ["清单.xlsx", "清单.xlsm"])
def test_a_workbook_of_an_office_goes_in_but_for_the_rows_that_lack_something(
    app: Flask, tmp_path: Path, name: str
) -> None:
    desk = Desk(app, "zh")
    content = workbook(tmp_path / "book.xlsx")
    page = desk.check(with_macros(content) if name.endswith("m") else content, name)
    assert text_of(page).count("此项必填") == 2, "the merged cell below, and the formula without a value"
    desk.take(page)
    assert desk.numbers() == {number(serial) for serial in (0, 1)}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_that_is_too_large_is_answered_with_a_page(
    app: Flask, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 100_000)
    desk = Desk(app, language)
    data = {"file": (io.BytesIO(b"x" * 200_000), "large.csv")}
    answer = desk.browser.post("/holder/lists/patents", data=data)
    assert answer.status_code == 413
    assert ("文件过大" if language == "zh" else "The file is too large") in answer.get_data(as_text=True)


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1"])
def test_a_formula_that_came_in_as_a_title_never_leaves_as_one(app: Flask, title: str) -> None:
    desk = Desk(app, "zh")
    with app.app_context(), unit_of_work():
        patent = factories.patent(db.session.get_one(Organisation, desk.organisation_id), title=title)
        patent.facts = []
    content = desk.browser.get("/holder/facts/pledged.xlsx").get_data()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    cell = sheet["B2"]
    assert cell.data_type == "s"
    assert str(cell.value).startswith("'")
