"""Searching through the database's check: fresh in two seconds, no withdrawn offers, outages survived."""

from __future__ import annotations

import collections.abc
import contextlib
import datetime as dt
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.readers import DeadLetter, JournalCursor, lag, wall
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.listings.models import Offer
from marketplace.listings.services import act
from marketplace.search import generations
from marketplace.search.engine import EngineUnavailable
from marketplace.search.engines import engine
from marketplace.search.lookup import look_up
from marketplace.search.query import parse
from marketplace.search.services import live_ids, search
from tests import factories
from tests.conftest import NOW, Databases, settings_for


def filed(title: str) -> int:
    """An offer whose announcement its holder has stated; its id."""
    with unit_of_work():
        holder = factories.organisation()
        offer = factories.live_offer(
            holder, factories.patent(holder, title=title), evidence="holder_stated", verified_source=None
        )
        record("offer.announced", offer, organisation_id=holder.id)
        return offer.id


def verify(offer_id: int) -> None:
    with unit_of_work(OPERATOR_COMMAND):
        act(OPERATOR_COMMAND, offer_id, "verify", {"source": "专利公报示例"})


def withdraw(offer_id: int) -> None:
    with unit_of_work(OPERATOR_COMMAND):
        act(OPERATOR_COMMAND, offer_id, "withdraw", {"withdrawn_on": clock.today()})


def found(q: str) -> list[int]:
    return [int(hit.document.id) for hit in search({"q": q}).page.items]


def looked_up(q: str = "", **filters: str) -> list[int]:
    there = look_up(parse({"q": q, **filters}))
    assert there is not None
    return [offer.id for offer in there.offers]


@pytest.fixture
def worker(installation: Flask) -> collections.abc.Iterator[Worker]:
    """A worker that runs beside the test."""
    with installation.app_context():
        generations.rebuild()
    stop, running = threading.Event(), Worker(installation)
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    yield running
    stop.set()
    thread.join()


@pytest.mark.usefixtures("worker")
def test_a_verified_offer_is_found_within_two_seconds(installation: Flask) -> None:
    with installation.app_context():
        offer_id = filed("一种含镍废水的除镍装置")
        assert found("废水除镍") == []
        verify(offer_id)
        verified_at = time.monotonic()
        while found("废水除镍") != [offer_id]:
            db.session.rollback()
            assert time.monotonic() < verified_at + 2.0
            time.sleep(0.05)


def test_a_withdrawn_offer_disappears_at_once_though_the_index_is_stale(installation: Flask) -> None:
    with installation.app_context():
        stays, goes = filed("一种磁力泵的密封结构"), filed("一种磁力泵的轴承")
        verify(stays)
        verify(goes)
        generations.rebuild()
        assert sorted(found("磁力泵")) == [stays, goes]
        withdraw(goes)
        result = search({"q": "磁力泵"})
        assert [int(hit.document.id) for hit in result.page.items] == [stays]
        assert result.page.total == 1
        number = db.session.get_one(Offer, goes).patent.number
        assert number is not None
        assert looked_up(number) == []


def test_an_offer_whose_term_ran_out_overnight_is_not_shown(installation: Flask) -> None:
    with installation.app_context():
        offer_id = filed("一种磁力泵的密封结构")
        verify(offer_id)
        with unit_of_work():
            db.session.get_one(Offer, offer_id).term_to = clock.today()
        generations.rebuild()
        assert found("磁力泵") == [offer_id]
        clock.set_now(NOW + dt.timedelta(days=1))
        assert found("磁力泵") == []
        assert live_ids([offer_id]) == set()


def test_as_of_is_when_the_oldest_change_was_made_that_the_index_lacks(installation: Flask) -> None:
    with installation.app_context():
        generations.rebuild()
    Worker(installation).drain()
    with installation.app_context():
        assert abs(search({"q": "泵"}).as_of - clock.now()) < dt.timedelta(seconds=5)
        clock.set_now(NOW + dt.timedelta(hours=1))
        filed("一种磁力泵的密封结构")
        clock.set_now(NOW + dt.timedelta(hours=3))
        filed("一种磁力泵的轴承")
        behind = search({"q": "泵"}).as_of - (NOW + dt.timedelta(hours=1))
        assert dt.timedelta(0) <= behind < dt.timedelta(minutes=1)


@pytest.mark.usefixtures("context")
def test_offers_are_found_by_number_and_by_classification_without_any_engine() -> None:
    with unit_of_work():
        holder = factories.organisation()
        first, second = (factories.live_offer(holder, factories.patent(holder)) for _ in range(2))
        second.patent.classes[0].symbol = "H01M4/36"
        factories.live_offer(holder, evidence="holder_stated")
        factories.live_offer(holder, term_to=clock.today() - dt.timedelta(days=1))
    number = first.patent.number
    assert looked_up(f"ZL{number}") == looked_up(f"{number}", ipc="H01M") == [first.id]
    assert (
        looked_up(ipc="H01M")
        == looked_up("H01M")
        == looked_up(ipc="H", sort="newest")
        == [first.id, second.id]
    )
    assert looked_up(ipc="H01M", size="1", page="2") == [second.id]
    assert looked_up(ipc="H01M10") == looked_up(ipc="H01M 10/0525") == [first.id]
    assert looked_up(ipc="H01M1") == looked_up(ipc="G06F") == looked_up("CN209999999B") == []
    for asked in ({}, {"q": "磁力泵"}, {"ipc": "H01M", "kind": "design"}, {"ipc": "H", "sort": "fee"}):
        assert look_up(parse(asked)) is None


class Gate:
    """A way to a server that can be shut: then connections break, and new ones are refused."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname, parts.port)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.open()

    def open(self) -> None:
        self.server = socket.create_server(("127.0.0.1", self.port))
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(self.server,), daemon=True).start()

    def shut(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):  # the other side has closed it already
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.connections += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):  # shut
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)


def test_while_elasticsearch_is_away_search_is_unavailable_and_afterwards_nothing_is_lost(
    databases: Databases, elasticsearch_url: str, tmp_path: Path
) -> None:
    gate = Gate(elasticsearch_url)
    app = create_app(
        settings_for(databases.copy(), tmp_path, SEARCH_ENGINE="elasticsearch", ELASTICSEARCH_URL=gate.url)
    )
    worker = Worker(app)
    with app.app_context():
        before = filed("一种磁力泵的密封结构")
        verify(before)
        generations.rebuild()
        assert found("磁力泵") == [before]
        generation = generations.live("elasticsearch")
        assert generation is not None
        name, reader = generation.name, generation.reader
    gate.shut()
    with app.app_context():
        during = filed("一种磁力泵的轴承")
        verify(during)
    for _ in range(7):  # more rounds than an entry has attempts: being away is no failure
        worker.round()
        with app.app_context(), unit_of_work():
            db.session.execute(sa.update(JournalCursor).values(retry_at=None))
    with app.app_context():
        with pytest.raises(EngineUnavailable) as refused:
            found("磁力泵")
        assert refused.value.code == "search-unavailable"
        assert lag(reader) > 0
        assert generations.status()["available"] is False
    answer = app.test_client().get("/api/v1/offers?q=磁力泵")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "search-unavailable")
    gate.open()
    with app.app_context(), unit_of_work():
        db.session.execute(sa.update(JournalCursor).values(retry_at=None))
        db.session.execute(sa.update(Task).values(due_at=wall()))
    worker.drain()
    with app.app_context():
        assert sorted(found("磁力泵")) == [before, during]
        assert lag(reader) == 0
        assert db.session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) == 0
        engine().drop(name)
        engine().close()
        db.session.remove()
        db.engine.dispose()
    gate.shut()
