"""A holder's bank statement: what of it pays a licence here, what is asked about, and what is not kept."""

from __future__ import annotations

import csv
import datetime as dt
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock, importing
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import numbers, payments
from marketplace.deals.lookup import licence_of
from marketplace.deals.refunds import refunds_of
from marketplace.deals.statements import rules, services
from marketplace.deals.statements.models import BankLine
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import FEE, make_deal, serve

HEADER = ("交易流水号", "交易日期", "借方发生额", "贷方发生额", "对方户名", "附言")
_serial = count(1)


def line(amount_minor, payer="示例付款方", remark="", day="2026-11-20", serial=None):
    return (
        serial or f"L{next(_serial):08}",
        day,
        "",
        f"{amount_minor // 100:,}.{amount_minor % 100:02}",
        payer,
        remark,
    )


@pytest.fixture
def statement(tmp_path):
    """Hands a statement of these lines in, as the holder."""

    def hand_in(actor, *lines):
        path = tmp_path / "statement.csv"
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows([HEADER, *lines])
        return importing.run("bank-statement", path, actor=actor)

    return hand_in


@pytest.fixture
def owed(deal):
    """A notice, and the transfer that is to pay it."""
    notice = serve(deal.firm_actor, deal.offer)
    return notice, payments.start_payment(deal.firm_actor, notice.id, "bank")


def lines():
    return [(one.state, one.amount_minor) for one in db.session.scalars(sa.select(BankLine)).unique()]


def test_the_reference_and_the_sum_make_the_licence_from_the_day_of_the_booking(deal, owed, statement):
    notice, payment = owed
    remark = f"专利许可费 {payment.reference.lower().replace('-', ' ')}"
    with clock.at(NOW + dt.timedelta(days=3)):
        summary = statement(deal.holder_actor, line(FEE, remark=remark, day="2026-11-22"))
    assert (summary.created, summary.rejected, dict(summary.details)) == (1, 0, {"settled": 1})
    assert payment.state == "paid"
    assert licence_of(notice).effective_on == dt.date(2026, 11, 22)
    assert lines() == [("settled", FEE)]


def test_the_same_statement_once_more_changes_nothing(deal, owed, statement):
    row = line(FEE, remark=owed[1].reference)
    statement(deal.holder_actor, row)
    again = statement(deal.holder_actor, row)
    assert (again.created, again.unchanged, again.rejected) == (0, 1, 0)
    assert lines() == [("settled", FEE)]


def test_parts_are_added_up_and_the_last_one_makes_the_licence(deal, owed, statement):
    notice, payment = owed
    statement(deal.holder_actor, line(FEE - 100, remark=payment.reference))
    assert (payment.state, licence_of(notice)) == ("open", None)
    assert [come for _, come in services.open_sums(deal.holder.id)] == [FEE - 100]
    [part] = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "payment.part_received"))
    assert part.data["amount_minor"] == FEE - 100
    with clock.at(NOW + dt.timedelta(days=4)):
        statement(deal.holder_actor, line(100, remark=payment.reference, day="2026-11-23"))
    assert licence_of(notice).effective_on == dt.date(2026, 11, 23)
    assert sorted(lines()) == [("part", FEE - 100), ("settled", 100)]
    assert services.open_sums(deal.holder.id) == []


def test_of_more_than_is_owed_the_surplus_has_to_be_returned(deal, owed, statement):
    notice, payment = owed
    statement(deal.holder_actor, line(FEE + 1, remark=payment.reference))
    assert (payment.state, licence_of(notice).amount_minor, lines()) == ("paid", FEE, [("differs", FEE + 1)])
    assert [(one.reason, one.amount_minor) for one in refunds_of(notice)] == [("surplus", 1)]


def test_what_was_confirmed_by_hand_is_borne_out_once_and_goes_back_after_that(deal, owed, statement):
    notice, payment = owed
    for amount in (100, FEE - 100):
        with unit_of_work(deal.holder_actor):
            payments.confirm_payment(deal.holder_actor, payment.id, dt.date(2026, 11, 20), amount)
    statement(deal.holder_actor, line(FEE - 100, remark=payment.reference))
    assert (lines(), refunds_of(notice)) == ([("settled", FEE - 100)], [])
    statement(deal.holder_actor, line(FEE - 100, remark=payment.reference))
    assert [(one.reason, one.amount_minor) for one in refunds_of(notice)] == [("second_payment", FEE - 100)]


def test_without_the_reference_sum_and_payer_only_suggest_and_the_holder_decides(deal, owed, statement):
    notice, payment = owed
    statement(deal.holder_actor, line(FEE, payer=f" {deal.firm.name} ", remark="货款"))
    [suggested] = services.open_lines(deal.holder.id)
    assert (suggested.state, suggested.payment_id, payment.state) == ("suggested", payment.id, "open")
    with pytest.raises(NotFound), unit_of_work(deal.firm_actor):
        services.answer(deal.firm_actor, suggested.id, ours=True)
    with unit_of_work(deal.holder_actor):
        services.answer(deal.holder_actor, suggested.id, ours=True)
    assert (payment.state, licence_of(notice).state) == ("paid", "in_effect")
    with pytest.raises(Conflict), unit_of_work(deal.holder_actor):
        services.answer(deal.holder_actor, suggested.id, ours=False)


def test_a_suggestion_that_is_wrong_is_put_away_and_pays_nothing(deal, owed, statement):
    statement(deal.holder_actor, line(FEE, payer=deal.firm.name))
    [suggested] = services.open_lines(deal.holder.id)
    with unit_of_work(deal.holder_actor):
        services.answer(deal.holder_actor, suggested.id, ours=False)
    assert (lines(), owed[1].state, services.open_lines(deal.holder.id)) == (
        [("dismissed", FEE)],
        "open",
        [],
    )


def test_of_other_money_nothing_is_kept(deal, owed, statement):
    summary = statement(
        deal.holder_actor,
        line(FEE, payer="别的付款方", remark="服务费"),
        line(123_456, payer=deal.firm.name),
        ("D1", "2026-11-20", "500.00", "", "供应商", owed[1].reference),
    )
    assert (summary.read, summary.unchanged, summary.rejected, lines()) == (3, 3, 0, [])


def test_another_holders_reference_settles_nothing(deal, owed, statement):
    other = make_deal()
    statement(other.holder_actor, line(FEE, remark=owed[1].reference))
    assert (lines(), owed[1].state) == ([], "open")


def test_bad_lines_are_reported_and_the_good_ones_go_in(deal, owed, statement):
    _, payment = owed
    second = serve(make_deal().firm_actor, deal.offer)
    another = payments.start_payment(_actor_of(second), second.id, "bank")
    summary = statement(
        deal.holder_actor,
        line(FEE, remark=f"{payment.reference} {another.reference}"),
        line(FEE, remark=payment.reference, day="2026-11-19"),
        line(FEE, remark=payment.reference, day="2026-11-21"),
        line(FEE, remark=another.reference),
    )
    assert [error.code for error in summary.errors] == [
        "references-several",
        "date-too-early",
        "date-in-future",
    ]
    assert (summary.created, another.state, payment.state) == (1, "paid", "open")


def _actor_of(notice):
    with unit_of_work():
        return factories.actor(notice.licensee)


def test_only_who_acts_for_the_holder_hands_a_statement_in(deal, owed, tmp_path):
    path = tmp_path / "statement.csv"
    path.write_text(",".join(HEADER) + "\n", encoding="utf-8")
    with pytest.raises(Forbidden):
        importing.run("bank-statement", path, actor=deal.firm_actor, owner=deal.holder.name)


def test_a_slip_that_waits_for_two_working_days_is_escalated_once(deal, owed):
    _, payment = owed
    with unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"\x89PNG\r\n\x1a\ninvented", "回单.png")
    # Shown on a Friday: Monday and Tuesday are the payee's.
    for days, escalated in ((4, False), (5, True), (6, True)):
        with clock.at(NOW + dt.timedelta(days=days)):
            payments.escalate_slips()
        assert (payment.escalated_at is not None) is escalated
    entries = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "payment.slip_waits"))
    assert len(entries.all()) == 1


@given(
    st.dates(dt.date(2020, 1, 1), dt.date(2099, 12, 31)),
    st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=8, max_size=8),
    st.sampled_from(["", " ", "-", "－", "  "]),
    st.sampled_from(["{}", "许可费{}", "{} 谢谢", "合同款：{}。"]),
)
def test_a_reference_is_read_however_the_bank_prints_it(on, rest, gap, around):
    written = around.format(f"FK-{on:%Y%m%d}-{rest}".replace("-", gap).lower())
    assert rules.references(written) == (f"{numbers.PAYMENT}-{on:%Y%m%d}-{rest}",)


@given(st.integers(1, 10**12), st.lists(st.integers(1, 10**12), min_size=1, max_size=6))
def test_parts_settle_a_sum_exactly_when_they_add_up_to_it(owed_minor, came):
    before = 0
    for amount in came:
        said = rules.verdict(owed_minor, before, amount)
        assert (said == "settled") == (before + amount == owed_minor)
        assert (said == "differs") == (before + amount > owed_minor)
        if said != "part":
            break
        before += amount
