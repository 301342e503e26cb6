"""The result of a search as a file: all of it, once, with where it comes from, and nothing that is live."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest
from flask import Flask

from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import generations, results
from tests import factories

FORMULA = '=HYPERLINK("http://x")&一种阀'


@pytest.fixture
def client(committed_app: Flask, monkeypatch: pytest.MonkeyPatch):
    committed_app.testing = True
    monkeypatch.setattr(results, "CHUNK", 2)
    with committed_app.app_context():
        with unit_of_work():
            holder = factories.organisation("示例大学")
            for title in (FORMULA, "阀二", "阀三", "阀四", "阀五"):
                factories.live_offer(holder, factories.patent(holder, title=title), fee_minor=123_450)
            factories.live_offer(holder, factories.patent(holder, title="电池"))
        generations.rebuild()
    return committed_app.test_client()


def test_every_kind_of_file_holds_the_whole_result_and_says_where_it_comes_from(client) -> None:
    search = {"q": "阀", "sort": "newest", "page": "2", "compare": "7"}

    answer = client.get("/offers/export.csv", query_string=search)
    assert answer.headers["Content-Disposition"].endswith(".csv")
    lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    notes = {line[0]: line[1] for line in lines[:5]}
    assert "“阀”" in notes["检索"]
    assert notes["引擎"] == "embedded"
    assert notes["结果数"] == "5"
    assert "q=%E9%98%80" in notes["网址"]
    assert "page=" not in notes["网址"]
    titles = [line[2] for line in lines[6:]]
    assert len(titles) == len(set(titles)) == 5
    assert f"'{FORMULA}" in titles
    assert lines[6][9] == "1234.50"

    book = openpyxl.load_workbook(
        io.BytesIO(client.get("/offers/export.xlsx", query_string=search).data), read_only=False
    )
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert sum(cell.value == f"'{FORMULA}" for cell in cells) == 1

    answer = client.get("/offers/export.jsonl", query_string=search)
    head, *rows = [json.loads(line) for line in answer.data.splitlines()]
    assert head["query"] == {"q": ["阀"], "sort": ["newest"]}
    assert (head["engine"], head["total"], head["degraded"]) == ("embedded", 5, False)
    assert head["as_of"].endswith("Z")
    assert len({row["id"] for row in rows}) == 5
    assert rows[0]["fee"]["amount"] == {"amount_minor": 123_450, "currency": "CNY"}


def test_a_search_that_is_not_understood_and_an_unknown_kind_are_refused(client) -> None:
    assert client.get("/offers/export.csv?colour=red").status_code == 422
    assert client.get("/offers/export.pdf").status_code == 404
