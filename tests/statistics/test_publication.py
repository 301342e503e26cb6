"""What everyone may read: whole months, small numbers kept back, the same on the page and as open data."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core import clock
from marketplace.statistics import publication
from marketplace.statistics.suppression import LEAST

from .story import tell
from .test_bureau_pages import signed_in

NOW = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    with app.app_context(), clock.at(NOW):
        tell(120)
    return app.test_client()


def test_the_period_is_the_last_twelve_whole_months_and_no_small_number_is_told(
    app: Flask, visitor: FlaskClient
) -> None:
    with app.app_context(), clock.at(NOW):
        made = publication.edition()
        assert (made.first, made.last) == (dt.date(2025, 11, 1), dt.date(2026, 10, 31))
        assert [line.group for line in made.tables["month"]] == sorted(
            line.group for line in made.tables["month"]
        )
        told = [
            number
            for lines in ([made.whole], *made.tables.values())
            for line in lines
            for number in line.counts.values()
            if number is not None
        ]
        assert told
        assert not [number for number in told if 0 < number < LEAST]
        hidden = [line for line in made.tables["month"] if line.counts["announced"] is None]
        assert hidden, "the story has months with one announcement"
        for lines in made.tables.values():
            for line in lines:
                if line.counts["licensed"] is None or line.counts["offered"] is None:
                    assert line.conversion is None


def test_page_and_open_data_tell_the_same_to_everyone_in_both_languages(visitor: FlaskClient) -> None:
    with clock.at(NOW):
        answer = visitor.get("/api/v1/open-data/statistics.json")
        assert answer.status_code == 200
        body = answer.get_json(force=True)
        assert body["licence"] == "CC BY 4.0"
        assert {one["code"] for one in body["definitions"]} == set(publication.FIGURES)
        lines = list(csv.DictReader(io.StringIO(visitor.get("/api/v1/open-data/statistics.csv").text)))
        for line in lines:
            if line["by"] == "all":
                assert line["announced"] == str(body["whole"]["announced"] or "")
                continue
            (same,) = (row for row in body["tables"][line["by"]] if row["group"] == line["group"])
            for column in publication.COLUMNS:
                assert line[column] == ("" if same[column] is None else str(same[column]))
        again = visitor.get(
            "/api/v1/open-data/statistics.json", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
        for language, title in (("zh", "开放许可统计"), ("en", "Open licensing in figures")):
            with visitor.session_transaction() as session:
                session["locale"] = language
            page = visitor.get("/statistics")
            assert page.status_code == 200
            assert title in page.text


def test_what_few_licensees_paid_is_told_to_the_bureau_alone(app: Flask, visitor: FlaskClient) -> None:
    with clock.at(NOW):
        address = "/api/v1/statistics/conversion?from={0}&to={0}"
        day = address.format("2024-12-21")
        assert visitor.get(day).get_json()["counts"]["licences"] == 1
        assert visitor.get(day).get_json()["counts"]["paid_minor"] is None
        assert signed_in(app, "bureau").get("/bureau?from=2024-12-21&to=2024-12-21").status_code == 200


def test_an_empty_platform_has_an_empty_edition(app: Flask) -> None:
    with app.app_context():
        made = publication.edition()
        assert set(made.whole.counts.values()) == {0}
        assert all(not lines for by, lines in made.tables.items() if by != "month")
    assert app.test_client().get("/statistics").status_code == 200
