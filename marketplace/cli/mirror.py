"""Mirroring other markets."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import Progress

from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.listings.mirrored.pull import pull as pull_offers

from . import fail, result, with_application


@click.group("mirror")
def mirror_command() -> None:
    """Offers of other markets, shown here with source and link."""


@mirror_command.command("pull")
@click.argument("url")
@click.option("--source", required=True, metavar="NAME", help="What the other market is called here.")
@click.option("--anew", is_flag=True, help="Read from the beginning instead of going on.")
@with_application
def pull(url: str, source: str, anew: bool) -> None:
    """Bring the offers of the market at URL up to date; goes on where the last pull ended."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(source, total=None)
        done = pull_offers(
            OPERATOR_COMMAND, url, source, anew=anew, progress=lambda read: bar.update(task, completed=read)
        )
    result(done)
    if done["rejected"]:
        fail()
