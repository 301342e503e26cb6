"""Whether a price notice is needed is said of the organisation; how long it runs is its own rule."""

from __future__ import annotations

import datetime as dt

import pytest

from marketplace.core import clock
from marketplace.core.errors import Conflict
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.consents import price_notices, standing

from .test_consents import Stage

LATER = dt.datetime(2026, 12, 20, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 20, 2, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("ruled", [False, True], ids=["no rule", "a rule"])
@pytest.mark.parametrize("established", [None, False, True], ids=["unsaid", "not the state's", "the state's"])
def test_the_organisation_says_whether_and_its_rule_says_how_long(
    context: None, established: bool | None, ruled: bool
) -> None:
    stage = Stage()
    with unit_of_work():
        stage.holding.state_established = established
    if ruled:
        with unit_of_work(stage.holder):
            price_notices.set_rule(stage.holder, stage.holding.id, days=5, counting="working")

    def refusal(at: dt.datetime) -> str | None:
        with clock.at(at):
            try:
                standing.check_price_notice(stage.offer)
            except Conflict as error:
                return error.code
        return None

    assert refusal(NOW) == ("price-notice-missing" if established else None), "a rule alone asks for none"
    stage.act("start_price_notice")
    notice = standing.running_notice(stage.offer)
    assert notice is not None
    assert (notice.days, notice.counting) == ((5, "working") if ruled else (15, "calendar"))
    waits = bool(established) or ruled
    assert refusal(NOW) == ("price-notice-running" if waits else None)
    assert refusal(LATER) is None
