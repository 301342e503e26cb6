"""The packet of a recordal: every paper of GL V-11 §7 in one file, made from the deal as it was frozen."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from marketplace.core.errors import NotFound
from marketplace.core.files import store
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import lookup
from marketplace.deals.models import Licence
from marketplace.deals.recordals import sheets
from marketplace.deals.recordals.packet import deal_facts, packet
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve


@pytest.fixture
def free(context: None) -> Deal:
    return make_deal(fee_form="free", fee_minor=None)


@pytest.fixture
def licence(free: Deal) -> Licence:
    found = lookup.licence_of(serve(free.firm_actor, free.offer))
    assert found is not None
    return found


def test_the_packet_holds_the_sealed_notice_and_certificate_and_says_what_is_to_be_added(
    free: Deal, licence: Licence
) -> None:
    made = packet(free.firm_actor, licence.id, "recordal")
    assert made.name == f"{licence.number}-备案材料.zip"
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        notice = licence.notice
        assert notice is not None
        assert names == [
            "00_材料清单.pdf",
            "00_Checklist.pdf",
            "01_专利实施许可合同备案申请表.pdf",
            "01_专利实施许可合同备案申请表.docx",
            f"02_书面通知_{notice.number}.pdf",
            "03_费用说明.pdf",
            f"03_成交凭证_{licence.number}.pdf",
            "04_身份证明_由申请人补充.pdf",
        ]
        assert archive.read(names[4]) == store().read(notice.document_digest)
        assert archive.read(names[6]).startswith(b"%PDF-")
    # The same deal gives the same file, whoever looks and whenever.
    again = packet(free.firm_actor, licence.id, "recordal")
    with zipfile.ZipFile(io.BytesIO(again.content)) as archive:
        assert [one.CRC for one in archive.infolist() if one.filename.endswith(".pdf")] == [
            one.CRC
            for one in zipfile.ZipFile(io.BytesIO(made.content)).infolist()
            if one.filename.endswith(".pdf")
        ]


def test_the_form_says_free_of_charge_and_either_side_may_apply(free: Deal, licence: Licence) -> None:
    frame = sheets.Frame("平台", licence.created_at, True)
    deal = deal_facts(free.firm_actor, licence, "licensee")
    rows = {row.chinese: row.value for row in sheets.application(deal, frame).rows}
    assert (rows["支付方式"], rows["许可使用费"]) == ("无偿", "人民币 0 元")
    assert rows["许可种类"] == "普通许可（开放许可）"
    assert rows["申请人"].endswith(free.firm.name)
    held = deal_facts(free.holder_actor, licence, "holder")
    assert sheets.application(held, frame).signatures == (
        f"许可人（专利权人）（签字或者盖章）：{free.holder.name}",
    )
    pieces = sheets.recordal_pieces(deal, voucher=False, notice=True)
    assert [one.held for one in pieces] == [True, True, True, False, False]


def test_an_agency_adds_its_mandate_and_a_late_filing_its_reason(free: Deal, licence: Licence) -> None:
    with unit_of_work():
        agency = factories.organisation("示例专利代理事务所", type="agency")
        agent = replace(factories.actor(agency), principals=frozenset({free.firm.id}))
    licence.recordal_filed_on = licence.recordal_due_on
    deal = deal_facts(agent, licence, "licensee")
    assert deal.agency is not None
    assert deal.agency.name == "示例专利代理事务所"
    assert deal_facts(free.firm_actor, licence, "licensee").agency is None
    assert not deal.late
    late = replace(deal, late=True, late_reason="双方盖章往返延误")
    rows = {
        row.chinese: row.value
        for row in sheets.lateness(late, sheets.Frame("平台", licence.created_at, True)).rows
    }
    assert rows["逾期原因"] == "双方盖章往返延误"
    assert [one.chinese[:2] for one in sheets.recordal_pieces(late, voucher=True, notice=True)][-2:] == [
        "05",
        "06",
    ]


def test_the_licensor_registers_a_technology_contract_and_strangers_get_nothing(
    free: Deal, licence: Licence
) -> None:
    made = packet(free.firm_actor, licence.id, "technology")
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert "01_技术合同认定登记申请信息表.docx" in archive.namelist()
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        packet(stranger, licence.id, "recordal")
