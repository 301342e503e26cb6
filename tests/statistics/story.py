"""A small history for pages, reports and commands."""

from __future__ import annotations

import datetime as dt

from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.statistics import facts
from tests import factories

from .history import licence, notice

D = dt.date


def tell(offers: int = 40) -> None:
    """Two years of offers of two holders, every second one licensed, in the present context."""
    with unit_of_work():
        university = factories.organisation("示例大学", type="university", region="310112")
        firm = factories.organisation("示例公司", region="310115")
        licensees = [factories.organisation(f"示例被许可人{number}") for number in range(4)]
        for number in range(offers):
            announced = D(2024, 12, 1) + dt.timedelta(days=16 * number)
            offer = factories.live_offer(
                university if number % 3 else firm,
                announced_on=announced,
                fee_form="free" if number % 4 == 0 else "fixed",
                term_from=announced,
            )
            if number % 2 == 0:
                licence(
                    offer,
                    announced + dt.timedelta(days=20),
                    licensee=licensees[number % 4],
                    notice_on=announced + dt.timedelta(days=15),
                )
            elif number % 5 == 0:
                notice(offer, announced + dt.timedelta(days=9))
        factories.live_offer(factories.organisation(region="330106"), announced_on=D(2026, 2, 2))
        record("offer.announced", offer)
    facts.rebuild()
