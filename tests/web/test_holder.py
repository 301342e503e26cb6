"""The holder's pages: from the uploaded list to the live offer, and what comes back."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import mandates
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices, payments
from marketplace.deals.models import Correction, Licence, Payment, Quarantine, RefundTask
from marketplace.listings.models import Offer, Patent
from marketplace.statistics.models import Activity
from tests import factories
from tests.conftest import NOW

from .pages import LANGUAGES, client_of, member, text_of

HEADERS = (
    "专利号,名称,申请日,授权公告日,分类号,法律状态,年费缴至,质押,独占排他许可至,保全至,其他情形,状态日期\n"
)
GOOD = (
    "ZL201910000010.5,一种示例阀门,2019-01-02,2021-06-01,F16K 1/00,有效,2027-05-31,否,无,无,无,2026-11-01\n"
)
SPARSE = "ZL201910000011.X,一种示例泵,2019-01-02,2021-06-01,F04D 1/00,有效,,,,,,\n"
BROKEN = "ZL201910000012.9,一种示例管,2019-13-02,2021-06-01,F16L 1/00,有效,,,,,,\n"


@dataclass
class Holder:
    """A holder in the browser."""

    app: Flask
    client: FlaskClient
    user_id: int
    organisation_id: int

    @property
    def actor(self) -> Actor:
        return Actor(user_id=self.user_id, organisation_id=self.organisation_id, roles=frozenset({"member"}))

    def get(self, address: str, status: int = 200) -> str:
        answer = self.client.get(address)
        assert answer.status_code == status, text_of(answer.text)[-800:]
        return text_of(answer.text)

    def post(self, address: str, status: int = 302, **data: Any) -> Any:
        answer = self.client.post(address, data=data, content_type="multipart/form-data")
        assert answer.status_code == status, text_of(answer.text)[-1200:]
        return answer

    def upload(self, kind: str, content: str | bytes, name: str = "清单.csv", status: int = 200) -> Any:
        data = content.encode() if isinstance(content, str) else content
        return self.post(f"/holder/lists/{kind}", status, file=(io.BytesIO(data), name))


def checked(number: str) -> str:
    """The number with its right check digit."""
    from marketplace.core.identifiers import PatentNumber

    return PatentNumber.parse(number.split(".")[0]).display


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def holder_in(app: Flask, language: str = "zh", name: str = "示例持有大学") -> Holder:
    user_id, organisation_id = member(app, name, type="university")
    return Holder(app, client_of(app, user_id, language), user_id, organisation_id)


@pytest.fixture
def holder(app: Flask, language: str) -> Holder:
    return holder_in(app, language)


def patent_of(holder: Holder, **values: Any) -> int:
    with holder.app.app_context(), unit_of_work():
        return factories.patent(db.session.get_one(Organisation, holder.organisation_id), **values).id


def live_offer_of(holder: Holder, **values: Any) -> int:
    with holder.app.app_context(), unit_of_work():
        return factories.live_offer(db.session.get_one(Organisation, holder.organisation_id), **values).id


def row(app: Flask, model: type[Any], key: int) -> Any:
    with app.app_context():
        found = db.session.get_one(model, key)
        db.session.expunge_all()
        return found


def lines(*rows: str) -> str:
    """A list with right check digits."""
    return HEADERS + "".join(re.sub(r"ZL\d+\.[\dX]", lambda m: checked(m.group()), one) for one in rows)


# --- patents


def test_an_uploaded_list_is_rehearsed_with_every_error_before_anything_is_written(holder: Holder) -> None:
    page = text_of(holder.upload("patents", lines(GOOD, SPARSE, BROKEN)).text)
    assert "尚未写入任何内容" in page or "Nothing is written yet" in page
    assert "2019-13-02" in page
    with holder.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Patent)) == 0


def test_good_rows_go_in_and_the_bad_ones_can_be_downloaded(holder: Holder) -> None:
    page = holder.upload("patents", lines(GOOD, SPARSE, BROKEN)).text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id
    done = holder.post("/holder/lists/patents/import", 200, file=file_id.group(1)).text
    address = re.search(r'href="(/holder/lists/report/\d+)"', done)
    assert address
    answer = holder.client.get(address.group(1))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    header, *_ = report = answer.data.decode("utf-8-sig").splitlines()
    assert header in ("行号,列,内容,代码,原因", "Line,Column,Value,Code,Reason")
    assert any(line.startswith(("4,申请日,2019-13-02", "4,filing_date,2019-13-02")) for line in report)
    listed = holder.get("/holder/patents")
    assert "一种示例阀门" in listed
    assert "一种示例泵" in listed
    assert "一种示例管" not in listed
    again = holder.upload("patents", lines(GOOD, SPARSE)).text
    assert 'name="file" value=' not in again  # everything is here already


def test_a_file_that_is_no_table_is_explained_beside_its_field(holder: Holder) -> None:
    page = holder.upload("patents", b"\x00\x01\x02\x03nothing", "图片.png", 422).text
    assert 'href="#file"' in page
    assert 'href="#file"' in holder.post("/holder/lists/patents", 422).text


def test_a_list_of_another_organisation_cannot_be_imported_by_its_number(app: Flask) -> None:
    first, second = holder_in(app), holder_in(app, name="示例另一大学")
    page = first.upload("patents", lines(GOOD)).text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id
    second.post("/holder/lists/patents/import", 404, file=file_id.group(1))


def test_the_template_has_every_column_and_can_be_uploaded_filled_in(holder: Holder) -> None:
    answer = holder.client.get("/holder/lists/patents/template.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book.worksheets[0]
    headers = [cell.value for cell in sheet[1]]
    position = {name: headers.index(name) + 1 for name in headers}
    number = position.get("专利号") or position["number"]
    title = position.get("名称") or position["title"]
    sheet.cell(2, number, checked("ZL201910000010.5"))
    sheet.cell(2, title, "一种模板阀门")
    filled = io.BytesIO()
    book.save(filled)
    page = holder.upload("patents", filled.getvalue(), "模板.xlsx").text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id, text_of(page)
    holder.post("/holder/lists/patents/import", 302, file=file_id.group(1))
    assert "一种模板阀门" in holder.get("/holder/patents")


def test_the_list_filters_by_where_patents_stand_and_finds_by_number_and_title(app: Flask) -> None:
    holder = holder_in(app)
    clear = patent_of(holder, title="一种无障碍的示例机床")
    patent_of(holder, title="一种质押的示例锅炉", facts={"pledged": "without_consent"})
    live_offer_of(holder)
    with app.app_context():
        number = db.session.get_one(Patent, clear).number
    assert "示例机床" in holder.get("/holder/patents?group=may_file")
    assert "示例锅炉" not in holder.get("/holder/patents?group=may_file")
    barred = holder.get("/holder/patents?group=barred")
    assert "示例锅炉" in barred
    assert "质押" in barred
    assert "示例机床" in holder.get(f"/holder/patents?q=ZL{number}")
    assert "示例锅炉" in holder.get("/holder/patents?q=锅炉")
    assert "示例机床" not in holder.get("/holder/patents?q=100%25")


def test_a_patent_of_others_is_not_found(app: Flask) -> None:
    first, second = holder_in(app), holder_in(app, name="示例另一大学")
    patent = patent_of(first)
    for address in (
        f"/holder/patents/{patent}",
        f"/holder/patents/{patent}/facts",
        f"/holder/patents/{patent}/edit",
    ):
        second.get(address, 404)
    second.post(f"/holder/patents/{patent}/declare", 404)


def test_a_patent_is_entered_by_hand_and_its_faults_stand_beside_their_fields(holder: Holder) -> None:
    page = holder.post("/holder/patents/new", 422, number="ZL201910000010.1", title="").text
    assert 'href="#number"' in page
    page = holder.post("/holder/patents/new", 422, number=checked("ZL201910000010.5"), title="").text
    assert 'href="#title"' in page
    answer = holder.post(
        "/holder/patents/new",
        number=checked("ZL201910000010.5"),
        title="一种手工录入的阀门",
        patentees="示例持有大学",
        filing_date="2019-01-02",
        grant_date="2021-06-01",
        ipc="F16K 1/00",
    )
    assert "/facts" in answer.location
    with holder.app.app_context():
        [patent] = db.session.scalars(sa.select(Patent)).all()
        assert [party.organisation_id for party in patent.parties] == [holder.organisation_id]


def test_all_unknown_facts_are_stated_at_once_and_one_alone_is_changed(holder: Holder) -> None:
    patent = patent_of(holder)
    with holder.app.app_context(), unit_of_work():
        found = db.session.get_one(Patent, patent)
        found.facts = [fact for fact in found.facts if fact.name == "legal_status"]
    page = holder.client.get(f"/holder/patents/{patent}/facts").text
    assert 'name="pledged"' in page
    assert 'name="legal_status"' not in page
    assert 'name="evaluation_report"' not in page  # an invention needs none
    answers = {
        "annuity_paid_until": "some",
        "annuity_paid_until_value": "2027-05-31",
        "pledged": "no",
        "exclusive_licence_until": "none",
        "preserved_until": "none",
        "other_hindrance": "none",
        "as_of": "2026-11-02",
    }
    refused = holder.post(f"/holder/patents/{patent}/facts", 422, **answers).text
    assert 'href="#source"' in refused
    holder.post(f"/holder/patents/{patent}/facts", **answers, source="示例登记簿副本")
    assert "may_file" not in holder.get(f"/holder/patents/{patent}")
    with holder.app.app_context():
        facts = {fact.name: fact for fact in db.session.get_one(Patent, patent).facts}
        assert facts["annuity_paid_until"].value == "2027-05-31"
        assert (facts["pledged"].as_of, facts["pledged"].source) == (dt.date(2026, 11, 2), "示例登记簿副本")
    change = {"preserved_until": "some", "as_of": "2026-11-10", "source": "示例裁定书"}
    page = holder.post(f"/holder/patents/{patent}/facts/preserved_until", 422, **change).text
    assert 'href="#preserved_until_value"' in page
    holder.post(
        f"/holder/patents/{patent}/facts/preserved_until", **change, preserved_until_value="2027-01-31"
    )
    said = holder.get(f"/holder/patents/{patent}")
    assert "示例裁定书" in said
    assert "2027-01-31" in said or "2027" in said


def test_a_patent_that_is_here_is_not_overwritten_by_entering_it_again(holder: Holder) -> None:
    patent = patent_of(holder)
    known = row(holder.app, Patent, patent)
    page = holder.post("/holder/patents/new", 422, number=known.number, title="别的名称").text
    assert 'href="#number"' in page
    assert row(holder.app, Patent, patent).title == known.title
    other = holder_in(holder.app, name="示例另一大学")
    page = other.post("/holder/patents/new", 422, number=known.number, title="抢占").text
    assert "其他专利权人" in text_of(page)


def test_each_unanswered_detail_is_named_by_its_question(holder: Holder) -> None:
    patent = patent_of(holder)
    page = holder.post(
        f"/holder/patents/{patent}/facts/annuity_paid_until",
        422, annuity_paid_until="some", annuity_paid_until_value="", as_of="2026-11-01", source="登记簿",
    ).text  # fmt: skip
    problems = text_of(page.split('id="problems-title"')[1].split("</ul>")[0])
    assert "年费缴至哪一天" in problems or "Until when are the annuities paid?" in problems


def test_a_bar_tells_its_date_as_the_page_writes_dates(holder: Holder, language: str) -> None:
    patent = patent_of(holder, facts={"preserved_until": "2027-01-31"})
    day = "2027-01-31" if language == "zh" else "31 Jan 2027"
    assert day in text_of(holder.get(f"/holder/patents/{patent}"))
    assert day in text_of(holder.get("/holder/patents"))


def test_a_list_that_cannot_be_read_or_has_no_rows_says_so_beside_the_file(holder: Holder) -> None:
    for content, name in ((b"PK\x03\x04 broken", "清单.xlsx"), ("你好".encode(), "清单.csv")):
        assert 'href="#file"' in holder.upload("patents", content, name, 422).text
    page = text_of(holder.upload("patents", HEADERS).text)
    assert "表头下没有任何数据行" in page or "The list has no rows below its header" in page


def test_a_fact_cannot_be_stated_for_tomorrow(app: Flask) -> None:
    holder = holder_in(app)
    patent = patent_of(holder)
    page = holder.post(
        f"/holder/patents/{patent}/facts/pledged", 422, pledged="no", as_of="2026-11-21", source="示例"
    ).text
    assert 'href="#as_of"' in page


# --- the declaration


def answer(holder: Holder, offer: int, name: str, status: int = 302, query: str = "", **data: Any) -> Any:
    return holder.post(f"/holder/offers/{offer}/declaration/{name}{query}", status, **data)


def drafted(holder: Holder, patent: int) -> int:
    location = holder.post(f"/holder/patents/{patent}/declare").location
    found = re.search(r"/offers/(\d+)", location)
    assert found
    return int(found.group(1))


def declared(holder: Holder, patent: int) -> int:
    """A draft with all its answers."""
    offer = drafted(holder, patent)
    answer(holder, offer, "fee", fee_form="fixed")
    answer(holder, offer, "amount", query="?form=fixed", fee="5万")
    answer(holder, offer, "payment", channels="bank", account="own", payment_text="")
    answer(holder, offer, "term", years="5")
    answer(holder, offer, "explanation", fee_explanation="依据研发成本与可比许可测算。")
    answer(holder, offer, "contact", contact="示例成果转化处 021-00000000")
    answer(holder, offer, "other", not_included="不含技术秘密")
    return offer


def test_from_the_upload_to_the_live_offer(holder: Holder) -> None:
    page = holder.upload("patents", lines(GOOD)).text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id
    holder.post("/holder/lists/patents/import", file=file_id.group(1))
    with holder.app.app_context():
        patent = db.session.scalars(sa.select(Patent.id)).one()
    offer = declared(holder, patent)
    summary = holder.get(f"/holder/offers/{offer}/declaration")
    assert "¥50,000" in summary
    assert "不含技术秘密" in summary
    refused = holder.post(f"/holder/offers/{offer}/declaration", 422).text
    assert 'href="#undertaking"' in refused
    holder.post(f"/holder/offers/{offer}/declaration", undertaking="y")
    assert row(holder.app, Offer, offer).status == "ready"
    holder.get(f"/holder/offers/{offer}/file")
    holder.post(f"/holder/offers/{offer}/file", filed_on="2026-11-18", undertaking="y")
    page = holder.post(
        f"/holder/offers/{offer}/announce", 422, declaration_number="", announced_on="2026-11-19"
    ).text
    assert 'href="#declaration_number"' in page
    holder.post(f"/holder/offers/{offer}/announce", declaration_number="KF-H-1", announced_on="2026-11-19")
    stated = row(holder.app, Offer, offer)
    assert (stated.status, stated.evidence) == ("announced", "holder_stated")
    assert holder.app.test_client().get(f"/offers/{offer}").status_code == 404
    with holder.app.app_context(), unit_of_work():
        operator_id = factories.user(staff_role="operator").id
    operator = client_of(holder.app, operator_id)
    assert "KF-H-1" in operator.get("/operator/verification").text
    assert operator.post(f"/operator/offers/{offer}/verify", data={"source": ""}).status_code == 422
    assert operator.post(f"/operator/offers/{offer}/verify", data={"source": "示例公报"}).status_code == 302
    live = row(holder.app, Offer, offer)
    assert (live.evidence, live.verified_source, live.fee_minor) == ("verified", "示例公报", 5_000_000)
    assert live.term_to == dt.date(2031, 11, 19)
    assert "5" in holder.app.test_client().get(f"/offers/{offer}").text
    assert holder.get(f"/holder/offers/{offer}").count("KF-H-1") >= 1


def test_an_answer_that_the_rules_forbid_is_refused_in_place_and_nothing_is_saved(holder: Holder) -> None:
    offer = drafted(holder, patent_of(holder))
    page = answer(holder, offer, "amount", 422, "?form=fixed", fee="2100万").text
    assert 'href="#fee"' in page
    page = answer(holder, offer, "amount", 422, "?form=royalty_net_sales", rate="25").text
    assert 'id="reason"' in page  # the reason is asked for on the same page
    answer(
        holder,
        offer,
        "amount",
        302,
        "?form=royalty_net_sales",
        rate="25",
        reason="可比许可在 22% 至 28%。",
    )
    page = answer(
        holder, offer, "explanation", 422, fee_explanation="国内领先的技术,行业第一,性价比最高"
    ).text
    assert 'href="#fee_explanation"' in page
    answer(holder, offer, "explanation", 422, fee_explanation="长" * 2001)
    page = answer(holder, offer, "term", 422, years="day", term_to="2039-03-02").text
    assert 'href="#term_to"' in page
    answer(holder, offer, "term", 422, years="day", term_to="2026-11-19")
    found = row(holder.app, Offer, offer)
    assert (found.fee_form, found.term_to, found.fee_explanation) == (
        "royalty_net_sales",
        None,
        "提成比例高于通常标准的理由：可比许可在 22% 至 28%。",
    )


def test_another_account_is_kept_with_the_declaration(app: Flask) -> None:
    holder = holder_in(app)
    offer = drafted(holder, patent_of(holder))
    answer(holder, offer, "amount", query="?form=fixed", fee="50000")
    page = answer(
        holder, offer, "payment", 422, channels="bank", account="other", account_name="示例大学"
    ).text
    assert 'href="#number"' in page
    payee = {"account_name": "示例大学", "bank": "示例银行", "number": "3100 0001"}
    answer(holder, offer, "payment", channels="bank", account="other", **payee)
    found = row(app, Offer, offer)
    assert (found.payee_account_name, found.payee_bank, found.payee_account) == (
        "示例大学",
        "示例银行",
        "31000001",
    )


def test_a_free_licence_is_asked_neither_amount_nor_account(app: Flask) -> None:
    holder = holder_in(app)
    offer = drafted(holder, patent_of(holder))
    assert answer(holder, offer, "fee", fee_form="free").location.endswith("/declaration/term")
    assert row(app, Offer, offer).fee_form == "free"


def test_a_second_draft_on_the_same_patent_is_not_begun(app: Flask) -> None:
    holder = holder_in(app)
    patent = patent_of(holder)
    offer = drafted(holder, patent)
    assert drafted(holder, patent) == offer


def test_what_is_missing_is_listed_with_the_way_to_settle_it(holder: Holder) -> None:
    offer = drafted(holder, patent_of(holder, facts={"pledged": "without_consent"}))
    page = holder.client.get(f"/holder/offers/{offer}").text
    for name in ("fee", "term", "contact"):
        assert f"/holder/offers/{offer}/declaration/{name}" in page
    assert "btn-primary" not in page or "/ready" not in page
    holder.post(f"/holder/offers/{offer}/declaration", 422, undertaking="y")


def test_co_owners_are_asked_for_and_review_and_price_notice_may_come_first(app: Flask) -> None:
    holder = holder_in(app)
    with app.app_context(), unit_of_work():
        own = db.session.get_one(Organisation, holder.organisation_id)
        patent = factories.patent(own, factories.organisation("示例共有企业")).id
    offer = declared(holder, patent)
    holder.post(f"/holder/offers/{offer}/submit_review")
    holder.post(f"/holder/offers/{offer}/approve")
    holder.post(f"/holder/offers/{offer}/start_price_notice")
    assert "价格公示自" in holder.get(f"/holder/offers/{offer}")
    page = holder.post(f"/holder/offers/{offer}/ready", 422).text
    assert 'href="#consent"' in page
    holder.post(f"/holder/offers/{offer}/ready", consent="y")
    story = holder.get(f"/holder/offers/{offer}")
    for word in ("开始起草", "提交内部审批", "内部审批通过", "开始价格公示"):
        assert word in story


def test_a_withdrawal_is_filed_then_announced_and_its_licences_stand(holder: Holder) -> None:
    offer = live_offer_of(holder)
    page = holder.post(f"/holder/offers/{offer}/file_withdrawal", 422, reason="", filed_on="2026-11-20").text
    assert 'href="#reason"' in page
    holder.post(f"/holder/offers/{offer}/file_withdrawal", reason="专利权转让", filed_on="2026-11-20")
    assert row(holder.app, Offer, offer).status == "withdrawal_filed"
    assert "专利权转让" in holder.get(f"/holder/offers/{offer}")
    page = holder.post(f"/holder/offers/{offer}/withdraw", 422, withdrawn_on="2026-11-21").text
    assert 'href="#withdrawn_on"' in page
    holder.post(f"/holder/offers/{offer}/withdraw", withdrawn_on="2026-11-20")
    assert row(holder.app, Offer, offer).status == "withdrawn"


def test_a_step_that_is_not_the_holders_is_refused(app: Flask) -> None:
    holder, other = holder_in(app), holder_in(app, name="示例另一大学")
    offer = live_offer_of(holder, evidence="holder_stated")
    holder.post(f"/holder/offers/{offer}/verify", 422, source="自己")
    assert row(app, Offer, offer).evidence == "holder_stated"
    other.get(f"/holder/offers/{offer}", 404)
    other.post(f"/holder/offers/{offer}/file_withdrawal", 404, reason="—", filed_on="2026-11-20")
    holder.get(f"/holder/offers/{offer}/no_such_step", 404)


# --- notices, money, licences


def noticed(holder: Holder, offer: int, firm: str = "示例被许可企业") -> tuple[Actor, int]:
    """A firm serves notice: (the firm, the notice)."""
    user_id, firm_id = member(holder.app, firm)
    actor = Actor(user_id=user_id, organisation_id=firm_id, roles=frozenset({"member"}))
    with holder.app.app_context():
        prepared = notices.prepare_notice(actor, offer, use="用于示例生产线", contact="示例张工")
        with unit_of_work(actor):
            return actor, notices.serve_notice(actor, prepared).id


def transferred(holder: Holder, firm: Actor, notice: int) -> int:
    """The firm starts a transfer and uploads its slip."""
    with holder.app.app_context():
        with unit_of_work(firm):
            payment = payments.begin_payment(firm, notice, "bank").id
        with unit_of_work(firm):
            payments.upload_slip(firm, payment, b"%PDF-1.4 example", "回单.pdf")
    return payment


def test_a_confirmed_transfer_makes_the_licence(holder: Holder) -> None:
    offer = live_offer_of(holder)
    firm, notice = noticed(holder, offer)
    payment = transferred(holder, firm, notice)
    assert "示例被许可企业" in holder.get("/holder")
    assert "示例被许可企业" in holder.get("/holder/notices?group=to_confirm")
    slip = holder.client.get(f"/holder/payments/{payment}/slip")
    assert slip.data == b"%PDF-1.4 example"
    assert slip.headers["Content-Disposition"].startswith("attachment")
    page = holder.post(f"/holder/payments/{payment}/confirm", 422, paid_on="2026-11-21", amount="50000").text
    assert f'href="#paid_on-{payment}"' in page
    assert f'id="paid_on-{payment}"' in page
    holder.post(f"/holder/payments/{payment}/confirm", paid_on="2026-11-20", amount="5万")
    with holder.app.app_context():
        licence = db.session.scalars(sa.select(Licence)).one()
        assert (licence.state, licence.amount_minor) == ("in_effect", 5_000_000)
        number, licence_id = licence.number, licence.id
    assert number in holder.get(f"/holder/notices/{notice}")
    assert number in holder.get("/holder/licences?group=to_do")
    assert holder.client.get(f"/holder/licences/{licence_id}/certificate").data.startswith(b"%PDF")
    assert holder.client.get(f"/holder/notices/{notice}/document").data.startswith(b"%PDF")


def test_a_part_is_asked_about_and_the_rest_makes_the_licence(holder: Holder) -> None:
    offer = live_offer_of(holder)
    firm, notice = noticed(holder, offer)
    payment = transferred(holder, firm, notice)
    address = f"/holder/payments/{payment}/confirm"
    page = holder.post(address, 422, paid_on="2026-11-20", amount="45000")
    assert "¥45,000" in text_of(page.text)
    assert 'name="sure"' in page.text
    assert row(holder.app, Payment, payment).state == "slip_uploaded"
    holder.post(address, paid_on="2026-11-20", amount="45000", sure="y")
    assert "¥5,000" in text_of(holder.get(f"/holder/notices/{notice}"))
    assert "¥5,000" in text_of(client_of(holder.app, firm.user_id).get(f"/notices/{notice}").text)
    holder.post(address, paid_on="2026-11-20", amount="5000")
    assert row(holder.app, Payment, payment).state == "paid"
    with holder.app.app_context():
        assert db.session.scalars(sa.select(Licence)).one().amount_minor == 5_000_000


def test_money_set_aside_is_decided_by_a_second_operator(holder: Holder) -> None:
    firm, notice = noticed(holder, live_offer_of(holder))
    payment = transferred(holder, firm, notice)
    with holder.app.app_context(), unit_of_work(holder.actor):
        payments.confirm_payment(holder.actor, payment, dt.date(2026, 11, 20), 7_000, "USD")
    with holder.app.app_context():
        case = db.session.scalars(sa.select(Quarantine)).one().id
        db.session.rollback()
        with unit_of_work():
            first, second = (client_of(holder.app, factories.user(staff_role="operator").id) for _ in "ab")
    address = f"/operator/quarantine/{case}"
    assert first.post(f"{address}/corrections", data={"kind": "ask_return"}).status_code == 422
    proposed = {"kind": "ask_return", "reason": "外币应退回", "obligation": "0"}
    assert first.post(f"{address}/corrections", data=proposed).status_code == 302
    with holder.app.app_context():
        correction = db.session.scalars(sa.select(Correction)).one().id
    approve = f"/operator/corrections/{correction}/approve"
    assert approve not in first.get(address).text
    assert first.post(approve).status_code == 403
    assert approve in second.get(address).text
    assert second.post(approve).status_code == 302
    assert row(holder.app, Quarantine, case).state == "resolved"
    assert "外币应退回" in text_of(first.get("/operator/quarantine").text)
    assert "USD 70" in holder.get(f"/holder/notices/{notice}")


def test_money_without_a_licence_behind_it_is_given_back_with_a_note(app: Flask) -> None:
    holder = holder_in(app)
    offer = live_offer_of(holder)
    firm, notice = noticed(holder, offer)
    payment = transferred(holder, firm, notice)
    clock.set_now(NOW + dt.timedelta(days=1))
    with app.app_context(), unit_of_work(firm):
        notices.abandon_notice(firm, notice)
    holder.get(f"/holder/notices/{notice}")
    clock.set_now(NOW + dt.timedelta(days=2))  # the transfer is of a day after the notice had ended
    with app.app_context(), unit_of_work(holder.actor):
        payments.confirm_payment(holder.actor, payment, clock.today(), 5_000_000)
    with app.app_context():
        assert db.session.scalars(sa.select(Licence)).all() == []
        task = db.session.scalars(sa.select(RefundTask.id)).one()
    assert "待退还" in holder.get("/holder/notices?group=refunds")
    holder.post(f"/holder/refunds/{task}", 422, note="")
    holder.post(f"/holder/refunds/{task}", note="示例流水 1")
    assert row(app, RefundTask, task).state == "done"


def test_recordals_are_filed_and_recorded_and_a_licence_may_end_by_agreement(holder: Holder) -> None:
    offer = live_offer_of(holder, fee_form="free", fee_minor=None)
    noticed(holder, offer)
    with holder.app.app_context():
        licence = db.session.scalars(sa.select(Licence.id)).one()
    holder.get(f"/holder/licences/{licence}")
    page = holder.post(f"/holder/licences/{licence}/file", 422, filed_on="2026-11-21").text
    assert 'href="#filed_on-file"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    holder.post(f"/holder/licences/{licence}/file", filed_on="2026-11-20")
    page = holder.post(f"/holder/licences/{licence}/record", 422, number="", on="2026-11-20").text
    assert 'href="#number-record"' in page
    holder.post(f"/holder/licences/{licence}/record", number="2026980000001", on="2026-11-20")
    assert "2026980000001" in holder.get(f"/holder/licences/{licence}")
    holder.post(f"/holder/licences/{licence}/end", 422, on="2026-11-20", sure="y")
    page = holder.post(f"/holder/licences/{licence}/end", 422, reason="agreed", on="2026-11-20").text
    assert 'href="#sure-end"' in page
    assert row(holder.app, Licence, licence).state == "in_effect"
    holder.post(f"/holder/licences/{licence}/end", reason="agreed", on="2026-11-20", sure="y")
    assert row(holder.app, Licence, licence).agreed_end == "proposed"
    page = holder.get(f"/holder/licences/{licence}")
    assert "撤回提议" in page or "Take the proposal back" in page
    holder.post(f"/holder/licences/{licence}/agreed-end/take_back")
    holder.post(
        f"/holder/licences/{licence}/end",
        reason="contractual_ground",
        on="2026-11-20",
        ground="被许可人逾期未付提成。",
        sure="y",
    )
    assert row(holder.app, Licence, licence).state == "ended"


def test_notices_and_licences_of_others_are_not_found(app: Flask) -> None:
    holder, other = holder_in(app), holder_in(app, name="示例另一大学")
    offer = live_offer_of(holder, fee_form="free", fee_minor=None)
    firm, notice = noticed(holder, offer)
    with app.app_context():
        licence = db.session.scalars(sa.select(Licence.id)).one()
    for address in (f"/holder/notices/{notice}", f"/holder/licences/{licence}"):
        other.get(address, 404)
    # The licensee has pages of its own for these.
    licensee = Holder(app, client_of(app, firm.user_id or 0), firm.user_id or 0, firm.organisation_id or 0)
    licensee.get(f"/holder/notices/{notice}", 404)


def test_licences_taken_elsewhere_are_imported_and_shown(holder: Holder) -> None:
    offer = live_offer_of(holder)
    with holder.app.app_context():
        found = db.session.get_one(Offer, offer)
        number, declaration = found.patent.number, found.declaration_number
    content = (
        "专利号,声明编号,被许可人,许可种类,生效日,金额,来源\n"
        f"{number},{declaration},示例平台外企业,开放,2026-10-01,50000,示例合同\n"
    )
    page = holder.upload("licences", content).text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id, text_of(page)
    holder.post("/holder/lists/licences/import", file=file_id.group(1))
    assert "示例平台外企业" in holder.get("/holder/licences")


# --- the overview and the technology manager


def test_the_overview_names_what_needs_doing(holder: Holder) -> None:
    patent_of(holder)
    unknown = patent_of(holder)
    draft = drafted(holder, patent_of(holder, title="一种起草中的示例装置"))
    live = live_offer_of(holder, duty_to_withdraw_since=dt.date(2026, 11, 1), duty_bars=["pledge"])
    with holder.app.app_context(), unit_of_work():
        db.session.get_one(Patent, unknown).facts = []
        db.session.add(
            Activity(
                day=dt.date(2026, 11, 19),
                offer_id=live,
                kind="opened",
                channel="search",
                audience="firm",
                count=37,
            )
        )
    page = holder.client.get("/holder").text
    for address in (
        f"/holder/offers/{draft}",
        f"/holder/offers/{live}",
        "/holder/patents?group=unknown",
        "/holder/patents?group=may_file",
    ):
        assert f'href="{address}"' in page
    assert "37" in text_of(page)
    assert "37" in holder.get(f"/holder/offers/{live}")


def test_a_new_holder_is_told_where_to_begin(holder: Holder) -> None:
    page = holder.client.get("/holder").text
    assert 'href="/holder/lists/patents"' in page
    assert 'href="/holder/patents/new"' in page


def test_a_manager_works_for_one_principal_at_a_time(app: Flask) -> None:
    first, second = holder_in(app, name="示例甲大学"), holder_in(app, name="示例乙大学")
    patent_of(first, title="一种甲大学的示例装置")
    patent_of(second, title="一种乙大学的示例装置")
    user_id, agency_id = member(app, "示例服务机构", type="agency")
    with app.app_context(), unit_of_work():
        agency = db.session.get_one(Organisation, agency_id)
        for each in (first, second):
            principal = db.session.get_one(Organisation, each.organisation_id)
            mandates.grant_mandate(principal, agency, scope="holder", until=dt.date(2027, 1, 1))
    manager = Holder(app, client_of(app, user_id), user_id, agency_id)
    for each, own, others in ((first, "甲大学的", "乙大学的"), (second, "乙大学的", "甲大学的")):
        manager.post("/holder/for", organisation=str(each.organisation_id))
        listed = manager.get("/holder/patents")
        assert own in listed
        assert others not in listed
    manager.post("/holder/for", 404, organisation="999999")
    firm, notice = noticed(first, live_offer_of(first))
    transferred(first, firm, notice)
    page = text_of(manager.get("/holder"))
    assert "您代理的权利人" in page
    assert "1 项待办" in page.split("示例甲大学")[-1]
    assert "您代理的权利人" not in text_of(first.get("/holder"))
    answer_ = manager.post(
        "/holder/patents/new",
        number=checked("ZL201910000010.5"),
        title="一种代理录入的阀门",
        patentees="示例乙大学",
    )
    assert answer_.status_code == 302
    assert "代理录入" in second.get("/holder/patents")
    assert "代理录入" not in first.get("/holder/patents")


def test_visitors_are_asked_to_sign_in_and_staff_have_no_holder_pages(app: Flask) -> None:
    assert app.test_client().get("/holder").status_code == 302
    with app.app_context(), unit_of_work():
        operator_id = factories.user(staff_role="operator").id
    assert client_of(app, operator_id).get("/holder").status_code == 403


def test_nothing_of_a_refused_step_reaches_the_journal(app: Flask) -> None:
    holder = holder_in(app)
    offer = drafted(holder, patent_of(holder))
    with app.app_context():
        before = db.session.scalar(sa.select(sa.func.count()).select_from(JournalEntry))
    holder.post(f"/holder/offers/{offer}/ready", 422)
    answer(holder, offer, "amount", 422, "?form=fixed", fee="abc")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(JournalEntry)) == before


def test_what_is_emptied_on_the_page_is_taken_away_and_a_filing_date_cannot_be(app: Flask) -> None:
    holder = holder_in(app)
    patent = patent_of(holder, title="一种示例阀门", title_en="A valve", advantage="省电")
    address = f"/holder/patents/{patent}/edit"
    said = {
        "title": "一种示例阀门",
        "title_en": "",
        "patentees": "示例持有大学",
        "filing_date": "2019-03-01",
        "grant_date": "2021-06-01",
        "ipc": "H01M 10/0525",
        "advantage": "",
    }
    page = holder.post(address, 422, **(said | {"filing_date": ""})).text
    assert 'href="#filing_date"' in page
    holder.post(address, **said)
    with holder.app.app_context():
        row = db.session.get_one(Patent, patent)
        assert (row.title_en, row.advantage, str(row.grant_date)) == (None, None, "2021-06-01")
        assert row.abstract, "what a request does not speak of stays"
