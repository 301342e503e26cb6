"""Needs and matches by API."""

from __future__ import annotations

import datetime as dt
import json

from marketplace.accounts.mandates import grant_mandate
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.demands import work
from tests import factories
from tests.api.conftest import World, ok, problem
from tests.conftest import NOW

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
    assert [one["name"] for one in demand["actions"]] == ["edit", "extend", "close"]
    assert ok(world.other.get(f"/demands/{demand['id']}")) == demand | {"actions": []}
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


def test_the_list_and_open_data_show_the_public_part_only(world: World) -> None:
    secret = "镀槽配方代号甲七"
    shown = {"confidential": secret, "named": False, "described_as": "一家电池企业"}
    one = ok(world.firm.post("/demands", NEED | shown), 201)
    assert one["organisation"]["name"]  # the caller's own name, to itself
    ok(world.firm.post("/demands", NEED | {"external_id": "X-2", "title": "除镍", "ipc": "C02F1/42"}), 201)
    page = ok(world.visitor.get("/demands?size=1"))
    assert (page["total"], len(page["items"])) == (2, 1)
    following = ok(world.visitor.get(f"/demands?size=1&after={page['next']}"))
    assert following["next"] is None
    (listed,) = following["items"]
    assert (listed["organisation"], listed["described_as"]) == (None, "一家电池企业")
    assert listed["has_confidential"] is True
    for asked, number in (("q=除镍", 1), ("ipc=H01M", 1), ("open=true", 2), ("posted_by=bureau", 0)):
        assert ok(world.visitor.get(f"/demands?{asked}"))["total"] == number
    problem(world.visitor.get("/demands?industry=x&after=0"), 422, "request-invalid")
    name = one["organisation"]["name"]
    lines = [json.loads(line) for line in world.visitor.get("/open-data/demands.jsonl").text.splitlines()]
    table = world.visitor.get("/open-data/demands.csv")
    assert len(lines) == 2
    assert table.text.splitlines()[0].startswith("id,title,")
    assert world.visitor.get(
        "/open-data/demands.csv", headers={"If-None-Match": table.headers["ETag"]}
    ).status_code == 304  # fmt: skip
    unnamed = next(line for line in lines if line["id"] == one["id"])
    assert name not in json.dumps(unnamed, ensure_ascii=False)
    assert secret not in json.dumps(lines, ensure_ascii=False) + table.text + json.dumps(one)


def test_answers_are_given_and_judged_by_api(world: World) -> None:
    offer = battery_offer(world)
    demand = ok(world.firm.post("/demands", NEED | {"confidential": "秘密"}), 201)["id"]
    problem(world.holder.get(f"/demands/{demand}/confidential"), 404, "access-not-found")
    answer = ok(world.holder.post(f"/demands/{demand}/answers", {"offer_id": offer, "text": "可用"}), 201)
    assert (answer["kind"], answer["state"]) == ("offer", "given")
    assert ok(world.other.get(f"/demands/{demand}/answers"))["items"] == []
    path = f"/demand-answers/{answer['id']}"
    problem(world.holder.post(f"{path}/actions/helpful"), 403, "forbidden")
    problem(world.other.post(f"{path}/actions/helpful"), 404, "answer-not-found")
    problem(world.firm.post(f"{path}/actions/pass", {"reason": "x"}), 422, "request-invalid")
    assert ok(world.firm.post(f"{path}/actions/helpful"))["state"] == "helpful"
    assert ok(world.firm.post(f"{path}/replies", {"text": "何时可来？"}), 201)["side"] == "poster"
    passed = ok(world.firm.post(f"{path}/actions/pass", {"reason": "solved"}))
    assert (passed["state"], passed["pass_reason"]) == ("passed", "solved")
    assert [one["text"] for one in passed["replies"]] == ["何时可来？"]
    later = ok(world.firm.post(f"/demands/{demand}/actions/extend", {"answer_by": "2027-03-31"}))
    assert later["answer_by"] == "2027-03-31"
    problem(
        world.firm.post(f"/demands/{demand}/actions/close", {"outcome": "met", "reason": "no_answer"}),
        422, "outcome-reason-unknown",
    )  # fmt: skip
    done = ok(world.firm.post(f"/demands/{demand}/actions/close", {"outcome": "met", "reason": "licence"}))
    assert done["state"] == "closed"


def test_a_need_is_drafted_edited_published_closed_and_opened_again(world: World) -> None:
    draft = ok(world.firm.post("/demands", NEED | {"draft": True, "confidential": "秘密"}), 201)
    path = f"/demands/{draft['id']}"
    assert [one["name"] for one in draft["actions"]] == ["edit", "publish", "close"]
    seen = {"If-Match": world.firm.get(path).headers["ETag"]}
    edited = ok(world.firm.post(f"{path}/actions/edit", {"title": "隔膜陶瓷涂覆"}, headers=seen, key="e-1"))
    assert (edited["title"], edited["budget"]) == ("隔膜陶瓷涂覆", draft["budget"])
    assert edited["has_confidential"] is True
    problem(world.firm.post(f"{path}/actions/edit", {"title": "x"}, headers=seen), 412, "stale-version")
    body = problem(world.firm.post(f"{path}/actions/edit", {"title": None}), 422, "request-invalid")
    assert set(body["errors"]) == {"title"}
    problem(world.other.post(f"{path}/actions/edit", {"title": "x"}), 404, "demand-not-found")
    assert ok(world.firm.post(f"{path}/actions/publish"))["state"] == "published"
    problem(world.operator.post(f"{path}/actions/edit", {"confidential": "x"}), 403, "forbidden")
    assert [one["id"] for one in ok(world.firm.get("/demands/mine?state=published"))["items"]] == [
        draft["id"]
    ]
    assert ok(world.other.get("/demands/mine"))["items"] == []
    clock.set_now(NOW + dt.timedelta(days=60))
    with world.app.app_context():
        work.expire_demands()
        db.session.remove()
    over = ok(world.firm.get(path))
    assert (over["state"], [one["name"] for one in over["actions"]]) == ("expired", ["extend", "close"])
    again = ok(world.firm.post(f"{path}/actions/extend", {"answer_by": "2027-06-30"}))
    assert (again["state"], again["open"]) == ("published", True)


def test_a_patent_that_is_not_declared_answers_and_is_taken_back(world: World) -> None:
    demand = ok(world.firm.post("/demands", NEED), 201)["id"]
    number = world.patent()
    path = f"/demands/{demand}/answers"
    both = {"offer_id": battery_offer(world), "patent_number": number}
    problem(world.holder.post(path, both), 422, "request-invalid")
    problem(world.other.post(path, {"patent_number": number}), 409, "patent-not-yours")
    given = ok(world.holder.post(path, {"patent_number": number, "text": "可声明"}, key="a-1"), 201)
    assert (given["kind"], given["state"]) == ("patent", "given")
    assert ok(world.holder.post(path, {"patent_number": number, "text": "可声明"}, key="a-1"), 201) == given
    seen = {"If-Match": world.firm.get(f"/demand-answers/{given['id']}").headers["ETag"]}
    taken = ok(world.holder.post(f"/demand-answers/{given['id']}/actions/withdraw"))
    assert taken["state"] == "withdrawn"
    problem(
        world.firm.post(f"/demand-answers/{given['id']}/actions/helpful", headers=seen), 412, "stale-version"
    )
    assert [one["id"] for one in ok(world.holder.get("/demand-answers"))["items"]] == [given["id"]]


def test_access_is_asked_for_granted_read_and_ended_by_api_also_for_a_client(world: World) -> None:
    demand = ok(world.firm.post("/demands", NEED | {"confidential": "甲七"}), 201)["id"]

    def mandated() -> None:
        agency, client = world.organisation(world.other), world.organisation(world.holder)
        grant_mandate(client, agency, scope="holder", until=clock.today() + dt.timedelta(days=30))

    world.make(mandated)
    client = str(world.holder.organisation_id)
    asked = f"/demands/{demand}/access-statement?organisation_id={client}"
    words = ok(world.other.get(asked, headers={"Accept-Language": "en"}))
    assert f"{world.other.name} accepts this for {world.holder.name}" in words["text"]
    problem(world.firm.get(asked), 403, "not-your-organisation")
    path = f"/demands/{demand}/accesses"
    request = {"purpose": "有工艺", "organisation_id": client}
    problem(world.other.post(path, request | {"statement_sha256": "0" * 64}), 422, "statement-not-accepted")
    access = ok(world.other.post(path, request | {"statement_sha256": words["sha256"]}, key="x-1"), 201)
    assert (access["organisation"]["id"], access["agent"]["name"]) == (client, world.other.name)
    assert access["statement"] == words["text"]
    steps = f"/demand-accesses/{access['id']}"
    problem(world.other.post(f"{steps}/actions/grant"), 403, "forbidden")
    problem(world.firm.post(f"{steps}/actions/refuse"), 422, "reason-missing")
    assert [one["state"] for one in ok(world.firm.get(path))["items"]] == ["asked"]
    assert ok(world.firm.post(f"{steps}/actions/grant"))["state"] == "granted"
    for reader in (world.other, world.holder):
        assert ok(reader.get(f"/demands/{demand}/confidential"))["confidential"] == "甲七"
        assert ok(reader.get(path))["items"][0]["id"] == access["id"]
    read = ok(world.firm.get(f"/demands/{demand}/readings"))["items"]
    assert [one["organisation"]["name"] for one in read] == [world.holder.name, world.other.name]
    problem(world.other.get(f"/demands/{demand}/readings"), 403, "forbidden")
    assert ok(world.firm.post(f"{steps}/actions/revoke", {"reason": "已解决"}))["reason"] == "已解决"
    problem(world.other.get(f"/demands/{demand}/confidential"), 404, "access-not-found")
    assert ok(world.other.get(steps))["state"] == "revoked"
