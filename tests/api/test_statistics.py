"""Figures by API: definition, fractions, and rows whose number is the figure."""

from __future__ import annotations

import pytest

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.demands.models import Demand
from marketplace.statistics import facts
from tests import factories
from tests.api.conftest import INSTANT, World, ok, problem


@pytest.fixture
def counted(world: World) -> World:
    """Two offers, one of them licensed, counted."""
    world.offer()
    free = world.offer(fee_form="free", fee_minor=None, channels=[])
    ok(world.firm.post(f"/offers/{free}/notices"), 201)
    with world.app.app_context():
        facts.rebuild()
    return world


@pytest.mark.parametrize("figure", ["funnel", "conversion", "stock", "quick-licence", "deal-speed"])
@pytest.mark.parametrize("by", [None, "month", "district", "ipc_section", "fee_form", "kind"])
def test_every_figure_has_the_contracts_shape_and_opens_its_rows(
    counted: World, figure: str, by: str | None
) -> None:
    body = ok(counted.visitor.get(f"/statistics/{figure}" + (f"?by={by}" if by else "")))
    assert {"figure", "definition", "from", "to", "as_of", "rows"} <= set(body)
    assert body["figure"] == figure
    assert INSTANT.fullmatch(body["computed_at"])
    assert body["rows"]
    for row in body["rows"]:
        if figure == "deal-speed":
            assert {"group", "interval", "n", "median_days", "p90_days", "rows_url"} <= set(row)
            number = row["n"]
        else:
            assert {"group", "numerator", "denominator", "value", "provisional", "rows_url"} <= set(row)
            number = row["denominator"] if row["numerator"] is None else row["numerator"]
            assert row["value"] is None or 0 <= row["value"] <= 1
        assert ("stage" in row, "days" in row) == (figure == "funnel", figure == "quick-licence")
        rows = ok(counted.bureau.get(row["rows_url"]))
        assert rows["total"] == len(rows["items"]) == number


def test_the_conversion_rate_counts_the_licensed_patent(counted: World) -> None:
    [row] = ok(counted.visitor.get("/statistics/conversion"))["rows"]
    assert (row["group"], row["numerator"], row["denominator"], row["value"]) == ("all", 1, 2, 0.5)


def test_rows_are_for_the_bureau(counted: World) -> None:
    [row] = ok(counted.visitor.get("/statistics/stock"))["rows"]
    problem(counted.visitor.get(row["rows_url"]), 401, "sign-in-required")
    problem(counted.firm.get(row["rows_url"]), 403, "forbidden")
    [item] = ok(counted.bureau.get(row["rows_url"]))["items"]
    assert item["fee_form"] == "free"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/statistics/luck", 404, "figure-unknown"),
        ("/statistics/stock?by=colour", 422, "grouping-unknown"),
        ("/statistics/stock?from=soon", 422, "request-invalid"),
        ("/statistics/stock?colour=red", 422, "request-invalid"),
        ("/statistics/stock?from=2026-10-01&to=2026-01-01", 422, "dates-in-wrong-order"),
        ("/statistics/stock?as_of=2030-01-01", 422, "date-in-future"),
    ],
)
def test_what_no_figure_can_answer_is_refused(world: World, path: str, status: int, code: str) -> None:
    problem(world.visitor.get(path), status, code)


def test_a_definition_comes_in_the_callers_language(world: World) -> None:
    english = ok(world.visitor.get("/statistics/stock", headers={"Accept-Language": "en"}))["definition"]
    assert english != ok(world.visitor.get("/statistics/stock"))["definition"]
    assert "open licence in effect" in english


@pytest.mark.parametrize("by", ["ipc_section", "ipc_class", "ipc_subclass", "industry"])
def test_every_number_of_the_navigation_opens_as_many_rows(counted: World, by: str) -> None:
    with counted.app.app_context(), unit_of_work():
        firm = factories.organisation("示例企业")
        demand = Demand(
            organisation_id=firm.id, state="published", title="示例需求", description="", ipc=["B65G1/00"],
            industry="38", published_on=clock.today(), created_at=clock.now(),
        )  # fmt: skip
        db.session.add(demand)
        db.session.flush()
        record("demand.published", demand)
    body = ok(counted.bureau.get(f"/statistics/navigation?by={by}"))
    numbers = [one for row in body["rows"] for one in row["figures"].values()]
    assert sum(row["figures"]["demands-open"]["numerator"] for row in body["rows"]) == 1
    assert sum(row["figures"].get("in-force", {"numerator": 0})["numerator"] for row in body["rows"]) == 2
    for one in numbers:
        assert ok(counted.bureau.get(one["rows_url"]))["total"] == one["numerator"]


def test_the_navigation_is_the_bureaus_and_takes_no_nonsense(counted: World) -> None:
    for path in ("/statistics/navigation", "/statistics/navigation/demands?figure=demands-open"):
        problem(counted.visitor.get(path), 401, "sign-in-required")
        problem(counted.firm.get(path), 403, "forbidden")
    for query in ("by=month", "from=2026-05-01&to=2026-01-01", "from=2199-01-01", "under=" + "H" * 9):
        assert counted.bureau.get(f"/statistics/navigation?{query}").status_code == 422, query
    assert counted.bureau.get("/statistics/navigation/demands").status_code == 422
    far = "/statistics/navigation/demands?figure=demands-open&page=1000000"
    assert ok(counted.bureau.get(far))["items"] == []
