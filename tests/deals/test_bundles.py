"""Several offers in one go: the basket, a notice for each, and one payment for each payee."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals import ledger, notices, payments
from marketplace.deals.bundles import basket, paying, services
from marketplace.deals.bundles.models import Bundle, BundlePart
from marketplace.deals.bundles.rules import MOST, share_out
from marketplace.deals.clauses import services as clauses
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence, Notice, Payment, Receipt
from marketplace.deals.reconcile import reconcile
from marketplace.deals.refunds import refunds_of
from marketplace.deals.statements.models import BankLine
from marketplace.deals.statements.services import Credit, take
from marketplace.listings.models import Offer
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import ACCOUNT, deliver, serve
from tests.deals.test_documents import needs_poppler, printed
from tests.deals.test_payments import stripe_that_says

TODAY = dt.date(2026, 11, 20)
FEES = (1_000_000, 2_000_000)


class Market:
    """One firm, and holders with offers that it may want."""

    def __init__(self) -> None:
        with unit_of_work():
            self.firm = factories.organisation()
            self.firm_actor = factories.actor(self.firm)
            self.holder = factories.organisation(stripe_account=ACCOUNT)
            self.holder_actor = factories.actor(self.holder)
            self.other = factories.organisation()
            both = ["bank", "stripe"]
            self.free = factories.live_offer(self.other, fee_form="free", fee_minor=None)
            self.paid = [factories.live_offer(self.holder, fee_minor=fee, channels=both) for fee in FEES]
            self.apart = factories.live_offer(self.other)
            self.own = factories.live_offer(self.firm)
            self.gone = factories.live_offer(self.holder, status="withdrawn", withdrawn_on=TODAY)

    def bundle(self, *offers: Offer, **values):
        with unit_of_work(self.firm_actor):
            made = services.begin_bundle(
                self.firm_actor, [one.id for one in offers], "试用", "张三", **values
            )
        return services.serve_parts(self.firm_actor, made.id)

    def both_paid(self, channel="bank"):
        bundle = self.bundle(*self.paid)
        [group] = paying.groups(bundle)
        ids = [one.notice.id for one in group.due]
        return bundle, paying.start_transfer(self.firm_actor, bundle.id, channel, ids)


@pytest.fixture
def market(context: None) -> Market:
    return Market()


def states(bundle):
    return [(part.state, part.problem) for part in bundle.parts]


def licences(bundle):
    return [licence_of(part.notice) is not None for part in bundle.parts if part.notice is not None]


def count(model):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


# --- the basket


def test_the_basket_says_what_cannot_be_taken_up_and_sums_the_rest_by_payee(market):
    wanted = [*market.paid, market.free, market.apart, market.own, market.gone]
    for offer in [*wanted, market.free]:
        with unit_of_work(market.firm_actor):
            basket.add(market.firm_actor, offer.id)
    with unit_of_work():
        lock(Offer, market.apart.id).patent.facts[0].value = "terminated"
    looked = basket.basket(market.firm_actor)
    assert [one.offer.id for one in looked] == [offer.id for offer in wanted]
    problems = [one.problem.code if one.problem else None for one in looked]
    assert problems == [None, None, None, None, "own-offer", "offer-not-live"]
    assert [bool(one.barred) for one in looked] == [False, False, False, True, False, False]
    sums = [(one.payee.id, one.amount_minor, one.offers) for one in basket.totals(looked)]
    assert sums == [(market.holder.id, sum(FEES), 2), (market.other.id, 5_000_000, 1)]
    with unit_of_work(market.firm_actor):
        basket.remove(market.firm_actor, market.gone.id)
    assert market.gone.id not in basket.offer_ids(market.firm_actor)
    assert basket.offer_ids(market.holder_actor) == []
    serve(market.firm_actor, market.apart)
    again = {one.offer.id: one.problem for one in basket.basket(market.firm_actor)}
    assert again[market.apart.id].code == "notice-open"


def test_looking_at_a_full_basket_takes_as_many_queries_as_at_one_offer(market):
    def queries(ids):
        seen = []

        def note(*_):
            seen.append(1)

        db.session.expire_all()
        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            basket.look(market.firm, ids)
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    with unit_of_work():
        many = [factories.live_offer(market.holder).id for _ in range(8)]
    few = queries(many[:2])
    assert queries(many) <= few + 1


# --- notices


def test_each_offer_gets_a_notice_of_its_own_and_a_failure_stops_no_other(market):
    bundle = market.bundle(market.free, market.own, *market.paid, market.gone)
    assert states(bundle) == [
        ("served", None),
        ("refused", "own-offer"),
        ("served", None),
        ("served", None),
        ("refused", "offer-not-live"),
    ]
    given_ = [part.notice for part in bundle.parts if part.notice is not None]
    assert len({one.document_digest for one in given_}) == 3
    assert {(one.use, one.contact, one.licensee_id) for one in given_} == {("试用", "张三", market.firm.id)}
    assert licences(bundle) == [True, False, False]
    done = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "bundle.done")).all()
    assert [one.subject_id for one in done] == [bundle.id]


def clause(market, offer, text):
    with unit_of_work(market.holder_actor):
        return clauses.publish_clause(market.holder_actor, offer.id, kind="support", text=text)


def accepted(part):
    return [one.clause_id for one in clauses.accepted_by(part.notice_id)]


@needs_poppler
def test_further_clauses_are_taken_or_left_for_each_offer_and_stand_in_its_notice(market):
    taken, left = (clause(market, market.paid[0], text) for text in ("两次远程答疑。", "产品上标注专利号。"))
    other = clause(market, market.paid[1], "每年一次培训。")
    bundle = market.bundle(*market.paid, clauses={market.paid[0].id: [taken.id, taken.id]})
    assert states(bundle) == [("served", None)] * 2
    assert [accepted(part) for part in bundle.parts] == [[taken.id], []]
    first, second = (
        printed(notices.notice_document(market.holder_actor, part.notice_id)) for part in bundle.parts
    )
    assert "两次远程答疑" in first
    assert "不以接受任何一项为条件" in first
    for text in (left.text, other.text):
        assert text[:-1] not in first + second
    assert "附加条款" not in second


def test_a_clause_of_another_offer_or_one_withdrawn_before_the_button_is_refused(market):
    mine, gone = (clause(market, market.paid[0], text) for text in ("甲", "乙"))
    with unit_of_work(market.holder_actor):
        clauses.withdraw_clause(market.holder_actor, gone.id)
    wrong = ((1, mine.id, "clause-unknown"), (0, 2**70, "clause-unknown"), (0, gone.id, "clause-withdrawn"))
    for place, key, code in wrong:
        with pytest.raises((NotFound, Conflict)) as refused:
            market.bundle(*market.paid, clauses={market.paid[place].id: [key]})
        assert refused.value.code == code
    assert count(Bundle) == 0


def test_a_clause_withdrawn_after_the_button_stops_its_part_alone_until_it_is_tried_without(market):
    goes, stays = (clause(market, market.paid[0], text) for text in ("甲", "乙"))
    with unit_of_work(market.firm_actor):
        made = services.begin_bundle(
            market.firm_actor,
            [one.id for one in market.paid],
            clauses={market.paid[0].id: [goes.id, stays.id]},
        )
    with unit_of_work(market.holder_actor):
        clauses.withdraw_clause(market.holder_actor, goes.id)
    bundle = services.serve_parts(market.firm_actor, made.id)
    assert states(bundle) == [("refused", "clause-withdrawn"), ("served", None)]
    with unit_of_work(market.firm_actor):
        services.retry_part(market.firm_actor, bundle.id, market.paid[0].id)
    bundle = services.serve_parts(market.firm_actor, bundle.id)
    assert states(bundle) == [("served", None)] * 2
    assert (accepted(bundle.parts[0]), bundle.parts[0].clauses) == ([stays.id], [stays.id])


def test_a_refused_part_can_be_tried_again_on_the_terms_that_were_seen(market):
    bundle = market.bundle(market.gone)
    with unit_of_work():
        offer = lock(Offer, market.gone.id)
        offer.status, offer.withdrawn_on, offer.fee_minor = "announced", None, 3_000_000
    with unit_of_work(market.firm_actor):
        services.retry_part(market.firm_actor, bundle.id, market.gone.id)
    bundle = services.serve_parts(market.firm_actor, bundle.id)
    assert states(bundle) == [("refused", "offer-changed")]
    [seen] = basket.look(market.firm, [market.gone.id])
    with unit_of_work(market.firm_actor):
        services.retry_part(market.firm_actor, bundle.id, market.gone.id, terms=seen.digest)
    bundle = services.serve_parts(market.firm_actor, bundle.id)
    assert states(bundle) == [("served", None)]
    with pytest.raises(Conflict), unit_of_work(market.firm_actor):
        services.retry_part(market.firm_actor, bundle.id, market.gone.id)


def test_a_bundle_is_refused_whole_when_it_is_empty_too_large_changed_or_anothers(market):
    actor = market.firm_actor

    def begin(ids, **values):
        with unit_of_work(actor):
            services.begin_bundle(actor, ids, **values)

    for ids, error, code, values in (
        ([], Invalid, "bundle-empty", {}),
        (range(1, MOST + 2), Invalid, "bundle-too-large", {}),
        ([10**9], NotFound, "offer-not-found", {}),
        ([market.free.id], Conflict, "offer-changed", {"terms": {market.free.id: "0" * 64}}),
        ([market.free.id], Invalid, "technology-class-missing", {"seat": "DE"}),
        ([market.free.id], Forbidden, "forbidden", {"licensee_id": market.holder.id}),
    ):
        with pytest.raises(error) as caught:
            begin(ids, **values)
        assert caught.value.code == code
    bundle = market.bundle(market.free)
    with pytest.raises(NotFound):
        services.get_bundle(market.holder_actor, bundle.id)
    with pytest.raises(NotFound):
        services.serve_parts(market.holder_actor, bundle.id)


def test_the_worker_goes_on_as_the_person_who_confirmed_unless_that_one_has_left(market):
    def begin(offer):
        with unit_of_work(market.firm_actor):
            return services.begin_bundle(market.firm_actor, [offer.id])

    first = begin(market.free)
    services.go_on(first.id)
    assert states(services.get_bundle(market.firm_actor, first.id)) == [("served", None)]
    assert first.parts[0].notice.user_id == market.firm_actor.user_id
    second = begin(market.apart)
    with unit_of_work():
        lock(User, market.firm_actor.user_id).active = False
    services.go_on(second.id)
    assert states(services.get_bundle(market.firm_actor, second.id)) == [("refused", "not-a-member")]


_KILLED = """
    import os, signal, sys
    from marketplace.app import create_app
    from tests.conftest import settings_for
    from pathlib import Path
    from marketplace.core.actor import Actor
    from marketplace.deals import notices
    from marketplace.deals.bundles import services

    url, folder, user, organisation, bundle, after, inside = sys.argv[1:]
    app = create_app(settings_for(url, Path(folder)))
    serve, given = notices.serve_notice, []

    def dying(actor, prepared):
        if len(given) == int(after) and inside == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        notice = serve(actor, prepared)
        given.append(notice)
        if len(given) > int(after):
            os.kill(os.getpid(), signal.SIGKILL)  # served, but neither marked nor committed
        return notice

    notices.serve_notice = dying
    with app.app_context():
        actor = Actor(user_id=int(user), organisation_id=int(organisation), roles=frozenset({"member"}))
        services.serve_parts(actor, int(bundle))
"""


@pytest.mark.parametrize("inside", ["before", "within"])
def test_killed_between_two_parts_it_goes_on_and_no_part_ever_gets_two_notices(
    committed_app, inside, tmp_path
):
    with committed_app.app_context():
        market = Market()
        offers = [market.free, *market.paid]
        with unit_of_work(market.firm_actor):
            bundle = services.begin_bundle(market.firm_actor, [one.id for one in offers])
        where = committed_app.config["SETTINGS"]
        user, organisation = market.firm_actor.user_id, market.firm.id
        db.session.remove()
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent(_KILLED),
                where.database_url,
                str(where.instance_dir),
                *(str(one) for one in (user, organisation, bundle.id, 1, inside)),
            ],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
            capture_output=True,
        )
        assert run.returncode == -signal.SIGKILL, run.stderr.decode()
        parts = db.session.scalars(sa.select(BundlePart.state).order_by(BundlePart.id)).all()
        assert list(parts) == ["served", "waiting", "waiting"]
        assert count(Notice) == 1
        found = services.serve_parts(market.firm_actor, bundle.id)
        assert states(found) == [("served", None)] * 3
        assert count(Notice) == 3
        services.go_on(bundle.id)
        assert count(Notice) == 3


# Rows of one example do not touch those of the next: each has offers of its own.
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # one part of each kind is tried on both
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(["free", "paid", "own", "gone", "held"]), min_size=1, max_size=5))
def test_any_mix_of_parts_ends_with_every_part_answered_and_consistent(shared_market, parts):
    firm, holder, actor = shared_market
    with unit_of_work():
        offers = []
        for kind in parts:
            values = {
                "free": {"fee_form": "free", "fee_minor": None},
                "held": {"fee_form": "free", "fee_minor": None},
                "gone": {"status": "withdrawn", "withdrawn_on": TODAY},
            }.get(kind, {})
            offers.append(factories.live_offer(firm if kind == "own" else holder, **values))
    for kind, offer in zip(parts, offers, strict=True):
        if kind == "held":
            serve(actor, offer)
    with unit_of_work(actor):
        made = services.begin_bundle(actor, [one.id for one in offers])
    for _ in range(2):  # once more changes nothing
        bundle = services.serve_parts(actor, made.id)
        expected = {
            "free": ("served", None),
            "paid": ("served", None),
            "own": ("refused", "own-offer"),
            "gone": ("refused", "offer-not-live"),
            "held": ("refused", "licence-in-effect"),
        }
        assert states(bundle) == [expected[kind] for kind in parts]
        assert licences(bundle) == [kind == "free" for kind in parts if kind in ("free", "paid")]
        assert [len(group.due) for group in paying.groups(bundle)] == (
            [parts.count("paid")] if "paid" in parts else []
        )
        assert bundle.done_at is not None


@pytest.fixture
def shared_market(context):
    market = Market()
    return market.firm, market.holder, market.firm_actor


# --- one payment for several


@given(
    st.integers(1, 10**12),
    st.lists(st.integers(1, 10**11), max_size=8),
    st.lists(st.integers(1, 10**11), min_size=1, max_size=3),
)
def test_a_sum_is_shared_out_whole_in_the_payers_order_and_nothing_is_lost(amount, counting, others):
    owed = [(f"c{n}", value) for n, value in enumerate(counting)]
    rest = [(f"o{n}", value) for n, value in enumerate(others)]
    shares = dict(share_out(amount, owed, rest))
    assert sum(shares.values()) == amount
    assert all(share > 0 for share in shares.values())
    left = amount
    for key, value in owed:  # each is filled before the next one gets anything
        share = shares.get(key, 0)
        assert min(share, value) == min(left, value)
        left -= min(share, value)
    if left <= 0:
        assert not any(key.startswith("o") for key in shares)


def credit(transfer, amount, serial="S1", day=TODAY):
    return Credit(serial, day, amount, "示例付款方", f"许可费 {transfer.reference.lower()}")


def lines():
    return sorted((one.state, one.amount_minor) for one in db.session.scalars(sa.select(BankLine)).unique())


def test_one_line_of_the_statement_pays_every_notice_of_the_transfer(market):
    bundle, transfer = market.both_paid()
    assert (transfer.amount_minor, transfer.account) == (sum(FEES), market.holder.bank_account)
    [group] = paying.groups(bundle)
    assert (len(group.due), len(group.under_way)) == (0, 2)
    for _ in range(2):  # handed in twice
        with unit_of_work(market.holder_actor):
            take(market.holder_actor, market.holder.id, credit(transfer, sum(FEES)))
    assert [one.state for one in paying.payments_of(transfer)] == ["paid", "paid"]
    assert licences(bundle) == [True, True]
    assert lines() == [("settled", fee) for fee in sorted(FEES)]
    assert count(Receipt) == 2


def test_a_part_pays_in_the_order_of_the_bundle_and_the_rest_completes_it(market):
    bundle, transfer = market.both_paid()
    with unit_of_work(market.holder_actor):
        line = take(market.holder_actor, market.holder.id, credit(transfer, FEES[0] + 5))
    assert line.state == "part"
    assert licences(bundle) == [True, False]
    with unit_of_work(market.holder_actor):
        take(market.holder_actor, market.holder.id, credit(transfer, FEES[1] - 5, "S2"))
    assert licences(bundle) == [True, True]
    assert count(Licence) == 2


def test_of_more_than_is_owed_the_surplus_goes_back_and_no_licence_is_made_twice(market):
    bundle, transfer = market.both_paid()
    with unit_of_work(market.holder_actor):
        line = take(market.holder_actor, market.holder.id, credit(transfer, sum(FEES) + 7))
    assert (line.state, licences(bundle), count(Licence)) == ("differs", [True, True], 2)
    surplus = [(one.reason, one.amount_minor) for part in bundle.parts for one in refunds_of(part.notice)]
    assert surplus == [("surplus", 7)]


def test_what_was_confirmed_by_hand_is_borne_out_by_the_statement_and_not_counted_twice(market):
    bundle, transfer = market.both_paid()
    with unit_of_work(market.holder_actor):
        paying.confirm_transfer(market.holder_actor, transfer.id, TODAY, FEES[0])
    with pytest.raises(Conflict) as known, unit_of_work(market.holder_actor):
        paying.confirm_transfer(market.holder_actor, transfer.id, TODAY, FEES[0])
    assert known.value.code == "receipt-known"
    with unit_of_work(market.holder_actor):
        take(market.holder_actor, market.holder.id, credit(transfer, sum(FEES)))
    assert licences(bundle) == [True, True]
    assert [refunds_of(part.notice) for part in bundle.parts] == [[], []]
    assert count(Receipt) == 2


def test_money_for_a_notice_that_has_lapsed_goes_first_to_what_is_still_owed(market):
    bundle, transfer = market.both_paid()
    first, second = (part.notice for part in bundle.parts)
    with unit_of_work(market.firm_actor):
        notices.abandon_notice(market.firm_actor, first.id)
    with clock.at(NOW + dt.timedelta(days=2)), unit_of_work(market.holder_actor):
        day = TODAY + dt.timedelta(days=2)
        take(market.holder_actor, market.holder.id, credit(transfer, FEES[1], day=day))
    assert (licence_of(first), licence_of(second) is not None) == (None, True)


def test_only_the_payee_confirms_and_only_what_is_free_to_be_paid_goes_into_a_transfer(market):
    bundle, transfer = market.both_paid()
    with pytest.raises(Forbidden), unit_of_work(market.firm_actor):
        paying.confirm_transfer(market.firm_actor, transfer.id, TODAY, 1)
    notices_ = [part.notice_id for part in bundle.parts]
    with pytest.raises(Conflict) as open_, unit_of_work(market.firm_actor):
        paying.begin_transfer(market.firm_actor, bundle.id, "bank", notices_)
    assert open_.value.code == "payment-open"
    with unit_of_work(market.firm_actor):
        paying.cancel_transfer(market.firm_actor, transfer.id)
    with unit_of_work(market.firm_actor):
        again = paying.begin_transfer(market.firm_actor, bundle.id, "bank", notices_)
    assert (again.amount_minor, again.reference != transfer.reference) == (sum(FEES), True)
    mixed = market.bundle(market.apart)
    with pytest.raises(NotFound), unit_of_work(market.firm_actor):
        paying.begin_transfer(market.firm_actor, bundle.id, "bank", [mixed.parts[0].notice_id])


def test_notices_of_two_payees_do_not_go_into_one_payment(market):
    bundle = market.bundle(market.apart, market.paid[0])
    assert [len(group.due) for group in paying.groups(bundle)] == [1, 1]
    with pytest.raises(Invalid) as mixed, unit_of_work(market.firm_actor):
        paying.begin_transfer(market.firm_actor, bundle.id, "bank", [part.notice_id for part in bundle.parts])
    assert mixed.value.code == "transfer-mixed"


def test_one_checkout_pays_every_notice_once_however_often_its_event_comes(
    market, app, with_stripe, event, stripe_fixtures
):
    bundle, transfer = market.both_paid("stripe")
    attempts = paying.payments_of(transfer)
    assert {one.checkout_session_id for one in attempts} == {transfer.checkout_session_id}
    assert transfer.checkout_url
    with pytest.raises(Conflict), unit_of_work(market.firm_actor):
        payments.begin_payment(market.firm_actor, bundle.parts[0].notice_id, "stripe")
    strangers = deliver(event(transfer, account="acct_another"))
    assert (strangers.outcome, licences(bundle)) == ("account-mismatch", [False, False])
    paid = event(transfer)
    assert deliver(paid).outcome == "paid"
    assert deliver(paid).outcome == "paid"  # the same event is known
    assert deliver(event(transfer)).outcome == "already-paid"
    assert licences(bundle) == [True, True]
    assert count(Licence) == 2
    assert sorted(ledger.came_by(one) for one in attempts) == sorted(FEES)
    there = stripe_fixtures["checkout.session"] | {
        "id": transfer.checkout_session_id,
        "client_reference_id": transfer.reference,
        "amount_total": sum(FEES),
        "currency": "cny",
        "payment_status": "paid",
    }
    with stripe_that_says(app, there):
        found = reconcile()
    assert (found.agree, found.different, found.unknown_here) == (2, 0, 0)


def test_a_checkout_of_another_sum_pays_nothing_and_one_that_ran_out_frees_its_notices(
    market, with_stripe, event
):
    bundle, transfer = market.both_paid("stripe")
    short = deliver(event(transfer, amount_total=transfer.amount_minor - 1))
    assert (short.state, short.outcome, licences(bundle)) == (
        "quarantined",
        "amount-mismatch",
        [False, False],
    )
    assert deliver(event(transfer, "checkout.session.expired")).outcome == "expire"
    states_ = {one.state for one in db.session.scalars(sa.select(Payment)).unique()}
    assert states_ == {"quarantined", "expired"}


def test_while_the_provider_is_away_the_same_checkout_is_taken_up_again(market, without_stripe):
    bundle = market.bundle(*market.paid)
    ids = [part.notice_id for part in bundle.parts]
    with pytest.raises(Unavailable):
        paying.start_transfer(market.firm_actor, bundle.id, "stripe", ids)
    [transfer] = services.get_bundle(market.firm_actor, bundle.id).transfers
    assert (transfer.checkout_session_id, transfer.amount_minor) == (None, sum(FEES))
    with pytest.raises(Conflict), unit_of_work(market.firm_actor):
        payments.begin_payment(market.firm_actor, ids[0], "stripe")


# Each example has a firm, offers and a transfer of its own.
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the sums are the same on both
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fees=st.lists(st.integers(1, 50), min_size=1, max_size=3),
    came=st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_whatever_comes_by_a_transfer_adds_up_and_makes_each_licence_once(context, fees, came):
    market = Market()
    with unit_of_work():
        offers = [factories.live_offer(market.holder, fee_minor=fee) for fee in fees]
    bundle = market.bundle(*offers)
    [group] = paying.groups(bundle)
    ids = [one.notice.id for one in group.due]
    transfer = paying.start_transfer(market.firm_actor, bundle.id, "bank", ids)
    for number, amount in enumerate(came):
        with unit_of_work(market.holder_actor):
            take(market.holder_actor, market.holder.id, credit(transfer, amount, f"S{number}"))
    owed = [one.obligation for one in paying.payments_of(transfer)]
    received = ledger.receipts_of([one.id for one in owed])
    assert sum(one.amount_minor for one in received) == sum(came)
    assert sum(one.applied_minor for one in received) == min(sum(came), sum(fees))
    returned = sum(task.amount_minor for part in bundle.parts for task in refunds_of(part.notice))
    assert returned == max(sum(came) - sum(fees), 0)
    filled = [sum(fees[: n + 1]) <= sum(came) for n in range(len(fees))]  # in the order of the bundle
    assert [one.state == "paid" for one in owed] == licences(bundle) == filled
    kept = db.session.scalars(sa.select(BankLine).where(BankLine.organisation_id == market.holder.id))
    assert sum(line.amount_minor for line in kept.unique()) == sum(came)


def test_two_processes_that_go_on_at_once_give_each_part_one_notice(committed_app):
    with committed_app.app_context():
        market = Market()
        with unit_of_work():
            ids = [factories.live_offer(market.holder).id for _ in range(4)]
        with unit_of_work(market.firm_actor):
            bundle_id = services.begin_bundle(market.firm_actor, ids).id
        actor = market.firm_actor
        db.session.remove()

    def go_on():
        with committed_app.app_context():
            services.serve_parts(actor, bundle_id)
            db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(go_on) for _ in range(2)]:
            done.result()
    with committed_app.app_context():
        bundle = services.get_bundle(actor, bundle_id)
        assert states(bundle) == [("served", None)] * 4
        assert count(Notice) == 4
        told = sa.select(JournalEntry.id).where(JournalEntry.action == "bundle.done")
        assert len(db.session.scalars(told).all()) == 1
        db.session.remove()
