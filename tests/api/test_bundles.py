"""Several offers in one go by API: the basket, a bundle, and one payment for several notices."""

from __future__ import annotations

import io

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.deals.models import Notice
from tests.api.conftest import World, ok, problem

PNG = b"\x89PNG\r\n\x1a\ninvented"


def test_a_bundle_is_given_once_per_key_and_paid_in_one_transfer(world: World) -> None:
    paid = [world.offer(fee_minor=fee, channels=["bank"]) for fee in (1_000_000, 2_000_000)]
    gone = world.offer(status="withdrawn")
    for offer in (*paid, gone):
        basket = ok(world.firm.post("/basket", {"offer_id": offer}))
    assert [one["problem"] for one in basket["items"]] == [None, None, "offer-not-live"]
    assert [one["amount"]["amount_minor"] for one in basket["totals"]] == [3_000_000]
    assert len(ok(world.firm.post(f"/basket/{gone}/actions/remove"))["items"]) == 2

    offers = [{"offer_id": one["offer_id"], "terms_digest": one["terms_digest"]} for one in basket["items"]]
    wanted = {"offers": offers, "use": "试用", "contact": "采购部"}
    made = ok(world.firm.post("/bundles", wanted, key="bundle-1"), 201)
    assert [one["state"] for one in made["parts"]] == ["served", "served", "refused"]
    assert made["parts"][2]["problem"] == "offer-not-live"
    again = ok(world.firm.post("/bundles", wanted, key="bundle-1"), 201)
    assert (again["id"], again["parts"]) == (made["id"], made["parts"])
    with world.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 2
    assert ok(world.firm.get("/basket"))["items"] == []
    changed = {"offers": [offers[0] | {"terms_digest": "0" * 64}]}
    problem(world.firm.post("/bundles", changed), 409, "offer-changed")
    path = f"/bundles/{made['id']}"
    problem(world.other.get(path), 404, "not-found")
    problem(world.firm.post(f"{path}/parts/{paid[0]}/actions/retry"), 409, "illegal-transition")
    tried = ok(world.firm.post(f"{path}/parts/{gone}/actions/retry"))
    assert tried["parts"][2]["state"] == "refused"

    [group] = made["payable"]
    body = {"channel": "bank", "notice_ids": group["notice_ids"]}
    transfer = ok(world.firm.post(f"{path}/transfers", body, key="pay-1"), 201)
    assert transfer["amount"] == group["amount"]
    assert transfer["bank"]["reference"] == transfer["client_reference_id"]
    assert ok(world.firm.post(f"{path}/transfers", body, key="pay-1"), 201)["id"] == transfer["id"]
    problem(world.firm.post(f"{path}/transfers", body), 409, "payment-open")
    there = f"/transfers/{transfer['id']}"
    slip = world.firm.post(f"{there}/actions/slip", data={"file": (io.BytesIO(PNG), "回单.png")})
    assert ok(slip)["state"] == "slip_uploaded"
    problem(world.other.get(there), 404, "not-found")
    problem(world.firm.post(f"{there}/actions/confirm", _arrived(3_000_000)), 403, "forbidden")
    part = ok(world.holder.post(f"{there}/actions/confirm", _arrived(1_000_000)))
    assert [one["state"] for one in part["payments"]] == ["paid", "slip_uploaded"]
    whole = ok(world.holder.post(f"{there}/actions/confirm", _arrived(2_000_000)))
    assert (whole["state"], ok(world.firm.get(there))["state"]) == ("paid", "paid")
    assert all(one["licence_id"] for one in ok(world.firm.get(path))["parts"][:2])
    problem(world.firm.post(f"{there}/actions/cancel"), 409, "transfer-over")
    assert [one["id"] for one in ok(world.firm.get("/bundles"))["items"]] == [made["id"]]


def test_further_clauses_are_accepted_for_each_offer_of_a_bundle(world: World) -> None:
    offers = [world.offer(fee_minor=1_000_000) for _ in range(2)]
    wanted = {"kind": "support", "text": "两次远程答疑。"}
    clause = ok(world.holder.post(f"/offers/{offers[0]}/clauses", wanted), 201)["id"]
    mixed = {"offers": [{"offer_id": str(offers[1]), "clauses": [clause]}]}
    problem(world.firm.post("/bundles", mixed), 404, "clause-unknown")
    for bad, status in (
        ([""], 404),
        (["x"], 404),
        (["9" * 20], 404),
        (["9" * 21], 422),
        ([None], 422),
        ("1", 422),
    ):
        refused = world.firm.post("/bundles", {"offers": [{"offer_id": str(offers[0]), "clauses": bad}]})
        assert (refused.status_code, refused.mimetype) == (status, "application/problem+json")
    body = {"offers": [{"offer_id": str(offers[0]), "clauses": [clause]}, {"offer_id": str(offers[1])}]}
    made = ok(world.firm.post("/bundles", body), 201)
    assert [one["clauses"] for one in made["parts"]] == [[clause], []]
    taken = [
        ok(world.holder.get(f"/notices/{one['notice_id']}/clauses"))["accepted"] for one in made["parts"]
    ]
    assert [[one["clause"]["id"] for one in some] for some in taken] == [[clause], []]


def _arrived(amount_minor: int) -> dict:
    return {"paid_on": "2026-11-20", "amount": {"amount_minor": amount_minor, "currency": "CNY"}}
