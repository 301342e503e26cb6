"""Late royalty payments in the bureau's list: from the day after they were due, without a sum."""

from __future__ import annotations

import dataclasses
import datetime as dt

from marketplace.core.actor import Actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.royalties import services, work
from marketplace.deals.royalties.services import Given
from marketplace.supervision.items import items
from tests.deals.test_royalties import LINES, on, periods, royalty_deal

BUREAU = Actor(user_id=1, roles=frozenset({"bureau"}))


def test_a_royalty_that_was_stated_and_not_paid_is_a_matter_once_its_day_is_over(context: None) -> None:
    deal, licence = royalty_deal()
    with on(dt.date(2026, 10, 12)):
        work.make_periods()
        with unit_of_work(deal.firm_actor):
            services.submit(deal.firm_actor, periods()[0].id, Given(LINES))
    with on(dt.date(2026, 11, 30)):
        assert items(BUREAU, kind="payment").items == []
    with on(dt.date(2026, 12, 3)):
        (found,) = items(BUREAU, kind="payment").items
        assert (found.subject_id, found.since, found.due_on, found.overdue_days, found.must_act) == (
            licence.id,
            dt.date(2026, 9, 30),
            dt.date(2026, 11, 30),
            3,
            "licensee",
        )
        assert 650_001 not in dataclasses.asdict(found).values()
