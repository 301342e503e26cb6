"""Open data: all live offers as JSON lines and as CSV, for caches and spreadsheets."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests import factories
from tests.api.conftest import World, ok


def test_both_files_hold_all_live_offers_and_only_them(world: World) -> None:
    live = {world.offer() for _ in range(3)}
    world.offer(status="withdrawn")
    world.offer(evidence="holder_stated")
    lines = world.visitor.get("/open-data/offers.jsonl")
    assert lines.mimetype == "application/x-ndjson"
    items = [json.loads(line) for line in lines.get_data(as_text=True).splitlines()]
    assert {item["id"] for item in items} == live
    assert items[0]["fee"]["amount"] == {"amount_minor": 5_000_000, "currency": "CNY"}
    table = world.visitor.get("/open-data/offers.csv")
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert {row["id"] for row in rows} == live
    assert (rows[0]["fee"], rows[0]["fee_form"], rows[0]["owners"]) == ("50000.00", "fixed", "示例大学")


def test_no_cell_is_a_live_formula(world: World) -> None:
    def build() -> int:
        holder = world.organisation(world.holder)
        patent = factories.patent(holder, title='=HYPERLINK("http://example.org")')
        return factories.live_offer(holder, patent, contact="+86 21 0000", payment_text="@x").id

    world.make(build)
    [row] = csv.DictReader(io.StringIO(world.visitor.get("/open-data/offers.csv").get_data(as_text=True)))
    assert row["title"].startswith("'=")
    assert row["contact"].startswith("'+")
    assert row["payment_text"] == "'@x"


@pytest.mark.parametrize("name", ["offers.jsonl", "offers.csv"])
def test_a_file_that_has_not_changed_is_not_sent_again(world: World, name: str) -> None:
    world.offer()
    first = world.visitor.get(f"/open-data/{name}")
    assert first.headers["Last-Modified"]
    same = world.visitor.get(f"/open-data/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    ok(world.firm.post("/demands", {"title": "一项需求", "description": "说明"}), 201)
    changed = world.visitor.get(f"/open-data/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
