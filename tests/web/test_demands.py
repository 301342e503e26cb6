"""Demands on pages: drafts, lists that are uploaded, filters, feeds, and what the bureau is shown."""

from __future__ import annotations

import datetime as dt
import io
import re

import openpyxl
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.mandates import grant_mandate
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.demands.models import Demand, DemandOpening
from tests import factories

NEED = {"title": "含镍废水如何除镍", "description": "电镀废水含镍超标。"}


def test_a_draft_is_published_later(visitor: FlaskClient, sign_in, made) -> None:
    firm = sign_in(made(lambda: factories.organisation().id))
    place = firm.post("/demands/new", data=NEED | {"step": "draft"}).location
    assert visitor.get(place).status_code == 404
    assert firm.post(f"{place}/publish").status_code == 302
    assert "电镀废水" in visitor.get(place).text


def test_the_bureau_uploads_a_list_and_posts_for_a_firm_that_stays_unnamed(
    app: Flask, visitor: FlaskClient, sign_in, made
) -> None:
    official = sign_in(staff_role="bureau")
    template = official.get("/demands/list/template.xlsx")
    headers = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(template.data)).active[1]]
    assert "保密内容" in headers
    table = (
        "编号,单位,标题,需求描述,公开单位名称,单位描述,保密内容\n"
        "A-1,上海示例电镀有限公司,除镍,镍超标,否,一家电镀企业,配方甲七\n"
        "A-2,上海示例电镀有限公司,除铬,铬超标,否,,\n"
    ).encode()
    look = official.post("/demands/list", data={"file": (io.BytesIO(table), "list.csv")})
    assert "请用几个字描述该企业" in look.text
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Demand.id))) == 0
    kept = look.text.partition('name="file" value="')[2].partition('"')[0]
    done = official.post("/demands/list/import", data={"file": kept})
    assert done.status_code == 200
    with app.app_context():
        demand = db.session.scalars(sa.select(Demand)).one()
        assert (demand.posted_by, demand.named) == ("bureau", False)
    stranger = sign_in(made(lambda: factories.organisation().id))
    assert stranger.get("/demands/list/report/1").status_code == 404
    pages = [
        visitor.get(path).text
        for path in ("/demands", "/demands?q=除镍", f"/demands/{demand.id}", "/demands.atom")
    ]
    pages.append(stranger.get(f"/demands/{demand.id}").text)
    for page in pages:
        assert "一家电镀企业" in page
        assert "示例电镀" not in page
        assert "配方甲七" not in page
    assert "配方甲七" in official.get(f"/demands/{demand.id}").text
    assert f"/demands/{demand.id}</loc>" in visitor.get("/sitemap-demands.xml").text
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(DemandOpening.id))) == 1  # the stranger's
    assert official.get("/demands/mine").status_code == 200


def test_filters_say_what_is_wrong_and_narrow(visitor: FlaskClient, sign_in, made) -> None:
    firm = sign_in(made(lambda: factories.organisation().id))
    firm.post("/demands/new", data=NEED | {"budget": "20000", "ipc": "C02F 1/42", "district": "310112"})
    for bad in ("ipc=Z99", "budget_from=viel", "answer_by_to=31.2."):
        assert visitor.get(f"/demands?{bad}").status_code == 422
    for good, found in (
        ("q=除镍&open=1", True),
        ("budget_from=1万", True),
        ("budget_from=3万", False),
        ("district=310115", False),
        ("ipc=C02F", True),
        ("posted_by=agency", False),
        ("after=99999999999999999999", True),
    ):
        page = visitor.get(f"/demands?{good}")
        assert page.status_code == 200
        assert ("含镍废水如何除镍" in page.text) is found, good


def test_the_bureau_opens_unanswered_demands_by_group_and_as_a_list(sign_in, made) -> None:
    firm_id = made(lambda: factories.organisation("示例制造有限公司").id)
    firm = sign_in(firm_id)
    firm.post("/demands/new", data=NEED | {"district": "310112"})
    official = sign_in(staff_role="bureau")
    assert "/bureau/demands" in official.get("/bureau").text
    for by in ("organisation", "district", "industry", "posted_by"):
        assert official.get(f"/bureau/demands?by={by}").status_code == 200
    assert "含镍废水" in official.get("/bureau/demands?by=district&group=310112").text
    assert "含镍废水" not in official.get("/bureau/demands?by=district&group=310115").text
    table = official.get("/bureau/demands.csv").data.decode("utf-8-sig")
    assert "示例制造有限公司" in table
    assert firm.get("/bureau/demands").status_code == 403


def test_an_agency_chooses_for_whom_it_asks_and_the_statement_names_both(sign_in, made) -> None:
    firm = sign_in(made(lambda: factories.organisation().id))
    place = firm.post("/demands/new", data=NEED | {"confidential": "配方甲七"}).location
    client_id = made(lambda: factories.organisation("示例研究院").id)

    def agency() -> int:
        made_here = factories.organisation("示例技术经理人", type="agency")
        client = db.session.get_one(Organisation, client_id)
        grant_mandate(client, made_here, scope="holder", until=clock.today() + dt.timedelta(days=9))
        return made_here.id

    manager = sign_in(made(agency))
    own = manager.get(f"{place}/access").text
    assert "为谁申请" in own
    assert "代表示例研究院" not in own
    asked = f"{place}/access?for={client_id}"
    words = manager.get(asked).text
    assert "示例技术经理人" in words.partition("保密声明")[2]
    assert manager.post(asked, data={"purpose": "有工艺", "accepted": "y"}).status_code == 302
    page = firm.get(place).text
    assert "示例研究院" in page
    assert "经由示例技术经理人" in page
    assert manager.get(f"{place}/access?for=999").status_code == 403
    (number,) = re.findall(r"/demands/accesses/(\d+)/grant", page)
    assert firm.post(f"/demands/accesses/{number}/grant").status_code == 302
    for reader in (manager, sign_in(client_id)):
        assert "配方甲七" in reader.get(f"{place}/confidential").text
