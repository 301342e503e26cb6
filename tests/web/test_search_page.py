"""The search page: what it says of the words, its ranges and months; and the operator's synonyms."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core import clock
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import generations, suggestions, synonyms
from tests import factories

from .pages import client_of, text_of


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    with app.app_context():
        with unit_of_work():
            holder = factories.organisation("虚构理工大学")
            for months, title in (
                (1, "一种离心泵的密封结构"),
                (2, "一种离心泵的叶轮"),
                (2, "一种锂离子电池"),
            ):
                day = clock.today().replace(day=1, month=months)
                factories.live_offer(holder, factories.patent(holder, title=title), announced_on=day)
        generations.rebuild()
        app.extensions.pop("marketplace.search.suggestions", None)  # of a test before, rolled back since
        suggestions.refresh()
    return app.test_client()


def page_of(client: FlaskClient, **params: str) -> str:
    answer = client.get(f"/offers?{urlencode(params)}", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_page_says_what_it_looked_for_besides_and_looks_for_the_words_alone_when_asked(
    client: FlaskClient,
) -> None:
    page = page_of(client, q="锂电池")
    assert "锂离子电池" in text_of(page)
    assert "exact=1" in page
    exact = page_of(client, q="锂电池", exact="1")
    assert '<input type="hidden" name="exact" value="1">' in exact


def test_an_address_gives_the_same_page_again_with_all_that_was_chosen(client: FlaskClient) -> None:
    chosen = {"q": "离心泵", "fee_min": "0", "fee_max": "900000", "announced_from": "2026-02-01", "size": "1"}
    one, other = (page_of(client, **chosen) for _ in range(2))
    times = re.compile(r"2026[^<]*\d\d:\d\d|nonce=\S+|value=\"[^\"]{60,}\"")
    assert times.sub("", one) == times.sub("", other)
    for name, value in chosen.items():
        assert re.search(f'name="{name}"[^>]*value="{value}"', one), name
    assert "离心泵</mark>的叶轮" in one
    assert "离心泵</mark>的密封结构" not in one
    assert 'class="bar chosen"' in one
    assert 'class="bar"' in one
    january = re.search(r'<a href="([^"]*)" aria-label="2026-01: 1"', one)
    assert january is not None
    assert "announced_from=2026-01-01" in january[1]
    assert "announced_to=2026-01-31" in january[1]


def test_where_the_words_find_nothing_the_page_says_what_it_shows_instead(client: FlaskClient) -> None:
    page = page_of(client, q="离芯崩")
    assert "q=%E7%A6%BB%E5%BF%83%E6%B3%B5" in page  # 离心泵
    assert "离心泵" in text_of(page)


def test_an_operator_changes_the_synonyms_and_nobody_else(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), unit_of_work():
        operator_id, other_id = factories.user(staff_role="operator").id, factories.user().id
    operator = client_of(app, operator_id, "en")
    assert client_of(app, other_id, "en").get("/operator/synonyms").status_code == 403
    assert "气凝胶" in text_of(operator.get("/operator/synonyms").get_data(as_text=True))
    assert operator.post("/operator/synonyms", data={"terms": "水龙; 离心泵送机"}).status_code == 302
    group = '["水龙", "离心泵送机"]'
    assert operator.get("/operator/synonyms", query_string={"group": group}).status_code == 200
    changed = operator.post("/operator/synonyms", data={"terms": "水龙; 叶轮", "group": group})
    assert changed.status_code == 302
    assert "一种离心泵的" in text_of(page_of(client, q="水龙")).replace(" ", "")
    assert operator.post("/operator/synonyms/end", data={"group": '["水龙", "叶轮"]'}).status_code == 302
    assert operator.post("/operator/synonyms", data={"terms": "只有一个"}).status_code == 422
    assert operator.get("/operator/synonyms?group=[1]").status_code == 422
    with app.app_context():
        assert [row.terms for row in synonyms.versions() if row.until] == [
            ["水龙", "离心泵送机"],
            ["水龙", "叶轮"],
        ]
