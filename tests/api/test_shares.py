"""Shares by API: income is divided by rules, persons see what is theirs, and a year is exported."""

from __future__ import annotations

import base64

import pytest

from marketplace.core.database import db
from marketplace.core.journal import entries_after
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.shares import work
from tests.api.conftest import World, ok, problem

FEE = {"amount_minor": 5_000_000, "currency": "CNY"}


def paid(world: World) -> None:
    """The fee of 50,000 yuan has come, and the worker has entered it."""
    notice = ok(world.firm.post(f"/offers/{world.offer()}/notices"), 201)
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    confirmed = {"paid_on": "2026-11-20", "amount": FEE}
    ok(world.holder.post(f"/payments/{payment['id']}/actions/confirm", confirmed))
    with world.app.app_context():
        with unit_of_work():
            work._enter(entries_after(0, 1000))
        db.session.remove()


def test_income_is_divided_paid_out_and_reported_by_program(world: World) -> None:
    paid(world)
    [pool] = ok(world.holder.get("/shares"))["pools"]
    assert pool["waiting_minor"] == 5_000_000
    path = f"/shares/patents/{pool['patent_id']}"
    problem(world.holder.post(f"{path}/allocations"), 422, "inventor-rule-missing")
    person = ok(world.holder.post("/shares/persons", {"name": "示例发明人", "staff_number": "X1"}), 201)
    rule = {"since": "2020-01-01", "percent": 40, "parts": [{"id": person["id"], "percent": 100}]}
    problem(world.holder.post(f"{path}/inventor-rules", rule), 422, "share-below-floor")
    ok(world.holder.post(f"{path}/inventor-rules", rule | {"percent": 70}), 201)
    cost = {"category": "annuity", "amount": {"amount_minor": 100_000, "currency": "CNY"}, "on": "2026-11-20"}
    entered = ok(world.holder.post(f"{path}/costs", cost, key="cost"), 201)
    assert ok(world.holder.post(f"{path}/costs", cost, key="cost"), 201) == entered
    ok(world.holder.post(f"{path}/allocations"), 201)
    due = {one["person_id"]: one for one in ok(world.holder.get("/shares"))["due"]}
    mine = due[person["id"]]
    assert mine["due_minor"] == 4_900_000 * 7 // 10
    half = {"amount": {"amount_minor": 1_000_000, "currency": "CNY"}, "on": "2026-11-20"}
    ok(world.holder.post(f"/shares/accounts/{mine['account_id']}/payouts", half), 201)
    said = ok(world.holder.get(f"/shares/persons/{person['id']}/statement?year=2026"))
    assert [one["amount_minor"] for one in said["lines"]] == [3_430_000, -1_000_000]
    assert said["lines"][0]["bases"] == [
        {"net_minor": 4_900_000, "own_minor": 4_900_000, "persons_percent": "70", "amount_minor": 3_430_000}
    ]
    assert said["due"] == {"CNY": 2_430_000}
    year = ok(world.holder.get("/shares/reports/2026"))
    assert year["due_on"] == "2027-03-30"
    assert sum(row["figures"]["net"] for row in year["rows"]) == 4_900_000
    assert ok(world.holder.post("/shares/reports/2025/actions/handed_in"))["handed_in_on"] == "2026-11-20"
    detail = ok(world.holder.get(path))
    assert [one["kind"] for one in detail["entries"]] == ["allocation", "cost", "income"]
    taken_back = f"/shares/entries/{detail['entries'][0]['id']}/actions/reverse"
    assert ok(world.holder.post(taken_back, {"reason": "规则有误"}))["kind"] == "reversal"


def test_a_book_and_its_persons_are_nobody_elses(world: World) -> None:
    paid(world)
    patent = ok(world.holder.get("/shares"))["pools"][0]["patent_id"]
    person = ok(world.holder.post("/shares/persons", {"name": "示例发明人"}), 201)["id"]
    assert ok(world.firm.get("/shares"))["pools"] == []
    problem(world.firm.get(f"/shares/patents/{patent}"), 404, "not-found")
    problem(world.firm.get(f"/shares/persons/{person}/statement"), 404, "not-found")
    problem(world.operator.get(f"/shares/persons/{person}/statement"), 404, "not-found")
    problem(world.bureau.get("/shares"), 403, "forbidden")
    assert ok(world.firm.get("/shares/statements")) == {"items": []}
    assert ok(world.holder.post(f"/shares/persons/{person}/actions/erase"))["name"] is None


PAPER = b"%PDF-1.7 example"
SENT = {"file_name": "示例协议.pdf", "file_base64": base64.b64encode(PAPER).decode()}


def test_agreements_rules_and_costs_bring_their_papers_and_only_the_book_sees_them(world: World) -> None:
    paid(world)
    patent = ok(world.holder.get("/shares"))["pools"][0]["patent_id"]
    path = f"/shares/patents/{patent}"
    holder = ok(world.holder.get("/shares"))["organisation_id"]
    person = ok(world.holder.post("/shares/persons", {"name": "示例发明人"}), 201)["id"]
    owners = {"since": "2020-01-01", "parts": [{"id": holder, "percent": 100}]}
    persons = {"since": "2020-01-01", "percent": 70, "parts": [{"id": person, "percent": 100}]}
    cost = {"category": "annuity", "amount": {"amount_minor": 100, "currency": "CNY"}, "on": "2026-11-20"}
    for call, body, kept in (
        ("owner-agreements", owners, "owner-agreements"),
        ("inventor-rules", persons, "inventor-rules"),
        ("costs", cost, "entries"),
    ):
        bare = ok(world.holder.post(f"{path}/{call}", body), 201)
        assert bare["has_file"] is False
        problem(world.holder.get(f"/shares/{kept}/{bare['id']}/file"), 404, "file-missing")
        made = ok(world.holder.post(f"{path}/{call}", body | SENT), 201)
        assert made["has_file"] is True
        answer = world.holder.get(f"/shares/{kept}/{made['id']}/file")
        assert (answer.status_code, answer.data) == (200, PAPER)
        problem(world.firm.get(f"/shares/{kept}/{made['id']}/file"), 404, "file-missing")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b"<script>alert(1)</script>", "file-type"),
        (b"%PDF-1.7 1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj", "file-active"),
    ],
)
def test_a_paper_that_is_empty_no_paper_or_active_is_refused(world: World, content: bytes, code: str) -> None:
    paid(world)
    patent = ok(world.holder.get("/shares"))["pools"][0]["patent_id"]
    holder = ok(world.holder.get("/shares"))["organisation_id"]
    said = {"since": "2020-01-01", "parts": [{"id": holder, "percent": 100}]}
    path = f"/shares/patents/{patent}/owner-agreements"
    sent = {"file_base64": base64.b64encode(content).decode()}
    problem(world.holder.post(path, said | sent), 422, code)
    body = problem(world.holder.post(path, said | {"file_base64": "§"}), 422, "request-invalid")
    assert list(body["errors"]) == ["file_base64"]
    assert ok(world.holder.get(f"/shares/patents/{patent}"))["owner_agreements"] == []
