"""The search index."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from marketplace.core.errors import Conflict
from marketplace.search import engines, generations
from marketplace.search.engine import SearchEngine

from . import fail, result, with_application


@click.group("search")
def search_command() -> None:
    """The search index."""


def _standby_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--standby", is_flag=True, help="The stand-by alone (SEARCH_STANDBY).")(command)


@search_command.command("status")
@with_application
def status() -> None:
    """Which engine and generation answer, how far behind, how many documents; the same of a stand-by."""
    result(generations.status())


@search_command.command("rebuild")
@_standby_option
@with_application
def rebuild(standby: bool) -> None:
    """Build a new generation without downtime, and one of the stand-by where one is kept."""

    def build(engine: SearchEngine) -> dict[str, Any]:
        with _progress(f"Index ({engine.name})") as progress:
            return generations.rebuild(progress, engine)

    result(_each(standby, build))


@search_command.command("verify")
@_standby_option
@with_application
def verify(standby: bool) -> None:
    """Compare with the database and repair; exit 1 if it still differs."""
    found = _each(standby, generations.verify)
    result(found)
    if not found["equal"] or not found.get("standby", found)["equal"]:
        fail()


@search_command.command("rollback")
@_standby_option
@with_application
def rollback(standby: bool) -> None:
    """Let the generation answer again that answered before; what it replaces is kept."""
    result(generations.rollback(_spare() if standby else None))


def _each(standby: bool, act: Callable[[SearchEngine], dict[str, Any]]) -> dict[str, Any]:
    """What came of it for the engine, with what came of it for the stand-by; or for the stand-by alone."""
    if standby:
        return act(_spare())
    found = act(engines.engine())
    spare = engines.standby()
    return found if spare is None else {**found, "standby": act(spare)}


def _spare() -> SearchEngine:
    spare = engines.standby()
    if spare is None:
        raise Conflict("no-standby", "No stand-by is kept; see SEARCH_STANDBY.")
    return spare


@contextmanager
def _progress(what: str) -> Iterator[generations.Progress]:
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
