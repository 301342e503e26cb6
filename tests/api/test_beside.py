"""What stands beside open licences, by API: negotiated licences and orders of services."""

from __future__ import annotations

import base64

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.listings.models import Offer
from marketplace.listings.showcase.models import ListingDetails, SideOffer
from tests.api.conftest import World, ok, problem

PDF = b"%PDF-1.7 an invented contract"


def test_a_negotiated_licence_is_stated_and_answered_by_program(world: World) -> None:
    offer = world.offer()
    number = ok(world.visitor.get(f"/offers/{offer}"))["patent_number"]
    said = {
        "patents": [number], "kind": "sole", "signed_on": "2026-10-01", "effective_on": "2026-10-02",
        "fee": {"amount_minor": 1_200_000, "currency": "CNY"},
        "file_name": "合同.pdf", "file_base64": base64.b64encode(PDF).decode(),
    }  # fmt: skip
    problem(world.firm.post("/negotiated-licences", said), 409, "exclusive-beside-offer")
    broken = said | {"kind": "ordinary", "file_base64": "%"}
    problem(world.firm.post("/negotiated-licences", broken), 422, "negotiated-evidence")
    said |= {"kind": "ordinary"}
    (row,) = ok(world.firm.post("/negotiated-licences", said, key="once"), 201)["items"]
    assert ok(world.firm.post("/negotiated-licences", said, key="once"), 201)["items"][0]["id"] == row["id"]
    assert (row["state"], row["side"], row["actions"]) == ("stated", "licensee", ["withdraw"])
    path = f"/negotiated-licences/{row['id']}"
    assert world.holder.get(f"{path}/file").data == PDF
    problem(world.other.get(path), 404, "not-found")
    problem(world.firm.post(f"{path}/actions/confirm"), 403, "forbidden")
    contested = ok(world.holder.post(f"{path}/actions/contest", {"reason": "没有签过。"}))
    assert contested["reason"] == "没有签过。"
    assert ok(world.firm.get(f"/licences/{row['licence_id']}"))["negotiated_state"] == "contested"
    assert [one["negotiated_state"] for one in ok(world.firm.get("/licences"))["items"]] == ["contested"]
    ok(world.holder.post(f"{path}/actions/confirm"))
    problem(world.firm.post(f"{path}/actions/withdraw"), 409, "illegal-transition")
    assert ok(world.holder.get("/negotiated-licences"))["items"][0]["state"] == "confirmed"
    assert ok(world.other.get("/negotiated-licences"))["items"] == []
    licence = ok(world.firm.get(f"/licences/{row['licence_id']}"))
    assert (licence["kind"], licence["offer_id"]) == ("ordinary", None)
    assert ok(world.visitor.get(f"/offers/{offer}"))["licences"] == 0


def test_a_service_is_ordered_and_paid_by_program(world: World) -> None:
    offer = world.offer()

    def listed() -> None:
        row = db.session.get_one(Offer, int(offer))
        line = SideOffer(position=0, kind="training", what_zh="培训", currency="CNY", price_unit="day")
        db.session.add(ListingDetails(offer_id=row.id, updated_at=clock.now(), side_offers=[line]))

    world.make(listed)
    (line,) = ok(world.visitor.get(f"/offers/{offer}/side-offers"))["items"]
    assert (line["kind"], line["price"]) == ("training", None)
    asked = {"offer_id": offer, "side_offer_id": line["id"], "wish": "两天", "wanted_by": "2027-01-15"}
    problem(world.holder.post("/orders", asked), 409, "own-offer")
    order = ok(world.firm.post("/orders", asked), 201)
    assert (order["state"], order["actions"]) == ("ordered", ["cancel"])
    path = f"/orders/{order['id']}"
    problem(world.other.get(path), 404, "not-found")
    problem(world.holder.post(f"{path}/actions/accept"), 422, "order-price")
    price = {"amount_minor": 700_000, "currency": "CNY"}
    accepted = ok(world.holder.post(f"{path}/actions/accept", {"price": price, "answer": "可以"}))
    assert accepted["price"] == price
    problem(world.holder.post(f"{path}/actions/cancel"), 403, "forbidden")
    ok(world.holder.post(f"{path}/actions/finish"))
    paid = ok(world.holder.post(f"{path}/actions/pay", {"on": clock.today().isoformat()}))
    assert (paid["state"], paid["actions"]) == ("paid", [])
    assert ok(world.firm.get("/orders?side=customer"))["items"][0]["id"] == order["id"]
    assert ok(world.firm.get("/orders?side=provider"))["items"] == []
