"""Figures as the API gives them, the rows behind them, exports."""

from __future__ import annotations

import csv
import datetime as dt
import io
from urllib.parse import parse_qsl, urlencode

import pytest
import sqlalchemy as sa
from flask import current_app

from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.unit_of_work import unit_of_work
from marketplace.statistics import facts, services
from marketplace.statistics.definitions import DEFINITIONS
from marketplace.statistics.figures import GROUPINGS
from marketplace.statistics.models import FactsAsOf
from marketplace.statistics.services import Drill, question, rows, statistics
from tests import factories

from .history import licence

D = dt.date
BUREAU = Actor(user_id=1, roles=frozenset({"bureau"}))
pytestmark = pytest.mark.usefixtures("context")


def address(parameters: dict[str, str]) -> str:
    return "/rows?" + urlencode(parameters)


def opened(url: str) -> dict[str, object]:
    """Follow an address as the entry points do."""
    given = dict(parse_qsl(url.partition("?")[2]))
    asked = question(
        given["figure"],
        D.fromisoformat(given["from"]),
        D.fromisoformat(given["to"]),
        given.get("by"),
        D.fromisoformat(given["as_of"]),
        outside="outside" in given,
    )
    drill = Drill(
        given["group"],
        given.get("part", "numerator"),
        int(given["days"]) if "days" in given else None,
        given.get("stage"),
        given.get("interval"),
    )
    return rows(BUREAU, asked, drill)


@pytest.fixture
def history(context: None) -> None:
    with unit_of_work():
        university = factories.organisation("示例大学", type="university", region="310112")
        firm = factories.organisation("示例公司", region="310115")
        licensee = factories.organisation("=SUM(A1)")
        for month in range(1, 9):
            offer = factories.live_offer(
                university if month % 2 else firm,
                announced_on=D(2026, month, 10),
                fee_form="free" if month % 3 == 0 else "fixed",
            )
            if month < 5:
                licence(
                    offer,
                    D(2026, month + 1, 5),
                    licensee=licensee,
                    notice_on=D(2026, month + 1, 1),
                    paid_on=D(2026, month + 1, 4),
                )
        factories.live_offer(factories.organisation(region="110108"), announced_on=D(2026, 2, 2))
    facts.rebuild()


@pytest.mark.usefixtures("history")
def test_a_figure_has_the_shape_of_the_contract() -> None:
    body = statistics("conversion", D(2026, 1, 1), D(2026, 6, 30), rows_url=address)
    assert {"figure", "definition", "from", "to", "as_of", "rows"} <= set(body)
    assert (body["from"], body["to"], body["as_of"]) == ("2026-01-01", "2026-06-30", "2026-11-20")
    (row,) = body["rows"]
    assert (row["group"], row["numerator"], row["denominator"]) == ("all", 4, 6)
    assert row["value"] == pytest.approx(4 / 6, abs=1e-6)
    assert row["provisional"] is False
    assert row["free"] == {"numerator": 1, "denominator": 2, "value": 0.5}
    assert row["paid"] == {"numerator": 3, "denominator": 4, "value": 0.75}
    assert body["counts"]["licensees"] == 1
    assert body["counts"]["pairs"] == 2


@pytest.mark.usefixtures("history")
def test_deal_speed_rows_have_their_own_shape() -> None:
    body = statistics("deal-speed", rows_url=address)
    row = body["rows"][0]
    assert {key: row[key] for key in ("group", "interval", "n", "median_days", "p90_days")} == {
        "group": "all",
        "interval": "notice_to_payment",
        "n": 4,
        "median_days": 3,
        "p90_days": 3,
    }


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("figure", sorted(DEFINITIONS))
def test_every_number_opens_into_as_many_rows(figure: str) -> None:
    for by in (None, *GROUPINGS):
        body = statistics(figure, by=by, rows_url=address)
        for row in (*body["rows"], *body.get("side", ())):
            shown = next(row[key] for key in ("n", "numerator", "denominator") if row.get(key) is not None)
            found = opened(row["rows_url"])
            assert found["total"] == shown, (figure, by, row)
            assert len(found["items"]) == shown
            if "denominator_rows_url" in row:
                assert opened(row["denominator_rows_url"])["total"] == row["denominator"]


@pytest.mark.usefixtures("history")
def test_outside_offers_are_in_a_table_of_their_own() -> None:
    inside = statistics("in-force", rows_url=address)["rows"][0]["numerator"]
    outside = statistics("in-force", rows_url=address, outside=True)["rows"][0]
    assert (inside, outside["numerator"]) == (8, 1)
    assert opened(outside["rows_url"])["total"] == 1


@pytest.mark.usefixtures("history")
def test_an_earlier_day_of_observation_knows_less() -> None:
    body = statistics("funnel", as_of=D(2026, 2, 20), rows_url=address)
    assert {row["stage"]: row["numerator"] for row in body["rows"]}["in_effect"] == 1
    assert body["rows"][0]["denominator"] == 2
    assert (body["as_of"], body["to"]) == ("2026-02-20", "2026-02-20")


@pytest.mark.usefixtures("history")
def test_declaring_anew_changes_no_figure() -> None:
    before = [statistics(figure, by="month", rows_url=address)["rows"] for figure in sorted(DEFINITIONS)]
    with unit_of_work():
        first = int(services.snapshot().facts.patents.offer_id[0])
        offer = db.session.get_one(services.Offer, first)
        offer.status, offer.withdrawn_on = "withdrawn", D(2026, 11, 2)
        factories.live_offer(
            offer.holder, offer.patent, announced_on=D(2026, 11, 2), fee_form="royalty_profit"
        )
    facts.rebuild()
    after = [statistics(figure, by="month", rows_url=address)["rows"] for figure in sorted(DEFINITIONS)]
    assert after == before


def test_without_facts_there_are_no_figures_but_no_failure() -> None:
    with unit_of_work():
        db.session.execute(sa.delete(FactsAsOf.__table__))
    body = statistics("funnel", rows_url=address)
    assert body["computed_at"] is None
    assert [row["numerator"] for row in body["rows"]] == [0] * 7


@pytest.mark.usefixtures("history")
def test_an_early_month_adds_no_empty_rows() -> None:
    body = statistics("conversion", D(1900, 1, 1), by="month", rows_url=address)
    assert (body["rows"][0]["group"], len(body["rows"])) == ("2026-01", 11)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"figure": "nonsense"}, NotFound),
        ({"figure": "stock", "by": "colour"}, Invalid),
        ({"figure": "stock", "from_": D(2026, 3, 1), "to": D(2026, 2, 1)}, Invalid),
        ({"figure": "stock", "as_of": D(2026, 11, 21)}, Invalid),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(values: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        question(**values)


@pytest.mark.usefixtures("history")
def test_rows_are_for_the_bureau_only() -> None:
    asked = question("conversion")
    with pytest.raises(Unauthenticated):
        rows(VISITOR, asked, Drill())
    with pytest.raises(Forbidden):
        rows(Actor(user_id=1, organisation_id=1, roles=frozenset({"member"})), asked, Drill())
    with pytest.raises(NotFound):
        rows(BUREAU, asked, Drill(group="310999"))
    with pytest.raises(Invalid):
        rows(BUREAU, asked, Drill(), size=1000)


@pytest.mark.usefixtures("history")
def test_rows_are_paged_without_loss() -> None:
    asked = question("in-force")
    pages = [rows(BUREAU, asked, Drill(), page=page, size=3)["items"] for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [3, 3, 2, 0]
    assert len({item["patent_id"] for page in pages for item in page}) == 8


@pytest.mark.usefixtures("history")
def test_exports_open_in_a_spreadsheet_and_calculate_nothing() -> None:
    text = services.export_rows_csv(BUREAU, question("licences"), Drill())
    assert text.startswith("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [line["licensee"] for line in lines] == ["'=SUM(A1)"] * 4
    figure = services.export_csv(statistics("quick-licence", by="fee_form", rows_url=address))
    (first, *_) = csv.DictReader(io.StringIO(figure.removeprefix("\ufeff")))
    assert (first["figure"], first["as_of"], first["group"]) == ("quick-licence", "2026-11-20", "fixed")


@pytest.mark.usefixtures("history")
def test_the_facts_are_kept_in_memory_until_computed_anew() -> None:
    first = services.snapshot()
    assert services.snapshot() is first
    facts.rebuild()
    assert services.snapshot() is not first


@pytest.mark.usefixtures("history")
def test_the_start_of_the_history_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    later = replace(current_app.config["SETTINGS"], history_complete_from=D(2026, 4, 1))
    monkeypatch.setitem(current_app.config, "SETTINGS", later)
    assert statistics("quick-licence", rows_url=address)["from"] == "2026-04-01"
    early = statistics("quick-licence", D(2026, 1, 1), by="month", rows_url=address)["rows"]
    assert {row["note"] for row in early if row["group"] == "2026-02"} == {"not-observed"}
    assert {row["value"] for row in early if row["group"] == "2026-02"} == {None}
