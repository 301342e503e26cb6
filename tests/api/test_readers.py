"""What readers do with results, over the interface: keep a search, compare offers, see similar ones."""

from __future__ import annotations

from typing import Any

from .conftest import problem, staff


def test_a_search_is_kept_listed_and_deleted_by_its_user_alone(world: Any) -> None:
    firm, other, visitor = world.firm, world.other, world.visitor
    body = {
        "name": "泵",
        "query": {"q": ["泵"], "fee_form": ["free", "fixed"], "page": ["2"]},
        "alert": "daily",
    }
    made = firm.post("/saved-searches", body, key="one")
    assert made.status_code == 201
    saved = made.get_json()
    assert saved["query"] == {"q": ["泵"], "fee_form": ["free", "fixed"]}
    assert (saved["new"], saved["problem"], saved["alert"]) == (0, None, "daily")
    assert saved["url"].endswith("/offers?fee_form=free&fee_form=fixed&q=%E6%B3%B5")
    assert firm.post("/saved-searches", body, key="one").get_json() == saved
    assert firm.post("/saved-searches", body).get_json()["code"] == "saved-search-exists"
    refused = firm.post("/saved-searches", {"name": "x", "query": {"colour": ["red"]}})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "search-parameter-unknown")
    assert [one["id"] for one in firm.get("/saved-searches").get_json()["items"]] == [saved["id"]]
    assert other.get("/saved-searches").get_json()["items"] == []
    assert visitor.get("/saved-searches").status_code == 401
    path = f"/saved-searches/{saved['id']}"
    assert other._call("DELETE", path).status_code == 404
    assert firm._call("DELETE", path).get_json()["id"] == saved["id"]
    assert firm._call("DELETE", path).status_code == 404


def test_staff_keep_searches_for_themselves_and_nobody_does_who_acts_for_no_organisation(world: Any) -> None:
    ids = []
    for caller in (world.bureau, world.operator):
        answer = caller.post("/saved-searches", {"name": "泵", "query": {"q": ["泵"]}, "alert": "weekly"})
        assert answer.status_code == 201
        ids.append(answer.get_json()["id"])
        assert [one["id"] for one in caller.get("/saved-searches").get_json()["items"]] == ids[-1:]
    assert world.bureau._call("DELETE", f"/saved-searches/{ids[1]}").status_code == 404
    assert world.operator._call("DELETE", f"/saved-searches/{ids[1]}").status_code == 200
    alone = staff(world.app, None)
    for refused in (
        alone.get("/saved-searches"),
        alone.post("/saved-searches", {"name": "泵", "query": {"q": ["泵"]}}),
    ):
        problem(refused, 403, "forbidden")


def test_offers_are_compared_and_similar_ones_named_to_everybody(world: Any) -> None:
    first, second = (world.offer(fee_minor=sum_) for sum_ in (1_000_000, 2_000_000))
    answer = world.visitor.get(f"/offers/compare?id={second}&id={first}&id=999999999")
    items = answer.get_json()["items"]
    assert [one["id"] for one in items] == [second, first]
    assert items[0]["upfront"] == {"amount_minor": 2_000_000, "currency": "CNY"}
    assert items[0]["yearly"]["amount_minor"] <= 2_000_000
    assert items[0]["term"]["begins"] <= items[0]["term"]["ends"]
    assert world.visitor.get("/offers/compare").status_code == 422
    assert world.visitor.get("/offers/compare?" + "&".join(f"id={n}" for n in range(5))).status_code == 422
    away = world.visitor.get(f"/offers/{first}/similar")
    assert (away.status_code, away.get_json()["code"]) == (503, "search-unavailable")
    world.index()
    found = world.visitor.get(f"/offers/{first}/similar").get_json()
    assert [one["id"] for one in found["items"]] == [second]
    assert found["items"][0]["shared_ipc"]
    assert world.visitor.get("/offers/999999999/similar").status_code == 404
