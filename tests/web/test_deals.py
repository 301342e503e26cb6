"""Pages of notices and licences: what ends by itself, what waits, and what both sides may say."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import notices, patent_ends, payments
from marketplace.deals.models import Licence, Notice
from marketplace.listings import services
from marketplace.listings.models import Offer, PatentParty
from marketplace.notifications import rules
from tests import factories
from tests.deals.conftest import Deal, make_deal, serve

from .pages import LANGUAGES, client_of, text_of


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Parties:
    """A deal with somebody signed in on each side, and an operator."""

    app: Flask
    deal: Deal
    holder: FlaskClient
    firm: FlaskClient
    operator: FlaskClient
    operator_actor: Actor

    def row(self, model: type[Any]) -> Any:
        """The only row of a table, as it is stored."""
        with self.app.app_context():
            found = db.session.scalars(sa.select(model)).one()
            db.session.expunge_all()
            return found


@pytest.fixture
def parties(app: Flask, language: str) -> Callable[..., Parties]:
    """Makes a deal and takes its offer up."""

    def make(**values: Any) -> Parties:
        with app.app_context():
            deal = make_deal(**values)
            serve(deal.firm_actor, deal.offer)
            with unit_of_work():
                operator = factories.operator()
        people = (deal.holder_actor.user_id, deal.firm_actor.user_id, operator.user_id)
        holder, firm, staff = (client_of(app, key or 0, language) for key in people)
        return Parties(app, deal, holder, firm, staff, operator)

    return make


FREE: dict[str, Any] = {"fee_form": "free", "fee_minor": None}


def in_words(language: str, zh: str, en: str) -> str:
    return zh if language == "zh" else en


def test_the_operator_ends_a_licence_whose_patent_only_its_holder_says_has_ended(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties(**FREE)
    with all_.app.app_context():
        with unit_of_work(all_.deal.holder_actor):
            patent = db.session.get_one(Offer, all_.deal.offer.id).patent
            services.set_fact(all_.deal.holder_actor, patent, "legal_status", "invalidated")
        patent_ends.end_with_patents()
    licence = all_.row(Licence)
    waiting = in_words(language, "运营方正在核对专利登记簿", "An operator checks it against the register")
    for client, address in (
        (all_.firm, f"/licences/{licence.id}"),
        (all_.holder, f"/holder/licences/{licence.id}"),
    ):
        assert waiting in text_of(client.get(address).text)
    assert "/operator/patent-ends" in all_.operator.get("/operator").text
    assert licence.number in all_.operator.get("/operator/patent-ends").text
    assert all_.holder.get("/operator/patent-ends").status_code == 403
    assert all_.operator.post(f"/operator/patent-ends/{licence.id}").status_code == 302
    assert all_.row(Licence).ended_reason == "patent_invalidated"
    assert licence.number not in all_.operator.get("/operator/patent-ends").text
    why = in_words(language, "已支付的费用不予追溯", "what was paid stands")
    assert why in text_of(all_.firm.get(f"/licences/{licence.id}").text)
    assert why in text_of(all_.holder.get(f"/holder/licences/{licence.id}").text)


def test_a_notice_that_never_arrived_says_why_it_is_over_and_takes_a_late_proof(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties(holder_joined=False, **FREE)
    notice = all_.row(Notice)
    with all_.app.app_context():
        clock.set_now(clock.now() + dt.timedelta(days=3), frozen=True)
        with unit_of_work():
            offer = lock(Offer, all_.deal.offer.id)
            offer.status, offer.withdrawn_on = "withdrawn", clock.today()
            record("offer.withdrawn", offer, organisation_id=offer.holder_id)
        notices.end_undelivered()
    page = text_of(all_.firm.get(f"/notices/{notice.id}").text)
    assert (
        in_words(language, "此前未能证明通知已到达权利人", "before it was proven that the notice had") in page
    )
    address = f"/operator/notices/{notice.id}"
    assert f"{address}/service" in all_.operator.get(address).text
    late = {"proof": "示例挂号信 2", "sent_on": clock.today().isoformat()}
    assert all_.operator.post(f"{address}/service", data=late).status_code == 422
    in_time = late | {"sent_on": (clock.today() - dt.timedelta(days=1)).isoformat()}
    assert all_.operator.post(f"{address}/service", data=in_time).status_code == 302
    assert (all_.row(Notice).state, all_.row(Licence).state) == ("paid", "in_effect")


def test_a_co_owner_reads_the_notices_and_licences_on_its_patent(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties()
    with all_.app.app_context(), unit_of_work():
        second = factories.organisation("示例共有权利人")
        patent = db.session.get_one(Offer, all_.deal.offer.id).patent
        patent.parties.append(PatentParty(position=1, organisation_id=second.id))
        person = factories.user(second).id
    owner, notice = client_of(all_.app, person, language), all_.row(Notice)
    assert f"/holder/notices/{notice.id}" in owner.get("/holder/notices").text
    page = owner.get(f"/holder/notices/{notice.id}").text
    assert in_words(language, "您是该专利的共有权利人", "You are a co-owner of this patent") in text_of(page)
    assert f'href="/offers/{notice.offer_id}"' in page
    with all_.app.app_context():
        payment = payments.start_payment(all_.deal.firm_actor, notice.id, "bank")
    page = owner.get(f"/holder/notices/{notice.id}").text
    assert f"/holder/payments/{payment.id}/confirm" not in page
    assert f"/holder/payments/{payment.id}/confirm" in all_.holder.get(f"/holder/notices/{notice.id}").text
    with all_.app.app_context(), unit_of_work(all_.deal.holder_actor):
        payments.confirm_payment(all_.deal.holder_actor, payment.id, clock.today(), payment.amount_minor)
    licence = all_.row(Licence)
    assert f"/holder/licences/{licence.id}" in owner.get("/holder/licences").text
    assert f'href="/offers/{notice.offer_id}"' in owner.get(f"/holder/licences/{licence.id}").text


def test_each_side_takes_back_on_its_page_what_it_stated_of_the_recordal(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties(**FREE)
    licence = all_.row(Licence)
    holders, firms = f"/holder/licences/{licence.id}", f"/licences/{licence.id}"
    today = clock.today().isoformat()
    all_.holder.post(f"{holders}/file", data={"filed_on": today})
    wrong = all_.firm.post(f"{firms}/recordal/recorded", data={"number": "备（2026）1号", "on": today})
    said = in_words(language, "4 至 40 位字母、数字", "4 to 40 letters, digits and hyphens")
    assert (wrong.status_code, said in text_of(wrong.text)) == (422, True)
    all_.firm.post(f"{firms}/recordal/recorded", data={"number": "x2026 0001", "on": today})
    assert "X20260001" in all_.holder.get(holders).text
    assert f"{holders}/correct" not in all_.holder.get(holders).text
    assert f"{firms}/recordal/correct" in all_.firm.get(firms).text
    assert all_.firm.post(f"{firms}/recordal/correct").status_code == 422
    answer = all_.firm.post(f"{firms}/recordal/correct", data={"reason": "typing_error"})
    assert (answer.status_code, all_.row(Licence).recordal_state) == (302, "filed")
    assert f"{firms}/recordal/correct" not in all_.firm.get(firms).text
    assert all_.holder.post(f"{holders}/correct").status_code == 422
    assert all_.holder.post(f"{holders}/correct", data={"reason": "not_done"}).status_code == 302
    assert all_.row(Licence).recordal_state == "to_do"


def test_an_end_by_agreement_is_proposed_declined_and_accepted_on_the_pages_of_both_sides(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties(**FREE)
    licence = all_.row(Licence)
    sides = ((all_.firm, f"/licences/{licence.id}"), (all_.holder, f"/holder/licences/{licence.id}"))
    (firm, firms), (holder, holders) = sides
    take_back, accept = in_words(language, "撤回提议", "Take the proposal back"), "agreed-end/accept"

    assert f"{firms}/agreed-end/propose" in firm.get(firms).text
    assert firm.post(f"{firms}/agreed-end/propose").status_code == 302
    assert take_back in firm.get(firms).text
    assert accept not in firm.get(firms).text
    assert f"{holders}/{accept}" in holder.get(holders).text
    # Whoever proposed it cannot accept it, whatever address is called.
    assert firm.post(f"{firms}/{accept}").status_code == 403
    assert holder.post(f"{holders}/agreed-end/decline").status_code == 302
    assert all_.row(Licence).agreed_end == "none"

    today = clock.today().isoformat()
    holder.post(f"{holders}/end", data={"reason": "agreed", "on": today, "sure": "y"})
    assert take_back in holder.get(holders).text
    assert f"{firms}/{accept}" in firm.get(firms).text
    assert firm.post(f"{firms}/{accept}").status_code == 302
    assert (all_.row(Licence).state, all_.row(Licence).ended_reason) == ("ended", "agreed")
    for client, address in sides:
        page = client.get(address).text
        assert in_words(language, "双方协商一致", "Both parties agreed") in page
        assert "agreed-end" not in page
    assert firm.post(f"{firms}/agreed-end/nonsense").status_code == 404


def test_a_statement_is_uploaded_its_open_line_answered_and_the_licence_is_there(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties()
    notice = all_.row(Notice)
    with all_.app.app_context():
        payments.start_payment(all_.deal.firm_actor, notice.id, "bank")
        payer = db.session.get_one(Organisation, all_.deal.firm.id).name
    content = f"交易流水号,交易日期,贷方发生额,对方户名,附言\nA1,2026-11-20,50000.00,{payer},货款\n".encode()
    shown = all_.holder.post(
        "/holder/lists/bank-statement", data={"file": (io.BytesIO(content), "流水.csv")}
    ).text
    kept = re.search(r'name="file" value="(\d+)"', shown)
    assert kept
    done = all_.holder.post("/holder/lists/bank-statement/import", data={"file": kept.group(1)})
    assert done.headers["Location"] == "/holder/statement"
    page = all_.holder.get("/holder/statement").text
    assert in_words(language, "是，确认到账", "Yes, it is") in page
    address = re.search(r'action="(/holder/statement/\d+)"', page)
    assert address
    assert all_.firm.post(address.group(1), data={"ours": "yes"}).status_code == 404
    assert all_.holder.post(address.group(1), data={"ours": "yes"}).status_code == 302
    assert all_.row(Licence).state == "in_effect"
    assert in_words(language, "没有待处理", "Nothing waits") in all_.holder.get("/holder/statement").text


def test_a_slip_that_waits_too_long_is_in_the_operators_queue_and_both_are_told(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties()
    notice = all_.row(Notice)
    with all_.app.app_context():
        payment = payments.start_payment(all_.deal.firm_actor, notice.id, "bank")
        with unit_of_work(all_.deal.firm_actor):
            payments.upload_slip(all_.deal.firm_actor, payment.id, b"\x89PNG\r\n\x1a\ninvented", "回单.png")
        reference = payment.reference
    assert reference not in all_.operator.get("/operator/slips").text
    with all_.app.app_context(), clock.at(clock.now() + dt.timedelta(days=5)):
        payments.escalate_slips()
        entry = db.session.scalars(
            sa.select(JournalEntry).where(JournalEntry.action == "payment.slip_waits")
        ).one()
        told = {(one.recipient, one.code) for one in rules.tellings(entry)}
    assert told == {
        (f"organisation:{all_.deal.holder.id}", "slip_waits"),
        ("operator", "slip_to_look_into"),
    }
    assert reference in all_.operator.get("/operator/slips").text


def test_the_holder_uploads_its_invoice_once_it_is_paid_and_the_licensee_saves_it(
    parties: Callable[..., Parties], language: str
) -> None:
    all_ = parties()
    notice = all_.row(Notice)
    with all_.app.app_context():
        payment_id = payments.start_payment(all_.deal.firm_actor, notice.id, "bank").id
        content = b"%PDF-1.7 invented invoice"
        with pytest.raises(Conflict), unit_of_work(all_.deal.holder_actor):
            payments.upload_invoice(all_.deal.holder_actor, payment_id, content, "发票.pdf")
        with unit_of_work(all_.deal.holder_actor):
            payments.confirm_payment(all_.deal.holder_actor, payment_id, clock.today(), 5_000_000)
    address = f"/holder/payments/{payment_id}/invoice"
    assert in_words(language, "非发票", "not an invoice") in all_.firm.get(f"/notices/{notice.id}").text
    assert all_.holder.post(address, data={"invoice": (io.BytesIO(b"MZ"), "x.exe")}).status_code == 422
    assert all_.firm.post(address, data={"invoice": (io.BytesIO(content), "x.pdf")}).status_code == 404
    done = all_.holder.post(address, data={"invoice": (io.BytesIO(content), "发票.pdf")})
    assert done.headers["Location"] == f"/holder/notices/{notice.id}"
    assert address in all_.holder.get(f"/holder/notices/{notice.id}").text
    saved = f"/payments/{payment_id}/invoice"
    assert saved in all_.firm.get(f"/notices/{notice.id}").text
    answer = all_.firm.get(saved)
    assert (answer.data, answer.headers["Content-Disposition"].split(";")[0]) == (content, "attachment")
