"""What was recommended to the firms' demands in the past, and what became of it. Needs a search index."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands.models import Demand, Recommendation
from marketplace.matching import services as matching
from marketplace.matching.reverse import learn_demand

from .accounts import actor_of

# What firms did with the best recommendations, by turns over the demands: (rank, state, reason, note).
_TURNS: Final[tuple[tuple[tuple[int, str, str | None, str | None], ...], ...]] = (
    ((1, "opened", None, None), (1, "contacted", None, None), (3, "passed", "off_topic", "处理的对象不同")),
    ((1, "opened", None, None), (2, "opened", None, None), (2, "passed", "too_expensive", "超出今年预算")),
    ((1, "contacted", None, None),),
    ((2, "opened", None, None), (3, "passed", "not_mature", "还没有产线规模的数据")),
    (),
    ((1, "opened", None, None), (1, "passed", "terms", "希望提成率随产量递减"), (2, "contacted", None, None)),
)


def recommend(tell: Callable[[int, int], None] | None = None) -> int:
    """Recommend to every demand on the day it was published, as far as nothing was recommended yet.

    Args:
        tell: called with (demands done, demands in all).

    Returns:
        How many recommendations were made.
    """
    done = sa.select(Recommendation.demand_id).where(Recommendation.demand_id.is_not(None)).distinct()
    wanted = list(
        db.session.scalars(
            sa.select(Demand)
            .where(Demand.id.not_in(done), Demand.external_id.like("DEMO-%"))
            .order_by(Demand.published_on, Demand.id)
        ).unique()
    )
    made = 0
    for turn, demand in enumerate(wanted):
        if demand.published_on is not None:
            made += _recommend(demand.id, demand.published_on, _TURNS[turn % len(_TURNS)])
        if tell is not None:
            tell(turn + 1, len(wanted))
    return made


def _recommend(
    demand_id: int, day: dt.date, reactions: tuple[tuple[int, str, str | None, str | None], ...]
) -> int:
    morning = clock.start_of_day_utc(day) + dt.timedelta(hours=9, minutes=30)
    with clock.at(min(morning, clock.now())):
        demand = db.session.get_one(Demand, demand_id)
        matches = matching.matches_for(demand, matching.RECOMMENDED)
        with unit_of_work(origin="demo"):
            kept = matching.store(lock(Demand, demand_id), matches)
            if demand.state == "published":
                learn_demand(demand)
        made = [row.id for row in kept]
    with clock.at(min(morning + dt.timedelta(days=2), clock.now())):
        try:
            actor = actor_of(demand.organisation.name)
        except NotFound:
            return len(made)  # nobody acts for this firm here
        for rank, state, reason, note in reactions:
            if rank <= len(made):
                with unit_of_work(actor, origin="demo"):
                    row = db.session.get_one(Recommendation, made[rank - 1])
                    matching.mark(actor, row, state, reason=reason, note=note)
    return len(made)
