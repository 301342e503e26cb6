"""Pages of recommendations: the firm follows and stops, the holder sees needs, the bureau opens figures."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.mailing import choices
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands.models import Interest, Recommendation
from marketplace.listings.models import Offer
from marketplace.matching import digest
from tests import factories
from tests.web.conftest import SignIn


@pytest.fixture
def recommended(app: Flask, made: Callable[[Callable[[], int]], int]) -> tuple[int, int, int]:
    """A recommendation, the firm to which it was made, and the holder."""

    def make() -> int:
        holder, firm = factories.organisation(), factories.organisation()
        offer = factories.live_offer(holder, factories.patent(holder, title="一种陶瓷隔膜"))
        row = Recommendation(
            organisation_id=firm.id, demand_id=None, offer_id=offer.id, channel="field", state="shown",
            rank=0, reasons=[{"kind": "interest", "value": "锂电池隔膜"}, {"kind": "term", "value": "隔膜"}],
            shown_at=clock.now(), changed_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        return row.id

    number = made(make)
    with app.app_context():
        row = db.session.get_one(Recommendation, number)
        return number, row.organisation_id, row.offer.holder_id


@pytest.mark.parametrize(
    ("locale", "words"), [("zh", "您关注：锂电池隔膜"), ("en", "you follow: 锂电池隔膜")]
)
def test_a_firm_reads_why_follows_a_field_and_says_no(
    app: Flask, sign_in: SignIn, recommended: tuple[int, int, int], locale: str, words: str
) -> None:
    number, firm_id, _ = recommended
    firm = sign_in(firm_id, locale=locale)
    assert words in firm.get("/recommendations").text
    assert firm.post("/recommendations", data={"words": "一种方法"}).status_code == 422
    assert firm.post("/recommendations", data={"words": "锂电池隔膜", "ipc": "H01M 50"}).status_code == 302
    with app.app_context():
        interest = db.session.scalars(sa.select(Interest)).one()
        assert interest.ipc == ["H01M 50"]
        interest_id = interest.id
    assert firm.post(f"/recommendations/interests/{interest_id}/drop").status_code == 302
    assert firm.post(f"/recommendations/{number}/opened").location.startswith("/offers/")
    firm.post(f"/recommendations/{number}/passed", data={"reason": "terms"})
    with app.app_context():
        row = db.session.get_one(Recommendation, number)
        assert (row.state, row.pass_reason, row.opened_at is None) == ("passed", "terms", False)


def test_a_firm_uploads_its_own_patents_sees_what_became_of_each_row_and_removes_one(
    app: Flask, sign_in: SignIn, recommended: tuple[int, int, int]
) -> None:
    firm = sign_in(recommended[1])
    template = firm.get("/recommendations/patents/list/template.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(template.data)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == ["专利号", "公开（公告）号", "名称", "摘要", "分类号"]
    for row, cells in ((2, ("CN101234567B", "一种铝电解电容器", None, "H01G 9/00")), (3, ("CN107654321B",))):
        for column, cell in enumerate(cells, start=2):
            sheet.cell(row, column, cell)
    content = io.BytesIO()
    sheet.parent.save(content)
    content.seek(0)
    page = firm.post("/recommendations/patents/list", data={"file": (content, "专利.xlsx")}).text
    assert "此专利未在本平台登记，请填写名称。" in page
    (kept,) = re.findall(r'name="file" value="(\d+)"', page)
    done = firm.post("/recommendations/patents/list/import", data={"file": kept}).text
    assert "此专利未在本平台登记，请填写名称。" in done
    (report,) = re.findall(r"/recommendations/patents/list/report/\d+", done)
    assert firm.get(report).data.decode("utf-8-sig").splitlines()[1].startswith("3,名称,,required,")
    assert sign_in(recommended[2]).get(report).status_code == 404
    assert "一种铝电解电容器" in firm.get("/recommendations/patents").text
    with app.app_context():
        interest_id = db.session.scalars(sa.select(Interest.id)).one()
    gone = firm.post(f"/recommendations/interests/{interest_id}/drop")
    assert gone.location == "/recommendations/patents"
    assert sign_in(staff_role="bureau").get("/recommendations/patents/list").status_code == 403


def test_the_link_of_the_mail_ends_it_without_signing_in(
    app: Flask, sign_in: SignIn, visitor: FlaskClient, recommended: tuple[int, int, int]
) -> None:
    firm = sign_in(recommended[1])
    with firm.session_transaction() as session:
        user_id = int(str(session["_user_id"]).split(":")[0].split(".")[0])
    with app.app_context():
        link = choices.Link(user_id, digest.TOPIC)
        address = f"/mails/stop?link={link.text}"
    assert visitor.get(address).status_code == 200
    assert visitor.get(address[:-1] + "x").status_code == 404
    with app.app_context():
        assert choices.wants(user_id, digest.TOPIC)  # looking ends nothing
    assert visitor.post(address).status_code == 200
    with app.app_context():
        assert not choices.wants(user_id, digest.TOPIC)


def test_the_holder_reads_counts_and_no_names_and_others_nothing(
    app: Flask, sign_in: SignIn, recommended: tuple[int, int, int]
) -> None:
    number, firm_id, holder_id = recommended
    with app.app_context(), unit_of_work():
        row = db.session.get_one(Recommendation, number)
        row.state, row.pass_reason, row.passed_at = "passed", "too_expensive", clock.now()
        name, offer_id = row.organisation.name, db.session.scalars(sa.select(Offer.id)).one()
    page = sign_in(holder_id).get(f"/holder/offers/{offer_id}/demands")
    assert page.status_code == 200
    assert "费用太高" in page.text or "太贵" in page.text or "价格" in page.text
    assert name not in page.text
    assert sign_in(firm_id).get(f"/holder/offers/{offer_id}/demands").status_code == 404


def test_every_count_of_the_bureau_opens_into_its_rows_and_a_list(
    sign_in: SignIn, recommended: tuple[int, int, int]
) -> None:
    bureau = sign_in(staff_role="bureau")
    page = bureau.get("/bureau/recommendations")
    assert page.status_code == 200
    for address in (
        "/bureau/recommendations/rows?step=shown&channel=field",
        f"/bureau/recommendations/rows?step=shown&month={clock.today():%Y-%m}",
        "/bureau/recommendations/rows.csv?step=shown",
    ):
        assert "陶瓷隔膜" in bureau.get(address).text
    assert "陶瓷隔膜" not in bureau.get("/bureau/recommendations/rows?step=licensed").text
    table = bureau.get("/bureau/recommendations.csv").text
    assert "关注领域,1,0,0,0,0" in table
    assert bureau.get("/bureau/recommendations?from=2026-05-02&to=2026-05-01").status_code == 200
    assert bureau.get("/bureau/recommendations/rows?step=strange").status_code == 422
    assert sign_in(recommended[1]).get("/bureau/recommendations").status_code in (403, 404)
