"""Idempotency keys: repeating is safe, racing is safe, and a key belongs to one organisation."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.deals.models import Notice
from marketplace.demands.models import Demand
from tests.api.conftest import World, build_world, ok, problem, same_with

NEED = {"title": "电镀废水除镍", "description": "需要把含镍废水处理到 0.1 mg/L 以下。"}


def test_a_repeated_write_has_one_effect_and_the_same_answer(world: World) -> None:
    first = world.firm.post("/demands", NEED, key="need-1")
    again = world.firm.post("/demands", NEED, key="need-1")
    assert ok(first, 201) == ok(again, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    with world.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Demand)) == 1
    assert ok(world.firm.post("/demands", NEED, key="need-2"), 201)["id"] != first.get_json()["id"]


def test_a_key_is_refused_for_another_request(world: World) -> None:
    ok(world.firm.post("/demands", NEED, key="k"), 201)
    other = NEED | {"title": "别的需求"}
    problem(world.firm.post("/demands", other, key="k"), 422, "idempotency-key-reused")
    problem(world.firm.post("/match", {"text": "电池"}, key="k"), 503, "search-unavailable")


def test_a_key_belongs_to_the_organisation(world: World) -> None:
    first = ok(world.firm.post("/demands", NEED, key="k"), 201)
    assert ok(world.other.post("/demands", NEED, key="k"), 201)["id"] != first["id"]
    colleague = same_with(world.firm, "read write")
    assert ok(colleague.post("/demands", NEED, key="k"), 201)["id"] == first["id"]


def test_a_token_without_an_organisation_has_keys_of_its_own(world: World) -> None:
    offer = world.make(lambda: _announced(world))
    path = f"/offers/{offer}/actions/verify"
    first = world.operator.post(path, {"source": "公报"}, key="v")
    again = world.operator.post(path, {"source": "公报"}, key="v")
    assert ok(first) == ok(again)
    assert first.headers["ETag"] == again.headers["ETag"]


def _announced(world: World) -> int:
    from tests import factories

    holder = world.organisation(world.holder)
    return factories.live_offer(holder, evidence="holder_stated", verified_source=None).id


def test_an_error_is_not_kept_so_the_call_can_be_made_again(world: World) -> None:
    offer = world.offer()
    problem(world.holder.post(f"/offers/{offer}/notices", key="n"), 409, "own-offer")
    problem(world.holder.post(f"/offers/{offer}/notices", key="n"), 409, "own-offer")
    broken = world.firm.post("/demands", {"title": "x"}, key="d")
    problem(broken, 422, "request-invalid")
    ok(world.firm.post("/demands", NEED, key="d"), 201)


def test_a_repeated_notice_is_not_printed_again(world: World) -> None:
    offer = world.offer()
    first = ok(world.firm.post(f"/offers/{offer}/notices", {"use": "示例"}, key="n"), 201)
    assert ok(world.firm.post(f"/offers/{offer}/notices", {"use": "示例"}, key="n"), 201) == first


def test_a_key_has_visible_ascii_signs(world: World) -> None:
    for odd in ("", "x" * 256, "a b", "ü"):
        body = problem(world.firm.post("/demands", NEED, key=odd), 422, "idempotency-key-invalid")
        assert "Idempotency-Key" in body["errors"]


def test_of_two_racing_requests_with_one_key_both_get_one_answer(committed_app) -> None:
    world = build_world(committed_app)
    offer = world.offer()

    start = threading.Barrier(4)

    def call(_number: int):
        start.wait()
        return world.firm.post(f"/offers/{offer}/notices", {"use": "示例"}, key="race")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(4)))
    bodies = [ok(answer, 201) for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    with committed_app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 1


def test_of_two_racing_edits_of_one_version_one_is_stale(committed_app) -> None:
    world = build_world(committed_app)
    draft = world.holder.post("/offers", {"patent_number": world.patent()})
    path, tag = f"/offers/{draft.get_json()['id']}/actions/edit", draft.headers["ETag"]
    start = threading.Barrier(3)

    def call(fee: int):
        start.wait()
        return world.holder.post(path, {"fee": fee}, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(call, (1, 2, 3))) == [200, 412, 412]


def test_no_cache_keeps_what_belongs_to_a_party(world: World) -> None:
    listed = world.firm.get("/licences")
    assert listed.headers["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Accept-Language"} <= set(listed.vary.as_set(preserve_casing=True))
    assert "no-cache" in world.visitor.get("/open-data/offers.csv").headers["Cache-Control"]
