"""Mails that a person may end go out once, also where the worker dies between the answer and its note."""

from __future__ import annotations

import collections.abc
import datetime as dt
import multiprocessing
import signal
import warnings
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from marketplace.accounts.mailing.models import OutgoingMail
from marketplace.accounts.models import User
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands.models import Recommendation
from marketplace.matching import digest
from marketplace.matching.work import TASKS as MATCHING
from marketplace.notifications.models import Notification, SentMail
from marketplace.notifications.services import mail, tell
from marketplace.notifications.work import TASKS as NOTIFICATIONS
from marketplace.search.saved import services as saved_searches
from marketplace.search.saved import work
from tests import factories
from tests.conftest import Databases, settings_for
from tests.services.process import free_ports

FORK = multiprocessing.get_context("fork")
TASKS = {**MATCHING, **NOTIFICATIONS}


class Killing:
    """A mail server that takes a message, and before it says so kills who sent it."""

    def __init__(self) -> None:
        self.senders: dict[str, BaseProcess] = {}
        self.taken: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        (to,) = envelope.rcpt_tos
        self.taken.append(to)
        sender = self.senders.pop(to, None)
        if sender is not None:
            sender.kill()
        return "250 OK"


@pytest.fixture
def server() -> collections.abc.Iterator[Controller]:
    (port,) = free_ports(1)
    controller = Controller(Killing(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def start(app: Flask, gate: Event, name: str, arguments: dict[str, Any]) -> BaseProcess:
    """A worker of its own that does one task, as the queue calls its handler, once the gate is open."""

    def work_off() -> None:
        gate.wait(60)
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
            TASKS[name](**arguments)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: the child uses none
        process = FORK.Process(target=work_off)
        process.start()
    return process


def recommended(reader: Actor, title: str) -> None:
    holder = factories.organisation()
    offer = factories.live_offer(holder, factories.patent(holder, title=title))
    row = Recommendation(
        organisation_id=reader.organisation_id, offer_id=offer.id, channel="field", state="shown", rank=0,
        reasons=[{"kind": "term", "value": title}], shown_at=clock.now(), changed_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)


def found(reader: Actor) -> Notification:
    """The message that a saved search of the reader has found something."""
    with unit_of_work(reader):
        saved = saved_searches.save(reader, "阀", {"q": "阀"}, "at_once")
    with unit_of_work():
        holder = factories.organisation()
        work._keep([(saved.id, factories.live_offer(holder, factories.patent(holder, title="一种阀")).id)])
        saved_searches.tell(saved.id, clock.now())
    action = JournalEntry.action == "saved_search.found"
    with unit_of_work():
        (made,) = tell(db.session.scalars(sa.select(JournalEntry).where(action)).one())
    return made


def test_a_worker_killed_before_it_could_note_the_mail_does_not_make_a_second_one(
    sqlite_databases: Databases, tmp_path: Path, server: Controller
) -> None:
    app = create_app(
        settings_for(sqlite_databases.copy(), tmp_path, MAIL_URL=f"smtp://127.0.0.1:{server.port}")
    )
    today = clock.today().isoformat()
    with app.app_context():
        with unit_of_work():
            firm = factories.organisation()
            digested, alerted = factories.actor(firm), factories.actor(firm)
            recommended(digested, "一种泵")
        message_id = found(alerted).id
        addresses = [db.session.get_one(User, one.user_id).email for one in (digested, alerted)]
        db.session.rollback()
        once = (
            ("matching.digest", {"user_id": digested.user_id, "day": today}),
            ("notifications.mail", {"notification_id": message_id, "user_id": alerted.user_id}),
        )
        box: Killing = server.handler
        gate = FORK.Event()
        doomed = [start(app, gate, name, arguments) for name, arguments in once]
        box.senders = dict(zip(addresses, doomed, strict=True))
        gate.set()
        for one in doomed:
            one.join(60)
        assert [one.exitcode for one in doomed] == [-signal.SIGKILL] * 2
        assert sorted(box.taken) == sorted(addresses)
        assert set(db.session.scalars(sa.select(OutgoingMail.state))) == {"sending"}
        db.session.rollback()

        for _again in range(2):
            digest.send(digested.user_id or 0, today)
            mail(message_id, alerted.user_id or 0)
        assert sorted(box.taken) == sorted(addresses)
        assert db.session.scalars(sa.select(SentMail)).all() == [], "nobody knows whether it has gone out"

        # What comes later is mailed as ever, without what was in the mail before.
        with unit_of_work():
            recommended(digested, "一种阀门")
        with clock.at(clock.now() + dt.timedelta(days=1)):
            assert digest.readers() == [digested.user_id, alerted.user_id]
            digest.send(digested.user_id or 0, clock.today().isoformat())
            assert len(digest.due(alerted.user_id or 0)) == 2
            assert digest.due(digested.user_id or 0) == []
        assert box.taken.count(addresses[0]) == 2
        db.session.remove()
        db.engine.dispose()
