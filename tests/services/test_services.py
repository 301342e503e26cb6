"""Each real part starts, answers, stops and leaves nothing behind."""

import collections.abc
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.parse
import urllib.request

import playwright.sync_api
import psycopg
import pytest
import stripe

from tests.services import cache, chromium, elasticsearch, plugin, postgresql, process, stripe_mock

pytest_plugins = ["pytester"]


def port_of(url: str) -> int:
    return int(url.split("/")[2].rsplit(":", 1)[1])


@pytest.fixture
def work_folders(monkeypatch: pytest.MonkeyPatch) -> collections.abc.Iterator[pathlib.Path]:
    """Where servers started in this test keep their files: a folder that any user may pass."""
    with tempfile.TemporaryDirectory(prefix="marketplace-services-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield folder


def test_postgresql_keeps_rows_and_leaves_nothing(
    pytestconfig: pytest.Config, work_folders: pathlib.Path
) -> None:
    plugin.require(pytestconfig, postgresql)
    with (
        postgresql.serve() as url,
        psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        connection.execute("CREATE DATABASE another")
        assert connection.execute("SELECT upper('许可 a')").fetchone() == ("许可 A",)
    assert not process.answers(port_of(url))
    assert not list(work_folders.iterdir())


def test_postgresql_refuses_a_wrong_password(postgresql_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://marketplace:wrong@127.0.0.1:{port_of(postgresql_url)}/postgres")


def test_elasticsearch_finds_a_document_and_leaves_nothing(
    pytestconfig: pytest.Config, work_folders: pathlib.Path
) -> None:
    plugin.require(pytestconfig, elasticsearch)
    with elasticsearch.serve() as url:
        put = urllib.request.Request(
            f"{url}/offers/_doc/1?refresh=true",
            data=json.dumps({"title": "电池 隔膜"}).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(put) as answer:
            assert answer.status == 201
        for word, hits in {"隔膜": 1, "电机": 0}.items():
            query = urllib.parse.urlencode({"q": f'title:"{word}"'})
            with urllib.request.urlopen(f"{url}/offers/_search?{query}") as answer:
                assert json.load(answer)["hits"]["total"]["value"] == hits
    assert not process.answers(port_of(url))
    assert not list(work_folders.iterdir())


def test_stripe_mock_refuses_a_misspelt_parameter_and_leaves_nothing(
    pytestconfig: pytest.Config, work_folders: pathlib.Path
) -> None:
    plugin.require(pytestconfig, stripe_mock)
    with stripe_mock.serve() as url:
        client = stripe.StripeClient("sk_test_123", base_addresses={"api": url})
        session = client.v1.checkout.sessions.create(
            params={
                "mode": "payment",
                "client_reference_id": "order-1",
                "success_url": "https://example.org/",
            }
        )
        assert session.client_reference_id == "order-1"
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.checkout.sessions.create(params={"mood": "payment"})
    assert not process.answers(port_of(url))
    assert not list(work_folders.iterdir())


def test_stripe_fixtures_hold_the_objects_of_webhooks(stripe_fixtures: dict[str, object]) -> None:
    assert {"event", "checkout.session", "charge", "dispute", "refund", "payment_intent"} <= set(
        stripe_fixtures
    )


def test_chromium_shows_a_page(chromium_path: str) -> None:
    with playwright.sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path, args=chromium.ARGUMENTS)
        page = browser.new_page()
        page.set_content("<title>开放许可</title>")
        assert page.title() == "开放许可"
        browser.close()


def test_poppler_is_found(poppler_folder: pathlib.Path) -> None:
    assert (poppler_folder / "pdftoppm").exists()


def test_a_server_that_dies_shows_its_last_words() -> None:
    with process.work_folder("dying") as work:
        cache.hand_over(work)
        with (
            pytest.raises(RuntimeError, match="no such luck"),
            process.running(
                ["sh", "-c", "echo no such luck; exit 3"], work=work, env={}, ready=lambda: False, seconds=10
            ),
        ):
            pass


def test_a_closed_folder_is_not_open_to_others(work_folders: pathlib.Path) -> None:
    inner = work_folders / "closed" / "inner"
    inner.mkdir(parents=True)
    assert cache.open_to_others(inner)
    inner.parent.chmod(0o700)
    assert not cache.open_to_others(inner)


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel of Linux alone ends servers with their parent"
)
def test_a_killed_test_run_leaves_no_server(pytestconfig: pytest.Config, work_folders: pathlib.Path) -> None:
    plugin.require(pytestconfig, stripe_mock)
    script = """
        import os, signal
        from tests.services import stripe_mock
        with stripe_mock.serve() as url:
            print(url, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
    )
    assert run.returncode == -9
    port = port_of(run.stdout.strip())
    end = time.monotonic() + 10
    while process.answers(port) and time.monotonic() < end:
        time.sleep(0.05)
    assert not process.answers(port)


MISSING_PART = """
    import types
    import pytest
    from tests.services import plugin

    nothing = types.ModuleType("nothing")
    nothing.NAME, nothing.find, nothing.missing = "Nothing", lambda: None, lambda: "install nothing"

    def test_it(pytestconfig):
        plugin.require(pytestconfig, nothing)
"""


@pytest.mark.parametrize(("ci", "outcome"), [("", {"skipped": 1}), ("true", {"failed": 1})])
def test_a_missing_part_skips_here_and_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: dict[str, int]
) -> None:
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(MISSING_PART)
    result = pytester.runpytest_inprocess("-p", "tests.services.plugin")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines(["*Not run here*", "Nothing is missing; bring it with: install nothing"])
