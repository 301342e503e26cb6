"""Files of every usual kind are read row by row; what cannot be read is reported and never lost."""

import csv
import datetime as dt
import json
import time
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.core import convert
from marketplace.core.convert import KNOWN_NONE
from marketplace.core.identifiers import PatentNumber, PublicationNumber
from marketplace.core.tables import Column, Report, Row, TableError, read_table, safe_cell, total_hint

GAZETTE = Path(__file__).resolve().parents[3] / "shared" / "data" / "patents" / "gazette_2019_07.tsv"
KINDS = {
    "invention": ("发明", "invention_grant", "invention_application"),
    "utility_model": ("实用新型",),
    "design": ("外观设计",),
}
COLUMNS = (
    Column("number", "专利号", convert.patent_number(), required=True, aliases=("app_no", "pub_no")),
    Column("publication_number", "公开号", convert.publication_number(), aliases=("pub_no",)),
    Column("kind", "专利类型", convert.choice(KINDS)),
    Column("title", "名称", convert.text(500), required=True),
    Column("filing_date", "申请日", convert.date()),
    Column("patentees", "专利权人", convert.listing(convert.text(100)), aliases=("applicants",)),
    Column("exclusive_licence_until", "独占排他许可至", convert.date(none=KNOWN_NONE)),
    Column("ipc", "分类号", convert.listing(convert.classification())),
    Column(
        "patentee_regions",
        "权利人地区",
        convert.listing(convert.region(), gaps=True),
        aliases=("shanghai_district", "province"),
    ),
)
HEADER = "专利号,专利类型,名称,申请日,专利权人,独占排他许可至"
GOOD = "201890000001,实用新型,一种阀门,2018-07-12,甲厂;乙校,无"
NUMBER = PatentNumber("201890000001")


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, columns: Sequence[Column] = COLUMNS) -> list[Row]:
    return list(read_table(path, columns))


def codes(row: Row) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in row.errors]


def refusal(path: Path, columns: Sequence[Column] = COLUMNS) -> TableError:
    with pytest.raises(TableError) as caught:
        read_table(path, columns)
    assert caught.value.reason
    return caught.value


def is_the_good_row(row: Row) -> bool:
    return not row.errors and row.values == {
        "number": NUMBER,
        "kind": "utility_model",
        "title": "一种阀门",
        "filing_date": dt.date(2018, 7, 12),
        "patentees": ("甲厂", "乙校"),
        "exclusive_licence_until": KNOWN_NONE,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_reads_in_every_usual_encoding_and_delimiter(
    tmp_path: Path, encoding: str, delimiter: str, end: str
) -> None:
    text = f"{HEADER}{end}{GOOD}{end}".replace("甲厂;乙校", "甲厂、乙校").replace(",", delimiter)
    [row] = read(write(tmp_path, text.encode(encoding)))
    assert is_the_good_row(row)
    assert row.line == 2


def test_headers_match_in_both_languages_however_they_are_written(tmp_path: Path) -> None:
    for header in (
        "number,kind,title,filing_date,patentees,exclusive_licence_until",
        "Number , KIND,Title,Filing Date,ＰＡＴＥＮＴＥＥＳ,exclusive-licence-until",
        "专利号*,专利类型（必填）,名 称,申请日(年月日),专利权人：,独占排他许可至",
        "number/专利号,kind/专利类型,title/名称,filing_date/申请日,专利权人/patentees,独占排他许可至",
    ):
        [row] = read(write(tmp_path, f"{header}\n{GOOD}\n"))
        assert is_the_good_row(row), header


def test_a_title_above_the_header_and_a_separator_line_are_skipped(tmp_path: Path) -> None:
    [row] = read(write(tmp_path, f"某大学专利清单,,,,,\n\n填表日期,2026-01-01,,,,\n{HEADER}\n{GOOD}\n"))
    assert is_the_good_row(row)
    assert row.line == 5
    text = f"sep=;\n{HEADER}\n{GOOD.replace('甲厂;乙校', '甲厂、乙校')}\n".replace(",", ";")
    [row] = read(write(tmp_path, text))
    assert is_the_good_row(row)


def test_unknown_headers_are_named_once_and_do_no_harm(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, f"{HEADER},备注,内部编号\n{GOOD},x,y\n{GOOD},x,y\n"), COLUMNS)
    assert table.unknown == ["备注", "内部编号"]
    assert table.present == [
        "number",
        "kind",
        "title",
        "filing_date",
        "patentees",
        "exclusive_licence_until",
    ]
    assert all(is_the_good_row(row) for row in table)


def test_every_error_of_a_row_is_reported_with_its_place(tmp_path: Path) -> None:
    bad = "201890000001.0,版权,,2018-02-30,甲厂,无"
    path = write(tmp_path, f"{HEADER}\n{GOOD}\n{bad}\n\n{GOOD}\n")
    first, second, third = read(path)
    assert is_the_good_row(first)
    assert is_the_good_row(third)
    assert (second.line, third.line) == (3, 5)
    assert codes(second) == [
        ("number", "number-check-digit"),
        ("kind", "choice"),
        ("title", "required"),
        ("filing_date", "date-impossible"),
    ]
    assert second.errors[3].value == "2018-02-30"
    assert second.errors[3].reason == "There is no such day."
    assert second.values == {"title": None, "patentees": ("甲厂",), "exclusive_licence_until": KNOWN_NONE}


def test_a_file_that_is_no_such_table_says_why(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").code == "file-missing"
    assert refusal(write(tmp_path, "")).code == "file-empty"
    assert refusal(write(tmp_path, " \n\n")).code == "file-empty"
    assert refusal(write(tmp_path, b"%PDF-1.7\n\x00\x01\x02")).code == "file-format"
    assert refusal(write(tmp_path, '[{"number": 1}]', "table.json")).code == "file-format"
    assert refusal(write(tmp_path, b"PK\x03\x04 not really", "table.xlsx")).code == "file-format"
    assert refusal(write(tmp_path, "a,b\n1,2\n")).code == "header-missing"
    missing = refusal(write(tmp_path, "专利类型,申请日\n发明,2018-07-12\n"))
    assert missing.code == "columns-missing"
    assert missing.parameters == {"columns": "专利号 (number), 名称 (title)"}
    twice = refusal(write(tmp_path, "专利号,名称,名称\n1,2,3\n"))
    assert (twice.code, twice.parameters) == ("column-twice", {"column": "名称"})


def test_a_packed_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sheet.xml", "w") as sheet,
    ):
        for _ in range(1025):
            sheet.write(bytes(1 << 20))
    assert path.stat().st_size < 2_000_000
    assert refusal(path).code == "file-too-large"


SHEET = "xl/worksheets/sheet1.xml"


def repacked(path: Path, source: Path, changes: dict[str, bytes | None]) -> Path:
    """The archive `source` with other entries; None leaves one out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        entries: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
        for name, content in (entries | changes).items():
            if content is not None:
                new.writestr(name, content)
    return path


def sheet_xml(rows: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    )


FAR = "<c><v>1</v></c>"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (f'<row r="1">{FAR}</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "file-too-large"),
        (f"<row>{FAR * 16_384}</row><row r='999999'>{FAR}</row>", "file-too-large"),
        (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>',
            "header-missing",
        ),
        ('<row r="1"><c r="A1"><v>1</v></row>', "file-format"),
        ('<row r="x"/>', "file-format"),
    ],
    ids=["one far cell", "places counted", "a far cell with nothing in it", "broken", "no row"],
)
def test_a_small_spreadsheet_that_unfolds_in_memory_is_refused(tmp_path: Path, rows: str, code: str) -> None:
    whole = save(tmp_path / "whole.xlsx", [HEADER.split(",")])
    changes = {SHEET: sheet_xml(rows), "xl/worksheets/sheet2.xml": sheet_xml("")}
    path = repacked(tmp_path / "table.xlsx", whole, changes)
    assert path.stat().st_size < 20_000
    assert refusal(path).code == code


def test_a_sheet_with_a_document_type_and_other_packed_kinds_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.xlsx", [HEADER.split(",")])
    declared = sheet_xml("").replace(b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet', 1)
    assert refusal(repacked(tmp_path / "a.xlsx", whole, {SHEET: declared})).code == "file-format"
    assert refusal(repacked(tmp_path / "b.ods", whole, {"content.xml": b"<a/>"})).code == "file-format"
    assert refusal(repacked(tmp_path / "c.xlsx", whole, {"xl/workbook.xml": None})).code == "file-format"
    damaged = bytearray(whole.read_bytes())
    damaged[damaged.index(b"PK\x03\x04", 4) - 20] ^= 0xFF
    assert refusal(write(tmp_path, bytes(damaged), "d.xlsx")).code == "file-format"
    assert refusal(write(tmp_path, whole.read_bytes()[:3_000], "e.xlsx")).code == "file-format"


def test_the_name_of_a_spreadsheet_does_not_matter(tmp_path: Path) -> None:
    path = save(tmp_path / "table.xlsx", [HEADER.split(","), GOOD.split(",")])
    for name in ("table.xls", "table.xlsm", "table.csv", "table"):
        [row] = read(path.rename(tmp_path / name) if path.name != name else path)
        assert is_the_good_row(row), name
        path = tmp_path / name


def test_the_old_binary_format_and_locked_workbooks_say_what_they_are(tmp_path: Path) -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_500)
    assert refusal(write(tmp_path, container + "Workbook".encode("utf-16-le"), "a.xls")).code == "file-format"
    locked = container + "EncryptedPackage".encode("utf-16-le")
    assert refusal(write(tmp_path, locked, "b.xlsx")).code == "file-password"


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    hidden, seen = book.create_sheet("hidden"), book.create_sheet("seen")
    hidden.append(HEADER.split(","))
    hidden.append(["201890000001", "版权"])
    seen.append(HEADER.split(","))
    seen.append(GOOD.split(","))
    for state in ("hidden", "veryHidden"):
        hidden.sheet_state = state
        book.save(tmp_path / "table.xlsx")
        [row] = read(tmp_path / "table.xlsx")
        assert is_the_good_row(row)
    book.remove(seen)
    book.save(tmp_path / "table.xlsx")
    assert refusal(tmp_path / "table.xlsx").code == "header-missing"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_is_known_without_its_mark(tmp_path: Path, encoding: str) -> None:
    rows = "\n".join([HEADER, *[GOOD] * 3]).encode(encoding)
    assert all(map(is_the_good_row, read(write(tmp_path, rows))))
    assert refusal(write(tmp_path, HEADER.encode("utf-32"))).code == "file-format"
    assert refusal(write(tmp_path, bytes(range(256)) * 20)).code == "file-format"


def test_a_zero_byte_costs_at_most_its_row_wherever_it_stands(tmp_path: Path) -> None:
    damaged = GOOD.replace("201890000001", "2018900\x0000001")
    for before in (0, 200):
        found = read(write(tmp_path, "\n".join([HEADER, *[GOOD] * before, damaged, GOOD])))
        assert [codes(row) for row in found if row.errors] == [[("number", "number-characters")]]
        assert sum(map(is_the_good_row, found)) == before + 1


def test_a_line_without_end_costs_its_row_and_no_memory(tmp_path: Path) -> None:
    for name, start, code in (
        ("a.csv", HEADER, "row-cells"),
        ("b.jsonl", '{"title": "丙", "number": 1}', "json-form"),
    ):
        path = tmp_path / name
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{start}\n" + ('{"title": "' if name == "b.jsonl" else ""))
            for _ in range(20):
                file.write("x" * 1_000_000)
            file.write(f"\n{start if name == 'b.jsonl' else GOOD}\n")
        tracemalloc.start()
        found = read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16_000_000
        assert codes(found[-2]) == [("", code)]
        assert found[-1].values["title"] in ("丙", "一种阀门")
        assert found[-1].line == 3


def test_a_key_that_occurs_twice_in_a_line_is_refused(tmp_path: Path) -> None:
    text = (
        '{"number": "201890000001", "title": "甲", "title": "乙"}\n{"number": "201890000001", "title": "甲"}'
    )
    first, second = read(write(tmp_path, text, "table.jsonl"))
    assert codes(first) == [("", "column-twice")]
    assert not second.errors


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = f'{HEADER}\n{GOOD}\n201890000001,实用新型,"一种""阀门"",\r\n带把手",2018-07-12,甲厂,\n{GOOD}\n'
    first, second, third = read(write(tmp_path, text))
    assert second.values["title"] == '一种"阀门", 带把手'
    assert (first.line, second.line, third.line) == (2, 3, 5)


@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_stray_quotation_mark_costs_one_row(tmp_path: Path, at: int) -> None:
    rows = [GOOD] * 6
    rows[at] = '201890000001,实用新型,"一种阀门,2018-07-12,甲厂,无'
    found = read(write(tmp_path, "\n".join([HEADER, *rows])))
    assert [row.line for row in found] == [2, 3, 4, 5, 6, 7]
    assert [codes(row) for row in found if row.errors] == [[("", "row-quotes")]]
    assert found[at].errors[0].value.startswith("201890000001")
    assert sum(map(is_the_good_row, found)) == 5


def test_stray_quotation_marks_in_every_row_lose_nothing(tmp_path: Path) -> None:
    rows = ['201890000001,实用新型,"一种阀门,2018-07-12,甲厂,无'] * 50 + [GOOD]
    found = read(write(tmp_path, "\n".join([HEADER, *rows])))
    assert [row.line for row in found] == list(range(2, 53))
    assert is_the_good_row(found[-1])
    assert all(codes(row) == [("", "row-quotes")] for row in found[:-1])


def test_bare_quotation_marks_in_tab_separated_files_are_text(tmp_path: Path) -> None:
    row = '201890000001\t实用新型\t"智能"阀门\t2018-07-12\t甲厂\t无'
    odd = '201890000001\t实用新型\t"智能阀门\t2018-07-12\t甲厂\t无'
    found = read(write(tmp_path, "\n".join([HEADER.replace(",", "\t"), row, odd, row])))
    assert [item.values["title"] for item in found] == ['"智能"阀门', '"智能阀门', '"智能"阀门']
    [inch] = read(write(tmp_path, f'{HEADER}\n201890000001,实用新型,5" 阀门,2018-07-12,甲厂,无\n'))
    assert inch.values["title"] == '5" 阀门'


def test_a_row_with_too_many_or_too_few_cells_is_refused(tmp_path: Path) -> None:
    short, long, padded = "201890000001,实用新型", f"{GOOD},多余", f"{GOOD},,"
    found = read(write(tmp_path, f"{HEADER}\n{short}\n{long}\n{padded}\n,,,,,\n"))
    assert [codes(row) for row in found] == [[("", "row-cells")], [("", "row-cells")], []]
    assert found[0].errors[0].reason == "This row has 2 cells, the header has 6."


def test_damaged_bytes_cost_their_row_only(tmp_path: Path) -> None:
    damaged = GOOD.encode().replace("阀".encode(), "阀".encode()[:2])
    content = b"\n".join([HEADER.encode(), *[GOOD.encode()] * 20, damaged, GOOD.encode()])
    found = read(write(tmp_path, content))
    assert [codes(row) for row in found if row.errors] == [[("title", "text-encoding")]]
    assert sum(map(is_the_good_row, found)) == 21
    with Report(tmp_path / "report.csv") as report:
        report.add(found[20].errors[0])


def test_the_first_filled_cell_of_several_headers_counts(tmp_path: Path) -> None:
    text = (
        "pub_no,app_no,title,province,shanghai_district\n"
        "CN102307917B,,甲,上海市,浦东\n"
        "CN209000001U,CN2018900000019,乙,江苏省,\n"
    )
    first, second = read(write(tmp_path, text.replace("CN2018900000019", f"CN{NUMBER.serial}{NUMBER.check}")))
    assert first.values["number"] == PublicationNumber("102307917", "B")
    assert first.values["patentee_regions"] == ("310115",)
    assert second.values["number"] == NUMBER
    assert second.values["publication_number"] == PublicationNumber("209000001", "U")
    assert second.values["patentee_regions"] == ("320000",)


def save(path: Path, rows: Sequence[Sequence[Any]], title: str = "专利") -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "说明"
    book.active.append(["填表说明：名称不超过一百字"])
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def test_a_spreadsheet_reads_like_the_same_csv(tmp_path: Path) -> None:
    good = [201890000001, "实用新型", "一种阀门", dt.date(2018, 7, 12), "甲厂;乙校", "无"]
    text = [f"ZL{NUMBER.canonical}", "实用新型", "一种阀门", "2018/7/12", "甲厂\n乙校", "无"]
    bad = [201890000001, "实用新型", 12, dt.datetime(2018, 7, 12, 8), None, dt.time(8, 30)]
    path = save(tmp_path / "table.xlsx", [["某大学"], [], HEADER.split(","), good, text, [None] * 6, bad])
    first, second, third = read(path)
    assert is_the_good_row(first)
    assert is_the_good_row(second)
    assert (first.line, second.line, third.line) == (4, 5, 7)
    assert codes(third) == [("exclusive_licence_until", "cell-type")]
    assert third.values["title"] == "12"
    assert total_hint(path) == 7


def test_json_lines_read_like_the_same_csv(tmp_path: Path) -> None:
    good = {"number": "201890000001", "kind": "实用新型", "title": "一种阀门", "filing_date": "2018-07-12",
            "patentees": ["甲厂", "乙校"], "exclusive_licence_until": "无"}  # fmt: skip
    lines = [
        json.dumps(good, ensure_ascii=False),
        "",
        json.dumps({"专利号": 201890000001, "名称": "乙", "备注": 1}),
        "{broken",
        "[1, 2]",
        '{"number": NaN, "title": "x"}',
        '{"title": "丙"}',
        '{"number": {"a": 1}, "title": ["x"]}',
        '{"number": "201890000001", "title": "\\ud800"}',
        "[" * 100_000,
        '{"number": 1e99, "title": "x"}',
    ]
    path = write(tmp_path, "\ufeff" + "\n".join(lines), "table.jsonl")
    table = read_table(path, COLUMNS)
    rows = list(table)
    assert is_the_good_row(rows[0])
    assert rows[1].values == {"number": NUMBER, "title": "乙"}
    assert [(row.line, codes(row)) for row in rows[2:]] == [
        (4, [("", "json-form")]),
        (5, [("", "json-form")]),
        (6, [("", "json-form")]),
        (7, [("", "columns-missing")]),
        (8, [("number", "cell-type"), ("title", "cell-type")]),
        (9, [("title", "text-encoding")]),
        (10, [("", "json-form")]),
        (11, [("number", "cell-type")]),
    ]
    assert table.unknown == ["备注"]
    assert total_hint(path) == 11


def test_the_report_is_a_table_without_live_formulas(tmp_path: Path) -> None:
    path = write(tmp_path, f'{HEADER}\n"=HYPERLINK(""http://x"")",@SUM,甲,+1,乙,-2\n')
    [row] = read(path)
    with Report(tmp_path / "report.csv") as report:
        for error in row.errors:
            report.add(error)
    assert report.count == len(row.errors) == 4
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["line", "field", "value", "code", "reason"]
    assert rows[0]["value"] == '\'=HYPERLINK("http://x")'
    assert [item["value"][0] for item in rows] == ["'"] * 4
    assert rows[0]["line"] == "2"
    with Report(tmp_path / "empty.csv", bom=True):
        pass
    assert (tmp_path / "empty.csv").read_bytes() == b"\xef\xbb\xbfline,field,value,code,reason\r\n"
    assert safe_cell(None) == ""
    assert safe_cell("＝1") == "'＝1"


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


@settings(max_examples=150)
@given(
    rows=st.lists(st.tuples(plain_text, plain_text), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str, quoting: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(("first", "second"))
        writer.writerows(rows)
    columns = (Column("first", "", str), Column("second", "", str))
    assert [(row.values["first"], row.values["second"]) for row in read(path, columns)] == rows


def test_a_large_file_is_read_fast_and_in_flat_memory(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n" + f"{GOOD}\n" * 60_000)
    start = time.perf_counter()
    assert sum(1 for _ in read_table(path, COLUMNS)) == 60_000
    assert time.perf_counter() - start < 10  # about 0.5 s on a quiet machine
    assert total_hint(path) == 60_002
    tracemalloc.start()
    try:
        for _ in read_table(path, COLUMNS):
            pass
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_every_row_of_the_real_gazette_reads() -> None:
    if not GAZETTE.exists():
        pytest.skip("the evaluation data (gazette_2019_07.tsv) are not here")
    table = read_table(GAZETTE, COLUMNS)
    assert table.unknown == ["pub_date"]
    rows = 0
    for row in table:
        rows += 1
        assert not row.errors
    assert rows == 65_192
