"""Lists of patents: real and broken ones, repeated, merged and interrupted."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from openpyxl import Workbook
from stdnum.cn import uscc

from marketplace.accounts.models import Organisation
from marketplace.core.actor import VISITOR
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.fields import read
from marketplace.core.identifiers import PatentNumber, check_digit
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import duties, services
from marketplace.listings.models import Patent
from marketplace.listings.schemas import PatentSchema
from tests import factories
from tests.imports.conftest import Importing, counts
from tests.statements import statements

HEADER = "专利号,专利类型,名称,分类号,申请日,授权公告日,专利权人,权利人地区,法律状态,年费缴至,状态日期\n"
GAZETTE = Path(__file__).parents[3] / "shared" / "data" / "patents" / "gazette_2019_07.tsv"


def number(serial: int, year: int = 2019, kind: str = "1") -> str:
    digits = f"{year}{kind}{serial:07d}"
    return f"{digits}.{check_digit(digits)}"


def line(serial: int, **cells: str) -> str:
    values = {
        "number": f"ZL{number(serial)}",
        "kind": "发明",
        "title": f"一种示例方法{serial}",
        "ipc": "H01M10/0525；H01M4/36",
        "filing": "2019年3月1日",
        "grant": "2021/6/1",
        "patentees": "示例大学",
        "regions": "310112",
        "status": "有效",
        "annuity": "2027-02-28",
        "as_of": "2026-11-01",
    } | cells
    return ",".join(values.values()) + "\n"


def test_a_list_goes_in_once_and_repeating_it_changes_nothing(imported: Importing) -> None:
    text = HEADER + "".join(line(9_600_000 + n) for n in range(30))
    assert imported(text) == counts(read=30, created=30)
    entries = db.session.scalar(sa.select(sa.func.count()).select_from(JournalEntry))
    assert imported(text) == counts(read=30, unchanged=30)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(JournalEntry)) == entries
    patent = services.find_patent(number(9_600_000))
    assert [party.organisation.name for party in patent.parties] == ["示例大学"]
    assert [each.symbol for each in patent.classes] == ["H01M10/0525", "H01M4/36"]
    assert (patent.district, patent.expires_on) == ("310112", dt.date(2039, 2, 28))
    assert {fact.name: fact.value for fact in patent.facts} == {
        "legal_status": "in_force",
        "annuity_paid_until": "2027-02-28",
    }
    actions = list(
        db.session.scalars(sa.select(JournalEntry.action).where(JournalEntry.subject_type == "patents"))
    )
    assert actions == ["patent.entered"] * 30
    assert verify().ok


def test_a_row_that_stands_twice_in_a_file_goes_in_once(imported: Importing) -> None:
    row = line(9_600_050)
    written_otherwise = row.replace("ZL", "CN").replace("2021/6/1", "２０２１年６月１日")
    foreign = line(9_600_051, patentees="")
    text = HEADER + row + row + written_otherwise + line(9_600_052) + foreign + foreign
    assert imported(text) == counts(read=6, created=2, unchanged=2, rejected=2)
    assert imported(text) == counts(read=6, unchanged=4, rejected=2)


def test_a_changed_row_is_updated_and_empty_cells_leave_things_as_they_are(imported: Importing) -> None:
    imported(HEADER + line(9_600_100))
    changed = line(9_600_100, title="一种改名的方法", status="", annuity="2028-02-29", regions="")
    assert imported(HEADER + changed) == counts(read=1, updated=1)
    patent = services.find_patent(number(9_600_100))
    assert (patent.title, patent.version, patent.district) == ("一种改名的方法", 2, "310112")
    assert {fact.name: fact.value for fact in patent.facts} == {
        "legal_status": "in_force",
        "annuity_paid_until": "2028-02-29",
    }


def test_empty_leaves_a_text_as_it_is_and_none_takes_it_away(imported: Importing) -> None:
    header = "专利号,名称,英文名称,摘要,分类号,申请日,授权公告日,专利权人,优势\n"

    def row(*cells: str) -> str:
        return f"{header}ZL{number(9_600_105)},一种示例方法,{','.join(cells)}\n"

    def known() -> tuple[object, ...]:
        patent = services.find_patent(number(9_600_105))
        symbols = [each.symbol for each in patent.classes]
        return patent.title_en, patent.abstract, symbols, patent.grant_date, patent.advantage

    imported(row("A pump", "摘要", "F16K1/00", "2019-03-01", "2021-06-01", "示例大学", "省电"))
    entered = ("A pump", "摘要", ["F16K1/00"], dt.date(2021, 6, 1), "省电")
    assert known() == entered
    for empty in ("", "-", "/"):
        imported(row(*[empty] * 4, empty, "示例大学", empty))
        assert known() == entered
    cleared = row("无", "none", "无", "2019-03-01", "无", "示例大学", "無")
    assert imported(cleared) == counts(read=1, updated=1)
    assert known() == (None, None, [], None, None)
    assert imported(cleared) == counts(read=1, unchanged=1)


def test_an_operators_list_that_repeats_a_holders_word_for_word_lifts_its_facts(imported: Importing) -> None:
    with unit_of_work():
        holder = factories.actor(factories.organisation("示例大学"))
        operator = factories.operator()
    text = HEADER + line(9_600_107) + line(9_600_108)

    def stated() -> list[bool]:
        patents = [services.find_patent(number(serial)) for serial in (9_600_107, 9_600_108)]
        for patent in patents:
            db.session.refresh(patent)
        return [duties.stated_by_holder(patent, "legal_status") for patent in patents]

    assert imported(text, actor=holder) == counts(read=2, created=2)
    assert stated() == [True, True]
    assert imported(text, actor=operator) == counts(read=2, updated=2)
    assert stated() == [False, False]
    # The holder's repetition takes nothing back, and the operator's second one finds nothing to lift.
    assert imported(text, actor=holder) == counts(read=2, unchanged=2)
    assert imported(text, actor=operator) == counts(read=2, unchanged=2)
    assert stated() == [False, False]


def test_an_older_fact_does_not_replace_a_younger_one(imported: Importing) -> None:
    imported(HEADER + line(9_600_110))
    imported(HEADER + line(9_600_110, status="终止", as_of="2020-01-01"))
    patent = services.find_patent(number(9_600_110))
    assert {fact.value for fact in patent.facts if fact.name == "legal_status"} == {"in_force"}


def test_the_wrong_rows_are_reported_and_the_good_ones_go_in(imported: Importing, tmp_path: Path) -> None:
    right = number(9_600_203)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    text = HEADER + "".join(
        [
            line(9_600_200),
            line(9_600_201, filing="2019-02-30"),
            line(9_600_202, title=""),
            line(0, number=wrong),
            line(9_600_204, filing="2021-07-01"),
            line(9_600_205, kind="外观设计"),
            line(9_600_206, patentees=""),
            line(9_600_207, ipc="=HYPERLINK(1)"),
            line(9_600_208, title="=1+1"),
            "x,y\n",
            line(9_600_200, title="另一个名称"),
        ]
    )
    report = tmp_path / "errors.csv"
    assert imported(text, report=report) == counts(read=11, created=2, rejected=9)
    rows = list(csv.DictReader(report.read_text("utf-8").splitlines()))
    assert {(row["line"], row["field"], row["code"]) for row in rows} == {
        ("3", "filing_date", "date-impossible"),
        ("4", "title", "required"),
        ("5", "number", "number-check-digit"),
        ("6", "grant_date", "dates-reversed"),
        ("7", "kind", "kind-contradicts"),
        ("8", "patentees", "required"),
        ("9", "ipc", "ipc-form"),
        ("11", "", "row-cells"),
        ("12", "", "row-twice"),
    }
    assert all(row["reason"] for row in rows)
    assert next(row["value"] for row in rows if row["line"] == "9").startswith("'=")
    assert services.find_patent(number(9_600_208)).title == "=1+1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "file-empty"),
        ("a,b\n1,2\n", "header-missing"),
        ("专利号,专利类型\nx,y\n", "columns-missing"),
        ("专利号,名称,名称\nx,y,z\n", "column-twice"),
        (b"\x00\x01\x02\x03" * 50, "file-format"),
        (b"PK\x03\x04broken", "file-format"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(imported: Importing, text: str | bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        imported(text)
    assert caught.value.code == code


def test_a_dry_run_checks_against_the_database_and_writes_nothing(imported: Importing) -> None:
    imported(HEADER + line(9_600_300))
    text = HEADER + line(9_600_300) + line(9_600_301) + line(9_600_302, filing="x")
    assert imported(text, dry_run=True) == counts(read=3, created=1, unchanged=1, rejected=1)
    with pytest.raises(NotFound):
        services.find_patent(number(9_600_301))


def test_spreadsheets_and_json_lines_say_the_same_as_csv(imported: Importing, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([header.strip() for header in HEADER.split(",")])
    cells = line(9_600_400).strip().split(",")
    book.active.append([*cells[:4], dt.date(2019, 3, 1), dt.datetime(2021, 6, 1), *cells[6:]])
    book.save(tmp_path / "list.xlsx")
    assert imported((tmp_path / "list.xlsx").read_bytes(), name="copy.xlsx") == counts(read=1, created=1)
    assert imported(HEADER + line(9_600_400)) == counts(read=1, unchanged=1)
    row = {
        "number": f"CN{number(9_600_400)}",
        "kind": "invention",
        "title": "一种示例方法9600400",
        "ipc": ["H01M 10/0525", "H01M 4/36"],
        "filing_date": "20190301",
        "grant_date": "2021-06-01",
        "patentees": ["示例大学"],
        "patentee_regions": ["310112"],
        "legal_status": "in_force",
        "annuity_paid_until": "2027-02-28",
        "facts_as_of": "2026-11-01",
    }
    text = json.dumps(row, ensure_ascii=False) + "\n[1]\n"
    assert imported(text, name="list.jsonl") == counts(read=2, unchanged=1, rejected=1)


GAZETTE_HEADER = (
    "pub_no\tkind\ttitle\tpub_date\tapp_no\tfiling_date\tapplicants\tprovince\tshanghai_district\tipc\n"
)


def test_the_gazette_goes_in_as_it_is_and_a_later_number_joins_its_publication(imported: Importing) -> None:
    granted = (
        "CN109900001B\tinvention_grant\t甲\t2019-07-12\t\t2018-03-01\t示例公司\t上海市\t闵行\tA01B1/00\n"
    )
    pending = (
        "CN109900002A\tinvention_application\t乙\t2019-07-05\t\t2018-12-10\t示例公司\t广东省\t\tA01B1/00\n"
    )
    misnamed = (
        "CN209900003U\tinvention_application\t第三种\t2019-07-05\t\t2018-12-10\t示例公司\t\t\tA01B1/00\n"
    )
    assert imported(GAZETTE_HEADER + granted + pending + misnamed, name="g.tsv") == counts(read=3, created=3)
    first = services.find_patent("CN 109900001 B")
    assert (first.number, first.grant_date, first.district) == (None, dt.date(2019, 7, 12), "310112")
    second = services.find_patent("CN109900002A")
    assert (second.grant_date, second.district) == (None, None)
    assert services.find_patent("CN209900003U").kind == "utility_model"
    joined = granted.replace("\t\t2018", f"\tCN{number(9_600_500, 2018)}\t2018", 1)
    later = pending.replace("A\tinvention_application", "B\tinvention_grant").replace(
        "2019-07-05", "2024-01-02"
    )
    assert imported(GAZETTE_HEADER + joined + later, name="g.tsv") == counts(read=2, updated=2)
    assert services.find_patent(number(9_600_500, 2018)).id == first.id
    db.session.expire_all()
    assert (second.publication_number, second.grant_date) == ("CN109900002B", dt.date(2024, 1, 2))


def test_one_publication_cannot_belong_to_two_patents(imported: Importing) -> None:
    header = "number,publication_number,title,patentees\n"
    one, two = number(9_600_510), number(9_600_511)
    imported(header + f"{one},CN109900010B,甲,示例公司\n")
    assert imported(header + f"{two},CN109900010B,乙,示例公司\n") == counts(read=1, rejected=1)


def test_patentees_become_organisations_by_code_else_by_name(imported: Importing) -> None:
    header = "number,title,patentees,patentee_codes\n"
    code = valid_code("9131990090000000")
    text = (
        header
        + f"{number(9_600_600)},甲,示例甲公司;示例乙公司,;{code}\n"
        + f"{number(9_600_601)},乙,示例乙公司,\n"
        + f"{number(9_600_602)},丙,示例丙公司,{code}\n"
    )
    assert imported(text) == counts(read=3, created=3)
    names = {
        serial: [party.organisation.name for party in services.find_patent(number(serial)).parties]
        for serial in (9_600_600, 9_600_601, 9_600_602)
    }
    assert names == {
        9_600_600: ["示例甲公司", "示例乙公司"],
        9_600_601: ["示例乙公司"],
        9_600_602: ["示例乙公司"],
    }
    found = db.session.scalars(sa.select(Organisation).where(Organisation.name.like("示例_公司"))).all()
    assert sorted(each.name for each in found) == ["示例乙公司", "示例甲公司"]
    assert all(not each.joined for each in found)


def valid_code(stem: str) -> str:
    return stem.ljust(17, "0") + uscc.calc_check_digit(stem.ljust(17, "0"))


def test_a_holder_imports_its_own_patents_only(imported: Importing) -> None:
    with unit_of_work():
        mine = factories.organisation("示例大学")
        actor = factories.actor(mine)
        foreign = factories.patent(factories.organisation("示例对手公司"))
    text = HEADER + line(9_600_700) + line(9_600_701, patentees="示例对手公司")
    stolen = line(0, number=foreign.number or "", patentees="示例大学")
    assert imported(text + stolen, actor=actor) == counts(read=3, created=1, rejected=2)
    assert services.find_patent(number(9_600_700)).facts[0].source == "holder"
    unowned = HEADER + line(9_600_702, patentees="")
    assert imported(unowned, actor=actor, owner="示例大学") == counts(read=1, created=1)
    with pytest.raises(Forbidden):
        imported(unowned, actor=actor, owner="示例对手公司")
    with pytest.raises(NotFound):
        imported(unowned, actor=actor, owner="没有的单位")
    with pytest.raises(Unauthenticated):
        imported(unowned, actor=VISITOR)


def test_a_namesake_enters_its_own_patents_and_none_for_the_other(imported: Importing) -> None:
    with unit_of_work():
        first = factories.organisation("张示例", type="individual")
        second = factories.organisation("张示例", type="individual")
        actor = factories.actor(second)
    assert imported(HEADER + line(9_600_710, patentees="张示例"), actor=actor) == counts(read=1, rejected=1)
    with unit_of_work(actor):
        patent = services.enter_patent(
            actor, {"number": PatentNumber.parse(number(9_600_711)), "title": "一种装置"}
        )
    assert [party.organisation_id for party in patent.parties] == [second.id] != [first.id]


def test_a_holders_list_is_checked_with_the_same_few_queries_whatever_its_length(imported: Importing) -> None:
    with unit_of_work():
        actor = factories.actor(factories.organisation("示例大学"))
    asked = []
    for rows in (5, 50):
        text = HEADER + "".join(line(9_610_000 + rows * 100 + index) for index in range(rows))
        imported(text, actor=actor)
        changed = text.replace("示例方法", "新方法")
        with statements() as seen:
            assert imported(changed, actor=actor) == counts(read=rows, updated=rows)
        asked.append(sum(query.startswith("SELECT") for query in seen))
    assert asked[0] == asked[1]


def test_a_co_owner_cannot_leave_the_others_out(imported: Importing) -> None:
    with unit_of_work():
        mine = factories.organisation("示例大学")
        actor = factories.actor(mine)
    both = HEADER + line(9_600_730, patentees="示例大学;示例合作公司")
    alone, more = line(9_600_730), line(9_600_730, patentees="示例大学;示例合作公司;示例第三公司")
    assert imported(both, actor=actor) == counts(read=1, created=1)
    assert imported(HEADER + alone, actor=actor) == counts(read=1, rejected=1)
    with pytest.raises(Forbidden, match="co-owner-left-out"), unit_of_work(actor):
        services.enter_patent(
            actor, {"number": PatentNumber.parse(number(9_600_730)), "patentees": ("示例大学",)}
        )
    assert imported(HEADER + more, actor=actor) == counts(read=1, updated=1)
    assert imported(HEADER + alone) == counts(read=1, updated=1)


def test_a_holders_list_gives_nobody_a_credit_code(imported: Importing) -> None:
    with unit_of_work():
        actor = factories.actor(factories.organisation("示例大学"))
        other = factories.organisation("示例无码公司", joined=False)
    code = valid_code("9131990090000001")
    header = "number,title,patentees,patentee_codes\n"
    row = f"{number(9_600_720)},甲,示例大学;示例无码公司,;{code}\n"
    assert imported(header + row, actor=actor) == counts(read=1, created=1)
    db.session.refresh(other)
    assert other.code is None
    imported(header + row.replace("甲", "乙"))
    db.session.refresh(other)
    assert other.code == code


def test_new_facts_end_an_offer_or_oblige_to_withdraw_it(imported: Importing) -> None:
    imported(HEADER + line(9_600_800) + line(9_600_801))
    with unit_of_work():
        holder = db.session.scalar(sa.select(Organisation).where(Organisation.name == "示例大学"))
        assert holder is not None
        pledged = factories.live_offer(holder, services.find_patent(number(9_600_800)))
        ended = factories.live_offer(holder, services.find_patent(number(9_600_801)))
    text = HEADER.strip() + ",质押\n" + line(9_600_800).strip() + ",未同意\n"
    text += line(9_600_801, status="终止").strip() + ",\n"
    assert imported(text) == counts(read=2, updated=2)
    db.session.expire_all()
    assert (pledged.status, pledged.duty_bars) == ("announced", ["pledge"])
    assert ended.status == "lapsed"


@pytest.mark.skipif(not GAZETTE.exists(), reason="the shared evaluation data is not here")
def test_two_thousand_rows_of_the_real_gazette_go_in(imported: Importing) -> None:
    with GAZETTE.open(encoding="utf-8") as file:
        text = "".join(text for text, _ in zip(file, range(2_001), strict=False))
    assert imported(text, name="g.tsv") == counts(read=2_000, created=2_000)
    assert imported(text, name="g.tsv") == counts(read=2_000, unchanged=2_000)


# --- killed in the middle

TABLES = {
    "patents": "number, publication_number, kind, title, filing_date, grant_date, expires_on, district",
    "organisations": "name, code, type, region, version",
    "patent_parties": "patent_id, position, organisation_id, region",
    "patent_classes": "patent_id, position, symbol",
    "patent_facts": "patent_id, name, value, as_of, source",
    "journal": "id, action, subject_type, subject_id, subject_version",
}


def _state(database: Path) -> dict[str, str]:
    """A digest of each table's content, whatever the times at which it was written."""
    with closing(sqlite3.connect(database)) as connection:
        return {
            table: hashlib.sha256(
                repr(connection.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()).encode()
            ).hexdigest()
            for table, columns in TABLES.items()
        }


PROGRAM = (sys.executable, "-c", "from marketplace.cli import main; main()")


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"INSTANCE_DIR": str(folder), "DATABASE_URL": ""}


def _run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and last line of a command."""
    done = subprocess.run(
        [*PROGRAM, *arguments], env=_environment(folder), capture_output=True, text=True, timeout=240
    )
    return done.returncode, (done.stdout.splitlines() or [""])[-1]


def _rows(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM patents").fetchone()[0])


def test_an_import_that_was_killed_ends_as_a_clean_one_when_repeated(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        HEADER
        + "".join(
            line(9_700_000 + n, patentees=f"示例单位{n % 700}" + (f"；示例单位{n % 11}甲" if n % 3 else ""))
            for n in range(6_000)
        ),
        "utf-8",
    )
    folders = [tmp_path / "clean", tmp_path / "killed"]
    for folder in folders:
        assert _run(folder, "db", "upgrade")[0] == 0
    code, output = _run(folders[0], "import", "patents", str(path))
    assert (code, json.loads(output)) == (0, counts(read=6_000, created=6_000))
    database = folders[1] / "marketplace.db"
    for threshold in (1, 3_000):
        process = subprocess.Popen(
            [*PROGRAM, "import", "patents", str(path)],
            env=_environment(folders[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while _rows(database) < threshold:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert 0 < _rows(database) < 6_000
    code, output = _run(folders[1], "import", "patents", str(path))
    summary = json.loads(output)
    assert code == 0
    assert summary["created"] + summary["unchanged"] == 6_000
    assert summary["unchanged"] > 0
    assert _state(database) == _state(folders[0] / "marketplace.db")
    assert _run(folders[1], "journal", "verify")[0] == 0


def test_the_command_reports_rejected_rows_and_ends_with_one(tmp_path: Path) -> None:
    assert _run(tmp_path, "db", "upgrade")[0] == 0
    path = tmp_path / "list.csv"
    path.write_text(HEADER + line(9_600_900) + line(9_600_901, filing="?"), "utf-8")
    report = tmp_path / "errors.csv"
    code, output = _run(tmp_path, "import", "patents", str(path), "--report", str(report))
    assert (code, json.loads(output)) == (1, counts(read=2, created=1, rejected=1))
    assert report.read_text("utf-8").splitlines()[1].startswith("3,filing_date,?,date-form,")


def test_a_patent_is_entered_by_hand_with_the_same_rules(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            holder = factories.organisation()
            actor = factories.actor(holder)
            stranger = factories.actor(factories.organisation())
        values = read(
            PatentSchema,
            {
                "number": number(9_601_000),
                "title": "一种手工录入的装置",
                "filing_date": "2020-01-01",
                "pledged": "否",
            },
        )
        with unit_of_work(actor):
            patent = services.enter_patent(actor, values)
        assert isinstance(patent, Patent)
        assert [party.organisation_id for party in patent.parties] == [holder.id]
        found = services.eligibility_of(patent)
        assert {bar.code: bar.result for bar in found.bars}["pledge"] == "clear"
        assert not found.may_file
        with unit_of_work(stranger), pytest.raises(Forbidden):
            services.enter_patent(stranger, values | {"title": "篡改"})
        with pytest.raises(Invalid) as caught:
            read(PatentSchema, {"number": "201910000001.0", "filing_date": "x"})
        assert set(caught.value.fields) == {"number", "title", "filing_date"}
        db.session.remove()
