"""Who is told what, once, in their language, in the inbox and by mail through real servers."""

from __future__ import annotations

import collections.abc
import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from flask_babel import force_locale

from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import DeadLetter, lag, wall
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.deals import notices, payments
from marketplace.deals.models import Licence, Quarantine
from marketplace.demands.answers import answer_demand
from marketplace.demands.services import publish_demand
from marketplace.listings.models import Offer
from marketplace.notifications.models import Notification
from marketplace.notifications.services import inbox, mark_read, tell, unread
from marketplace.notifications.texts import CODES, MODELS, render, render_all
from tests import factories
from tests.conftest import Databases, settings_for
from tests.services.process import free_ports

_HAN = ("一", "鿿")


def entries() -> list[JournalEntry]:
    return list(db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)))


def tell_all() -> None:
    for entry in entries():
        with unit_of_work():
            tell(entry)


def told() -> set[tuple[str, str]]:
    rows = db.session.scalars(sa.select(Notification))
    return {(row.recipient, row.code) for row in rows}


def of(actor: Actor) -> str:
    return f"organisation:{actor.organisation_id}"


@pytest.fixture
def parties(context: None) -> tuple[Actor, Actor]:
    """A holder with one offer, and a firm."""
    with unit_of_work():
        holder, firm = (
            factories.organisation("示例大学"),
            factories.organisation("示例公司", name_en="Sample Co."),
        )
        factories.live_offer(holder, factories.patent(holder, title="一种磁力泵", title_en="A pump"))
        return factories.actor(holder), factories.actor(firm)


def the_offer() -> Any:
    return db.session.scalars(sa.select(Offer).order_by(Offer.id)).unique().first()


def note(row: Any, action: str, **data: Any) -> None:
    with unit_of_work():
        record(action, row, **data)


def licence(licensee_id: int | None) -> Licence:
    offer = the_offer()
    with unit_of_work():
        row = Licence(
            number="LX2026-1", kind="open", state="in_effect", offer_id=offer.id, patent_id=offer.patent_id,
            licensee_id=licensee_id, effective_at=clock.now(), effective_on=clock.today(), currency="CNY",
            recordal_state="to_do", created_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        record("licence.in_effect", row, organisation_id=licensee_id)
    return row


class TestWhoIsTold:
    def test_the_holder_is_told_of_a_notice_and_of_a_slip_to_check(
        self, parties: tuple[Actor, Actor]
    ) -> None:
        holder, firm = parties
        prepared = notices.prepare_notice(firm, the_offer().id)
        with unit_of_work(firm):
            notice = notices.serve_notice(firm, prepared)
        with unit_of_work(firm):
            payment = payments.begin_payment(firm, notice.id, channel="bank")
        note(payment, "payment.slip_uploaded")
        tell_all()
        assert {(of(holder), "notice_served"), (of(holder), "payment_to_confirm")} <= told()
        assert not any(recipient == of(firm) for recipient, _ in told())

    def test_both_parties_are_told_of_a_licence(self, parties: tuple[Actor, Actor]) -> None:
        holder, firm = parties
        licence(firm.organisation_id)
        tell_all()
        assert told() == {(of(firm), "licence_in_effect"), (of(holder), "licence_granted")}

    def test_an_announcement_is_told_by_its_evidence(self, parties: tuple[Actor, Actor]) -> None:
        holder, _ = parties
        offer = the_offer()
        with unit_of_work():
            offer.evidence = "holder_stated"
        note(offer, "offer.announced")
        tell_all()
        assert told() == {(of(holder), "offer_announced"), ("operator", "announcement_to_verify")}
        with unit_of_work():
            offer.evidence = "verified"
        note(offer, "offer.verified")
        tell_all()
        assert (of(holder), "offer_live") in told()

    def test_holder_licensees_and_bureau_are_told_of_a_bar_and_the_first_two_of_a_withdrawal(
        self, parties: tuple[Actor, Actor]
    ) -> None:
        holder, firm = parties
        licence(firm.organisation_id)
        note(the_offer(), "offer.duty_raised", bars=["pledge"])
        note(the_offer(), "offer.withdrawn")
        tell_all()
        assert {
            (of(holder), "duty_to_withdraw"),
            (of(firm), "licensed_offer_barred"),
            ("bureau", "duty_raised"),
            (of(holder), "offer_withdrawn"),
            (of(firm), "licensed_offer_withdrawn"),
        } <= told()

    def test_operators_are_told_of_money_set_aside(self, context: None) -> None:
        with unit_of_work():
            case = Quarantine(
                reason="amount-mismatch", expected={}, received={}, state="open", created_at=clock.now()
            )
            db.session.add(case)
            record("quarantine.opened", case)
        tell_all()
        assert told() == {("operator", "quarantine_opened")}

    def test_a_firm_is_told_of_matches_and_answers(self, parties: tuple[Actor, Actor]) -> None:
        holder, firm = parties
        with unit_of_work(firm):
            demand = publish_demand(firm, {"title": "泵", "description": "泵漏水"})
            record("demand.matched", demand, organisation_id=firm.organisation_id, offers=[the_offer().id])
        with unit_of_work(holder):
            answer_demand(holder, demand.id, the_offer().id)
        tell_all()
        assert told() == {(of(firm), "demand_matched"), (of(firm), "demand_answered")}

    def test_an_entry_is_told_once(self, parties: tuple[Actor, Actor]) -> None:
        licence(parties[1].organisation_id)
        tell_all()
        before = db.session.scalar(sa.select(sa.func.count()).select_from(Notification))
        tell_all()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Notification)) == before == 2

    @pytest.mark.parametrize(("origin", "mails"), [("live", 2), ("import", 0), ("demo", 0), ("repair", 0)])
    def test_mail_is_sent_only_for_what_happens_live(
        self, parties: tuple[Actor, Actor], origin: str, mails: int
    ) -> None:
        row = licence(parties[1].organisation_id)
        with unit_of_work(origin=origin):
            record("licence.in_effect", row)
        with unit_of_work():
            assert len(tell(entries()[-1])) == 2
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Task)) == mails


class TestInbox:
    def test_each_sees_and_marks_only_what_is_theirs(self, parties: tuple[Actor, Actor]) -> None:
        holder, firm = parties
        licence(firm.organisation_id)
        note(the_offer(), "offer.duty_raised")
        tell_all()
        with unit_of_work():
            operator = factories.operator()
        assert [row.code for row in inbox(firm)] == ["licensed_offer_barred", "licence_in_effect"]
        assert [row.code for row in inbox(holder)] == ["duty_to_withdraw", "licence_granted"]
        assert inbox(VISITOR) == inbox(operator) == []
        assert [row.code for row in inbox(Actor(user_id=1, roles=frozenset({"bureau"})))] == ["duty_raised"]
        assert (unread(firm), unread(holder)) == (2, 2)
        first = inbox(firm)[-1].id
        with unit_of_work(firm):
            assert mark_read(firm, up_to=first) == 1
            assert mark_read(firm, notification_id=inbox(holder)[0].id) == 0
        assert (unread(firm), unread(holder)) == (1, 2)
        assert [row.id for row in inbox(firm, after=inbox(firm)[0].id)] == [first]

    def test_messages_speak_the_readers_language_and_lead_to_pages_that_exist(
        self, app: Flask, parties: tuple[Actor, Actor]
    ) -> None:
        licence(parties[1].organisation_id)
        tell_all()
        (row,) = [row for row in db.session.scalars(sa.select(Notification)) if row.code == "licence_granted"]
        with force_locale("en"):
            message = render(row)
            assert message.title == "Sample Co. has taken a licence of your patent"
            assert "“A pump”" in message.body
        with force_locale("zh"):
            message = render(row)
            assert message.title == "示例公司已获得贵单位专利的许可"
            assert "一种磁力泵" in message.body
        adapter = app.url_map.bind("localhost")
        assert adapter.match(message.path)[0] == "licensing.licence" or message.path.startswith("/licences/")

    @pytest.mark.parametrize("code", CODES)
    def test_every_message_has_both_languages_and_survives_rows_that_are_gone(
        self, app: Flask, context: None, code: str
    ) -> None:
        row = Notification(code=code, parameters=dict.fromkeys(MODELS, 999) | {"count": 3})
        with force_locale("zh"):
            ((_, message),) = render_all([row])
            assert any(_HAN[0] <= sign <= _HAN[1] for sign in message.title)
            assert any(_HAN[0] <= sign <= _HAN[1] for sign in message.body)
        with force_locale("en"):
            english = render(row)
            assert not any(_HAN[0] <= sign <= _HAN[1] for sign in english.title + english.body)
        adapter = app.url_map.bind("localhost")
        assert adapter.match(urlsplit(message.path).path)[0]


class Box:
    """Where the mail server puts what it takes; an address may be refused for good."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.refused: set[str] = set()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken += [(address, message) for address in envelope.rcpt_tos]
        return "250 OK"


@pytest.fixture
def box() -> collections.abc.Iterator[tuple[Box, Controller]]:
    found = Box()
    (port,) = free_ports(1)
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    yield found, controller
    if controller.server is not None:
        controller.stop()


def open_app(databases: Databases, folder: Path, **environment: str) -> Flask:
    app = create_app(
        settings_for(databases.copy(), folder, PUBLIC_URL="https://market.example", **environment)
    )
    app.testing = True
    return app


def close_app(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def deal() -> None:
    """Two readers of two languages at the holder, one at the firm, and a licence."""
    with unit_of_work():
        holder, firm = (
            factories.organisation("示例大学"),
            factories.organisation("示例公司", name_en="Sample Co."),
        )
        factories.user(holder, email="zh@example.org")
        factories.user(holder, email="en@example.org", locale="en")
        factories.user(holder, email="gone@example.org", active=False)
        factories.user(firm, email="firm@example.org")
        factories.live_offer(holder, factories.patent(holder, title="一种磁力泵", title_en="A pump"))
        firm_id = firm.id
    licence(firm_id)


def test_mail_reaches_each_reader_in_their_language_through_a_real_server(
    databases: Databases, tmp_path: Path, box: tuple[Box, Controller]
) -> None:
    found, controller = box
    port = controller.port
    app = open_app(databases, tmp_path, MAIL_URL=f"smtp://127.0.0.1:{port}")
    worker = Worker(app)
    worker.drain()
    with app.app_context():
        deal()
    assert worker.drain() == 0
    mails = dict(found.taken)
    assert sorted(to for to, _ in found.taken) == ["en@example.org", "firm@example.org", "zh@example.org"]
    assert mails["zh@example.org"]["Subject"] == "示例公司已获得贵单位专利的许可"
    assert mails["en@example.org"]["Subject"] == "Sample Co. has taken a licence of your patent"
    assert "https://market.example/licences/" in mails["en@example.org"].get_content()
    worker.drain()
    assert len(found.taken) == 3
    close_app(app)


def test_mail_waits_while_the_server_is_away_and_an_address_refused_for_good_is_given_up(
    databases: Databases, tmp_path: Path, box: tuple[Box, Controller]
) -> None:
    found, controller = box
    port = controller.port
    controller.stop()
    app = open_app(databases, tmp_path, MAIL_URL=f"smtp://127.0.0.1:{port}")
    worker = Worker(app)
    worker.drain()
    with app.app_context():
        deal()
    worker.drain()
    with app.app_context():
        assert lag("notifications") == 0
        waiting = db.session.scalars(sa.select(Task).where(Task.name == "notifications.mail")).all()
        assert len(waiting) == 3
    found.refused.add("firm@example.org")
    back = Controller(found, hostname="127.0.0.1", port=port)
    back.start()
    try:
        for _ in range(8):  # more than the attempts a task has
            with app.app_context(), unit_of_work():
                db.session.execute(sa.update(Task).values(due_at=wall()))
            worker.drain()
    finally:
        back.stop()
    assert sorted(to for to, _ in found.taken) == ["en@example.org", "zh@example.org"]
    with app.app_context():
        letters = db.session.scalars(sa.select(DeadLetter)).all()
        assert [letter.source for letter in letters] == ["task:notifications.mail"]
    close_app(app)


def test_without_a_server_mail_lies_in_a_folder(databases: Databases, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    app = open_app(databases, tmp_path, MAIL_URL=f"file://{folder}")
    worker = Worker(app)
    worker.drain()
    with app.app_context():
        deal()
    worker.drain()
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in folder.glob("*.eml")
    ]
    assert sorted(mail["To"] for mail in mails) == ["en@example.org", "firm@example.org", "zh@example.org"]
    close_app(app)
