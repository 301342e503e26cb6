"""The SQL expression for lists says the same as the rule for one patent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import standing
from marketplace.listings.models import ALL_FACTS, FACTS, PatentFact
from marketplace.listings.services import eligibility_of
from tests import factories

pytestmark = pytest.mark.usefixtures("context")

DAY = st.sampled_from(["2019-01-01", "2026-11-19", "2026-11-20", "2026-11-21", "2031-05-31"])
VALUES: dict[str, Any] = {
    "legal_status": st.sampled_from(["pending", "in_force", "terminated", "invalidated", "expired"]),
    "annuity_paid_until": DAY | st.just("none"),
    "evaluation_report": st.sampled_from(["none", "positive", "negative"]),
    "pledged": st.sampled_from(["no", "with_consent", "without_consent"]),
    "exclusive_licence_until": DAY | st.just("none"),
    "preserved_until": DAY | st.just("none"),
    "other_hindrance": st.sampled_from(["none", "涉诉"]),
    "ownership": st.sampled_from(["as_registered", "differs"]),
}
# On both sides of 90, 180 and 730 days before the day of the tests, 20 November 2026.
AS_OF = st.sampled_from(
    [
        dt.date(2026, 11, 1),
        dt.date(2026, 8, 22),
        dt.date(2026, 8, 21),
        dt.date(2026, 5, 24),
        dt.date(2026, 5, 23),
        dt.date(2024, 11, 20),
        dt.date(2024, 11, 19),
    ]
)
FACT_SETS = st.fixed_dictionaries({}, optional=VALUES)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    facts=FACT_SETS,
    clear=st.sets(st.sampled_from(FACTS), max_size=7),
    kind=st.sampled_from(["invention", "utility_model"]),
    grant=st.sampled_from([None, dt.date(2021, 6, 1), dt.date(2026, 11, 21)]),
    expires=st.sampled_from([dt.date(2026, 11, 19), dt.date(2026, 11, 20), dt.date(2039, 3, 1)]),
    days=st.fixed_dictionaries(dict.fromkeys(ALL_FACTS, AS_OF)),
)
def test_the_expression_for_lists_says_what_the_rule_says(
    facts: dict[str, str],
    clear: set[str],
    kind: str,
    grant: dt.date | None,
    expires: dt.date,
    days: dict[str, dt.date],
) -> None:
    with unit_of_work():
        holder = factories.organisation()
        patent = factories.patent(holder, kind=kind, grant_date=grant, expires_on=expires)
        patent.facts = []
        db.session.flush()
        known = {name: factories.CLEAR_FACTS[name] for name in clear} | facts
        patent.facts = [
            PatentFact(name=name, value=value, as_of=days[name], source="示例")
            for name, value in known.items()
        ]
        db.session.flush()
        eligibility = eligibility_of(patent)
        expected = "may_file" if eligibility.may_file else "barred" if eligibility.barred else "unknown"
        table = standing.patents_of(holder.id, clock.today())
        [found] = db.session.execute(sa.select(table.c.standing, table.c.stale)).all()
        assert (found.standing, bool(found.stale)) == (expected, bool(eligibility.stale_facts))
        assert standing.counts(holder.id, clock.today())[expected] == 1
        old = set(db.session.scalars(standing.stale_of(holder.id, clock.today())))
        assert old == ({patent.id} if found.stale else set())


def test_a_patent_with_a_current_declaration_is_counted_as_offered() -> None:
    with unit_of_work():
        holder = factories.organisation()
        factories.live_offer(holder)
        factories.live_offer(holder, status="withdrawn")
        factories.patent(holder, facts={"pledged": "without_consent"})
        assert standing.counts(holder.id, clock.today()) == {
            "may_file": 1,
            "barred": 1,
            "unknown": 0,
            "offered": 1,
        }
