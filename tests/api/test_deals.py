"""Notices, payments, licences and certificates by API."""

from __future__ import annotations

import base64
import datetime as dt
import io

import pytest

from marketplace.core import clock
from marketplace.core.worker import Worker
from tests.api.conftest import INSTANT, Caller, World, ok, problem, same_with
from tests.deals.conftest import pointed_at, signed

FEE = {"amount_minor": 5_000_000, "currency": "CNY"}
PDF = b"%PDF-1.7 an invented slip"


def serve(world: World, offer: str, caller: Caller | None = None) -> dict:
    return ok((caller or world.firm).post(f"/offers/{offer}/notices", {"use": "用于示例生产线"}), 201)


def work(world: World) -> None:
    assert Worker(world.app).drain() == 0


def test_a_notice_on_a_paid_offer_is_served_and_says_what_is_due(world: World) -> None:
    offer = world.offer()
    notice = serve(world, offer)
    assert (notice["state"], notice["licence_id"], notice["offer_id"]) == ("served", None, offer)
    assert INSTANT.fullmatch(notice["served_at"])
    assert len(notice["sha256"]) == 64
    [due] = notice["obligations"]
    assert (due["amount"], due["state"], due["kind"]) == (FEE, "open", "fee")
    assert due["due_on"] > "2026-11-20"
    assert ok(world.firm.get(f"/notices/{notice['id']}")) == notice
    assert ok(world.holder.get(f"/notices/{notice['id']}"))["id"] == notice["id"]
    document = world.firm.get(notice["document_url"])
    assert document.data.startswith(b"%PDF-")
    assert "attachment" in document.headers["Content-Disposition"]


def test_a_free_offer_gives_the_licence_in_the_same_answer(world: World) -> None:
    offer = world.offer(fee_form="free", fee_minor=None, channels=[], payment_text="免费")
    notice = serve(world, offer)
    assert (notice["state"], notice["obligations"]) == ("paid", [])
    licence = ok(world.firm.get(f"/licences/{notice['licence_id']}"))
    assert {
        "id", "number", "state", "offer_id", "licensee", "effective_at", "term_to", "certificate_code",
        "certificate_url", "recordal",
    } <= set(licence)  # fmt: skip
    assert (licence["state"], licence["offer_id"]) == ("in_effect", offer)
    assert licence["licensee"]["name"] == "示例制造厂"
    assert licence["recordal"]["state"] == "to_do"
    assert licence["term_to"] == "2031-08-31"


def test_a_second_notice_an_own_offer_and_an_ended_one_are_refused(world: World) -> None:
    offer = world.offer()
    first = serve(world, offer)
    body = problem(world.firm.post(f"/offers/{offer}/notices", {}), 409, "notice-open")
    assert body["notice_id"] == first["id"]
    problem(world.holder.post(f"/offers/{offer}/notices"), 409, "own-offer")
    ended = world.offer(status="withdrawn", withdrawn_on=dt.date(2026, 10, 1))
    problem(world.firm.post(f"/offers/{ended}/notices"), 409, "offer-not-live")
    problem(world.firm.post("/offers/999999/notices"), 404, "offer-not-found")
    problem(world.visitor.post(f"/offers/{offer}/notices"), 401, "sign-in-required")
    problem(world.operator.post(f"/offers/{offer}/notices"), 403, "forbidden")
    abandoned = ok(world.firm.post(f"/notices/{first['id']}/actions/abandon"))
    assert abandoned["state"] == "abandoned"
    assert serve(world, offer)["id"] != first["id"]


def test_other_parties_see_nothing_of_a_deal(world: World) -> None:
    notice = serve(world, world.offer())
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    for path in (
        f"/notices/{notice['id']}",
        f"/notices/{notice['id']}/document",
        f"/payments/{payment['id']}",
    ):
        problem(world.other.get(path), 404, "not-found")
        problem(world.visitor.get(path), 401, "sign-in-required")
    problem(world.other.post(f"/payments/{payment['id']}/actions/cancel"), 404, "not-found")
    problem(world.other.get("/licences/1"), 404, "not-found")
    problem(world.other.get("/notices/abc"), 404, "not-found")


def test_a_transfer_with_slip_and_confirmation_makes_the_licence(world: World) -> None:
    notice = serve(world, world.offer())
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    assert {
        "id", "state", "channel", "amount", "client_reference_id", "checkout_session_id", "checkout_url",
        "bank",
    } <= set(payment)  # fmt: skip
    assert (payment["state"], payment["channel"], payment["amount"]) == ("open", "bank", FEE)
    assert payment["bank"]["reference"] == payment["client_reference_id"]
    assert payment["bank"]["account_name"] == "示例大学"
    assert payment["checkout_url"] is None
    path = f"/payments/{payment['id']}"
    body = problem(
        world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 409, "payment-open"
    )
    assert body["payment_id"] == payment["id"]
    slip = world.firm.post(f"{path}/actions/slip", data={"file": (io.BytesIO(PDF), "回单.pdf")})
    assert ok(slip)["state"] == "slip_uploaded"
    problem(
        world.firm.post(f"{path}/actions/confirm", {"paid_on": "2026-11-20", "amount": FEE}), 403, "forbidden"
    )
    paid = ok(world.holder.post(f"{path}/actions/confirm", {"paid_on": "2026-11-20", "amount": FEE}))
    assert (paid["state"], paid["paid_on"]) == ("paid", "2026-11-20")
    licence = ok(world.firm.get(f"/licences/{paid['licence_id']}"))
    assert licence["state"] == "in_effect"
    assert ok(world.firm.get(f"/notices/{notice['id']}"))["licence_id"] == licence["id"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"paid_on": "2026-11-20"}, "amount"),
        ({"paid_on": "soon", "amount": FEE}, "paid_on"),
        ({"paid_on": "2026-11-20", "amount": 50000}, "amount"),
        (
            {"paid_on": "2026-11-20", "amount": {"amount_minor": 1.5, "currency": "CNY"}},
            "amount.amount_minor",
        ),
        ({"paid_on": "2026-11-20", "amount": {"amount_minor": 1, "currency": "XXX"}}, "amount.currency"),
        ({"paid_on": "2026-11-20", "amount": {"amount_minor": -1, "currency": "CNY"}}, "amount.amount_minor"),
    ],
)
def test_a_confirmation_needs_a_day_and_money(world: World, values: dict, field: str) -> None:
    body = problem(world.holder.post("/payments/1/actions/confirm", values), 422, "request-invalid")
    assert list(body["errors"]) == [field]


def test_a_part_leaves_the_rest_owed_and_a_surplus_becomes_a_refund(world: World) -> None:
    notice = serve(world, world.offer())
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    confirm = f"/payments/{payment['id']}/actions/confirm"
    part = {"paid_on": "2026-11-20", "amount": {"amount_minor": 100, "currency": "CNY"}}
    come = ok(world.holder.post(confirm, part))
    assert (come["state"], come["licence_id"], come["received"]["amount_minor"]) == ("open", None, 100)
    [owed] = ok(world.firm.get(f"/notices/{notice['id']}"))["obligations"]
    assert owed["remaining"]["amount_minor"] == owed["amount"]["amount_minor"] - 100
    problem(world.holder.post(confirm, part), 409, "receipt-known")
    whole = {"paid_on": "2026-11-20", "amount": owed["amount"]}
    assert ok(world.holder.post(confirm, whole))["licence_id"] is not None
    [task] = ok(world.firm.get("/refunds"))["items"]
    assert (task["reason"], task["amount"]["amount_minor"]) == ("surplus", 100)
    problem(
        world.holder.post(f"/refunds/{task['id']}/actions/return_at_provider"), 409, "refund-not-at-provider"
    )
    returned, slip = f"/refunds/{task['id']}/actions/returned", b"\x89PNG\r\n\x1a\nexample"
    said = {"note": "转账流水 1", "file_name": "示例回单.png"}
    bad = said | {"file_base64": base64.b64encode(b"MZ program").decode()}
    problem(world.holder.post(returned, bad), 422, "file-type")
    done = ok(world.holder.post(returned, said | {"file_base64": base64.b64encode(slip).decode()}))
    assert (done["state"], done["how"], done["has_file"]) == ("done", "transfer", True)
    for side in (world.holder, world.firm):
        assert side.get(f"/refunds/{task['id']}/file").data == slip


def test_money_set_aside_takes_two_operators(world: World) -> None:
    notice = serve(world, world.offer())
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    wrong = {"paid_on": "2026-11-20", "amount": {"amount_minor": 100, "currency": "USD"}}
    aside = ok(world.holder.post(f"/payments/{payment['id']}/actions/confirm", wrong))
    assert (aside["state"], aside["licence_id"]) == ("quarantined", None)
    [case] = ok(world.operator.get("/quarantine"))["items"]
    assert (case["reason"], case["payment_id"]) == ("currency-mismatch", payment["id"])
    assert (case["received"]["currency"], case["who"]) == ("USD", "two_operators")
    for caller, code in ((world.firm, "forbidden"), (world.bureau, "forbidden")):
        problem(caller.get("/quarantine"), 403, code)
    problem(world.visitor.get("/quarantine"), 401, "sign-in-required")
    resolve = f"/quarantine/{case['id']}/actions/resolve"
    problem(world.operator.post(resolve, {"note": "退回付款人"}), 409, "second-operator-needed")
    asked = {"kind": "ask_return", "reason": "应退回付款人"}
    proposal = ok(world.operator.post(f"/quarantine/{case['id']}/corrections", asked), 201)
    approve = f"/corrections/{proposal['id']}/actions/approve"
    problem(world.operator.post(approve), 403, "forbidden")
    [case] = ok(world.operator.get("/quarantine"))["items"]
    assert (case["who"], case["corrections"][0]["state"]) == ("other_operator", "proposed")
    assert (
        ok(world.operator.post(f"/corrections/{proposal['id']}/actions/take_back"))["state"] == "taken_back"
    )
    problem(world.operator.post(approve), 403, "forbidden")


def test_a_slip_has_to_be_a_file_of_a_known_kind(world: World) -> None:
    notice = serve(world, world.offer())
    payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "bank"}), 201)
    path = f"/payments/{payment['id']}/actions/slip"
    problem(world.firm.post(path, data={"file": (io.BytesIO(b"MZ"), "a.exe")}), 422, "file-type")
    problem(world.firm.post(path, data={"file": (io.BytesIO(b""), "a.pdf")}), 422, "file-empty")
    problem(world.firm.post(path), 422, "file-missing")
    problem(world.firm.post(path, **upload(PDF + b"0" * (10 * 1024 * 1024))), 422, "file-too-large")
    problem(world.firm.post(path, **upload(b"0" * (12 * 1024 * 1024))), 413, "body-too-large")


def upload(content: bytes) -> dict:
    """A multipart body written by hand: the test client leaves large ones in open files."""
    head = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    return {
        "data": head + content + b"\r\n--limit--\r\n",
        "content_type": "multipart/form-data; boundary=limit",
    }


def test_channels_are_those_announced(world: World) -> None:
    notice = serve(world, world.offer(channels=["bank"]))
    path = f"/notices/{notice['id']}/payments"
    problem(world.firm.post(path, {"channel": "stripe"}), 409, "channel-not-announced")
    body = problem(world.firm.post(path, {"channel": "cash"}), 422, "request-invalid")
    assert "channel" in body["errors"]
    problem(world.firm.post(path, {"channel": "bank", "obligation_id": "99999"}), 404, "obligation-not-found")
    problem(world.holder.post(path, {"channel": "bank"}), 403, "forbidden")


def test_a_stripe_checkout_is_opened_and_a_signed_event_makes_the_licence(
    world: World, stripe_mock_url: str, stripe_fixtures: dict
) -> None:
    notice = serve(world, world.offer(channels=["stripe"]))
    path = f"/notices/{notice['id']}/payments"
    with pointed_at(world.app, stripe_mock_url):
        first = world.firm.post(path, {"channel": "stripe"}, key="pay-1")
        payment = ok(first, 201)
        again = world.firm.post(path, {"channel": "stripe"}, key="pay-1")
        assert ok(again, 201) == payment
        assert again.headers["Idempotency-Replayed"] == "true"
        problem(world.firm.post(path, {"channel": "stripe"}), 409, "payment-open")
    assert payment["checkout_session_id"].startswith("cs_")
    assert payment["checkout_url"]
    assert payment["bank"] is None
    body = event(payment, stripe_fixtures)
    content, signature = signed(body)
    problem(world.visitor.post("/webhooks/stripe", data=content), 400, "bad-signature")
    problem(
        world.visitor.post("/webhooks/stripe", data=content, headers={"Stripe-Signature": "t=1,v1=00"}),
        400,
        "bad-signature",
    )
    for _ in range(2):
        taken = world.visitor.post("/webhooks/stripe", data=content, headers={"Stripe-Signature": signature})
        assert ok(taken) == {"received": True}
    work(world)
    paid = ok(world.firm.get(f"/payments/{payment['id']}"))
    assert paid["state"] == "paid"
    assert ok(world.firm.get(f"/licences/{paid['licence_id']}"))["state"] == "in_effect"


def test_an_event_with_another_sum_waits_in_the_quarantine(
    world: World, stripe_mock_url: str, stripe_fixtures: dict
) -> None:
    notice = serve(world, world.offer(channels=["stripe"]))
    with pointed_at(world.app, stripe_mock_url):
        payment = ok(world.firm.post(f"/notices/{notice['id']}/payments", {"channel": "stripe"}), 201)
    content, signature = signed(event(payment, stripe_fixtures, amount_total=1))
    ok(world.visitor.post("/webhooks/stripe", data=content, headers={"Stripe-Signature": signature}))
    work(world)
    [case] = ok(world.operator.get("/quarantine"))["items"]
    assert (case["reason"], case["received"]["amount_minor"]) == ("amount-mismatch", 1)
    assert ok(world.firm.get(f"/payments/{payment['id']}"))["licence_id"] is None


def test_while_the_provider_is_away_the_attempt_stays_and_is_taken_up(
    world: World, stripe_mock_url: str
) -> None:
    notice = serve(world, world.offer(channels=["stripe"]))
    path = f"/notices/{notice['id']}/payments"
    with pointed_at(world.app, "http://127.0.0.1:9"):
        problem(world.firm.post(path, {"channel": "stripe"}, key="k"), 503, "payment-provider-unavailable")
    with pointed_at(world.app, stripe_mock_url):
        payment = ok(world.firm.post(path, {"channel": "stripe"}, key="k"), 201)
    assert payment["checkout_url"]
    notice = ok(world.firm.get(f"/notices/{notice['id']}"))
    assert notice["payment_ids"] == [payment["id"]]


def event(payment: dict, fixtures: dict, **session: object) -> dict:
    """A signed-to-be event that this payment's checkout was paid."""
    from copy import deepcopy

    body, thing = deepcopy(fixtures["event"]), deepcopy(fixtures["checkout.session"])
    thing |= {
        "id": payment["checkout_session_id"],
        "client_reference_id": payment["client_reference_id"],
        "amount_total": payment["amount"]["amount_minor"],
        "currency": payment["amount"]["currency"].lower(),
        "payment_status": "paid",
        "status": "complete",
    } | session
    return body | {
        "id": f"evt_for_{payment['client_reference_id']}",
        "type": "checkout.session.completed",
        "created": int(clock.now().timestamp()),
        "livemode": False,
        "account": "acct_1Invented",
        "data": {"object": thing},
    }


def test_licences_are_paged_by_key_without_gaps(world: World) -> None:
    made = []
    for _ in range(5):
        offer = world.offer(fee_form="free", fee_minor=None, channels=[])
        made.append(serve(world, offer)["licence_id"])
    seen, after = [], ""
    while True:
        page = ok(world.firm.get(f"/licences?size=2{after}"))
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made[::-1]
    assert [item["id"] for item in ok(world.holder.get("/licences"))["items"]] == made[::-1]
    assert ok(world.other.get("/licences")) == {"items": [], "next": None}
    problem(world.firm.get("/licences?after=x"), 422, "request-invalid")
    problem(world.firm.get("/licences?size=1000"), 422, "request-invalid")
    body = problem(world.firm.get("/licences?colour=red"), 422, "request-invalid")
    assert "colour" in body["errors"]
    problem(world.visitor.get("/licences"), 401, "sign-in-required")
    problem(same_with(world.firm, "write").get("/licences"), 403, "scope-missing")


def test_anyone_can_check_a_certificate(world: World) -> None:
    offer = world.offer(fee_form="free", fee_minor=None, channels=[])
    licence = ok(world.firm.get(f"/licences/{serve(world, offer)['licence_id']}"))
    document = world.firm.get(licence["certificate_url"])
    assert document.data.startswith(b"%PDF-")
    code = licence["certificate_code"]
    for typed in (code, code.lower(), "-".join((code[:5], code[5:]))):
        found = ok(world.visitor.get(f"/certificates/{typed}"))
        assert (found["valid"], found["number"]) == (True, licence["number"])
    assert found["parties"] == {"holders": ["示例大学"], "licensee": None}
    assert len(found["sha256"]) == 64
    problem(world.visitor.get("/certificates/00000000000000000000"), 404, "certificate-unknown")
    problem(world.visitor.get("/certificates/%00"), 404, "certificate-unknown")
    problem(world.other.get(licence["certificate_url"]), 404, "not-found")


def test_the_recordal_is_filed_recorded_and_then_the_licensee_is_public(world: World) -> None:
    offer = world.offer(fee_form="free", fee_minor=None, channels=[])
    licence = serve(world, offer)["licence_id"]
    filed = ok(world.firm.post(f"/licences/{licence}/actions/file_recordal"))
    assert filed["recordal"]["state"] == "filed"
    recorded = ok(
        world.firm.post(
            f"/licences/{licence}/actions/record_recordal", {"number": "X2026310000001", "on": "2026-11-20"}
        )
    )
    assert recorded["recordal"]["number"] == "X2026310000001"
    found = ok(world.visitor.get(f"/certificates/{recorded['certificate_code']}"))
    assert found["parties"]["licensee"] == "示例制造厂"
    problem(
        world.firm.post(f"/licences/{licence}/actions/end", {"reason": "statutory_ground"}), 403, "forbidden"
    )
    problem(
        world.holder.post(f"/licences/{licence}/actions/end", {"reason": "agreed"}),
        409,
        "end-needs-agreement",
    )
    for answer in ("decline_end", "take_end_back"):
        proposed = ok(world.holder.post(f"/licences/{licence}/actions/propose_end", {}))
        assert proposed["state"] == "in_effect"
        assert proposed["end_proposal"] == {"side": "holder", "on": "2026-11-20"}
        side = world.firm if answer == "decline_end" else world.holder
        assert ok(side.post(f"/licences/{licence}/actions/{answer}"))["end_proposal"] is None
    ok(world.holder.post(f"/licences/{licence}/actions/propose_end", {}))
    ended = ok(world.firm.post(f"/licences/{licence}/actions/accept_end"))
    assert (ended["state"], ended["ended_reason"]) == ("ended", "agreed")
