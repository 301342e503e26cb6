"""The whole journey by API alone: from a patent to a licence, its certificate and the figures."""

from __future__ import annotations

import io

from flask import Flask

from marketplace.core.identifiers import check_digit
from marketplace.core.worker import Worker
from marketplace.statistics import facts as figures
from tests.api.conftest import build_world, ok, problem

SERIAL = "201910999999"


def test_from_a_patent_to_a_licence_and_the_figures_by_api_alone(committed_app: Flask) -> None:
    world = build_world(committed_app)
    worker = Worker(committed_app)
    world.index()
    holder, firm, operator, visitor = world.holder, world.firm, world.operator, world.visitor

    # The holder enters a patent and sees what is missing.
    patent = {
        "number": SERIAL + check_digit(SERIAL),
        "kind": "invention",
        "title": "一种示例涂覆装置",
        "abstract": "本发明公开了一种示例涂覆装置，用于锂离子电池隔膜。",
        "ipc": "H01M 50/403",
        "filing_date": "2019-10-21",
        "grant_date": "2021-06-01",
    }
    number = ok(holder.post("/patents", patent, key="patent"))["number"]
    bars = ok(holder.get(f"/patents/{number}/eligibility"))
    assert bars["may_file"] is False
    facts = {
        "legal_status": "in_force",
        "annuity_paid_until": "2027-10-21",
        "pledged": "no",
        "exclusive_licence_until": "none",
        "preserved_until": "none",
        "other_hindrance": "none",
        "facts_as_of": "2026-11-19",
    }
    ok(holder.post("/patents", patent | facts, key="facts"))
    assert ok(holder.get(f"/patents/{number}/eligibility"))["may_file"] is True

    # It declares, files, and states the announcement; an operator checks it against the gazette.
    terms = {
        "patent_number": number,
        "fee_form": "fixed",
        "fee": "5万",
        "payment_text": "通知送达后一次性支付",
        "term_from": "2026-11-18",
        "term_to": "2031-11-17",
        "contact": "示例联系人 021-00000000",
        "fee_explanation": "参照同类许可计算。",
    }
    offer = ok(holder.post("/offers", terms, key="offer"), 201)
    path = f"/offers/{offer['id']}"
    [file] = [action for action in offer["actions"] if action["name"] == "file"]
    ok(holder.post(file["href"], {"filed_on": "2026-11-10"}))
    ok(
        holder.post(
            f"{path}/actions/announce", {"declaration_number": "KF-示例-0001", "announced_on": "2026-11-18"}
        )
    )
    problem(firm.post(f"{path}/notices"), 409, "offer-not-live")
    [verify] = [action for action in ok(operator.get(path))["actions"] if action["name"] == "verify"]
    assert ok(operator.post(verify["href"], {"source": "专利公报第 42 卷第 47 期"}))["live"] is True

    # The index reads the journal, and everybody finds it.
    assert worker.drain() == 0
    for query in ("q=电池隔膜", f"q={number}", "ipc=H01M", "district=310112&fee_form=fixed&fee_max=50000"):
        [hit] = ok(visitor.get(f"/offers?{query}"))["items"]
        assert (hit["id"], hit["licences"]) == (offer["id"], 0)
    demand = ok(firm.post("/demands", {"title": "电池隔膜涂覆", "description": "提高隔膜耐热性"}), 201)
    [match] = ok(firm.get(f"/demands/{demand['id']}/matches"))["items"]
    assert match["offer_id"] == offer["id"]

    # A firm serves the notice and pays by transfer; the payee confirms; the licence is there.
    notice = ok(firm.post(f"{path}/notices", {"use": "隔膜产线"}, key="notice"), 201)
    assert notice["state"] == "served"
    payment = ok(firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}, key="pay"), 201)
    actions = f"/payments/{payment['id']}/actions"
    ok(firm.post(f"{actions}/slip", data={"file": (io.BytesIO(b"%PDF-1.7 slip"), "slip.pdf")}, key="slip"))
    arrived = {"paid_on": "2026-11-20", "amount": payment["amount"]}
    paid = ok(holder.post(f"{actions}/confirm", arrived, key="confirm"))
    assert ok(holder.post(f"{actions}/confirm", arrived, key="confirm")) == paid
    licence = ok(firm.get(f"/licences/{paid['licence_id']}"))
    assert (licence["state"], licence["term_to"]) == ("in_effect", "2031-11-17")

    # The certificate can be checked, the result card counts the licence, the figures count the patent.
    assert worker.drain() == 0
    checked = ok(visitor.get(f"/certificates/{licence['certificate_code']}"))
    assert (checked["valid"], checked["sha256"] is not None) == (True, True)
    assert ok(visitor.get(f"/offers?q={number}"))["items"][0]["licences"] == 1
    with committed_app.app_context():
        figures.rebuild()
    [row] = ok(visitor.get("/statistics/conversion"))["rows"]
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 1, 1.0)
    stages = {row["stage"]: row["numerator"] for row in ok(visitor.get("/statistics/funnel"))["rows"]}
    assert (stages["announced"], stages["in_effect"], stages["recorded"]) == (1, 1, 0)

    # Withdrawing leaves the licence alone.
    ok(holder.post(f"{path}/actions/file_withdrawal", {"reason": "转让"}))
    ok(holder.post(f"{path}/actions/withdraw", {"withdrawn_on": "2026-11-20"}))
    assert ok(firm.get(f"/licences/{licence['id']}"))["state"] == "in_effect"
    assert worker.drain() == 0
    assert ok(visitor.get(f"/offers?q={number}"))["items"] == []
