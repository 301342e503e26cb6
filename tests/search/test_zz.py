"""Elasticsearch away, silent, or answering nonsense; and what a stand-by makes of it."""

import contextlib
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.readers import DeadLetter, JournalCursor
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.search import engines, generations
from marketplace.search.breaker import Breaker
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.engine import EngineUnavailable, SearchEngine
from marketplace.search.query import parse
from tests import factories
from tests.conftest import Databases, settings_for
from tests.search.corpus import offer
from tests.services.elasticsearch import Node, healthy

CALLS = {
    "create": lambda engine: engine.create("g"),
    "drop": lambda engine: engine.drop("g"),
    "write": lambda engine: engine.write("g", [offer(1)]),
    "search": lambda engine: engine.search("g", parse({"q": "电池"})),
    "scan": lambda engine: list(engine.scan("g")),
    "scores": lambda engine: engine.scores("g", {"电池": 1.0}, {}),
}


@pytest.mark.parametrize("call", CALLS)
def test_without_a_server_every_call_says_that_search_is_unavailable(call):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with contextlib.closing(ElasticsearchEngine(f"http://127.0.0.1:{port}")) as engine:
        with pytest.raises(EngineUnavailable) as refused:
            CALLS[call](engine)
        assert refused.value.code == "search-unavailable"
        assert engine.health().available is False


def test_a_server_that_never_answers_is_given_two_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with contextlib.closing(ElasticsearchEngine(f"http://127.0.0.1:{port}")) as engine:
            begun = time.monotonic()
            with pytest.raises(EngineUnavailable):
                engine.search("g", parse({"q": "电池"}))
            assert 1.5 < time.monotonic() - begun < 5


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "502 Bad Gateway"])
def test_an_overloaded_server_is_unavailable(status):
    body = b'{"error":{"type":"overloaded"},"status":503}'
    head = f"HTTP/1.1 {status}\r\nX-Elastic-Product: Elasticsearch\r\nContent-Type: application/json\r\n"
    answer = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        engine = ElasticsearchEngine(f"http://127.0.0.1:{server.getsockname()[1]}")
        with contextlib.closing(engine), pytest.raises(EngineUnavailable):
            engine.search("g", parse({"q": "电池"}))
        thread.join()


# --- with a stand-by: a real server stalled and killed, web and worker as processes of their own


class Market:
    """An application with a stand-by, a worker beside it in a process of its own, and a clock to turn on."""

    def __init__(self, node: Node, database_url: str, folder: Path) -> None:
        environment = {
            "SEARCH_ENGINE": "elasticsearch",
            "ELASTICSEARCH_URL": node.url,
            "SEARCH_STANDBY": "embedded",
            "MARKETPLACE_NOW": "",
        }
        self.folder = folder
        self.app = create_app(settings_for(database_url, folder, **environment))
        self.app.testing = True
        self.app.config["RATELIMIT_ENABLED"] = False
        self.client = self.app.test_client()
        self.ahead = 0.0  # seconds
        self.app.extensions["marketplace.search.breaker"] = Breaker(lambda: time.monotonic() + self.ahead)
        self.environment = {
            **os.environ, **environment, "DATABASE_URL": database_url, "INSTANCE_DIR": str(folder),
        }  # fmt: skip
        with self.app.app_context():
            generations.rebuild_kept()
        self.work()

    def work(self) -> None:
        command = [str(Path(sys.executable).with_name("marketplace")), "worker"]
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(command, env=self.environment, stderr=log)

    def rest(self) -> None:
        self.worker.terminate()
        self.worker.wait(60)

    def pass_time(self, seconds: float) -> None:
        """Turn on the breaker's clock and the legal one; what waits for its turn in the worker has it now."""
        self.ahead += seconds
        clock.set_now(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead))
        with self.app.app_context(), unit_of_work():
            db.session.execute(sa.update(JournalCursor).values(retry_at=None))
            db.session.execute(
                sa.update(Task).where(Task.lease.is_(None)).values(due_at=dt.datetime.now(dt.UTC))
            )

    def publish(self, title: str) -> str:
        with self.app.app_context(), unit_of_work():
            holder = factories.organisation()
            row = factories.live_offer(holder, factories.patent(holder, title=title))
            record("offer.verified", row, organisation_id=holder.id)
            return str(row.id)

    def ask(self, q: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/v1/offers", query_string={"q": q}).get_json()
        return found

    def until(self, ready: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not ready():
            assert time.monotonic() < end, what
            time.sleep(0.1)

    def finds(self, q: str, ids: list[str], engine: str) -> bool:
        if engine == "elasticsearch":
            self.ahead += 31  # on a busy machine it may be slow enough to open the breaker
        answer = self.ask(q)
        if "items" not in answer or answer["engine"] != engine:
            return False
        assert answer["degraded"] is (engine == "embedded")
        return sorted(item["id"] for item in answer["items"]) == sorted(ids)

    def differences(self) -> list[generations.Comparison]:
        with self.app.app_context():
            return [generations.compare(engine, self.live(engine), repair=False) for engine in engines.kept()]

    def live(self, engine: SearchEngine) -> str:
        generation = generations.live(engine.name)
        assert generation is not None
        return generation.name


@pytest.fixture
def market(elasticsearch_node: Node, databases: Databases, tmp_path: Path) -> Iterator[Market]:
    made = Market(elasticsearch_node, databases.copy(), tmp_path)
    yield made
    made.rest()
    with contextlib.suppress(ProcessLookupError):
        elasticsearch_node.signal(signal.SIGCONT)
    if not healthy(elasticsearch_node.url):
        elasticsearch_node.stop()
        elasticsearch_node.start()
    with made.app.app_context():
        engines.engine().drop(made.live(engines.engine()))
        db.session.remove()
        db.engine.dispose()
        for engine in engines.kept():
            engine.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_while_elasticsearch_is_stalled_and_killed_the_standby_answers_and_nothing_is_lost(
    market: Market, elasticsearch_node: Node
) -> None:
    T = [(0, time.monotonic(), 'start')]
    ids = [market.publish("一种磁力泵的密封结构")]
    T.append((1, time.monotonic(), 'ids = [market.publish("一种磁力泵的密封结构")]'))
    market.until(lambda: market.finds("磁力泵", ids, "elasticsearch"), "not found by Elasticsearch")
    T.append((2, time.monotonic(), 'market.until(lambda: market.finds("磁力泵", ids, "elasticsearch'))

    # Stalled: three searches wait two seconds each, then nobody waits any more.
    elasticsearch_node.signal(signal.SIGSTOP)
    T.append((3, time.monotonic(), 'elasticsearch_node.signal(signal.SIGSTOP)'))
    begun = time.monotonic()
    T.append((4, time.monotonic(), 'begun = time.monotonic()'))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: market.app.test_client().get("/api/v1/offers?q=磁力泵"), range(3)))
    assert 1.5 < time.monotonic() - begun < 10
    assert [(a.status_code, a.get_json()["engine"]) for a in answers] == [(200, "embedded")] * 3
    begun = time.monotonic()
    T.append((5, time.monotonic(), 'begun = time.monotonic()'))
    ids.append(market.publish("一种磁力泵的轴承"))
    T.append((6, time.monotonic(), 'ids.append(market.publish("一种磁力泵的轴承"))'))
    market.until(lambda: market.finds("磁力泵", ids, "embedded"), "not found by the stand-by")
    T.append((7, time.monotonic(), 'market.until(lambda: market.finds("磁力泵", ids, "embedded"), "'))
    assert market.app.extensions["marketplace.search.breaker"].open
    page = market.client.get("/offers?q=磁力泵", headers={"Accept-Language": "en"})
    T.append((8, time.monotonic(), 'page = market.client.get("/offers?q=磁力泵", headers={"Accept-L'))
    assert (page.status_code, "its stand-by answers" in page.text) == (200, True)
    T.append((9, time.monotonic(), 'assert (page.status_code, "its stand-by answers" in page.tex'))
    assert "现由备用检索提供结果" in market.client.get("/offers?q=磁力泵").text

    # Back again: found within the breaker's pause.
    elasticsearch_node.signal(signal.SIGCONT)
    T.append((10, time.monotonic(), 'elasticsearch_node.signal(signal.SIGCONT)'))
    market.pass_time(31)
    T.append((11, time.monotonic(), 'market.pass_time(31)'))
    market.until(lambda: market.finds("磁力泵", ids, "elasticsearch"), "Elasticsearch does not answer again")
    T.append((12, time.monotonic(), 'market.until(lambda: market.finds("磁力泵", ids, "elasticsearch'))

    # Killed for ten minutes, under writes.
    elasticsearch_node.signal(signal.SIGKILL)
    T.append((13, time.monotonic(), 'elasticsearch_node.signal(signal.SIGKILL)'))
    for minute in range(0, 10, 2):
        market.pass_time(120)
        ids.append(market.publish(f"一种磁力泵的第{minute}级叶轮"))
        market.until(lambda: market.finds("磁力泵", ids, "embedded"), "not found by the stand-by")

    # The stand-by falls behind too: words are not searched for, numbers and places are.
    market.rest()
    T.append((14, time.monotonic(), 'market.rest()'))
    ids.append(market.publish("一种磁力泵的联轴器"))
    T.append((15, time.monotonic(), 'ids.append(market.publish("一种磁力泵的联轴器"))'))
    market.pass_time(61)
    T.append((16, time.monotonic(), 'market.pass_time(61)'))
    assert market.client.get("/api/v1/offers?q=磁力泵").get_json()["code"] == "search-unavailable"
    assert market.client.get("/offers?q=磁力泵").status_code == 503
    by_place = market.ask("H01M")
    T.append((17, time.monotonic(), 'by_place = market.ask("H01M")'))
    assert (by_place["engine"], by_place["degraded"], by_place["total"]) == ("database", True, len(ids))
    T.append((18, time.monotonic(), 'assert (by_place["engine"], by_place["degraded"], by_place["'))
    market.work()
    T.append((19, time.monotonic(), 'market.work()'))
    market.until(lambda: market.finds("磁力泵", ids, "embedded"), "the stand-by does not catch up")
    T.append((20, time.monotonic(), 'market.until(lambda: market.finds("磁力泵", ids, "embedded"), "'))

    # Back for good: both indexes equal the database, nothing was given up.
    elasticsearch_node.stop()
    T.append((21, time.monotonic(), 'elasticsearch_node.stop()'))
    elasticsearch_node.start()
    T.append((22, time.monotonic(), 'elasticsearch_node.start()'))
    market.pass_time(31)
    T.append((23, time.monotonic(), 'market.pass_time(31)'))
    market.until(lambda: market.finds("磁力泵", ids, "elasticsearch"), "Elasticsearch lacks what was written")
    T.append((24, time.monotonic(), 'market.until(lambda: market.finds("磁力泵", ids, "elasticsearch'))
    market.until(lambda: all(found.equal for found in market.differences()), "an index differs")
    T.append((25, time.monotonic(), 'market.until(lambda: all(found.equal for found in market.dif'))
    assert {found.compared for found in market.differences()} == {len(ids)}
    T.append((26, time.monotonic(), 'assert {found.compared for found in market.differences()} =='))
    with market.app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) == 0

    with open('/tmp/outage.txt','w') as f:
        for a,b in zip(T,T[1:]): f.write(f'{b[1]-a[1]:.2f} {b[2]}\n')
