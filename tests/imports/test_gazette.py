"""The gazette's lists: matched by patent number, acted on in bulk, and honest about what does not fit."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.journal import last_id
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, Patent
from tests import factories
from tests.imports.conftest import Importing, counts

HEADERS = (
    "主分类号", "专利号", "开放许可声明编号", "专利权人", "发明名称", "申请日", "授权公告日",
    "许可使用费支付方式和标准", "许可期限", "专利权人联系方式", "声明生效日",
)  # fmt: skip


class Desk:
    """A holder with patents in every state that an announcement may meet."""

    def __init__(self) -> None:
        with unit_of_work():
            self.holder = factories.organisation("示例理工大学")
            self.actor = factories.actor(self.holder)
            self.filed = self._offer(status="filed", evidence=None, filed_on=dt.date(2026, 8, 1))
            self.stated = self._offer(
                evidence="holder_stated", declaration_number=None, announced_on=dt.date(2026, 9, 1)
            )
            self.live = factories.live_offer(self.holder)
            self.free = factories.patent(self.holder)

    def _offer(self, **values: Any) -> Offer:
        if values.get("status") == "filed":
            values |= {"declaration_number": None, "announced_on": None, "verified_source": None}
        return factories.live_offer(self.holder, **values)

    def row(self, patent: Patent, **cells: str) -> dict[str, str]:
        values = {
            "主分类号": "H01M10/0525",
            "专利号": f"ZL{patent.number}",
            "开放许可声明编号": "",
            "专利权人": "示例理工大学",
            "发明名称": patent.title,
            "申请日": "2019.03.01",
            "授权公告日": "2021.06.01",
            "许可使用费支付方式和标准": "一次性支付固定许可使用费人民币50,000元。",
            "许可期限": "2026年9月1日至2031年8月31日",
            "专利权人联系方式": "示例联系人 021-00000000",
            "声明生效日": "2026年9月1日",
        }
        return values | cells


@pytest.fixture
def desk(context: None) -> Desk:
    return Desk()


def text_of(*rows: dict[str, str]) -> str:
    lines = [",".join(f'"{cell}"' for cell in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]) + "\n"


def fresh(offer_id: int) -> Offer:
    return db.session.scalars(
        sa.select(Offer).where(Offer.id == offer_id), execution_options={"populate_existing": True}
    ).one()


def of(patent: Patent) -> Offer:
    return db.session.scalars(sa.select(Offer).where(Offer.patent_id == patent.id)).one()


def test_one_list_announces_verifies_and_enters_and_repeating_it_changes_nothing(
    imported: Importing, desk: Desk
) -> None:
    text = text_of(
        desk.row(desk.filed.patent, 开放许可声明编号="KF2026000001"),
        desk.row(desk.stated.patent, 开放许可声明编号="KF2026000002"),
        desk.row(desk.live.patent, 开放许可声明编号=desk.live.declaration_number or ""),
        desk.row(desk.free, 开放许可声明编号="KF2026000004", 许可使用费支付方式和标准="免费"),
    )
    assert imported(text, "gazette-announcements", dry_run=True) == counts(
        read=4, created=1, updated=2, unchanged=1
    )
    assert fresh(desk.filed.id).status == "filed"
    assert imported(text, "gazette-announcements") == counts(read=4, created=1, updated=2, unchanged=1)
    for offer, number in ((desk.filed, "KF2026000001"), (desk.stated, "KF2026000002")):
        found = fresh(offer.id)
        assert (found.status, found.evidence, found.declaration_number) == ("announced", "verified", number)
    entered = of(desk.free)
    assert (entered.fee_form, entered.fee_minor, entered.payment_text) == ("free", None, "免费")
    assert (entered.term_to, entered.term_text) == (dt.date(2031, 8, 31), "2026年9月1日至2031年8月31日")
    last = last_id()
    assert imported(text, "gazette-announcements") == counts(read=4, unchanged=4)
    assert last_id() == last


def test_the_preview_says_what_would_be_done(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        text_of(
            desk.row(desk.filed.patent, 开放许可声明编号="KF2026000001"),
            desk.row(desk.stated.patent),
            desk.row(desk.free),
        )
    )
    summary = importing.run("gazette-announcements", path, actor=OPERATOR_COMMAND, dry_run=True)
    assert dict(summary.details) == {"announced": 1, "verified": 1, "offers_entered": 1}


def test_a_patent_that_is_unknown_here_is_entered_from_what_the_gazette_prints(
    imported: Importing, desk: Desk
) -> None:
    row = desk.row(desk.free, 专利号="ZL201910000001.X", 发明名称="一种新的示例方法", 专利权人="另一示例公司")
    number = importing_number("2019100000017")
    row["专利号"] = number
    text = text_of(row)
    assert imported(text, "gazette-announcements") == counts(read=1, created=1)
    patent = db.session.scalars(sa.select(Patent).where(Patent.title == "一种新的示例方法")).one()
    assert [party.organisation.name for party in patent.parties] == ["另一示例公司"]
    assert of(patent).evidence == "verified"
    assert imported(text, "gazette-announcements") == counts(read=1, unchanged=1)


def importing_number(serial: str) -> str:
    from marketplace.core.identifiers import check_digit

    digits = serial[:12]
    return f"{digits}.{check_digit(digits)}"


@pytest.mark.parametrize(
    ("cells", "code", "field"),
    [
        ({"专利权人": "别的公司"}, "gazette-patentee-differs", ""),
        ({"发明名称": "另一种东西"}, "gazette-title-differs", ""),
        ({"许可使用费支付方式和标准": "面议"}, "gazette-fee-unclear", "payment_text"),
        ({"许可期限": "5年"}, "gazette-term-unclear", "term_text"),
        ({"声明生效日": "2027年9月1日"}, "date-in-future", "announced_on"),
    ],
)
def test_what_does_not_fit_is_left_alone_and_told_with_what_to_do(
    imported: Importing, desk: Desk, tmp_path: Path, cells: dict[str, str], code: str, field: str
) -> None:
    report = tmp_path / "report.csv"
    text = text_of(desk.row(desk.free, **cells))
    assert imported(text, "gazette-announcements", report=report) == counts(read=1, rejected=1)
    [error] = csv.DictReader(report.read_text(encoding="utf-8").splitlines())
    assert (error["code"], error["field"]) == (code, field)
    assert len(error["reason"]) > 8
    assert db.session.scalar(sa.select(Offer.id).where(Offer.patent_id == desk.free.id)) is None


def test_words_in_doubt_take_their_figures_from_the_filed_declaration_or_from_columns(
    imported: Importing, desk: Desk
) -> None:
    filed = desk.row(
        desk.filed.patent, 许可使用费支付方式和标准="详见声明", 许可期限="5年", 开放许可声明编号="KF1"
    )
    assert imported(text_of(filed), "gazette-announcements") == counts(read=1, updated=1)
    found = fresh(desk.filed.id)
    assert (found.fee_minor, found.payment_text, found.term_text) == (5_000_000, "详见声明", "5年")
    assert found.term_to == dt.date(2031, 8, 31)
    said = desk.row(
        desk.free, 许可使用费支付方式和标准="每年另行结算",
        支付方式="净销售额提成", 提成比例="3%", 许可期限="5年",
        许可期限止="2031-08-31",
    )  # fmt: skip
    assert imported(text_of(said), "gazette-announcements") == counts(read=1, created=1)
    assert (of(desk.free).fee_form, of(desk.free).rate_percent) == ("royalty_net_sales", 3)


def test_two_filed_declarations_on_one_patent_are_left_to_a_person(
    imported: Importing, desk: Desk, tmp_path: Path
) -> None:
    with unit_of_work():
        factories.live_offer(
            desk.holder, fresh(desk.filed.id).patent, status="filed", evidence=None, declaration_number=None,
            announced_on=None,
        )  # fmt: skip
    report = tmp_path / "report.csv"
    row = text_of(desk.row(desk.filed.patent))
    assert imported(row, "gazette-announcements", report=report) == counts(read=1, rejected=1)
    assert "gazette-two-candidates" in report.read_text()


def test_other_terms_or_another_number_of_a_verified_offer_are_refused(
    imported: Importing, desk: Desk, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    dearer = desk.row(
        desk.live.patent,
        开放许可声明编号=desk.live.declaration_number or "",
        许可使用费支付方式和标准="固定费用6万元",
    )
    assert imported(text_of(dearer), "gazette-announcements", report=report) == counts(read=1, rejected=1)
    assert "terms-fixed" in report.read_text()


def test_a_withdrawal_finds_its_offer_by_the_patent_number_alone(imported: Importing, desk: Desk) -> None:
    text = text_of(
        {"主分类号": "H01M", "专利号": desk.live.patent.number or "", "专利权人": "示例理工大学",
         "发明名称": desk.live.patent.title, "声明撤回日": "2026.10.15"},
    )  # fmt: skip
    assert imported(text, "gazette-withdrawals") == counts(read=1, updated=1)
    found = fresh(desk.live.id)
    assert (found.status, found.withdrawn_on, found.withdrawal_evidence) == (
        "withdrawn",
        dt.date(2026, 10, 15),
        "verified",
    )
    assert imported(text, "gazette-withdrawals") == counts(read=1, unchanged=1)


@pytest.mark.parametrize(
    ("which", "number", "code"),
    [
        ("live", "KF0000", "gazette-number-differs"),
        ("free", "", "gazette-nothing-in-force"),
        ("free", "LIVE", "gazette-number-differs"),
    ],
)
def test_a_withdrawal_that_fits_no_offer_says_what_to_do(
    imported: Importing, desk: Desk, tmp_path: Path, which: str, number: str, code: str
) -> None:
    patent = desk.free if which == "free" else desk.live.patent
    number = desk.live.declaration_number or "" if number == "LIVE" else number
    report = tmp_path / "report.csv"
    text = text_of(
        {"专利号": patent.number or "", "开放许可声明编号": number, "声明撤回日": "2026年10月15日"}
    )
    assert imported(text, "gazette-withdrawals", report=report) == counts(read=1, rejected=1)
    assert code in report.read_text()
    assert fresh(desk.live.id).status == "announced"


def test_spreadsheets_with_the_gazettes_headers_go_in(desk: Desk, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(list(HEADERS))
    book.active.append(list(desk.row(desk.free).values()))
    book.save(tmp_path / "list.xlsx")
    summary = importing.run("gazette-announcements", tmp_path / "list.xlsx", actor=OPERATOR_COMMAND)
    assert json.loads(json.dumps(summary.as_json())) == counts(read=1, created=1)


def test_only_an_operator_brings_the_gazettes_lists(imported: Importing, desk: Desk) -> None:
    with pytest.raises(Forbidden):
        imported(text_of(desk.row(desk.free)), "gazette-announcements", actor=desk.actor)


class Licensed:
    """A stated licence on a live offer."""

    def __init__(self, imported: Importing, desk: Desk) -> None:
        self.imported, self.desk = imported, desk
        number = desk.live.patent.number
        text = "专利号,被许可人,许可种类,生效日\n" + f"{number},示例被许可公司,开放,2026-09-10\n"
        assert imported(text, "licences", actor=desk.actor) == counts(read=1, created=1)

    def row(self, **cells: str) -> dict[str, str]:
        values = {
            "专利号": self.desk.live.patent.number or "",
            "备案号": "X2026310000001",
            "许可人": "示例理工大学",
            "被许可人": "示例被许可公司",
            "发明名称": self.desk.live.patent.title,
            "许可种类": "普通许可",
            "备案日": "2026.10.20",
        }
        return values | cells

    def licence(self) -> Licence:
        return db.session.scalars(sa.select(Licence), execution_options={"populate_existing": True}).one()


@pytest.fixture
def licensed(imported: Importing, desk: Desk) -> Licensed:
    return Licensed(imported, desk)


def test_recordals_take_effect_change_and_are_cancelled_once(imported: Importing, licensed: Licensed) -> None:
    text = text_of(licensed.row())
    assert imported(text, "gazette-recordals") == counts(read=1, updated=1)
    found = licensed.licence()
    assert (found.recordal_state, found.recordal_number, found.evidence, found.recorded_side) == (
        "recorded",
        "X2026310000001",
        "verified",
        "gazette",
    )
    assert imported(text, "gazette-recordals") == counts(read=1, unchanged=1)
    number = {"专利号": licensed.row()["专利号"], "备案号": "X2026310000001"}
    change = text_of(number | {"变更日": "2026.11.01", "变更项": "被许可人", "变更前": "甲", "变更后": "乙"})
    assert imported(change, "gazette-recordals") == counts(read=1, updated=1)
    assert imported(change, "gazette-recordals") == counts(read=1, unchanged=1)
    end = text_of(number | {"解除日": "2026.11.10"})
    assert imported(end, "gazette-recordals") == counts(read=1, updated=1)
    assert imported(end, "gazette-recordals") == counts(read=1, unchanged=1)
    found = licensed.licence()
    assert (found.state, found.ended_on, found.ended_reason) == (
        "ended",
        dt.date(2026, 11, 10),
        "recordal_cancelled",
    )


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"被许可人": "别的公司"}, "gazette-licence-unknown"),
        ({"许可种类": "独占"}, "gazette-exclusive-licence"),
        ({"许可人": "别的大学"}, "gazette-patentee-differs"),
        ({"备案日": ""}, "required"),
    ],
)
def test_a_recordal_that_fits_no_licence_says_what_to_do(
    imported: Importing, licensed: Licensed, tmp_path: Path, cells: dict[str, str], code: str
) -> None:
    report = tmp_path / "report.csv"
    text = text_of(licensed.row(**cells))
    assert imported(text, "gazette-recordals", report=report) == counts(read=1, rejected=1)
    assert code in report.read_text()
    assert licensed.licence().recordal_state != "recorded"


def test_an_earlier_announcement_does_not_overwrite_what_a_holder_stated_of_a_later_one(
    imported: Importing, desk: Desk, tmp_path: Path
) -> None:
    with unit_of_work():
        later = factories.live_offer(
            desk.holder,
            evidence="holder_stated",
            declaration_number="KF77",
            announced_on=dt.date(2026, 11, 2),
        )
    report = tmp_path / "report.csv"
    text = text_of(desk.row(later.patent, 开放许可声明编号="KF66"))
    assert imported(text, "gazette-announcements", report=report) == counts(read=1, rejected=1)
    assert "gazette-stated-otherwise" in report.read_text()
    assert fresh(later.id).declaration_number == "KF77"
