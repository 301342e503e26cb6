"""What systems are told of notices given in one go, and of royalties: ids and states, to the sides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.royalties import services, work
from marketplace.notifications.hooks.events import Happening, happening
from tests.deals.test_bundles import Market
from tests.deals.test_royalties import periods, royalty_deal

LATE = dt.datetime(2026, 11, 2, 2, tzinfo=dt.UTC)


def told(prefix: str) -> list[Happening]:
    """What is told of the journal's entries of such a kind, in their order."""
    query = sa.select(JournalEntry).where(JournalEntry.action.startswith(prefix)).order_by(JournalEntry.id)
    return [found for entry in db.session.scalars(query).all() if (found := happening(entry)) is not None]


def test_of_several_notices_the_licensee_alone_is_told_how_each_went(context: None) -> None:
    market = Market()
    bundle = market.bundle(market.free, market.own)
    said = told("bundle")
    assert [one.event for one in said] == [
        "bundle.made",
        "bundle_part.served",
        "bundle_part.refused",
        "bundle.done",
    ]
    assert {one.told for one in said} == {frozenset({market.firm.id})}
    made, served, refused, done = (one.body["data"] for one in said)
    assert done == {
        "object": "bundle",
        "id": str(bundle.id),
        "state": "done",
        "licensee_id": str(market.firm.id),
    }
    assert made["id"] == done["id"]
    assert (served["bundle_id"], served["notice_id"]) == (str(bundle.id), str(bundle.parts[0].notice_id))
    assert (refused["state"], refused["notice_id"]) == ("refused", None)


def test_of_a_late_royalty_statement_and_its_default_both_sides_are_told(context: None) -> None:
    deal, licence = royalty_deal()
    with clock.at(LATE):
        work.make_periods()
        work.remind()
        first = periods()[0]
        with unit_of_work(deal.holder_actor):
            row = services.give_default(
                deal.holder_actor, first.id, text="请补报", cure_by=dt.date(2027, 1, 15)
            )
        with unit_of_work(deal.holder_actor):
            services.close_default(deal.holder_actor, row.id, "restore")
    said = told("royalty.")
    assert [one.event for one in said] == [
        "royalty.due",
        "royalty.overdue",
        "royalty.default_given",
        "royalty.default_restored",
    ]
    assert {one.told for one in said} == {frozenset({deal.firm.id, deal.holder.id})}
    last: dict[str, Any] = said[-1].body["data"]
    assert last == {
        "object": "royalty_default",
        "id": str(row.id),
        "state": "restored",
        "period_id": str(first.id),
        "licence_id": str(licence.id),
        "offer_id": str(licence.offer_id),
    }
