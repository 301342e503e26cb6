"""Royalties: periods from the frozen terms, statements, what they make due, corrections, and default."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import payments
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence
from marketplace.deals.royalties import rules, services, work
from marketplace.deals.royalties.models import RoyaltyPeriod, RoyaltyPlan
from marketplace.deals.royalties.services import Given, LineGiven, Reading
from marketplace.notifications.models import Notification
from marketplace.notifications.services import tell
from marketplace.notifications.texts import render
from tests import factories

from .conftest import Deal, make_deal, serve

SERVED = dt.datetime(2026, 9, 10, 2, tzinfo=dt.UTC)


def royalty_deal(**terms: object) -> tuple[Deal, Licence]:
    """A licence in effect since 10 September 2026, at five per cent of net sales reported by the quarter."""
    values = {
        "fee_form": "royalty_net_sales",
        "fee_minor": None,
        "rate_percent": Decimal(5),
        "rate_base": "net_sales",
        "payment_text": "按季度支付净销售额的 5%",
        "channels": ["bank"],
    }
    with clock.at(SERVED):
        deal = make_deal(**(values | terms))
        notice = serve(deal.firm_actor, deal.offer)
    licence = licence_of(notice)
    assert licence is not None
    return deal, licence


def periods() -> list[RoyaltyPeriod]:
    return list(db.session.scalars(sa.select(RoyaltyPeriod).order_by(RoyaltyPeriod.begins)))


def on(day: dt.date) -> object:
    return clock.at(clock.start_of_day_utc(day) + dt.timedelta(hours=10))


def told(kind: str) -> list[tuple[int | None, str]]:
    """Whom the notifications tell what of such entries, in their order."""
    found = []
    for entry in db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)).all():
        if entry.action.startswith(kind):
            with unit_of_work():
                found += [(one.organisation_id, one.code) for one in tell(entry)]
    return found


LINES = [LineGiven("过滤器", 12_345_678, 345_678, "1200", "件"), LineGiven("滤芯", 1_000_010)]


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**11)), max_size=8),
    st.decimals(0, 40, places=4),
    st.one_of(st.none(), st.integers(0, 10**9)),
    st.one_of(st.none(), st.integers(10**9, 10**12)),
)
def test_a_royalty_is_base_times_rate_rounded_half_up_within_its_limits(lines, rate, low, high) -> None:
    found = rules.reckon(
        [rules.Line(amount, less) for amount, less in lines], rules.Conditions("net_sales", rate, low, high)
    )
    base = max(sum(amount - less for amount, less in lines), 0)
    exact = Decimal(base) * rate / 100
    inside = max(low or 0, min(exact, high if high is not None else exact))
    assert found.base_minor == base
    assert abs(found.royalty_minor - inside) <= Decimal("0.5")
    assert found.steps[-1].result_minor == found.royalty_minor


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**8), max_size=6))
def test_what_is_owed_anew_and_what_is_in_hand_make_up_the_difference(claimed, royalties) -> None:
    rest = rules.settle(sum(royalties), claimed)
    assert claimed + rest.due_minor - rest.credit_left_minor == sum(royalties)
    assert 0 in (rest.due_minor, rest.credit_left_minor)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("每半年按净销售额提成", ("half_year", "announced")),
        ("按季度支付", ("quarter", "announced")),
        ("每年结算一次", ("year", "announced")),
        ("按净销售额的 3% 提成", ("year", "default")),
        (None, ("year", "default")),
    ],
)
def test_the_period_is_read_from_the_announced_text_else_a_year(text, expected) -> None:
    assert rules.length_of({"payment_text": text}) == expected


def test_due_dates_move_past_holidays_and_say_when_the_calendar_is_not_known() -> None:
    first = rules.stretch(dt.date(2026, 9, 10), "quarter", None, report_days=30, pay_days=30)
    assert (first.begins, first.ends) == (dt.date(2026, 9, 10), dt.date(2026, 9, 30))
    assert first.report_due_on == dt.date(2026, 10, 30)
    assert first.pay_due_on == dt.date(2026, 11, 30)  # the 29th is a Sunday
    assert not first.provisional
    assert rules.stretch(dt.date(2028, 1, 1), "year", None, report_days=30, pay_days=30).provisional


def test_periods_follow_without_a_gap_and_end_with_the_licence(context: None) -> None:
    _deal, licence = royalty_deal()
    with on(dt.date(2027, 2, 15)):
        work.make_periods()
        work.make_periods()
    found = periods()
    assert [(one.begins, one.ends, one.state) for one in found] == [
        (dt.date(2026, 9, 10), dt.date(2026, 9, 30), "due"),
        (dt.date(2026, 10, 1), dt.date(2026, 12, 31), "due"),
        (dt.date(2027, 1, 1), dt.date(2027, 3, 31), "running"),
    ]
    with unit_of_work():
        row = db.session.get_one(Licence, licence.id)
        row.state, row.ended_on, row.ended_reason = "ended", dt.date(2027, 2, 20), "agreed"
    with on(dt.date(2027, 2, 21)):
        work.make_periods()
        work.make_periods()
    assert [one.ends for one in periods()][-1] == dt.date(2027, 2, 20)
    assert len(periods()) == 3


def test_a_statement_is_owed_paid_and_corrected_and_the_old_one_stays(context: None) -> None:
    deal, licence = royalty_deal()
    with on(dt.date(2026, 10, 12)):
        work.make_periods()
        first, running = periods()
        with unit_of_work(deal.firm_actor), pytest.raises(Conflict, match="not over"):
            services.submit(deal.firm_actor, running.id, Given(LINES))
        with unit_of_work(deal.firm_actor):
            statement = services.submit(deal.firm_actor, first.id, Given(LINES))
        # (120,000.00 + 10,000.10) × 5 % = 6,500.005 → 6,500.01
        assert (statement.base_minor, statement.royalty_minor, statement.due_minor) == (
            13_000_010,
            650_001,
            650_001,
        )
        assert statement.obligation is not None
        assert statement.obligation.due_on == dt.date(2026, 11, 30)
        assert licence.notice_id is not None
        with unit_of_work(deal.firm_actor):
            payment = payments.begin_payment(
                deal.firm_actor, licence.notice_id, "bank", statement.obligation_id
            )
        with unit_of_work(deal.holder_actor):
            payments.confirm_payment(deal.holder_actor, payment.id, dt.date(2026, 10, 12), 650_001)
        assert statement.obligation.state == "paid"
        with unit_of_work(deal.firm_actor), pytest.raises(Invalid):
            services.submit(deal.firm_actor, first.id, Given(LINES[:1]))
        with unit_of_work(deal.firm_actor):
            lower = services.submit(deal.firm_actor, first.id, Given(LINES[:1], reason="重复计入滤芯"))
        assert (lower.due_minor, lower.credit_left_minor) == (0, 50_001)
    with on(dt.date(2027, 1, 12)):
        work.make_periods()
        second = periods()[1]
        with unit_of_work(deal.firm_actor):
            later = services.submit(deal.firm_actor, second.id, Given([LineGiven("过滤器", 2_000_000)]))
        assert (later.royalty_minor, later.due_minor, later.credit_left_minor) == (100_000, 49_999, 0)
        with unit_of_work(deal.firm_actor):
            raised = services.submit(
                deal.firm_actor, second.id, Given([LineGiven("过滤器", 4_000_000)], reason="补报十二月")
            )
        # Nothing was paid of the earlier claim: it is replaced by one over the whole.
        assert raised.due_minor == 149_999
        assert later.obligation is not None
        assert later.obligation.state == "cancelled"
    assert [one.sequence for one in periods()[0].statements] == [1, 2]


def test_a_zero_statement_owes_nothing_and_others_see_nothing(context: None) -> None:
    deal, _licence = royalty_deal()
    with on(dt.date(2026, 10, 12)):
        work.make_periods()
        period = periods()[0]
        with unit_of_work(deal.firm_actor):
            statement = services.submit(deal.firm_actor, period.id, Given(note="本期未销售"))
    assert (statement.royalty_minor, statement.obligation) == (0, None)
    assert periods()[0].state == "reported"
    with unit_of_work():
        strangers = (factories.actor(factories.organisation()), factories.operator())
    for actor in strangers:
        with pytest.raises(NotFound):
            services.get(actor, RoyaltyPeriod, period.id)
    with unit_of_work(deal.holder_actor), pytest.raises(Forbidden):
        services.submit(deal.holder_actor, period.id, Given(reason="我方改写"))


def test_what_is_late_is_told_once_and_ends_only_by_the_holders_notice_after_its_term(context: None) -> None:
    deal, licence = royalty_deal()
    with on(dt.date(2026, 11, 2)):
        work.make_periods()
        work.remind()
        work.remind()
        period = periods()[0]
        assert period.state == "overdue"
        with unit_of_work(deal.holder_actor), pytest.raises(Invalid, match="too little"):
            services.give_default(
                deal.holder_actor, period.id, text="请补报第三季度", cure_by=dt.date(2026, 11, 5)
            )
        with unit_of_work(deal.holder_actor):
            notice = services.give_default(
                deal.holder_actor, period.id, text="请补报第三季度", cure_by=dt.date(2026, 11, 18)
            )
        assert (notice.ground, notice.basis) == ("unreported", "statutory")
        with unit_of_work(deal.holder_actor), pytest.raises(Conflict, match="not over yet"):
            services.close_default(deal.holder_actor, notice.id, "end")
    with on(dt.date(2026, 11, 19)):
        work.make_periods()
        work.remind()
        work.remind()
        assert db.session.get_one(Licence, licence.id).state == "in_effect"
        with unit_of_work(deal.firm_actor), pytest.raises(Forbidden):
            services.close_default(deal.firm_actor, notice.id, "restore")
        with unit_of_work(deal.holder_actor):
            services.close_default(deal.holder_actor, notice.id, "end")
    row = db.session.get_one(Licence, licence.id)
    assert (row.state, row.ended_reason) == ("ended", "statutory_ground")
    firm, holder = deal.firm_actor.organisation_id, deal.holder_actor.organisation_id
    assert told("royalty.") == [
        (firm, "royalty_due"), (firm, "royalty_report_soon"), (firm, "royalty_overdue"),
        (holder, "royalty_overdue_holder"), (firm, "royalty_default_given"), (holder, "royalty_cure_over"),
    ]  # fmt: skip


def test_the_holder_is_told_of_each_statement_and_each_correction(context: None) -> None:
    deal, _licence = royalty_deal()
    with on(dt.date(2026, 10, 12)):
        work.make_periods()
        for given_now in (Given(LINES), Given(LINES[:1], reason="重复计入滤芯")):
            with unit_of_work(deal.firm_actor):
                services.submit(deal.firm_actor, periods()[0].id, given_now)
        holder = deal.holder_actor.organisation_id
        assert told("royalty.")[-2:] == [(holder, "royalty_reported"), (holder, "royalty_corrected")]
    rows = db.session.scalars(sa.select(Notification).order_by(Notification.id)).all()
    with force_locale("en"):
        texts = [render(one) for one in rows if one.code.startswith("royalty_")]
    assert "6,500.01 CNY" in texts[-2].body
    assert "6,000.00 CNY" in texts[-1].body
    assert "2026-09-10 – 2026-09-30" in texts[-1].body
    assert all("—" not in one.title + one.body and one.path.startswith("/royalties/") for one in texts)


def test_a_reading_of_the_terms_holds_from_the_next_period_once_the_other_party_accepts(
    context: None,
) -> None:
    deal, licence = royalty_deal(payment_text="按净销售额的 5% 提成，年最低 1000 元")
    with on(dt.date(2026, 10, 12)):
        work.make_periods()
        plan = db.session.scalars(sa.select(RoyaltyPlan)).one()
        assert (plan.length, plan.length_source) == ("year", "default")
        with unit_of_work(deal.holder_actor):
            change = services.propose_plan(
                deal.holder_actor, licence.id, Reading("quarter", 20, 20, 100_000, None, "公告载明最低额")
            )
        with unit_of_work(deal.holder_actor), pytest.raises(Forbidden):
            services.answer_plan(deal.holder_actor, change.id, "accept")
        with unit_of_work(deal.firm_actor):
            services.answer_plan(deal.firm_actor, change.id, "accept")
        assert periods()[0].minimum_minor is None
    with on(dt.date(2027, 1, 5)):
        work.make_periods()
    second = periods()[1]
    assert (second.ends, second.minimum_minor) == (dt.date(2027, 3, 31), 100_000)
