"""The search index."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import Progress

from marketplace.search import generations

from . import fail, result, with_application


@click.group("search")
def search_command() -> None:
    """The search index."""


@search_command.command("status")
@with_application
def status() -> None:
    """Which engine and generation answer, how far behind, how many documents."""
    result(generations.status())


@search_command.command("rebuild")
@with_application
def rebuild() -> None:
    """Build a new generation without downtime."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Index", total=None)
        found = generations.rebuild(lambda done, total: bar.update(task, completed=done, total=total))
    result(found)


@search_command.command("verify")
@with_application
def verify() -> None:
    """Compare with the database and repair; exit 1 if it still differs."""
    found = generations.verify()
    result(found)
    if not found["equal"]:
        fail()
