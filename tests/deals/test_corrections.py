"""Money in quarantine: one operator proposes, another one decides; the books are reversed, never edited."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import corrections, ledger, payments, quarantine, refunds
from marketplace.deals.lookup import licence_of, payments_of
from marketplace.deals.models import Licence, Quarantine
from tests import factories
from tests.deals.conftest import ACCOUNT, FEE, deliver, make_deal, serve

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def operators(context):
    """Two of them."""
    with unit_of_work():
        return factories.operator(), factories.operator()


@pytest.fixture
def notice(deal):
    return serve(deal.firm_actor, deal.offer)


def case_of(reason):
    return db.session.scalars(sa.select(Quarantine).where(Quarantine.reason == reason)).one()


def decided(operators, case, kind, **values):
    first, second = operators
    with unit_of_work(first):
        proposal = corrections.propose(first, case.id, kind, "与付款人核对后的说明", **values)
    with pytest.raises(Forbidden), unit_of_work(first):
        corrections.approve(first, proposal.id)
    with unit_of_work(second):
        corrections.approve(second, proposal.id, "同意")
    assert (proposal.state, proposal.case.state) == ("approved", "resolved")
    assert proposal.decided_by != proposal.proposed_by
    return proposal


def test_money_with_a_lost_reference_is_entered_by_two_operators(deal, notice, with_stripe, event, operators):
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    body = event(payment, client_reference_id="FK-20261120-XXXXXXXX", id="cs_test_lost")
    deliver(body)
    case = case_of("unknown-payment")
    assert [one.id for one in corrections.payable(operators[0], case)] == [notice.obligations[0].id]
    with pytest.raises(Conflict) as refused, unit_of_work(operators[0]):
        quarantine.resolve_quarantine(operators[0], case.id, "只是一条备注")
    assert refused.value.code == "second-operator-needed"
    decided(operators, case, "apply", obligation_id=notice.obligations[0].id)
    licence = licence_of(notice)
    assert licence.effective_at == max(dt.datetime.fromtimestamp(body["created"], dt.UTC), notice.served_at)
    [receipt] = ledger.receipts_of([notice.obligations[0].id])
    assert (receipt.source, receipt.applied_minor, receipt.correction_id is not None) == (
        "correction",
        FEE,
        True,
    )
    told = sa.select(JournalEntry.action).where(JournalEntry.action.like("correction.%"))
    assert list(db.session.scalars(told.order_by(JournalEntry.id))) == [
        "correction.proposed",
        "correction.approved",
    ]


def test_a_payment_entered_for_the_wrong_licensee_is_reversed_and_entered_anew(deal, notice, operators):
    with unit_of_work():
        other = factories.organisation()
        other_actor = factories.actor(other)
    right = serve(other_actor, deal.offer)
    wrong = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, wrong.id, TODAY, FEE)
    with unit_of_work(operators[0]):
        case = corrections.report(operators[0], wrong.id, "付款人是另一家企业")
    decided(operators, case, "reverse", obligation_id=right.obligations[0].id)
    assert (wrong.state, notice.obligations[0].state, right.obligations[0].state) == (
        "reversed",
        "open",
        "paid",
    )
    assert ledger.standing(notice.obligations[0]) == 0
    assert [one.amount_minor for one in ledger.receipts_of([notice.obligations[0].id])] == [FEE, -FEE]
    # Neither licence is ended by the platform: what was concluded stands until the parties end it.
    assert {one.state for one in db.session.scalars(sa.select(Licence))} == {"in_effect"}
    assert licence_of(right).effective_on == TODAY
    # The first one owes again, and can pay though its notice counts as paid.
    again = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, again.id, TODAY, FEE)
    assert (notice.obligations[0].state, len(db.session.scalars(sa.select(Licence)).all())) == ("paid", 2)


def test_the_holder_is_asked_to_return_money_in_another_currency(deal, notice, operators):
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, TODAY, 7_000, "USD")
    case = case_of("currency-mismatch")
    with pytest.raises(Conflict) as refused, unit_of_work(operators[0]):
        corrections.propose(operators[0], case.id, "apply", "理由", obligation_id=notice.obligations[0].id)
    assert refused.value.code == "correction-currency"
    decided(operators, case, "ask_return")
    [task] = refunds.list_refunds(deal.holder_actor)
    assert (task.reason, task.amount_minor, task.currency) == ("returned", 7_000, "USD")
    assert [one.state for one in payments_of(notice)] == ["cancelled"]


def test_money_of_another_account_pays_nothing_here(deal, notice, with_stripe, event, operators):
    stranger = make_deal()
    with unit_of_work():
        db.session.get_one(type(stranger.holder), stranger.holder.id).stripe_account = "acct_other"
    theirs = serve(stranger.firm_actor, stranger.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    deliver(event(payment, account=ACCOUNT, client_reference_id="FK-20261120-YYYYYYYY", id="cs_test_y"))
    case = case_of("unknown-payment")
    with pytest.raises(Conflict) as refused, unit_of_work(operators[0]):
        corrections.propose(operators[0], case.id, "apply", "理由", obligation_id=theirs.obligations[0].id)
    assert refused.value.code == "correction-other-payee"
    decided(operators, case, "foreign")
    assert licence_of(notice) is None


def test_a_case_is_decided_once_and_a_declined_proposal_leaves_it_open(
    deal, notice, with_stripe, event, operators
):
    first, second = operators
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    deliver(event(payment, amount_total=FEE - 1))
    case = case_of("amount-mismatch")
    with unit_of_work(first):
        proposal = corrections.propose(first, case.id, "foreign", "误认")
    with pytest.raises(Conflict) as refused, unit_of_work(second):
        corrections.propose(second, case.id, "ask_return", "应退回")
    assert refused.value.code == "correction-open"
    with unit_of_work(second):
        corrections.decline(second, proposal.id, "金额差一分，应记为部分付款")
    assert (proposal.state, case.state) == ("declined", "open")
    decided((second, first), case, "apply", obligation_id=notice.obligations[0].id)
    assert ledger.remaining(notice.obligations[0]) == 1
    for act in (
        lambda: corrections.propose(first, case.id, "foreign", "再来"),
        lambda: quarantine.resolve_quarantine(first, case.id, "再来"),
    ):
        with pytest.raises(Conflict) as refused, unit_of_work(first):
            act()
        assert refused.value.code == "quarantine-resolved"
    with pytest.raises(Forbidden), unit_of_work(deal.holder_actor):
        corrections.propose(deal.holder_actor, case.id, "foreign", "不是经营者")
