"""The bureau's report in every form, and the commands that make it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from flask import Flask, current_app
from flask_babel import force_locale
from pypdf import PdfReader

from marketplace import cli
from marketplace.statistics.definitions import DEFINITIONS
from marketplace.statistics.reports import building, writing
from marketplace.web.groups import group_name

from .story import tell


@pytest.fixture
def made(context: None) -> building.Report:
    tell()
    with current_app.test_request_context(), force_locale("zh"):
        return building.build(language="zh", name=group_name)


@pytest.fixture
def english(context: None) -> building.Report:
    tell()
    with current_app.test_request_context(), force_locale("en"):
        return building.build(language="en", name=group_name)


def test_the_report_says_what_it_rests_on(made: building.Report) -> None:
    assert (made.as_of.isoformat(), made.last.isoformat()) == ("2026-11-20", "2026-11-20")
    assert made.journal_id == 1
    assert {one["code"] for one in made.definitions} == set(DEFINITIONS)
    assert all(one["version"] >= 1 for one in made.definitions)
    assert made.title == "上海市专利开放许可运行情况报告（2024年12月1日至2026年11月20日）"


def test_the_report_is_in_the_readers_language(english: building.Report) -> None:
    assert english.title == "Shanghai: report on patent open licensing (1 December 2024 to 20 November 2026)"
    districts = next(section for section in english.sections if section.title == "By: District")
    assert [row[0] for row in districts.rows] == ["Minhang", "Pudong New Area"]


def test_csv_and_json_hold_the_same_figures(made: building.Report) -> None:
    lines = list(csv.DictReader(io.StringIO(writing.write(made, "csv").decode().removeprefix("\ufeff"))))
    body = json.loads(writing.write(made, "json"))
    assert sum(len(one["rows"]) + len(one.get("side", [])) for one in body["figures"]) == len(lines)
    whole = next(one for one in body["figures"] if one["figure"] == "in-force" and one["by"] is None)
    assert whole["rows"] == [
        {
            "group": "all",
            "numerator": 40,
            "denominator": None,
            "value": None,
            "provisional": False,
            "note": None,
        }
    ]
    assert lines[0]["as_of"] == "2026-11-20"


def test_the_workbook_has_a_sheet_for_each_table_and_no_formulas(made: building.Report) -> None:
    book = openpyxl.load_workbook(io.BytesIO(writing.write(made, "xlsx")))
    assert len(book.sheetnames) == 2 + len(made.sections)
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)


def test_the_pdf_can_be_read_and_names_definitions_with_versions(made: building.Report) -> None:
    pages = PdfReader(io.BytesIO(writing.write(made, "pdf"))).pages
    text = "".join("".join(page.extract_text() for page in pages).split())
    assert "上海市专利开放许可运行情况报告（2024年12月1日至2026年11月20日）" in text
    assert "快速许可成交率" in text
    assert "quick-licencev1" in text
    assert "未满期" in text


def _run(app: Flask, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(cli, "application", lambda: app)
    done = CliRunner().invoke(cli.main, ["statistics", *arguments])
    return done.exit_code, done.stdout


def test_the_commands_print_json_last(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with app.app_context():
        tell()
    code, out = _run(app, monkeypatch, "rebuild")
    assert (code, json.loads(out.splitlines()[-1])) == (
        0,
        {
            "as_of": "2026-11-20",
            "journal_id": 1,
            "patents": 40,
            "outside": 1,
            "licences": 20,
            "left_out": 0,
        },
    )
    for form in writing.FORMATS:
        target = tmp_path / f"report.{form}"
        code, out = _run(app, monkeypatch, "report", "--format", form, "--output", str(target))
        said = json.loads(out.splitlines()[-1])
        assert (code, said["file"], said["as_of"]) == (0, str(target), "2026-11-20")
        assert target.stat().st_size > 1000


def test_a_wrong_call_is_told_from_a_failure(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _run(app, monkeypatch, "report", "--from", "soon")[0] == 2
    assert _run(app, monkeypatch, "report", "--format", "docx")[0] == 2
    assert _run(app, monkeypatch, "report", "--as-of", "2999-01-01")[0] == 1
    nowhere = str(tmp_path / "missing" / "report.csv")
    assert _run(app, monkeypatch, "report", "--format", "csv", "--output", nowhere)[0] == 1
