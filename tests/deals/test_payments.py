"""Paying into the holder's own account: transfers, checkouts, and which money makes a licence."""

from __future__ import annotations

import datetime as dt
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import config
from marketplace.core import clock, tasks
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from marketplace.core.files import StoredFile, store
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import ledger, notices, payments, quarantine, refunds, stripe_gateway
from marketplace.deals.lookup import licence_of, payments_of
from marketplace.deals.models import Payment, RefundTask
from marketplace.deals.reconcile import reconcile, report_of, reports
from marketplace.listings.models import Offer
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import ACCOUNT, FEE, deliver, make_deal, pointed_at, serve

TODAY = dt.date(2026, 11, 20)


def confirm(deal, payment, paid_on=TODAY, amount=FEE, currency="CNY"):
    with unit_of_work(deal.holder_actor):
        return payments.confirm_payment(deal.holder_actor, payment.id, paid_on, amount, currency)


def withdraw(offer, on):
    with unit_of_work():
        row = lock(Offer, offer.id)
        row.status, row.withdrawn_on = "withdrawn", on
        record("offer.withdrawn", row, organisation_id=row.holder_id, occurred_on=on)


def to_return():
    return {one.payment_id: one.reason for one in db.session.scalars(sa.select(RefundTask))}


def test_a_transfer_shows_the_holders_account_and_a_reference_of_its_own(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    assert (payment.state, payment.amount_minor, payment.currency) == ("open", FEE, "CNY")
    assert payment.account_name == deal.holder.bank_account_name
    assert (payment.bank, payment.account) == (deal.holder.bank_name, deal.holder.bank_account)
    assert payment.reference.startswith("FK-20261120-")
    assert payment.checkout_session_id is None


def test_a_confirmed_transfer_of_the_announced_sum_is_a_licence_from_the_day_it_was_paid(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"\x89PNG\r\n\x1a\ninvented", "回单.png")
    assert payment.state == "slip_uploaded"
    assert licence_of(notice) is None
    with clock.at(NOW + dt.timedelta(days=5)):
        confirm(deal, payment, dt.date(2026, 11, 23))
    licence = licence_of(notice)
    assert (payment.state, notice.state, notice.obligations[0].state) == ("paid", "paid", "paid")
    assert licence.effective_on == licence.paid_on == dt.date(2026, 11, 23)
    assert licence.effective_at == clock.start_of_day_utc(dt.date(2026, 11, 23))
    assert (licence.amount_minor, licence.notice_on) == (FEE, TODAY)
    assert licence.recordal_due_on == dt.date(2027, 2, 23)


def test_a_transfer_on_the_day_of_the_notice_takes_effect_with_the_notice(deal):
    notice = serve(deal.firm_actor, deal.offer)
    confirm(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"))
    assert licence_of(notice).effective_at == notice.served_at


@pytest.mark.parametrize(
    ("paid_on", "code"),
    [(dt.date(2026, 11, 21), "date-in-future"), (dt.date(2026, 11, 19), "date-too-early")],
)
def test_a_transfer_is_dated_between_the_notice_and_today(deal, paid_on, code):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with pytest.raises(Invalid) as refused:
        confirm(deal, payment, paid_on)
    assert refused.value.code == code


def test_money_in_another_currency_is_set_aside_and_seen_by_the_operator(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = confirm(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"), currency="USD")
    assert (payment.state, licence_of(notice)) == ("quarantined", None)
    with unit_of_work():
        operator = factories.operator()
    [case] = quarantine.open_quarantine(operator)
    assert (case.reason, case.payment_id) == ("currency-mismatch", payment.id)
    assert case.received["currency"] == "USD"
    with pytest.raises(Forbidden):
        quarantine.open_quarantine(deal.firm_actor)
    confirm(deal, payment)
    assert licence_of(notice) is not None


def test_one_fen_too_little_leaves_it_owed_and_the_rest_makes_the_licence(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"%PDF-1.7", "slip.pdf")
    with clock.at(NOW + dt.timedelta(days=4)):
        confirm(deal, payment, dt.date(2026, 11, 24), FEE - 1)
        [owed] = notice.obligations
        assert (payment.state, owed.state, ledger.remaining(owed)) == ("open", "open", 1)
        with pytest.raises(Conflict) as refused:
            confirm(deal, payment, dt.date(2026, 11, 24), FEE - 1)
        assert refused.value.code == "receipt-known"
        # Learned of later, paid earlier: the last payment counts, not the last news.
        confirm(deal, payment, dt.date(2026, 11, 22), 1)
    assert (payment.state, owed.state, to_return()) == ("paid", "paid", {})
    assert licence_of(notice).effective_on == dt.date(2026, 11, 24)


def test_one_fen_too_much_makes_the_licence_and_has_to_be_returned(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = confirm(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"), amount=FEE + 1)
    assert (payment.state, licence_of(notice).amount_minor) == ("paid", FEE)
    [task] = refunds.list_refunds(deal.firm_actor)
    assert (task.reason, task.amount_minor, task.state) == ("surplus", 1, "open")
    with unit_of_work(deal.holder_actor):
        refunds.close_refund(
            deal.holder_actor, task.id, "转账流水 1", evidence=b"%PDF-1.7", filename="回单.pdf"
        )
    assert (task.state, task.how, task.evidence_id is not None) == ("done", "transfer", True)
    assert ledger.standing(notice.obligations[0]) == FEE


def test_the_rest_of_a_part_may_be_paid_in_another_way(deal, with_stripe, event):
    notice = serve(deal.firm_actor, deal.offer)
    first = confirm(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"), amount=FEE - 10_000)
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, first.id)
    rest = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert rest.amount_minor == 10_000
    deliver(event(rest))
    assert licence_of(notice).amount_minor == FEE


def test_parts_of_a_notice_that_lapses_go_back(deal):
    notice = serve(deal.firm_actor, deal.offer)
    confirm(deal, payments.start_payment(deal.firm_actor, notice.id, "bank"), amount=FEE - 1)
    with clock.at(NOW + dt.timedelta(days=40)):
        notices.lapse_notices()
        [task] = refunds.list_refunds(deal.holder_actor)
        assert (task.reason, task.amount_minor) == ("notice_ended", FEE - 1)
        with unit_of_work(deal.holder_actor):
            refunds.close_refund(deal.holder_actor, task.id, "已退回")
    assert ledger.standing(notice.obligations[0]) == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, FEE + 3), min_size=1, max_size=6))
def test_what_counts_is_the_sum_owed_exactly_when_it_is_paid(context, came):
    deal = make_deal()
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    for amount in came:
        if payment.state == "paid":
            break
        with unit_of_work(deal.holder_actor):
            payments.confirm_payment(deal.holder_actor, payment.id, TODAY, amount, again=True)
    [owed] = notice.obligations
    total = ledger.came_by(payment)
    assert (owed.state == "paid") == (total >= FEE) == (licence_of(notice) is not None)
    assert ledger.standing(owed) == min(total, FEE)
    back = [one.amount_minor for one in refunds.refunds_of(notice)]
    assert sum(back) == max(total - FEE, 0)


def test_only_the_payee_confirms_and_only_the_payer_uploads(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with pytest.raises(Forbidden), unit_of_work(deal.firm_actor):
        payments.confirm_payment(deal.firm_actor, payment.id, TODAY, FEE)
    with pytest.raises(Forbidden), unit_of_work(deal.holder_actor):
        payments.upload_slip(deal.holder_actor, payment.id, b"%PDF-", "x.pdf")
    with unit_of_work():
        operator, stranger = factories.operator(), factories.actor(factories.organisation())
    with pytest.raises(Forbidden), unit_of_work(operator):
        payments.confirm_payment(operator, payment.id, TODAY, FEE)
    with pytest.raises(NotFound), unit_of_work(stranger):
        payments.confirm_payment(stranger, payment.id, TODAY, FEE)


def test_the_operator_confirms_for_a_holder_who_has_not_joined(context):
    deal = make_deal(holder_joined=False)
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        operator = factories.operator()
    with unit_of_work(operator):
        notices.prove_service(operator, notice.id, proof="回执", sent_at=clock.now())
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(operator):
        payments.confirm_payment(operator, payment.id, TODAY, FEE)
    assert licence_of(notice) is not None


def test_a_slip_is_a_picture_or_a_pdf(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with pytest.raises(Invalid) as refused, unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"MZ invented", "slip.exe")
    assert refused.value.code == "file-type"


def test_one_attempt_at_a_time_and_a_cancelled_one_makes_room(deal, with_stripe):
    notice = serve(deal.firm_actor, deal.offer)
    first = payments.start_payment(deal.firm_actor, notice.id, "bank")
    for channel in ("bank", "stripe"):
        with pytest.raises(Conflict) as refused:
            payments.start_payment(deal.firm_actor, notice.id, channel)
        assert refused.value.code == "payment-open"
        assert refused.value.parameters["payment_id"] == str(first.id)
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, first.id)
    assert payments.start_payment(deal.firm_actor, notice.id, "stripe").checkout_url


@pytest.mark.parametrize(
    ("channels", "account", "allowed"),
    [
        (["bank"], ACCOUNT, ("bank",)),
        (["stripe"], ACCOUNT, ("stripe",)),
        (["bank", "stripe"], None, ("bank",)),
        ([], ACCOUNT, ("bank", "stripe")),
    ],
)
def test_only_announced_channels_with_an_account_are_offered(context, channels, account, allowed):
    deal = make_deal(channels=channels)
    with unit_of_work():
        db.session.get_one(type(deal.holder), deal.holder.id).stripe_account = account
    notice = serve(deal.firm_actor, deal.offer)
    assert payments.channels_of(notice) == allowed
    for channel in {"bank", "stripe"} - set(allowed):
        with pytest.raises(Conflict) as refused:
            payments.start_payment(deal.firm_actor, notice.id, channel)
        assert refused.value.code == "channel-not-announced"
    with pytest.raises(Invalid):
        payments.start_payment(deal.firm_actor, notice.id, "cash")


def test_a_checkout_is_a_direct_charge_on_the_holders_account(deal, with_stripe):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    # stripe-mock refuses unknown and misspelt parameters, so the shape of the call is proven by its answer.
    assert payment.checkout_session_id.startswith("cs_test_")
    assert payment.checkout_url.startswith("https://checkout.stripe.com/")
    assert (payment.stripe_account, payment.state, payment.account) == (ACCOUNT, "open", None)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert refused.value.code == "payment-open"


def test_while_stripe_is_away_the_attempt_stays_and_is_taken_up_again(
    deal, app, without_stripe, stripe_mock_url
):
    notice = serve(deal.firm_actor, deal.offer)
    with pytest.raises(Unavailable) as away:
        payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert away.value.code == "payment-provider-unavailable"
    [attempt] = payments_of(notice)
    assert (attempt.state, attempt.checkout_session_id) == ("open", None)
    reference = attempt.reference
    with pointed_at(app, stripe_mock_url):
        again = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert (again.id, again.reference) == (attempt.id, reference)
    assert again.checkout_session_id


def test_without_a_key_online_payment_is_unavailable(deal):
    notice = serve(deal.firm_actor, deal.offer)
    with pytest.raises(Unavailable):
        payments.start_payment(deal.firm_actor, notice.id, "stripe")


def test_what_stripe_refuses_fails_the_attempt_and_leaves_the_transfer_open(
    deal, app, with_stripe, monkeypatch
):
    settings = replace(app.config["SETTINGS"], stripe_payment_methods=("no_such_method",))
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    notice = serve(deal.firm_actor, deal.offer)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert refused.value.code == "payment-provider-refused"
    assert [one.state for one in payments_of(notice)] == ["failed"]
    assert payments.start_payment(deal.firm_actor, notice.id, "bank").state == "open"


def test_a_fee_above_eight_digits_goes_by_transfer_only(context, with_stripe):
    deal = make_deal(fee_minor=100_000_000)
    notice = serve(deal.firm_actor, deal.offer)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "stripe")
    assert refused.value.code == "amount-above-channel-limit"
    assert payments.start_payment(deal.firm_actor, notice.id, "bank").amount_minor == 100_000_000


def test_a_cancelled_checkout_is_closed_at_stripe(deal, with_stripe):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, payment.id)
    waiting = db.session.scalar(sa.select(tasks.Task).where(tasks.Task.name == "deals.expire_session"))
    assert waiting.arguments == {"payment_id": payment.id}
    payments.expire_session(payment.id)


def test_a_transfer_made_before_a_withdrawal_counts_though_it_is_confirmed_after_it(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with clock.at(NOW + dt.timedelta(days=10)):
        withdraw(deal.offer, dt.date(2026, 11, 25))
        confirm(deal, payment, dt.date(2026, 11, 24))
    assert licence_of(notice).effective_on == dt.date(2026, 11, 24)
    assert to_return() == {}


def test_a_transfer_made_after_a_withdrawal_goes_back(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with clock.at(NOW + dt.timedelta(days=10)):
        withdraw(deal.offer, dt.date(2026, 11, 25))
        confirm(deal, payment, dt.date(2026, 11, 26))
    assert licence_of(notice) is None
    assert (payment.state, notice.obligations[0].state) == ("paid", "open")
    assert to_return() == {payment.id: "offer_ended"}
    [task] = refunds.list_refunds(deal.holder_actor)
    with unit_of_work(deal.holder_actor):
        refunds.close_refund(deal.holder_actor, task.id, "已退回,流水号示例")
    assert refunds.list_refunds(deal.firm_actor) == []


def test_nothing_can_be_paid_any_more_once_the_offer_has_ended(deal):
    notice = serve(deal.firm_actor, deal.offer)
    withdraw(deal.offer, TODAY)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "bank")
    assert refused.value.code == "offer-not-live"


def test_a_payment_after_the_term_goes_back(context):
    deal = make_deal(term_to=dt.date(2026, 11, 22))
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with clock.at(NOW + dt.timedelta(days=5)):
        confirm(deal, payment, dt.date(2026, 11, 23))
    assert to_return() == {payment.id: "term_over"}


def test_the_second_transfer_for_the_same_sum_goes_back(deal):
    notice = serve(deal.firm_actor, deal.offer)
    first = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.firm_actor):
        payments.cancel_payment(deal.firm_actor, first.id)
    second = payments.start_payment(deal.firm_actor, notice.id, "bank")
    confirm(deal, first)
    assert payments.get_payment(deal.firm_actor, second.id).state == "cancelled"
    confirm(deal, second)
    assert to_return() == {second.id: "second_payment"}
    assert licence_of(notice).paid_on == TODAY


def test_a_confirmed_payment_cannot_be_confirmed_again(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    confirm(deal, payment)
    for amount in (FEE, 1):
        with pytest.raises(Conflict) as refused:
            confirm(deal, payment, amount=amount)
        assert refused.value.code == "illegal-transition"


@contextmanager
def stripe_that_says(app, session):
    """A server that answers every call with this session: stripe-mock knows no amounts and no states."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            said = {"object": "list", "data": [session], "has_more": False, "url": "/v1/checkout/sessions"}
            listed = self.path.partition("?")[0].endswith("/checkout/sessions")
            body = json.dumps(said if listed else session).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pointed_at(app, f"http://127.0.0.1:{server.server_port}"):
            yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_reconciliation_invents_nothing_where_the_provider_gives_no_figures(deal, with_stripe):
    payments.start_payment(deal.firm_actor, serve(deal.firm_actor, deal.offer).id, "stripe")
    found = reconcile().as_json()
    assert found.pop("report") is not None
    assert found == {
        "checked": 1, "agree": 0, "different": 0, "incomplete": 1, "unknown": 0, "unreachable": 0,
        "unknown_here": 0, "accounts": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({}, None),
        ({"payment_status": "paid", "status": "complete"}, "paid-at-provider-only"),
        ({"amount_total": FEE - 1}, "amount-mismatch"),
        ({"currency": "usd"}, "currency-mismatch"),
        ({"livemode": True}, "livemode-mismatch"),
    ],
)
def test_reconciliation_sets_aside_once_what_the_provider_sees_otherwise(
    deal, app, with_stripe, stripe_fixtures, says, reason
):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "stripe")
    session = stripe_fixtures["checkout.session"] | {
        "id": payment.checkout_session_id, "amount_total": FEE, "currency": "cny",
    } | says  # fmt: skip
    with stripe_that_says(app, session):
        for _ in range(2):
            summary = reconcile()
            assert (summary.agree, summary.different) == ((1, 0) if reason is None else (0, 1))
    with unit_of_work():
        operator = factories.operator()
    assert [one.reason for one in quarantine.open_quarantine(operator)] == ([reason] if reason else [])
    assert licence_of(notice) is None
    first, second = reports(operator)
    assert first.counts["report"] == first.id != second.id
    _, differences = report_of(operator, first.id)
    assert [(one.reason, one.payment_id, one.quarantine_id is not None) for one in differences] == (
        [(reason, payment.id, True)] if reason else []
    )


def test_reconciliation_finds_a_paid_checkout_with_our_reference_that_is_unknown_here(
    deal, app, with_stripe, stripe_fixtures
):
    payment = payments.start_payment(deal.firm_actor, serve(deal.firm_actor, deal.offer).id, "stripe")
    stray = stripe_fixtures["checkout.session"] | {
        "id": "cs_test_stray", "client_reference_id": "FK-20261101-ABCDEFGH", "amount_total": FEE,
        "currency": "cny", "payment_status": "paid",
    }  # fmt: skip
    with stripe_that_says(app, stray):
        for _ in range(2):
            assert reconcile().unknown_here == 1
    with unit_of_work():
        operator = factories.operator()
    reasons = [one.reason for one in quarantine.open_quarantine(operator)]
    assert reasons.count("unknown-checkout") == 1
    # The holder's other business with the provider is none of ours.
    with stripe_that_says(app, stray | {"client_reference_id": "order-17"}):
        assert reconcile().unknown_here == 0
    assert payment.state == "open"


def test_reconciliation_says_when_the_provider_is_away(deal, app, with_stripe):
    payments.start_payment(deal.firm_actor, serve(deal.firm_actor, deal.offer).id, "stripe")
    with pointed_at(app, "http://127.0.0.1:9"):
        assert reconcile().unreachable == 1


def test_a_slip_is_kept_as_it_was_sent(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"%PDF-1.7 invented", "slip.pdf")
    kept = db.session.get_one(StoredFile, db.session.get_one(Payment, payment.id).slip_id)
    assert store().read(kept.digest) == b"%PDF-1.7 invented"
    assert kept.content_type == "application/pdf"


@pytest.mark.parametrize(("key", "live"), [("sk_live_x", True), ("rk_live_x", True), ("rk_test_x", False)])
def test_a_restricted_key_tells_its_mode_too(app, context, monkeypatch, key, live):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], stripe_secret_key=key))
    assert stripe_gateway.livemode() is live


def test_a_live_key_is_refused_outside_production_whatever_its_kind():
    with pytest.raises(config.SettingsError, match="STRIPE_SECRET_KEY"):
        config.Settings.from_environment({"STRIPE_SECRET_KEY": "rk_live_x"})


def test_no_transaction_stays_open_while_the_provider_is_waited_for(with_stripe, deal, monkeypatch):
    notice = serve(deal.firm_actor, deal.offer)
    held, send = [], stripe.RequestsClient.request

    def request(self, *arguments, **named):
        held.append(db.session().in_transaction())
        return send(self, *arguments, **named)

    monkeypatch.setattr(stripe.RequestsClient, "request", request)
    payments.start_payment(deal.firm_actor, notice.id, "stripe")
    reconcile()
    assert held == [False, False, False]
