"""Complete free deals over real HTTP: how many a second, how soon in effect, how soon certified.

A deal is complete when the answer to its notice names the licence in effect. Web processes as in production
(`marketplace serve`, two of them), one `marketplace worker`, tokens and Idempotency-Keys as clients send; the
load comes from this process, so all sides share one machine. Aims stand beside the figures.
"""

from __future__ import annotations

import datetime as dt
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from flask import Flask

import config
from marketplace.accounts.models import Membership, Token, User
from marketplace.accounts.services import digest_of
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry, verify
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from tests import factories
from tests.services import postgresql, process

FIRMS = 400
OFFERS = 40
CLIENTS = 16
SECONDS = 15  # of each of the two parts
AIMS = {"postgresql": 150, "sqlite": 100}  # deals a second
PATIENCE = 600.0  # seconds until the certificates of the first part must be printed
Figure = tuple[str, float, str]
_BODY = b'{"use": "\\u8bd5\\u5236"}'
_TICK = os.sysconf("SC_CLK_TCK")


def run() -> list[Figure]:
    """Name, figure and unit of each measurement."""
    figures: list[Figure] = []
    for kind in AIMS:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite:///{folder / 'bench.db'}"
            if kind == "postgresql":
                url = stack.enter_context(postgresql.serve())
            figures += _measure(kind, {"DATABASE_URL": url, "INSTANCE_DIR": str(folder)})
    return figures


def _measure(kind: str, environment: dict[str, str]) -> list[Figure]:
    app = create_app(config.Settings.from_environment(environment))
    with app.app_context():
        flask_migrate.upgrade()
        pairs = _load()
    aim = AIMS[kind]
    with _served(environment) as (port, web, worker):
        deals = _Deals(port, pairs)
        deals.at_full_speed(2)  # caches, keys and pools
        deals.times.clear()
        begun, worked = time.perf_counter(), sum(map(_processor, web))
        deals.at_full_speed(SECONDS)
        reached = len(deals.times) / (time.perf_counter() - begun)
        per_deal = (sum(map(_processor, web)) - worked) / len(deals.times)
        _settle(app)
        last = _last_entry(app)
        deals.times.clear()
        pace = min(reached, aim) / 2
        printed = _processor(worker)
        deals.at_a_pace(pace, SECONDS)
        _settle(app)
        printed = (_processor(worker) - printed) / len(deals.times)
        times = sorted(deals.times)
    waits = _certified_after(app, last)
    with app.app_context():
        if not verify().ok:
            raise RuntimeError("the journal does not verify")
        db.session.remove()
        db.engine.dispose()
    return [
        (f"{kind}: complete free deals (aim ≥ {aim})", round(reached, 1), "deals/s"),
        (f"{kind}: processor time of the web processes for one", round(per_deal * 1000, 1), "ms"),
        (
            f"{kind}: processor time of the worker for one, certificate included",
            round(printed * 1000, 1),
            "ms",
        ),
        (f"{kind}: notice to effect at {pace:.0f} deals/s, median", round(_at(times, 0.5) * 1000), "ms"),
        (
            f"{kind}: notice to effect at {pace:.0f} deals/s, 95th percentile (aim ≤ 300)",
            round(_at(times, 0.95) * 1000),
            "ms",
        ),
        (f"{kind}: effect to certificate at that pace, median", round(_at(waits, 0.5), 2), "s"),
        (f"{kind}: effect to certificate, 95th percentile (aim ≤ 1)", round(_at(waits, 0.95), 2), "s"),
    ]


class _Deals:
    """Clients that serve notices, each firm once on each offer."""

    def __init__(self, port: int, pairs: Iterator[tuple[str, int]]) -> None:
        self.port, self.pairs = port, pairs
        self.lock = threading.Lock()
        self.times: list[float] = []
        self.failures: list[str] = []

    def at_full_speed(self, seconds: float) -> None:
        """As many as the service takes."""
        until = time.perf_counter() + seconds
        self._together(lambda: time.perf_counter() if time.perf_counter() < until else None)

    def at_a_pace(self, pace: float, seconds: float) -> None:
        """`pace` a second; times run from the planned moment, so a queue counts as waiting."""
        begun = time.perf_counter()
        moments = iter([begun + n / pace for n in range(int(pace * seconds))])

        def next_moment() -> float | None:
            with self.lock:
                moment = next(moments, None)
            if moment is not None:
                time.sleep(max(0.0, moment - time.perf_counter()))
            return moment

        self._together(next_moment)

    def _together(self, next_moment: Callable[[], float | None]) -> None:
        clients = [threading.Thread(target=self._client, args=(next_moment,)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        if self.failures:
            raise RuntimeError(self.failures[0])

    def _client(self, next_moment: Callable[[], float | None]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.failures and (moment := next_moment()) is not None:
            with self.lock:
                token, offer = next(self.pairs)
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": uuid.uuid4().hex,
            }
            address = f"/api/v1/offers/{offer}/notices"
            try:
                connection.request("POST", address, _BODY, headers)
                answer = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                # The server has closed what was idle; the key makes it safe to ask again.
                connection.close()
                connection.request("POST", address, _BODY, headers)
                answer = connection.getresponse()
            body = answer.read()
            taken = time.perf_counter() - moment
            if answer.status != 201 or not json.loads(body)["licence_id"]:
                self.failures.append(f"{answer.status}: {body[:300]!r}")
                return
            self.times.append(taken)
        connection.close()


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[tuple[int, list[int], int]]:
    """The service; gives its port, its web processes, and the worker's."""
    (port,) = process.free_ports(1)
    program = str(Path(sys.executable).with_name("marketplace"))
    with ExitStack() as stack:
        running = []
        for arguments in (["serve", "--port", str(port), "--workers", "2"], ["worker"]):
            one = subprocess.Popen(
                [program, *arguments], env=os.environ | environment, stderr=subprocess.DEVNULL
            )
            stack.callback(one.wait)
            stack.callback(one.terminate)
            running.append(one.pid)
        _answers(port)
        yield port, _children(running[0]), running[1]


def _answers(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                connection.close()
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the service does not answer")


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used, as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _load() -> Iterator[tuple[str, int]]:
    """One holder with free offers, and firms with a token each; pairs of a token and an offer."""
    tokens, offers = [], []
    with unit_of_work():
        holder = factories.organisation()
        offers = [factories.live_offer(holder, fee_form="free", fee_minor=None).id for _ in range(OFFERS)]
        now = clock.now()
        for number in range(FIRMS):
            firm = factories.organisation()
            person = User(
                email=f"firm{number}@example.org", name="用户", password_hash="!", locale="zh", active=True,
                email_verified_at=now, created_at=now,
            )  # fmt: skip
            person.memberships = [Membership(organisation=firm, role="member", created_at=now)]
            plain = uuid.uuid4().hex
            tokens.append(plain)
            db.session.add(
                Token(
                    user=person,
                    organisation_id=firm.id,
                    token_hash=digest_of(plain),
                    scopes=["read", "write"],
                    created_at=now,
                    expires_at=now + dt.timedelta(days=1),
                )
            )
    db.session.remove()
    return iter([(token, offer) for offer, token in itertools.product(offers, tokens)])


def _settle(app: Flask) -> None:
    """Wait until every certificate is printed."""
    until = time.monotonic() + PATIENCE
    waiting = sa.select(sa.func.count()).where(Task.name == "deals.render_certificate")
    with app.app_context():
        while db.session.scalar(waiting):
            db.session.rollback()
            if time.monotonic() > until:
                raise RuntimeError("the certificates are not printed")
            time.sleep(0.5)
        db.session.remove()


def _last_entry(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.max(JournalEntry.id))) or 0


def _certified_after(app: Flask, last: int) -> list[float]:
    """Seconds from effect to certificate, of licences that are told after entry `last`, in order."""
    actions = ("licence.in_effect", "licence.certificate_issued")
    with app.app_context():
        rows = db.session.execute(
            sa.select(JournalEntry.action, JournalEntry.subject_id, JournalEntry.recorded_at).where(
                JournalEntry.id > last, JournalEntry.action.in_(actions)
            )
        ).all()
        db.session.remove()
    at = {(action, subject): moment for action, subject, moment in rows}
    return sorted(
        (at[actions[1], subject] - moment).total_seconds()
        for (action, subject), moment in at.items()
        if action == actions[0]
    )


def _at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]
