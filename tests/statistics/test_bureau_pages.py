"""The bureau's pages: who may enter, what they show, and that every figure opens into its rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core.unit_of_work import unit_of_work
from marketplace.statistics import facts
from tests import factories

from .history import licence
from .story import tell

D = dt.date


def signed_in(app: Flask, role: str | None) -> FlaskClient:
    """A browser in which someone is signed in: a member of an organisation, or staff of a role."""
    with app.app_context(), unit_of_work():
        person = factories.user(staff_role=role) if role else factories.user(factories.organisation())
        session_id = person.get_id()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = session_id, True
    return client


@pytest.fixture
def bureau(app: Flask) -> FlaskClient:
    with app.app_context():
        tell()
    return signed_in(app, "bureau")


def words(response: object) -> str:
    text = re.sub(r"<(script|style).*?</\1>", " ", response.get_data(as_text=True), flags=re.DOTALL)  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


ADDRESSES = (
    "/bureau",
    "/bureau/rows?figure=in-force",
    "/bureau/rows.csv?figure=in-force",
    "/bureau/figures.csv?figure=conversion",
    "/bureau/report/json",
    "/bureau/compare",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_bureau_pages_are_for_the_bureau(app: Flask, address: str) -> None:
    assert app.test_client().get(address).status_code in (302, 401)
    assert signed_in(app, None).get(address).status_code == 403
    assert signed_in(app, "operator").get(address).status_code == 200


def test_the_overview_shows_figures_with_their_definitions_in_both_languages(bureau: FlaskClient) -> None:
    chinese = words(bureau.get("/bureau", headers={"Accept-Language": "zh-CN"}))
    for expected in (
        "许可统计",
        "有效声明",
        "转化率",
        "快速许可成交率",
        "本平台自定的口径",
        "转化漏斗",
        "成交速度",
        "按所在区",
    ):
        assert expected in chinese
    english = words(bureau.get("/bureau", headers={"Accept-Language": "en"}))
    for expected in ("Licensing figures", "Conversion rate", "own definition", "Funnel", "Minhang"):
        assert expected in english
    assert set(re.findall(r"[\u4e00-\u9fff]+", english)) <= {"中文", "用户", "用"}


@pytest.mark.parametrize(
    "by", ["district", "owner_type", "fee_form", "ipc_section", "ipc_class", "industry", "kind"]
)
def test_the_selector_offers_every_cut(bureau: FlaskClient, by: str) -> None:
    response = bureau.get(f"/bureau?by={by}")
    assert response.status_code == 200
    assert f'<option value="{by}" selected>' in response.get_data(as_text=True)


def test_every_link_of_the_overview_opens_into_as_many_rows_as_it_says(bureau: FlaskClient) -> None:
    page = bureau.get("/bureau?from=2025-01-01&to=2026-11-20&by=owner_type").get_data(as_text=True)
    links = re.findall(r'<a[^>]*href="(/bureau/rows\?[^"]+)"[^>]*>([\d,]+)</a>', page)
    assert len(links) > 30
    for address, shown in dict(links).items():
        text = bureau.get(unescape(address)).get_data(as_text=True)
        number = re.search(r"<strong>([\d,]+)</strong>", text)
        assert number is not None
        assert number.group(1) == shown, address


def test_rows_are_paged_and_link_to_offers(bureau: FlaskClient) -> None:
    text = bureau.get("/bureau/rows?figure=announced&page=1").get_data(as_text=True)
    assert len(re.findall(r'href="/offers/\d+"', text)) == 40
    assert bureau.get("/bureau/rows?figure=announced&page=99").status_code == 200


def test_a_number_of_zero_opens_into_a_page_that_says_so(bureau: FlaskClient) -> None:
    response = bureau.get("/bureau/rows?figure=funnel&stage=passed&from=2025-01-01&to=2025-12-31")
    assert "没有可以打开的记录" in words(response)


def test_honest_blanks_stand_where_nothing_may_be_said(bureau: FlaskClient) -> None:
    text = words(bureau.get("/bureau"))
    assert "未满期" in text
    assert "件数少" in text or "不宜比较" in text
    later = words(bureau.get("/bureau?from=2026-11-01&to=2026-11-20"))
    assert "未达到" in later
    assert "样本过少" in later


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday", "请输入日期"),
        ("from=2026-03-01&to=2026-02-01", "起始日晚于截止日"),
        ("as_of=2027-01-01", ""),
        ("by=colour", "不能按此项分组"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_a_sentence(
    bureau: FlaskClient, query: str, said: str
) -> None:
    response = bureau.get(f"/bureau?{query}")
    assert response.status_code == 422
    assert said in words(response)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/bureau/rows?figure=nonsense", 404),
        ("/bureau/rows?figure=conversion&part=third", 404),
        ("/bureau/rows?figure=conversion&group=310999&by=district", 404),
        ("/bureau/rows?figure=quick-licence&days=1e9", 404),
        ("/bureau/rows?figure=conversion&from=0", 422),
        ("/bureau/figures.csv?figure=", 404),
        ("/bureau/report/docx", 404),
    ],
)
def test_addresses_that_name_nothing_are_refused_kindly(
    bureau: FlaskClient, address: str, status: int
) -> None:
    assert bureau.get(address).status_code == status


def test_files_are_downloads_of_what_the_page_shows(bureau: FlaskClient) -> None:
    response = bureau.get("/bureau/figures.csv?figure=in-force&by=owner_type")
    assert response.headers["Content-Disposition"].startswith("attachment")
    lines = list(csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))
    assert {line["group"]: line["numerator"] for line in lines} == {"enterprise": "14", "university": "26"}
    rows = bureau.get("/bureau/rows.csv?figure=in-force&by=owner_type&group=university")
    assert len(rows.get_data(as_text=True).strip().splitlines()) == 27


def test_an_empty_platform_shows_zeros_not_a_failure(app: Flask) -> None:
    response = signed_in(app, "bureau").get("/bureau")
    assert response.status_code == 200


def test_the_page_carries_no_inline_script(bureau: FlaskClient) -> None:
    page = bureau.get("/bureau").get_data(as_text=True)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "echarts" in page
    assert "echarts" not in bureau.get("/bureau/rows?figure=in-force").get_data(as_text=True)


def test_days_that_nobody_can_reckon_with_are_no_fault(bureau: FlaskClient) -> None:
    for first in ("0001-01-01", "1985-01-01"):
        page = bureau.get(f"/bureau?from={first}")
        assert page.status_code == 200
        assert 'value="1985-04-01"' in page.text
    for first in ("2031-01-01", "9999-12-31"):
        page = bureau.get(f"/bureau?from={first}&to=9999-12-31", headers={"Accept-Language": "en"})
        assert page.status_code == 422
        assert "This day is still to come." in words(page)


def test_a_month_of_which_the_period_holds_a_part_is_marked(bureau: FlaskClient) -> None:
    english = {"Accept-Language": "en"}
    whole = words(bureau.get("/bureau?from=2026-08-01&to=2026-09-30", headers=english))
    assert "a part of this month" not in whole
    parts = words(bureau.get("/bureau?from=2026-08-05&to=2026-10-10", headers=english))
    assert "2026-08* from day 5" in parts
    assert "2026-10* to day 10" in parts
    assert "2026-09*" not in parts
    assert "2026-10* days 3 to 10" in words(
        bureau.get("/bureau?from=2026-10-03&to=2026-10-10", headers=english)
    )


def test_the_file_beside_a_table_holds_every_figure_of_the_table(bureau: FlaskClient) -> None:
    page = bureau.get("/bureau?from=2025-12-01").text
    addresses = [unescape(found) for found in re.findall(r'href="(/bureau/figures\.csv[^"]*)"', page)]
    by_month = next(address for address in addresses if "by=month" in address and "announced" in address)
    answer = bureau.get(by_month)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert {line["figure"] for line in lines} == {"announced", "licences", "in-force", "conversion"}
    by_group = next(address for address in addresses if "by=district" in address)
    lines = list(csv.DictReader(io.StringIO(bureau.get(by_group).text.removeprefix("\ufeff"))))
    assert {line["figure"] for line in lines} == {"in-force", "announced", "licences", "conversion", "stock"}


def test_a_page_behind_the_last_shows_the_last(bureau: FlaskClient) -> None:
    address = "/bureau/rows?figure=in-force"
    assert bureau.get(f"{address}&page=999").text.count("<tr>") == bureau.get(address).text.count("<tr>")


def counts_of(lines: str) -> list[list[int]]:
    """The first three numbers of each line of a table: the counts."""
    found = re.findall(r"<tr.*?</tr>", lines, re.DOTALL)
    return [
        [int(n) for n in re.findall(r'<td class="num">\s*<a [^>]*>(\d+)</a>', line)[:3]] for line in found
    ]


@pytest.mark.parametrize("by", ["district", "owner_type", "fee_form"])
def test_the_groups_of_a_table_add_up_to_its_last_line(bureau: FlaskClient, by: str) -> None:
    page = bureau.get(f"/bureau?from=2025-12-01&by={by}").text
    table = page[page.index('id="groups-title"') : page.index('id="outside-title"')]
    body, foot = table.split("<tfoot>")
    groups = counts_of(body[body.index("<tbody>") :])
    assert len(groups) > 1
    assert [sum(numbers) for numbers in zip(*groups, strict=True)] == counts_of(foot)[0]


def test_two_groups_are_compared_only_where_there_is_enough(bureau: FlaskClient) -> None:
    page = words(bureau.get("/bureau/compare?by=owner_type"))
    assert "不作比较" in page
    assert "26" in page
    assert bureau.get("/bureau/compare?figure=stock&by=district&a=310112&b=310115").status_code == 200
    quick = words(bureau.get("/bureau/compare?figure=quick-licence&days=30&by=fee_form"))
    assert "30 天内" in quick or "30 日内" in quick
    assert bureau.get("/bureau/compare?figure=funnel").status_code == 422
    assert "没有两个组" in words(bureau.get("/bureau/compare?by=kind"))


def test_a_difference_is_told_with_its_interval_and_names_no_cause(app: Flask) -> None:
    with app.app_context():
        with unit_of_work():
            for number in range(24):
                holder = factories.organisation(
                    type="university" if number % 2 else "enterprise", region="310112"
                )
                for other in range(4):
                    offer = factories.live_offer(holder, announced_on=D(2026, 2, 2))
                    if other < (3 if number % 2 else 1):
                        licence(offer, D(2026, 3, 1))
        facts.rebuild()
    page = words(signed_in(app, "bureau").get("/bureau/compare?by=owner_type&a=university&b=enterprise"))
    assert "高 50.0 个百分点" in page
    assert "超出偶然" in page
    assert "不说明原因" in page
    turned = words(signed_in(app, "bureau").get("/bureau/compare?by=owner_type&b=university&a=enterprise"))
    assert "低 50.0 个百分点" in turned
