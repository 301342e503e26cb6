"""Elasticsearch away, silent, or answering nonsense."""

import contextlib
import socket
import threading
import time

import pytest

from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.engine import EngineUnavailable
from marketplace.search.query import parse
from tests.search.corpus import offer

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
