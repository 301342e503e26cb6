"""Work that was given up after several attempts: listed, and tried again."""

from __future__ import annotations

from typing import Any

import click

from marketplace.core import dead_letters
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.errors import Conflict
from marketplace.core.readers import DeadLetter

from . import fail, result, with_application


@click.group("failed")
def failed_command() -> None:
    """Work that was given up: index entries, mails, payments' messages and other tasks."""


@failed_command.command("list")
@click.option("--before", type=int, help="Number of the last one of the page before.")
@with_application
def list_failed(before: int | None) -> None:
    """What is open, newest first, 50 at a time."""
    result([_shown(letter) for letter in dead_letters.open_letters(OPERATOR_COMMAND, before=before)])


@failed_command.command("retry")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Everything that is open.")
@with_application
def retry(numbers: tuple[int, ...], everything: bool) -> None:
    """Try again; tasks go back to the worker, entries are read at once. Exit 1 if any failed again."""
    if bool(numbers) is everything:
        raise click.UsageError("Give numbers, or --all.")
    failed = {}
    wanted = _all() if everything else list(numbers)
    for number in wanted:
        try:
            dead_letters.retry(OPERATOR_COMMAND, number)
        except Conflict as error:
            failed[str(number)] = error.code
    result({"retried": len(wanted) - len(failed), "failed": failed})
    if failed:
        fail()


def _all() -> list[int]:
    numbers: list[int] = []
    while page := dead_letters.open_letters(OPERATOR_COMMAND, before=numbers[-1] if numbers else None):
        numbers += [letter.id for letter in page]
    return numbers


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": letter.id,
        "source": letter.source,
        "entry": letter.entry_id,
        "task": letter.task,
        "error": letter.error,
        "created_at": letter.created_at.isoformat(),
    }
