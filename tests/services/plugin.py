"""Pytest fixtures for the real parts, each started once and only when a test asks for it.

A part that is not on this machine skips the tests that need it and is named at the end of the run with the
command that brings it; where `CI` is set it fails them, so that nothing goes untested unnoticed.
"""

import collections.abc
import os
import pathlib
import types
import typing

import pytest

from tests.services import chromium, elasticsearch, poppler, postgresql, stripe_mock

_missing_parts = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no part missing."""
    config.stash[_missing_parts] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that collects the results what was missing in this one."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["missing_parts"] = session.config.stash[_missing_parts]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: typing.Any) -> None:
    """Take over what a finished worker process says was missing."""
    node.config.stash[_missing_parts].update(getattr(node, "workeroutput", {}).get("missing_parts", {}))


def require(config: pytest.Config, part: types.ModuleType) -> pathlib.Path:
    """Where `part` is; without it the test is skipped, or failed where `CI` is set."""
    found: pathlib.Path | None = part.find()
    if found is not None:
        return found
    config.stash[_missing_parts][part.NAME] = part.missing()
    reason = f"{part.NAME} is not here; bring it with: {part.missing()}"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _served(request: pytest.FixtureRequest, part: types.ModuleType) -> collections.abc.Iterator[str]:
    require(request.config, part)
    with part.serve() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> collections.abc.Iterator[str]:
    """SQLAlchemy's URL of a PostgreSQL server's database `postgres`; its user may create databases."""
    yield from _served(request, postgresql)


@pytest.fixture(scope="session")
def elasticsearch_node(request: pytest.FixtureRequest) -> collections.abc.Iterator[elasticsearch.Node]:
    """An Elasticsearch node that holds nothing but what tests put there; who hurts it makes it well again."""
    require(request.config, elasticsearch)
    with elasticsearch.node() as node:
        yield node


@pytest.fixture(scope="session")
def elasticsearch_url(elasticsearch_node: elasticsearch.Node) -> str:
    """The URL of that node."""
    return elasticsearch_node.url


@pytest.fixture(scope="session")
def stripe_mock_url(request: pytest.FixtureRequest) -> collections.abc.Iterator[str]:
    """The URL of a stripe-mock, for `STRIPE_API_BASE`."""
    yield from _served(request, stripe_mock)


@pytest.fixture(scope="session")
def stripe_fixtures(request: pytest.FixtureRequest) -> dict[str, object]:
    """Stripe's example objects by resource name, for the bodies of webhooks."""
    require(request.config, stripe_mock)
    return stripe_mock.fixtures()


@pytest.fixture(scope="session")
def chromium_path(request: pytest.FixtureRequest) -> str:
    """The system's Chromium; start it with `tests.services.chromium.ARGUMENTS`."""
    return str(require(request.config, chromium))


@pytest.fixture(scope="session")
def poppler_folder(request: pytest.FixtureRequest) -> pathlib.Path:
    """The folder with `pdftotext` and `pdftoppm`."""
    return require(request.config, poppler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was missing and how to bring it."""
    missing = config.stash[_missing_parts]
    if missing:
        terminalreporter.section("Not run here")
        for name, command in missing.items():
            terminalreporter.write_line(f"{name} is missing; bring it with: {command}")
