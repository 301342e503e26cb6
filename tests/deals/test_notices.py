"""Serving the written notice: no approval, frozen terms, one open notice, who sees it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from marketplace.core import clock, tasks
from marketplace.core.actor import VISITOR
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import licences, notices, payments
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence, Notice
from marketplace.listings.models import Offer
from marketplace.notifications.services import tell
from marketplace.notifications.texts import render
from tests import factories
from tests.conftest import NOW
from tests.deals.conftest import FEE, make_deal, serve


def actions():
    return list(db.session.scalars(sa.select(JournalEntry.action).order_by(JournalEntry.id)))


def withdraw(offer, on=None):
    with unit_of_work():
        row = lock(Offer, offer.id)
        row.status, row.withdrawn_on = "withdrawn", on or clock.today()
        record("offer.withdrawn", row, organisation_id=row.holder_id, occurred_on=row.withdrawn_on)


def test_a_notice_to_a_joined_holder_is_served_on_arrival_with_its_document_and_what_is_due(deal):
    notice = serve(deal.firm_actor, deal.offer, use="用于电池隔膜试制", contact="王示例 000-0000-0000")
    assert notice.state == "served"
    assert notice.served_at is not None
    assert notice.served_at >= notice.written_at
    document = notices.notice_document(deal.holder_actor, notice.id)
    assert document.startswith(b"%PDF-")
    assert hashlib.sha256(document).hexdigest() == notice.document_digest
    [owed] = notice.obligations
    assert (owed.kind, owed.amount_minor, owed.state) == ("fee", FEE, "open")
    assert owed.due_on == notice.pay_by == clock.today() + dt.timedelta(days=30)
    assert actions()[-2:] == ["notice.written", "notice.served"]
    assert licence_of(notice) is None
    assert verify().ok


@pytest.mark.parametrize("values", [{"fee_form": "free", "fee_minor": None}, {"fee_minor": 0}])
def test_a_free_offer_is_licensed_by_the_notice_itself(context, values):
    deal = make_deal(**values)
    notice = serve(deal.firm_actor, deal.offer)
    licence = licence_of(notice)
    assert notice.state == "paid"
    assert licence.effective_at == notice.served_at
    assert (licence.amount_minor, licence.paid_on, licence.kind) == (0, None, "open")
    assert licence.term_to == deal.offer.term_to
    assert licence.number.startswith("XK-20261120-")
    assert actions()[-4:] == ["notice.written", "notice.served", "notice.paid", "licence.in_effect"]


def test_a_pure_royalty_takes_effect_on_service_by_default(context):
    deal = make_deal(
        fee_form="royalty_net_sales", fee_minor=None, rate_percent=Decimal(2), rate_base="net_sales"
    )
    assert licence_of(serve(deal.firm_actor, deal.offer)).effective_on == clock.today()


def test_a_pure_royalty_waits_for_its_first_payment_where_the_setting_says_so(app, context, monkeypatch):

    changed = replace(app.config["SETTINGS"], royalty_only_effective_on_notice=False)
    monkeypatch.setitem(app.config, "SETTINGS", changed)
    deal = make_deal(fee_form="royalty_profit", fee_minor=None, rate_percent=Decimal(5), rate_base="profit")
    notice = serve(deal.firm_actor, deal.offer)
    assert (notice.state, notice.pay_by, licence_of(notice)) == ("served", None, None)
    with unit_of_work(deal.firm_actor):
        owed = payments.declare_royalty(deal.firm_actor, notice.id, 12_345)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank", owed.id)
    with unit_of_work(deal.holder_actor):
        payments.confirm_payment(deal.holder_actor, payment.id, clock.today(), 12_345)
    assert licence_of(notice).amount_minor == 12_345


def test_a_second_notice_of_the_same_firm_names_the_first(deal):
    first = serve(deal.firm_actor, deal.offer)
    with pytest.raises(Conflict) as refused:
        serve(deal.firm_actor, deal.offer)
    assert refused.value.code == "notice-open"
    assert refused.value.parameters["notice_id"] == str(first.id)


def test_who_holds_a_licence_under_the_offer_needs_no_second_one(context):
    deal = make_deal(fee_form="free", fee_minor=None)
    licence = licence_of(serve(deal.firm_actor, deal.offer))
    with pytest.raises(Conflict) as refused:
        serve(deal.firm_actor, deal.offer)
    assert refused.value.code == "licence-in-effect"
    assert refused.value.parameters["licence_id"] == str(licence.id)


def test_two_firms_may_take_the_same_offer(deal):
    with unit_of_work():
        other = factories.actor(factories.organisation())
    assert {serve(one, deal.offer).state for one in (deal.firm_actor, other)} == {"served"}


def test_an_individual_may_serve_a_notice_and_its_code_is_not_printed(deal):
    with unit_of_work():
        person = factories.actor(factories.organisation("张示例", type="individual"))
    assert serve(person, deal.offer).state == "served"


def test_the_holder_and_a_co_owner_are_refused_a_notice_on_their_own_offer(context):
    with unit_of_work():
        holder, partner = factories.organisation(), factories.organisation()
        offer = factories.live_offer(holder, factories.patent(holder, partner))
        actors = [factories.actor(one) for one in (holder, partner)]
    for actor in actors:
        with pytest.raises(Conflict) as refused:
            serve(actor, offer)
        assert refused.value.code == "own-offer"


@pytest.mark.parametrize(
    "values",
    [
        {"evidence": "holder_stated"},
        {"announced_on": dt.date(2026, 11, 21)},
        {"term_to": dt.date(2026, 11, 19)},
        {"status": "withdrawn", "withdrawn_on": dt.date(2026, 11, 1)},
        {"status": "revoked", "revoked_on": dt.date(2026, 11, 1)},
    ],
)
def test_an_offer_that_is_not_live_is_refused_a_notice(context, values):
    deal = make_deal(**values)
    with pytest.raises(Conflict) as refused:
        serve(deal.firm_actor, deal.offer)
    assert refused.value.code == "offer-not-live"


@pytest.mark.parametrize("status", ["draft", "filed", "refused"])
def test_an_unannounced_offer_is_nobodys_business(context, status):
    deal = make_deal(status=status, evidence=None, announced_on=None)
    with pytest.raises(NotFound):
        serve(deal.firm_actor, deal.offer)


def test_notices_remain_possible_while_a_withdrawal_is_only_filed(context):
    deal = make_deal(status="withdrawal_filed", withdrawal_filed_on=dt.date(2026, 11, 10))
    assert serve(deal.firm_actor, deal.offer).state == "served"


def test_a_withdrawn_offer_refuses_even_a_prepared_notice(deal):
    prepared = notices.prepare_notice(deal.firm_actor, deal.offer.id)
    withdraw(deal.offer)
    with pytest.raises(Conflict) as refused, unit_of_work(deal.firm_actor):
        notices.serve_notice(deal.firm_actor, prepared)
    assert refused.value.code == "offer-not-live"


def test_a_notice_printed_before_the_offer_changed_is_printed_again(deal):
    prepared = notices.prepare_notice(deal.firm_actor, deal.offer.id)
    with unit_of_work():
        lock(Offer, deal.offer.id).payment_text = "一次性支付 60,000 元"
    with pytest.raises(Conflict) as refused, unit_of_work(deal.firm_actor):
        notices.serve_notice(deal.firm_actor, prepared)
    assert refused.value.code == "offer-changed"


def test_the_terms_stay_as_they_were_when_the_notice_was_served(deal):
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        row = lock(Offer, deal.offer.id)
        row.fee_minor, row.payee_account = 1, "0000"
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    assert payment.amount_minor == FEE
    assert payment.account == deal.holder.bank_account


def test_visitors_and_staff_without_an_organisation_cannot_serve(deal):
    with pytest.raises(Unauthenticated):
        notices.prepare_notice(VISITOR, deal.offer.id)
    with unit_of_work():
        operator = factories.operator()
    with pytest.raises(Forbidden):
        notices.prepare_notice(operator, deal.offer.id)


def test_a_notice_is_seen_by_its_parties_and_staff_only(deal):
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        stranger, operator = factories.actor(factories.organisation()), factories.operator()
    for actor in (deal.firm_actor, deal.holder_actor, operator):
        assert notices.get_notice(actor, notice.id).id == notice.id
        assert [one.id for one in notices.list_notices(actor)] == [notice.id]
    assert notices.list_notices(stranger) == []
    for call in (
        lambda: notices.get_notice(stranger, notice.id),
        lambda: notices.notice_document(stranger, notice.id),
        lambda: payments.start_payment(stranger, notice.id, "bank"),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Forbidden):
        payments.start_payment(deal.holder_actor, notice.id, "bank")


def test_an_agency_serves_under_a_mandate_for_its_principal_only(deal):

    with unit_of_work():
        agency = factories.actor(factories.organisation(type="agency"))
    mandated = replace(agency, principals=frozenset({deal.firm.id}))
    with pytest.raises(Forbidden):
        notices.prepare_notice(agency, deal.offer.id, licensee_id=deal.firm.id)
    notice = serve(mandated, deal.offer, licensee_id=deal.firm.id)
    assert notice.licensee_id == deal.firm.id
    with pytest.raises(NotFound):
        notices.get_notice(agency, notice.id)


def test_a_holder_who_has_not_joined_gets_the_sealed_notice_and_is_served_on_proof(app, context):
    deal = make_deal(holder_joined=False, contact="技术转移办公室 tto@example.org 021-00000000")
    notice = serve(deal.firm_actor, deal.offer)
    assert (notice.state, notice.served_at) == ("not_served", None)
    with pytest.raises(Conflict) as refused:
        payments.start_payment(deal.firm_actor, notice.id, "bank")
    assert refused.value.code == "notice-not-served"

    folder = app.config["SETTINGS"].instance_dir / "mail"
    before = set(folder.glob("*.eml"))
    assert db.session.scalar(sa.select(tasks.Task.name).where(tasks.Task.key == str(notice.id))) is not None
    notices.send_notice(notice.id)
    [mail] = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in set(folder.glob("*.eml")) - before
    ]
    assert mail["To"] == "tto@example.org"
    assert notice.document_digest in mail.get_body().get_content()
    [attached] = mail.iter_attachments()
    assert hashlib.sha256(attached.get_content()).hexdigest() == notice.document_digest

    with unit_of_work():
        operator = factories.operator()
    with pytest.raises(Forbidden), unit_of_work(deal.firm_actor):
        notices.prove_service(deal.firm_actor, notice.id, proof="自称已送达", sent_at=clock.now())
    with unit_of_work(operator):
        notices.prove_service(operator, notice.id, proof="EMS 示例单号", sent_at=clock.now())
    assert notice.state == "served"
    assert notice.service_proof == "EMS 示例单号"
    assert actions()[-1] == "notice.service_proven"


def test_proof_of_service_makes_a_free_licence_from_that_instant(context):
    deal = make_deal(holder_joined=False, fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    assert licence_of(notice) is None
    sent = clock.now() + dt.timedelta(hours=5)
    with unit_of_work():
        operator = factories.operator()
    with clock.at(NOW + dt.timedelta(days=3)), unit_of_work(operator):
        notices.prove_service(operator, notice.id, proof="回执", sent_at=sent)
    assert licence_of(notice).effective_at == sent


@pytest.mark.parametrize(
    ("proof", "shift", "code"),
    [("", 0, "proof-missing"), ("回执", 3, "date-in-future"), ("回执", -3, "date-too-early")],
)
def test_a_proof_must_be_named_and_lie_between_writing_and_now(context, proof, shift, code):
    deal = make_deal(holder_joined=False)
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        operator = factories.operator()
    with pytest.raises(Invalid) as refused, unit_of_work(operator):
        notices.prove_service(
            operator, notice.id, proof=proof, sent_at=clock.now() + dt.timedelta(days=shift)
        )
    assert refused.value.code == code


def test_a_waiting_notice_is_served_when_its_holder_joins(context):
    deal = make_deal(holder_joined=False, fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    notices.serve_waiting()
    assert notice.state == "not_served"
    with unit_of_work():
        db.session.get_one(type(deal.holder), deal.holder.id).claimed_at = clock.now()
    notices.serve_waiting()
    assert db.session.get_one(Notice, notice.id).state == "paid"
    assert licence_of(notice) is not None


def test_an_unpaid_notice_lapses_after_its_last_day_and_a_new_one_may_be_served(deal):
    notice = serve(deal.firm_actor, deal.offer)
    with clock.at(clock.end_of_day_utc(notice.pay_by) - dt.timedelta(seconds=1)):
        notices.lapse_notices()
        assert db.session.get_one(Notice, notice.id).state == "served"
    with clock.at(clock.end_of_day_utc(notice.pay_by)):
        notices.lapse_notices()
        assert db.session.get_one(Notice, notice.id).state == "lapsed"
        assert serve(deal.firm_actor, deal.offer).state == "served"


def test_a_notice_whose_slip_awaits_the_payee_does_not_lapse(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with unit_of_work(deal.firm_actor):
        payments.upload_slip(deal.firm_actor, payment.id, b"%PDF-1.7 invented", "slip.pdf")
    with clock.at(NOW + dt.timedelta(days=40)):
        notices.lapse_notices()
        assert db.session.get_one(Notice, notice.id).state == "served"


@pytest.mark.parametrize(("days", "state"), [(30, "served"), (33, "lapsed")])
def test_an_open_checkout_keeps_a_notice_for_as_long_as_it_can_be_paid(deal, days, state):
    notice = serve(deal.firm_actor, deal.offer)
    with clock.at(NOW + dt.timedelta(days=30)), unit_of_work(deal.firm_actor):
        payments.begin_payment(deal.firm_actor, notice.id, "stripe")
    with clock.at(NOW + dt.timedelta(days=days, hours=20)):
        notices.lapse_notices()
    assert db.session.get_one(Notice, notice.id).state == state


def test_money_sent_in_time_counts_though_it_was_confirmed_after_the_lapse(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with clock.at(NOW + dt.timedelta(days=40)):
        notices.lapse_notices()
        assert db.session.get_one(Notice, notice.id).state == "lapsed"
        with unit_of_work(deal.holder_actor):
            payments.confirm_payment(deal.holder_actor, payment.id, dt.date(2026, 11, 25), FEE)
    assert licence_of(notice).effective_on == dt.date(2026, 11, 25)


def test_the_licensee_alone_may_abandon_its_notice(deal):
    notice = serve(deal.firm_actor, deal.offer)
    payment = payments.start_payment(deal.firm_actor, notice.id, "bank")
    with pytest.raises(Forbidden), unit_of_work(deal.holder_actor):
        notices.abandon_notice(deal.holder_actor, notice.id)
    with unit_of_work(deal.firm_actor):
        notices.abandon_notice(deal.firm_actor, notice.id)
    assert notice.state == "abandoned"
    assert payments.get_payment(deal.firm_actor, payment.id).state == "cancelled"


def test_characters_that_no_font_draws_are_refused_by_name(deal):
    with pytest.raises(Invalid) as refused:
        notices.prepare_notice(deal.firm_actor, deal.offer.id, use="测试\u202e倒写")
    assert refused.value.code == "text-not-printable"
    assert "use" in refused.value.fields
    with pytest.raises(Invalid) as refused:
        notices.prepare_notice(deal.firm_actor, deal.offer.id, contact="x" * 501)
    assert refused.value.code == "text-too-long"


def test_a_licence_from_a_free_notice_counts_once_however_often_it_is_asked_for(context):
    deal = make_deal(fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    with unit_of_work():
        again = licences.grant(lock(Notice, notice.id), clock.now())
    assert again.id == licence_of(notice).id
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Licence)) == 1


def test_a_notice_that_never_arrived_ends_with_the_offer_and_its_sender_is_told_why(context):
    clock.set_now(NOW, frozen=True)
    deal = make_deal(holder_joined=False)
    notice = serve(deal.firm_actor, deal.offer)
    notices.end_undelivered()
    assert notice.state == "not_served"
    clock.set_now(NOW + dt.timedelta(days=3), frozen=True)
    withdraw(deal.offer)
    notices.end_undelivered()
    notices.end_undelivered()
    notice = db.session.get_one(Notice, notice.id)
    assert (notice.state, notice.served_at, notice.ended_at) == ("undelivered", None, clock.now())
    [entry] = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "notice.undelivered"))
    with unit_of_work():
        [message] = tell(entry)
    assert (message.organisation_id, message.code) == (deal.firm.id, "notice_undelivered")
    assert notice.number in render(message).title


def test_a_notice_that_never_arrived_ends_with_the_last_day_of_the_term(context):
    clock.set_now(NOW, frozen=True)
    deal = make_deal(holder_joined=False, term_to=dt.date(2026, 11, 30))
    notice = serve(deal.firm_actor, deal.offer)
    clock.set_now(NOW + dt.timedelta(days=20), frozen=True)
    notices.end_undelivered()
    notice = db.session.get_one(Notice, notice.id)
    assert (notice.state, notice.ended_at) == ("undelivered", clock.end_of_day_utc(dt.date(2026, 11, 30)))


def test_service_proven_for_a_day_before_the_offers_end_revives_the_notice(context):
    clock.set_now(NOW, frozen=True)
    deal = make_deal(holder_joined=False, fee_form="free", fee_minor=None)
    notice = serve(deal.firm_actor, deal.offer)
    clock.set_now(NOW + dt.timedelta(days=5), frozen=True)
    withdraw(deal.offer)
    notices.end_undelivered()
    with unit_of_work():
        operator = factories.operator()
    with pytest.raises(Conflict, match="offer-not-live"), unit_of_work(operator):
        notices.prove_service(operator, notice.id, proof="挂号信 0001", sent_at=clock.now())
    sent_at = NOW + dt.timedelta(days=2)
    with unit_of_work(operator):
        notices.prove_service(operator, notice.id, proof="挂号信 0001", sent_at=sent_at)
    notice = db.session.get_one(Notice, notice.id)
    assert (notice.state, notice.served_at, notice.ended_at) == ("paid", sent_at, None)
    assert licence_of(notice).effective_at == sent_at
    notices.end_undelivered()
    assert db.session.get_one(Notice, notice.id).state == "paid"


def test_a_holder_who_joins_after_the_offers_end_is_served_nothing(context):
    clock.set_now(NOW, frozen=True)
    deal = make_deal(holder_joined=False)
    notice = serve(deal.firm_actor, deal.offer)
    withdraw(deal.offer)
    with unit_of_work():
        db.session.get_one(type(deal.holder), deal.holder.id).claimed_at = clock.now()
    notices.serve_waiting()
    notices.end_undelivered()
    assert db.session.get_one(Notice, notice.id).state == "undelivered"
