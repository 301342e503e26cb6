"""Supply against demand: every number opens into what it counts, and the lines add up."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.demands.models import Demand, DemandAnswer, Recommendation
from marketplace.listings.models import Offer
from marketplace.statistics import dimensions, facts, navigation, services
from tests import factories

from .test_bureau_pages import signed_in

D = dt.date
NOW = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)
PERIOD = "from=2026-01-01&to=2026-11-20"


def _offer(symbol: str, announced: dt.date) -> Offer:
    holder = factories.organisation("示例大学", region="310112")
    made = factories.live_offer(holder, announced_on=announced)
    made.patent.classes[0].symbol = symbol
    return made


def _demand(published: dt.date, *ipc: str, **values: object) -> Demand:
    firm = factories.organisation("示例企业")
    made = Demand(
        organisation_id=firm.id, state="published", title="示例需求", description="", ipc=list(ipc),
        published_on=published, created_at=clock.now(), **values,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


@pytest.fixture
def told(app: Flask) -> FlaskClient:
    """Three places with offers, two of them asked for; demands with, without and with a guessed place."""
    with app.app_context(), clock.at(NOW):
        with unit_of_work():
            battery, other = _offer("H01M10/0525", D(2026, 2, 1)), _offer("H01M4/00", D(2026, 5, 1))
            _offer("A61K9/20", D(2026, 5, 2))
            _offer("C12N1/00", D(2025, 5, 2))
            met = _demand(D(2026, 3, 1), "H01M10/00")
            _demand(D(2026, 4, 1), "B65G1/00")
            guessed = _demand(D(2026, 4, 2))
            _demand(D(2026, 6, 1))
            _demand(D(2026, 7, 1), "A61K9/00", closed_on=D(2026, 8, 1))
            _demand(D(2025, 7, 1), industry="38")
            for demand, offer, state in ((met, battery, "opened"), (guessed, other, "passed")):
                db.session.add(Recommendation(
                    organisation_id=demand.organisation_id, demand_id=demand.id, offer_id=offer.id,
                    state=state, rank=1, reasons=[], shown_at=NOW, changed_at=NOW,
                ))  # fmt: skip
            db.session.add(DemandAnswer(
                demand_id=met.id, organisation_id=battery.holder_id, state="given", kind="message",
                text="可以。", answered_at=NOW,
            ))  # fmt: skip
            record("demand.published", met)
        facts.rebuild()
    return signed_in(app, "bureau")


def _numbers(page: str) -> list[tuple[int, str]]:
    """Every number of a page that opens rows, with their address."""
    found = re.findall(r'<a href="(/bureau/(?:rows|navigation/demands)\?[^"]+)">([\d,]+)</a>', page)
    return [(int(number.replace(",", "")), unescape(address)) for address, number in found]


@pytest.mark.parametrize("by", navigation.PLACES)
def test_every_number_opens_as_many_rows_on_the_page_and_in_the_file(told: FlaskClient, by: str) -> None:
    with clock.at(NOW):
        numbers = _numbers(told.get(f"/bureau/navigation?by={by}&{PERIOD}").text)
        assert len(numbers) > 12
        assert any("/navigation/demands" in address for _, address in numbers)
        for number, address in numbers:
            shown = re.search(r"<strong>([\d,]+)</strong>", told.get(address).text)
            assert shown is not None
            assert int(shown[1].replace(",", "")) == number, address
            path, _, query = address.partition("?")
            rows = list(csv.reader(io.StringIO(told.get(f"{path}.csv?{query}").text)))
            assert len([row for row in rows[1:] if row]) == number, address


def test_the_lines_of_every_grouping_add_up_to_all_that_is_offered_and_looked_for(
    app: Flask, told: FlaskClient
) -> None:
    with app.app_context(), clock.at(NOW):
        for by in navigation.PLACES:
            asked = services.question("announced", D(2026, 1, 1), D(2026, 11, 20), by)
            lines = navigation.lines(asked, None, rows_url=str, demands_url=str)
            of = {
                figure: sum((one.supply | one.demand).get(figure, {}).get("numerator") or 0 for one in lines)
                for figure in (*navigation.SUPPLY, *navigation.DEMAND_FIGURES)
            }
            assert of == {
                "in-force": 4, "announced": 3, "licences": 0, "unasked": 2, "demands-open": 5,
                "demands-published": 5, "demands-answered": 1, "demands-unmet": 4,
            }  # fmt: skip


def test_gaps_are_told_on_both_sides_and_a_demand_without_a_place_takes_that_of_its_best_offer(
    app: Flask, told: FlaskClient
) -> None:
    with app.app_context(), clock.at(NOW):
        asked = services.question("announced", D(2026, 1, 1), D(2026, 11, 20), "ipc_subclass")
        by_group = {one.group: one for one in navigation.lines(asked, None, rows_url=str, demands_url=str)}
        assert (by_group["B65G"].gap, by_group["B65G"].per_hundred) == ("no-offers", None)
        assert by_group["C12N"].gap == "no-demands"
        assert (by_group["H01M"].gap, by_group["H01M"].per_hundred) == (None, 100.0)
        assert by_group["unknown"].gap is None
        said = sorted((one.said["ipc_subclass"], one.places["ipc_subclass"]) for one in navigation.wanted())
        assert said == [
            ("matched", "H01M"), ("stated", "A61K"), ("stated", "B65G"), ("stated", "H01M"),
            ("unknown", "unknown"), ("unknown", "unknown"),
        ]  # fmt: skip
        below = navigation.lines(asked, "H01", rows_url=str, demands_url=str)
        assert [one.group for one in below] == ["H01M"]
        months = {one.month: (one.announced, one.published) for one in navigation.trend(asked, "H01M")}
        assert (months["2026-02"], months["2026-03"], months["2026-04"]) == ((1, 0), (0, 1), (0, 1))


@pytest.mark.parametrize("under", ["H", "H01", "LOC", "LOC09"])
def test_lines_below_a_place_add_up_to_it_and_its_months_to_both(
    app: Flask, told: FlaskClient, under: str
) -> None:
    with app.app_context(), clock.at(NOW):
        with unit_of_work():
            _offer("09-03", D(2026, 3, 3))
            for stated in ("H", "H01", "09", "09-03"):
                record("demand.published", _demand(D(2026, 3, 4), stated))
        facts.rebuild()
        depth = len(dimensions.path_of(under))
        above, below = (
            services.question("announced", D(2026, 1, 1), D(2026, 11, 20), navigation.PLACES[level])
            for level in (depth - 1, depth)
        )

        def numbers(lines: list[navigation.Line]) -> dict[str, int]:
            return {
                figure: sum((one.supply | one.demand).get(figure, {}).get("numerator") or 0 for one in lines)
                for figure in (*navigation.SUPPLY, *navigation.DEMAND_FIGURES)
            }

        whole = [
            one for one in navigation.lines(above, None, rows_url=str, demands_url=str) if one.group == under
        ]
        assert numbers(navigation.lines(below, under, rows_url=str, demands_url=str)) == numbers(whole)
        months = navigation.trend(above, under)
        assert sum(one.announced for one in months) == numbers(whole)["announced"] > 0
        assert sum(one.published for one in months) == numbers(whole)["demands-published"] > 0
        announced = numbers(whole)["announced"]
    with clock.at(NOW):
        page = told.get(f"/bureau/navigation?by={below.by}&under={under}&{PERIOD}").text
    chart = unescape(re.findall(r'data-chart="([^"]+)"', page)[-1])
    assert sum(json.loads(chart)["bars"]) == announced


def test_the_pages_are_the_bureaus_and_take_no_nonsense(app: Flask, told: FlaskClient) -> None:
    with clock.at(NOW):
        for address in ("/bureau/navigation", "/bureau/navigation.csv", "/bureau/navigation/demands"):
            assert signed_in(app, None).get(f"{address}?figure=demands-open").status_code == 403
        for query in ("by=month", "from=2026-05-01&to=2026-01-01", "from=2199-01-01", "from=x"):
            assert told.get(f"/bureau/navigation?{query}").status_code == 422, query
        assert told.get("/bureau/navigation/demands?figure=none").status_code == 404
        assert told.get("/bureau/navigation.pdf").status_code == 404
        for query in ("by=ipc_class&under=%00%E4", "group=Z99", "by=industry&group=38", "to=1985-01-01"):
            assert told.get(f"/bureau/navigation?{query}").status_code == 200, query
        assert told.get("/bureau/navigation/demands?figure=demands-open&page=1000000000").status_code == 200
        table = told.get(f"/bureau/navigation.csv?by=ipc_class&{PERIOD}").text
        assert "H01" in table
        assert "demands-unmet" in table
        assert told.get(f"/bureau/navigation.xlsx?by=ipc_class&{PERIOD}").data[:2] == b"PK"


def test_the_lines_are_sorted_by_the_column_asked_for_above_a_line_of_all_places(told: FlaskClient) -> None:
    with clock.at(NOW):
        page = told.get(f"/bureau/navigation?by=ipc_section&sort=demands-open&{PERIOD}").text
        below = told.get(f"/bureau/navigation?by=ipc_class&under=H&sort=none&{PERIOD}").text
    assert page.count('aria-sort="descending"') == 1
    [table] = re.findall(r'<table class="[^"]*heat">.*?</table>', page, re.DOTALL)
    lines = [
        [unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    ]
    looked_for = [int(line[1 + len(navigation.SUPPLY)]) for line in lines]
    known = looked_for[:-2]
    assert known == sorted(known, reverse=True)
    assert looked_for[-1] == sum(looked_for[:-1]) == 5
    assert int(lines[-1][1]) == sum(int(line[1]) for line in lines[:-1]) == 4
    assert 'aria-sort="ascending"' in below
