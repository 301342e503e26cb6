"""Harvesting: every change once, in order, with tombstones, and a cursor that goes on."""

from __future__ import annotations

from typing import Any

from marketplace.core.database import db
from marketplace.core.unit_of_work import record
from marketplace.listings import services
from marketplace.listings.models import Offer
from tests import factories
from tests.api.conftest import World, ok, problem


def noted(world: World, **values: Any) -> str:
    """A new live offer, with its entry in the journal."""

    def build() -> int:
        offer = factories.live_offer(world.organisation(world.holder), **values)
        record("offer.verified", offer, organisation_id=offer.holder_id)
        return offer.id

    return str(world.make(build))


def withdraw(world: World, offer_id: str) -> None:
    def build() -> None:
        actor = factories.operator()
        services.act(actor, int(offer_id), "withdraw", {})

    world.make(build)


def touch(world: World, offer_id: str) -> None:
    """A change of the patent: its offers' records change too."""

    def build() -> None:
        offer = db.session.get_one(Offer, int(offer_id))
        offer.patent.title = "改正后的名称"
        record("patent.changed", offer.patent)

    world.make(build)


def harvested(world: World, size: int = 2, cursor: str | None = None) -> tuple[list[dict[str, Any]], str]:
    records: list[dict[str, Any]] = []
    while True:
        query = f"?size={size}" + (f"&cursor={cursor}" if cursor else "")
        page = ok(world.visitor.get(f"/harvest/offers{query}"))
        records += page["records"]
        cursor = page["cursor"]
        if not page["more"]:
            return records, str(cursor)


def test_each_offer_comes_once_at_its_last_change_and_what_follows_comes_later(world: World) -> None:
    ids = [noted(world) for _ in range(5)]
    noted(world, evidence="holder_stated")
    touch(world, ids[0])
    records, cursor = harvested(world)
    assert [one["id"] for one in records] == [*ids[1:], ids[0]]
    assert not any(one["deleted"] for one in records)
    assert records[-1]["offer"]["title"] == "改正后的名称"
    assert records[0]["address"].endswith(f"/offers/{ids[1]}")
    assert harvested(world, cursor=cursor) == ([], cursor)
    withdraw(world, ids[2])
    later, _ = harvested(world, cursor=cursor)
    assert [(one["id"], one["deleted"], one["status"], one["offer"]) for one in later] == [
        (ids[2], True, "withdrawn", None)
    ]
    assert later[0]["ended_on"]


def test_offers_that_share_an_entry_are_never_parted_by_a_page(world: World) -> None:
    first = noted(world)
    withdraw(world, first)

    def again() -> int:
        patent = db.session.get_one(Offer, int(first)).patent
        offer = factories.live_offer(world.organisation(world.holder), patent)
        record("offer.verified", offer, organisation_id=offer.holder_id)
        return offer.id

    second = str(world.make(again))
    touch(world, first)
    noted(world)
    records, _ = harvested(world, size=1)
    assert [one["id"] for one in records][:2] == [first, second]
    assert len(records) == 3


def test_days_narrow_a_harvest_and_nonsense_is_refused(world: World) -> None:
    noted(world)
    assert ok(world.visitor.get("/harvest/offers?from=2099-01-01"))["records"] == []
    assert ok(world.visitor.get("/harvest/offers?until=2020-01-01"))["records"] == []
    both = "?from=2020-01-01T00:00:00Z&until=2099-01-01"
    assert len(ok(world.visitor.get(f"/harvest/offers{both}"))["records"]) == 1
    problem(world.visitor.get("/harvest/offers?from=yesterday"), 422, "request-invalid")
    problem(world.visitor.get("/harvest/offers?cursor=999999"), 422, "harvest-cursor-unknown")


def test_what_lies_behind_until_is_left_to_the_next_harvest(world: World) -> None:
    noted(world)
    page = ok(world.visitor.get("/harvest/offers?until=2020-01-01"))
    assert page["cursor"] == "0"
    assert len(ok(world.visitor.get(f"/harvest/offers?cursor={page['cursor']}"))["records"]) == 1


def test_an_unchanged_harvest_is_not_sent_again(world: World) -> None:
    noted(world)
    first = world.visitor.get("/harvest/offers")
    same = world.visitor.get("/harvest/offers", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    noted(world)
    changed = world.visitor.get("/harvest/offers", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
