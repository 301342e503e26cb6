"""A fee in instalments: the first one makes the licence, later ones fall due by the legal calendar."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.convert import InvalidValue
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import instalments, ledger, payments
from marketplace.deals.lookup import licence_of
from marketplace.deals.rules import obligations_of
from marketplace.listings import columns, rules
from tests.conftest import NOW
from tests.deals.conftest import FEE, make_deal, serve

TODAY = dt.date(2026, 11, 20)
PLAN = [[0, FEE - 2_000_000], [6, 1_500_000], [12, 500_000]]


def pay(deal, payment, amount, day):
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, day, amount)


def test_the_first_instalment_makes_the_licence_and_the_others_fall_due_after_it(context):
    deal = make_deal(instalments=PLAN)
    notice = serve(deal.firm_actor, deal.offer)
    assert notice.terms["instalments"] == PLAN
    first, second, third = notice.obligations
    assert (first.due_on, second.due_on, third.due_on) == (notice.pay_by, None, None)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "bank", second.id)
    assert refused.value.code == "instalment-later"
    pay(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"), PLAN[0][1], TODAY)
    licence = licence_of(notice)
    assert (licence.effective_on, licence.amount_minor, notice.state) == (TODAY, FEE, "paid")
    # Six months after 20 November 2026, by the legal calendar; 2027's holidays move it no further.
    assert second.due_on == clock.deadline(TODAY, months=6).date >= dt.date(2027, 5, 20)
    assert third.due_on == clock.deadline(TODAY, months=12).date

    with clock.at(NOW + dt.timedelta(days=175)):
        instalments.remind()
        instalments.remind()
        assert second.reminded_at is not None
        assert not second.overdue
    with clock.at(NOW + dt.timedelta(days=200)):
        instalments.remind()
        assert (second.overdue, third.overdue) == (True, False)
        later = payments.start_payment(deal.firm_actor, notice.id, "bank")
        assert (later.obligation_id, later.amount_minor) == (second.id, 1_500_000)
        pay(deal, later, 1_500_000, dt.date(2027, 6, 1))
        assert (second.state, second.overdue, licence.effective_on) == ("paid", False, TODAY)
        last = payments.start_payment(deal.firm_actor, notice.id, "bank")
        pay(deal, last, 500_000, dt.date(2027, 6, 2))
    assert sum(ledger.standings([one.id for one in notice.obligations]).values()) == FEE
    told = sa.select(JournalEntry.action).where(JournalEntry.action.like("obligation.%"))
    assert list(db.session.scalars(told.order_by(JournalEntry.id))) == [
        "obligation.due_soon",
        "obligation.overdue",
    ]


@pytest.mark.parametrize(
    ("plan", "form", "code"),
    [
        (((0, 100), (6, 101)), "fixed", "instalments-sum"),
        (((0, 200), (6, 0)), "fixed", "instalments-sum"),
        (((1, 100), (6, 100)), "fixed", "instalments-order"),
        (((0, 100), (0, 100)), "fixed", "instalments-order"),
        (((0, 200),), "fixed", "instalments-order"),
        (((0, 100), (6, 100)), "free", "instalments-not-expected"),
    ],
)
def test_instalments_that_do_not_make_up_the_fee_are_refused(plan, form, code):
    terms = rules.Terms(fee_form=form, fee_minor=200 if form == "fixed" else None, instalments=plan)
    assert [fault.code for fault in rules.form_faults(terms)] == [code]


def test_instalments_are_read_from_a_cell_and_said_in_both_languages():
    assert columns.instalments("0：3万；6个月:20000") == [[0, 3_000_000], [6, 2_000_000]]
    assert columns.instalments("none") is None
    for wrong in ("30000", "0:x", "0:1;" * 30, "a:1"):
        with pytest.raises(InvalidValue):
            columns.instalments(wrong)
    terms = rules.Terms(fee_form="fixed", fee_minor=300, instalments=((0, 100), (6, 200)))
    assert "第2期许可生效后6个月内支付2元" in rules.payment_text(terms)
    assert "CNY 2 6 months after" in rules.payment_text(terms, "en")


@given(st.integers(2, 20_000_000_00), st.lists(st.integers(1, 240), min_size=1, max_size=8, unique=True))
def test_what_is_owed_adds_up_to_the_fee_and_never_above_it(fee, months):
    months = [0, *sorted(months)]
    if fee < len(months):
        return
    part = fee // len(months)
    plan = [[month, part] for month in months]
    plan[-1][1] += fee - part * len(months)
    terms = {"fee_form": "fixed", "fee_minor": fee, "currency": "CNY", "instalments": plan}
    owed = obligations_of(terms)
    assert sum(one.amount_minor for one in owed) == fee <= rules.FIXED_CEILING_MINOR
    assert [one.instalment for one in owed] == list(range(1, len(months) + 1))
