"""Every example of docs/api.md is run, in its order, with curl against a server that listens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from marketplace.core.worker import Worker
from tests.api.conftest import build_world

MANUAL = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLE = re.compile(r"^```sh\n(.*?)^```\n(?:<!-- ([A-Z]+)=(\w+) -->)?", re.MULTILINE | re.DOTALL)


@pytest.fixture
def served(committed_app: Flask) -> Iterator[str]:
    """The address of a server with this application."""
    server = make_server("127.0.0.1", 0, committed_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_examples_of_the_manual_work_as_they_stand(
    committed_app: Flask, served: str, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here; bring it with: apt-get install curl")
    world = build_world(committed_app)
    world.index()
    worker = Worker(committed_app)
    names = {
        "API": served,
        "FIRM": world.firm.token or "",
        "HOLDER": world.holder.token or "",
        "OPERATOR": world.operator.token or "",
    }
    examples = EXAMPLE.findall(MANUAL.read_text(encoding="utf-8"))
    assert len(examples) > 20
    for script, name, member in examples:
        done = subprocess.run(
            ["bash", "-euc", 'curl() { command curl -sS --fail-with-body "$@"; }\n' + script],
            env=os.environ | names,
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout.decode()}\n{done.stderr.decode()}"
        if name:
            names[name] = json.loads(done.stdout)[member]
        worker.drain()
    assert (tmp_path / "certificate.pdf").read_bytes().startswith(b"%PDF-")
