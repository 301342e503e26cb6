"""Needs and matches by API."""

from __future__ import annotations

from tests import factories
from tests.api.conftest import World, ok, problem

NEED = {
    "external_id": "X-1",
    "title": "锂离子电池隔膜涂覆",
    "description": "寻找提高锂离子电池隔膜耐热性的涂覆方法。",
    "ipc": "H01M 50/403",
    "budget": 200000,
    "district": "310112",
    "answer_by": "2026-12-31",
}


def battery_offer(world: World, **values: object) -> str:
    def build() -> int:
        holder = world.organisation(world.holder)
        patent = factories.patent(
            holder,
            title="一种锂离子电池隔膜的涂覆方法",
            abstract="本发明公开了一种提高隔膜耐热性的陶瓷涂覆方法。",
        )
        return factories.live_offer(holder, patent, **values).id

    return str(world.make(build))


def test_a_published_need_is_matched_with_reasons(world: World) -> None:
    offer = battery_offer(world)
    world.offer()
    world.index()
    demand = ok(world.firm.post("/demands", NEED), 201)
    assert demand["state"] == "published"
    assert demand["budget"] == {"amount_minor": 20_000_000, "currency": "CNY"}
    assert ok(world.other.get(f"/demands/{demand['id']}")) == demand
    matches = ok(world.firm.get(f"/demands/{demand['id']}/matches?size=5"))["items"]
    assert matches[0]["offer_id"] == offer
    kinds = {reason["kind"] for reason in matches[0]["reasons"]}
    assert "term" in kinds
    assert ok(world.bureau.get(f"/demands/{demand['id']}/matches"))["items"]
    problem(world.other.get(f"/demands/{demand['id']}/matches"), 404, "not-found")
    closed = ok(world.firm.post(f"/demands/{demand['id']}/actions/close"))
    assert closed["state"] == "closed"
    problem(world.other.get(f"/demands/{demand['id']}"), 404, "demand-not-found")


def test_words_are_matched_without_being_stored(world: World) -> None:
    offer = battery_offer(world)
    world.index()
    found = ok(world.firm.post("/match", {"text": "电池隔膜 涂覆", "size": 3}))
    assert found["items"][0]["offer_id"] == offer
    assert isinstance(found["items"][0]["score"], float)
    body = problem(world.firm.post("/match", {"text": " ", "size": 0}), 422, "request-invalid")
    assert set(body["errors"]) == {"text", "size"}
    assert "text" in problem(world.firm.post("/match", {"text": False}), 422, "request-invalid")["errors"]
    problem(world.visitor.post("/match", {"text": "电池"}), 401, "sign-in-required")


def test_a_need_has_to_say_something(world: World) -> None:
    body = problem(world.firm.post("/demands", {"budget": "viel", "ipc": "Q99"}), 422, "request-invalid")
    assert set(body["errors"]) == {"title", "description", "budget", "ipc"}
    problem(world.operator.post("/demands", NEED), 403, "forbidden")
    problem(world.firm.post("/demands", NEED | {"answer_by": "2020-01-01"}), 422, "answer-by-past")
    ok(world.firm.post("/demands", NEED), 201)
    problem(world.firm.post("/demands", NEED), 409, "external-id-taken")
