"""`make demo` as a newcomer runs it: real processes, a free port, one folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from marketplace.demo import runner

WITHIN = 240.0  # seconds, on a machine that does other things too
pytestmark = pytest.mark.timeout(600)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, path: str = "/readyz") -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Demo:
    """A running `python -m marketplace.demo`."""

    def __init__(self, folder: Path, port: int, **environment: str) -> None:
        self.port = port
        self.output = folder / f"output-{time.monotonic_ns()}.txt"
        self.environment = {
            **{key: value for key, value in os.environ.items() if key not in ("RESET", "MARKETPLACE_NOW")},
            "INSTANCE_DIR": str(folder / "instance"),
            "PORT": str(port),
            **environment,
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "marketplace.demo"],
                env=self.environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def text(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, words: str) -> None:
        until = time.monotonic() + WITHIN
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < until, self.text
            time.sleep(0.1)

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def demo(folder: Path, port: int, **environment: str) -> Iterator[Demo]:
    running = Demo(folder, port, **environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(30)


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_it_survives_being_killed_loads_answers_stops_and_reuses_what_is_there(tmp_path: Path) -> None:
    port = free_port()
    with demo(tmp_path, port) as running:
        running.wait_for("25 %")
        running.end(signal.SIGKILL)
    with demo(tmp_path, port) as running:
        running.wait_for("Ready")
        assert "interrupted" in running.text
        assert f"http://127.0.0.1:{port}" in running.text
        for email in ("holder@demo.example", "operator@demo.example"):
            assert email in running.text
        assert answers(port)
        assert answers(port, "/")
        command = Path(sysconfig.get_path("scripts")) / "marketplace"
        listed = subprocess.run(
            [sys.executable, command, "demo", "accounts", "--json"],
            env=running.environment, capture_output=True, check=True, text=True,
        )  # fmt: skip
        shown = json.loads(listed.stdout.splitlines()[-1])
        assert {tuple(account) for account in shown} == {
            ("role", "email", "password", "organisation", "token")
        }
        assert len(shown) == 6
        children = running.children()
        assert len(children) == 2
        with demo(tmp_path, port) as second:
            assert second.process.wait(60) == 1
            assert str(port) in second.text
            assert "taken" in second.text
        with demo(tmp_path, free_port()) as second:
            assert second.process.wait(60) == 1
            assert "Another demonstration" in second.text
        assert running.end(signal.SIGINT) == 0
        assert "Stopped" in running.text
        assert not answers(port)
        assert all(gone(pid) for pid in children)
    database = tmp_path / "instance" / "marketplace.db"
    written = database.stat().st_size
    with demo(tmp_path, port) as running:
        running.wait_for("Ready")
        assert "there already" in running.text
        assert database.stat().st_size <= written * 1.2
        children = running.children()
        running.end(signal.SIGKILL)
        until = time.monotonic() + 30
        while not all(gone(pid) for pid in children):
            assert time.monotonic() < until, "children outlive their parent"
            time.sleep(0.1)


def test_when_one_process_ends_it_says_so_and_stops_the_other(tmp_path: Path) -> None:
    processes = runner.Processes({}, tmp_path)
    try:
        processes.start("web", "serve", "--port", "not-a-port")
        processes.start("worker", "--help")
        with pytest.raises(runner.Trouble, match=r"web.* code 2"):
            processes.watch()
    finally:
        processes.stop()
    assert all(child.poll() is not None for child in processes.children.values())


def test_settings_are_completed_but_never_overruled() -> None:
    environment = {"PORT": "9001", "INSTANCE_DIR": "elsewhere"}
    assert runner.prepare_environment(environment) == 9001
    assert environment["INSTANCE_DIR"] == "elsewhere"
    assert environment["PUBLIC_URL"] == "http://127.0.0.1:9001"
    assert environment["APP_ENV"] == "demo"


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1"])
def test_a_port_is_a_number_or_absent(port: str) -> None:
    if port == "":
        assert runner.prepare_environment({"PORT": port}) == 8000
    else:
        with pytest.raises(runner.Trouble, match="PORT"):
            runner.prepare_environment({"PORT": port})


def test_production_and_foreign_databases_are_not_touched(tmp_path: Path) -> None:
    with demo(tmp_path, free_port(), APP_ENV="production") as running:
        assert running.process.wait(60) == 1
    with demo(
        tmp_path, free_port(), RESET="1", DATABASE_URL=f"sqlite:///{tmp_path / 'elsewhere.db'}"
    ) as running:
        assert running.process.wait(60) == 1
        assert "RESET=1" in running.text
    assert not (tmp_path / "elsewhere.db").exists()
