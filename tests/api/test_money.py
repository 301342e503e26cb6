"""What stands beside the money, by API: the payer's record, the invoice, flags, taxes and comparisons."""

from __future__ import annotations

import io

import pypdf

from tests.api.conftest import World, ok, problem

PDF = b"%PDF-1.7 an invented invoice"
FEE = {"amount_minor": 5_000_000, "currency": "CNY"}


def test_a_payer_gets_a_sealed_record_that_is_no_invoice_and_the_payees_invoice(world: World) -> None:
    notice = ok(world.firm.post(f"/offers/{world.offer()}/notices"), 201)
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    path = f"/payments/{payment['id']}"
    problem(world.firm.get(f"{path}/record"), 409, "payment-not-proven")
    ok(world.holder.post(f"{path}/actions/confirm", {"paid_on": "2026-11-20", "amount": FEE}))
    record = world.firm.get(f"{path}/record")
    text = "".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(record.data)).pages)
    assert "非发票" in text
    assert "50,000.00" in text
    assert "示例制造厂" in text
    assert b"/ByteRange" in record.data
    problem(world.firm.get(f"{path}/invoice"), 404, "file-missing")
    ok(world.holder.post(f"{path}/actions/invoice", data={"file": (io.BytesIO(PDF), "发票.pdf")}))
    assert world.firm.get(f"{path}/invoice").data == PDF
    for what in ("record", "invoice", "flags"):
        problem(world.other.get(f"{path}/{what}"), 404, "not-found")
    assert ok(world.firm.get(f"{path}/flags")) == {"items": []}
    owed = notice["obligations"][0]["id"]
    found = ok(world.firm.get(f"/obligations/{owed}/taxes"))["items"]
    assert found == ok(world.holder.get(f"/notices/{notice['id']}/taxes"))["items"]
    vat = next(one for one in found if one["rule"]["code"] == "vat")
    assert vat["amount"]["amount_minor"] == 283_019  # 50,000 × 6 / 106
    problem(world.other.get(f"/obligations/{owed}/taxes"), 404, "not-found")


def test_tax_rules_are_dated_and_comparisons_are_staffs(world: World) -> None:
    then = ok(world.visitor.get("/taxes?on=2025-12-31"))["items"]
    now = ok(world.visitor.get("/taxes"))["items"]
    assert [one["source"] for one in then if one["code"] == "vat"] != [
        one["source"] for one in now if one["code"] == "vat"
    ]
    assert ok(world.operator.get("/reconciliations")) == {"items": [], "next": None}
    problem(world.firm.get("/reconciliations"), 403, "forbidden")
    problem(world.operator.get("/reconciliations/999999"), 404, "not-found")
