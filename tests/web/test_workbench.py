"""The workbench in the browser: list and filters, one patent, many patents, units, files, who sees what."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.listings.stocktaking import setup, upkeep, work
from marketplace.listings.stocktaking.desk import desk_of
from marketplace.listings.stocktaking.models import STATES, Stock, StockJob, StockView, Unit
from tests import factories
from tests.statements import statements

from .pages import LANGUAGES, client_of, text_of


class Campus:
    """A university with an office, a reviewer and an inventor, at their browsers."""

    def __init__(self, app: Flask, patents: int = 4, language: str = "zh") -> None:
        self.app = app
        with app.app_context():
            with unit_of_work():
                organisation = factories.organisation("示例盘点大学", type="university")
                self.organisation_id = organisation.id
                people = [factories.user(organisation, name=name) for name in ("办公室", "审核人", "发明人")]
                self.office_id, self.reviewer_id, self.inventor_id = (one.id for one in people)
                ids = [factories.patent(organisation).id for _ in range(patents)]
                upkeep.refresh(ids)
            office = self.actor(self.office_id)
            with unit_of_work(office):
                self.unit_id = setup.add_unit(desk_of(office, self.organisation_id), "材料学院").id
            with unit_of_work(office):
                desk = desk_of(office, self.organisation_id)
                setup.give_role(desk, self.reviewer_id, "unit_reviewer", self.unit_id)
                setup.give_role(desk, self.inventor_id, "inventor", self.unit_id)
            self.ids = list(
                db.session.scalars(
                    sa.select(Stock.id)
                    .where(Stock.organisation_id == self.organisation_id)
                    .order_by(Stock.id)
                )
            )
            db.session.remove()
        self.office = client_of(app, self.office_id, language)
        self.reviewer = client_of(app, self.reviewer_id, language)
        self.inventor = client_of(app, self.inventor_id, language)

    def actor(self, user_id: int) -> Actor:
        return Actor(user_id=user_id, organisation_id=self.organisation_id, roles=frozenset({"member"}))

    def row(self, stock_id: int) -> Stock:
        with self.app.app_context():
            row = db.session.get_one(Stock, stock_id)
            db.session.expunge(row)
            db.session.remove()
        return row


def get(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, text_of(answer.text)[-800:]
    return answer.text


def post(client: FlaskClient, address: str, status: int = 302, **data: Any) -> Any:
    answer = client.post(address, data=data)
    assert answer.status_code == status, text_of(answer.text)[-800:]
    return answer


def version_of(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found.group(1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_workbench_opens_in_both_languages(app: Flask, language: str) -> None:
    campus = Campus(app, language=language)
    for page in ("", "/units", "/scale", "/upload", "/jobs", "/views", f"/{campus.ids[0]}"):
        for client in (campus.office, campus.reviewer):
            status = 404 if client is campus.reviewer and page == f"/{campus.ids[0]}" else 200
            text = text_of(get(client, f"/holder/stock{page}", status))
            assert ("Stock-taking" if language == "en" else "专利盘点") in text or status == 404


def test_an_entry_goes_through_all_hands_on_the_pages(app: Flask) -> None:
    campus = Campus(app)
    [stock_id, *others] = campus.ids
    address = f"/holder/stock/{stock_id}"
    post(campus.office, f"{address}/place", unit=campus.unit_id, inventor=campus.inventor_id)
    page = get(campus.inventor, address)
    post(
        campus.inventor,
        address,
        version=version_of(page),
        grade="G1",
        wish="licence",
        practice="none",
        note="有企业询问",
    )
    assert (campus.row(stock_id).grade, campus.row(stock_id).wish) == ("G1", 2)
    post(campus.inventor, f"{address}/act", action="submit", comment="请审核")
    post(campus.reviewer, f"{address}/act", action="return")
    assert campus.row(stock_id).state == "submitted"
    post(campus.reviewer, f"{address}/act", action="return", comment="请补充使用方")
    assert "请补充使用方" in get(campus.inventor, address)
    post(campus.inventor, f"{address}/act", action="submit")
    post(campus.reviewer, f"{address}/act", action="approve")
    assert campus.row(stock_id).state == "unit_approved"
    post(campus.office, f"{address}/act", action="approve")
    assert campus.row(stock_id).state == "approved"
    page = get(campus.office, address)
    assert 'name="version"' not in page
    assert "单位已审定" in page
    # The inventor sees the own entry alone.
    listed = get(campus.inventor, "/holder/stock")
    assert re.findall(r'name="id" value="(\d+)"', listed) == [str(stock_id)]
    for other in others:
        get(campus.inventor, f"/holder/stock/{other}", 404)


def test_an_edit_over_somebody_elses_is_refused_beside_the_form(app: Flask) -> None:
    campus = Campus(app, patents=1)
    address = f"/holder/stock/{campus.ids[0]}"
    version = version_of(get(campus.office, address))
    post(campus.office, address, version=version, grade="G1")
    answer = post(campus.office, address, 422, version=version, grade="G2")
    assert "problem-summary" in answer.text
    assert campus.row(campus.ids[0]).grade == "G1"


def test_filters_narrow_the_list_down_and_say_how_many_there_are(app: Flask) -> None:
    campus = Campus(app, patents=8)
    with app.app_context(), unit_of_work():
        for index, key in enumerate(campus.ids):
            row = db.session.get_one(Stock, key)
            row.state, row.grade = STATES[index % 4], ("G1", "")[index % 2]
    page = get(campus.office, "/holder/stock?state=submitted&state=approved")
    assert len(re.findall(r'name="id" value="\d+"', page)) == 4
    assert "G1 优先转化 (0)" in page
    text = text_of(page)
    assert re.search(r"全部 8 .*填报中 2 .*已提交 2", text)
    assert 'name="id"' not in get(campus.office, "/holder/stock?q=没有这样的词")
    get(campus.office, "/holder/stock?state=lost&year_from=abc&unit=x")


def test_a_longer_list_takes_no_more_statements(app: Flask) -> None:
    campus = Campus(app, patents=2)

    def taken() -> int:
        campus.office.get("/holder/stock")
        with statements() as seen:
            get(campus.office, "/holder/stock?standing=may_file")
        return len(seen)

    few = taken()
    with app.app_context(), unit_of_work():
        owner = db.session.get_one(Organisation, campus.organisation_id)
        upkeep.refresh([factories.patent(owner).id for _ in range(60)])
        for row in db.session.scalars(sa.select(Stock)):
            row.unit_id, row.inventor_id = campus.unit_id, campus.inventor_id
    assert taken() == few
    assert few <= 32
    page = get(campus.office, "/holder/stock")
    assert len(re.findall(r'name="id" value="\d+"', page)) == 50
    [following] = re.findall(r'rel="next" href="([^"]+)"', page)
    rest = get(campus.office, following.replace("&amp;", "&"))
    assert len(re.findall(r'name="id" value="\d+"', rest)) == 12


def test_many_are_dealt_with_at_once_and_a_great_many_by_the_worker_after_a_question(app: Flask) -> None:
    campus = Campus(app, patents=55)
    answer = post(campus.office, "/holder/stock/bulk", action="set_grade", to_grade="G2", id=campus.ids[:3])
    assert answer.location.endswith("/holder/stock")
    assert [campus.row(key).grade for key in campus.ids[:4]] == ["G2", "G2", "G2", ""]
    post(campus.office, "/holder/stock/bulk", action="set_grade", to_grade="G1")  # nothing ticked
    assert campus.row(campus.ids[3]).grade == ""
    asked = post(campus.office, "/holder/stock/bulk", 200, action="set_grade", to_grade="G1", scope="all")
    assert "55" in text_of(asked.text)
    started = post(
        campus.office, "/holder/stock/bulk", action="set_grade", to_grade="G1", scope="all", confirmed="yes"
    )
    progress = get(campus.office, started.location)
    assert 'hx-trigger="every 2s"' in progress
    assert "0 / 55" in text_of(progress)
    with app.app_context():
        job_id = db.session.scalar(sa.select(sa.func.max(StockJob.id)))
        work.run_job(job_id)
        db.session.remove()
    done = get(campus.office, started.location)
    assert "hx-trigger" not in done
    assert "55" in text_of(done)
    assert {campus.row(key).grade for key in campus.ids} == {"G1"}
    get(campus.inventor, f"/holder/stock/jobs/{job_id}", 404)


def test_refusals_are_shown_with_their_patents(app: Flask) -> None:
    campus = Campus(app, patents=2)
    started = post(campus.office, "/holder/stock/bulk", action="submit", id=campus.ids)
    text = text_of(get(campus.office, started.location))
    assert text.count("请填写所属院系。") == 2
    drafted = post(campus.office, "/holder/stock/bulk", action="draft_offers", id=campus.ids[:1])
    assert drafted.status_code == 302
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Offer)) == 1
        db.session.remove()


def test_units_roles_levels_and_the_scale_are_set_up_by_the_office_alone(app: Flask) -> None:
    campus = Campus(app)
    post(campus.office, "/holder/stock/units", name="电池研究所", parent=campus.unit_id)
    assert "电池研究所" in get(campus.office, "/holder/stock/units")
    post(campus.reviewer, "/holder/stock/units", 403, name="假学院")
    post(campus.office, "/holder/stock/levels", institution="yes")
    assert "电池研究所" in get(campus.reviewer, "/holder/stock/units")
    scale = {"code": ["甲", "乙", ""], "name": ["甲类", "乙类", ""], "name_en": ["First", "Second", ""],
             "help": ["马上可用", "", ""], "help_en": ["", "", ""]}  # fmt: skip
    post(campus.office, "/holder/stock/scale", **scale)
    assert "甲 甲类" in get(campus.office, f"/holder/stock/{campus.ids[0]}")
    post(campus.office, "/holder/stock/scale", reset="yes")
    assert "并非官方标准" in get(campus.office, "/holder/stock/scale")
    with app.app_context():
        [below] = db.session.scalars(sa.select(Unit).where(Unit.parent_id == campus.unit_id)).all()
        below_id = below.id
        db.session.remove()
    post(campus.office, f"/holder/stock/units/{below_id}/rename", name="储能研究所")
    post(campus.office, f"/holder/stock/units/{below_id}/remove")
    assert "储能研究所" not in get(campus.office, "/holder/stock/units").split("院系已删除")[-1]


def test_views_are_saved_shared_and_removed(app: Flask) -> None:
    campus = Campus(app)
    post(
        campus.office,
        "/holder/stock/views",
        name="优先项",
        grade="G1",
        state=["entered", "submitted"],
        shared="yes",
    )
    page = get(campus.reviewer, "/holder/stock")
    assert "优先项" in page
    assert "grade=G1" in page
    with app.app_context():
        view_id = db.session.scalar(sa.select(StockView.id))
        db.session.remove()
    post(campus.reviewer, f"/holder/stock/views/{view_id}/remove", 404)
    post(campus.office, f"/holder/stock/views/{view_id}/remove")
    assert "优先项" not in get(campus.reviewer, "/holder/stock")


def test_files_come_and_go(app: Flask) -> None:
    campus = Campus(app)
    template = campus.office.get("/holder/stock/template.xlsx")
    assert openpyxl.load_workbook(io.BytesIO(template.data)).worksheets[0]["A1"].value == "专利号"
    exported = campus.office.get("/holder/stock/export.csv?state=entered")
    lines = list(csv.reader(io.StringIO(exported.data.decode("utf-8-sig"))))
    assert len(lines) == 5
    book = openpyxl.load_workbook(io.BytesIO(campus.office.get("/holder/stock/export.xlsx").data))
    assert book.worksheets[0].max_row == 5
    mine = campus.inventor.get("/holder/stock/export.csv")
    assert len(mine.data.decode("utf-8-sig").strip().splitlines()) == 1
    get(campus.office, "/holder/stock/export.pdf", 404)
    number = lines[1][0]
    upload = campus.office.post(
        "/holder/stock/upload",
        data={"file": (io.BytesIO(f"专利号,分级\n{number},G1\nZL201910000010.4,G1\n".encode()), "清单.csv")},
        content_type="multipart/form-data",
    )
    assert upload.status_code == 200
    [file_id] = re.findall(r'name="file" value="(\d+)"', upload.text)
    taken = post(campus.office, "/holder/stock/upload/import", 200, file=file_id)
    assert "number" in taken.text or "专利号" in taken.text
    with app.app_context():
        assert db.session.scalars(sa.select(Stock.grade).where(Stock.grade != "")).all() == ["G1"]
        db.session.remove()


def test_strangers_and_visitors_see_nothing(app: Flask) -> None:
    campus = Campus(app)
    with app.app_context(), unit_of_work():
        stranger = factories.user(factories.organisation()).id
    client = client_of(app, stranger)
    page = get(client, "/holder/stock")
    assert 'name="id"' not in page
    get(client, f"/holder/stock/{campus.ids[0]}", 404)
    answer = app.test_client().get("/holder/stock")
    assert answer.status_code in (302, 401)
