"""Disputes by API: both sides speak and show, settle between themselves, or take it elsewhere."""

from __future__ import annotations

import io

from tests.api.conftest import World, ok, problem

PDF = b"%PDF-1.7 an invented decision"


def opened(world: World) -> str:
    offer = world.offer(fee_form="free", fee_minor=None, channels=[], payment_text="免费")
    licence = ok(world.firm.post(f"/offers/{offer}/notices"), 201)["licence_id"]
    asked = {
        "subject": "licence",
        "subject_id": licence,
        "topic": "scope",
        "title": "许可范围",
        "statement": "请说明能否用于出口产品。",
    }
    found = ok(world.firm.post("/disputes", asked), 201)
    assert found["actions"] == ["refer", "withdraw", "propose_settlement"]
    return f"/disputes/{found['id']}"


def test_two_sides_settle_by_program_and_nobody_else_looks_in(world: World) -> None:
    path = opened(world)
    ok(world.holder.post(f"{path}/actions/answer", {"text": "可以协商。"}))
    shown = ok(world.holder.post(f"{path}/evidence", data={"file": (io.BytesIO(PDF), "函件.pdf")}), 201)
    file = f"{path}/files/{shown['entries'][-1]['file_id']}"
    assert world.firm.get(file).data == PDF
    problem(world.other.get(file), 404, "not-found")
    ok(world.firm.post(f"{path}/remarks", {"text": "已阅。"}), 201)
    ok(world.holder.post(f"{path}/actions/propose_settlement", {"text": "许可及于出口产品。"}))
    problem(world.holder.post(f"{path}/actions/agree_settlement"), 403, "forbidden")
    ok(world.firm.post(f"{path}/actions/decline_settlement"))
    ok(world.firm.post(f"{path}/actions/propose_settlement", {"text": "许可及于出口产品，不另收费。"}))
    settled = ok(world.holder.post(f"{path}/actions/agree_settlement"))
    assert (settled["state"], settled["settlement"], settled["actions"]) == ("settled", "agreed", [])
    assert settled["settlement_text"] == "许可及于出口产品，不另收费。"
    problem(world.firm.post(f"{path}/remarks", {"text": "还有一点。"}), 409, "dispute-over")


def test_a_referral_ends_with_its_paper(world: World) -> None:
    path = opened(world)
    filed = {"venue": "local", "body": "示例市知识产权局", "filed_on": "2026-11-18", "reference": "示例-1"}
    assert ok(world.firm.post(f"{path}/actions/refer", filed))["state"] == "referred"
    ended = {"outcome": "agreement", "ended_on": "2026-11-20", "text": "双方同意继续履行。"}
    problem(world.firm.post(f"{path}/actions/end_referral", ended), 422, "dispute-evidence")
    shown = ok(world.firm.post(f"{path}/evidence", data={"file": (io.BytesIO(PDF), "调解书.pdf")}), 201)
    paper = {"entry_id": shown["entries"][-1]["id"]}
    problem(world.holder.post(f"{path}/actions/end_referral", ended | paper), 404, "not-found")
    decided = ok(world.firm.post(f"{path}/actions/end_referral", ended | paper))
    assert (decided["state"], decided["decided_on"]) == ("decided", "2026-11-20")
    assert decided["entries"][-1]["file_id"] == shown["entries"][-1]["file_id"]
    assert decided["referrals"][0]["outcome"] == "agreement"
