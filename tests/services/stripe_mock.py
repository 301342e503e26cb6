"""Stripe's own mock server: it checks the shape of requests and answers from fixtures, keeping no state."""

import collections.abc
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import typing

from tests.services import cache, process

NAME = "stripe-mock"
VERSION = "v0.203.0"
MODULE = "github.com/stripe/stripe-mock"
FIXTURES = "embedded/openapi/fixtures3.json"


def folder() -> pathlib.Path:
    """Where the program and its fixtures are kept."""
    return cache.folder() / f"stripe-mock-{VERSION}"


def find() -> pathlib.Path | None:
    """The program, if it was built."""
    program = folder() / "stripe-mock"
    return program if program.is_file() else None


def missing() -> str:
    """The command that brings stripe-mock (it needs Go 1.22 or later)."""
    return "python -m tests.services stripe-mock" + (
        "" if shutil.which("go") else "   # after installing Go 1.22 or later"
    )


def fetch() -> None:
    """Build the program with Go unless it is here, and keep its fixtures beside it."""
    if find():
        return
    cache.folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.folder(), prefix="build-") as name:
        part = pathlib.Path(name) / "part"
        part.mkdir()
        env = os.environ | {"GOBIN": str(part), "GOTOOLCHAIN": "local"}
        subprocess.run(
            ["go", "install", f"{MODULE}@{VERSION}"], check=True, env=env, stdin=subprocess.DEVNULL
        )
        where = ["go", "env", "GOMODCACHE"]
        modules = pathlib.Path(
            subprocess.run(where, check=True, env=env, capture_output=True, text=True).stdout.strip()
        )
        shutil.copyfile(modules / f"{MODULE}@{VERSION}" / FIXTURES, part / "fixtures.json")
        if not folder().exists():
            part.rename(folder())


def fixtures() -> dict[str, typing.Any]:
    """Stripe's example objects by resource name (`event`, `checkout.session`, `charge`, …).

    Numbers in them are arbitrary and some keys are absent: set every field that a test asserts.
    """
    resources: dict[str, typing.Any] = json.loads((folder() / "fixtures.json").read_text())["resources"]
    return resources


@contextlib.contextmanager
def serve() -> collections.abc.Iterator[str]:
    """Start the server and yield its URL, to be used as `STRIPE_API_BASE`."""
    program = find()
    if program is None:
        raise FileNotFoundError(missing())
    port, unused = process.free_ports(2)
    with process.work_folder("stripe-mock") as work:
        cache.hand_over(work)
        # It listens for HTTPS too, by default on a fixed port that a second one would find taken.
        command = [
            str(program), "-http-addr", f"127.0.0.1:{port}", "-https-addr", f"127.0.0.1:{unused}",
        ]  # fmt: skip
        with process.running(command, work=work, env={}, ready=lambda: process.answers(port), seconds=30):
            yield f"http://127.0.0.1:{port}"
