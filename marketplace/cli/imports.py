"""`marketplace import`: lists go in, bad rows are reported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.tables import TableError, total_hint

from . import fail, result, with_application

KINDS = {
    "organisations": "Import organisations with their bank accounts.",
    "patents": "Import patents and what is known about their state.",
    "offers": "Import announced open-licence declarations (a gazette list: verified).",
    "withdrawals": "Import announced withdrawals of declarations.",
    "gazette-announcements": "Import announcements as the gazette prints them, matched by patent number.",
    "gazette-withdrawals": "Import announced withdrawals as the gazette prints them.",
    "gazette-recordals": "Import recordals in effect, changed and cancelled, as the gazette prints them.",
    "mirrored": "Import offers that another platform shows (never licensable here, never counted).",
    "licences": "Import licences taken elsewhere, and recordals.",
    "bank-statement": "Match a holder's bank statement (--owner) with payments by reference and sum.",
    "demands": "Import demands of firms and publish them.",
    "own-patents": "Make a firm's own patents (--owner) the profile with which new offers are compared.",
    "stock": "Import what is said of an organisation's stock: unit, inventor, grade, wish, use.",
    "reference-fees": "Import published licence fees by industry and year, with their source.",
    "facts": "Set facts of known patents from an extract of the register; nothing else changes.",
    "ipc": "Import titles of the International Patent Classification, in Chinese, English or both.",
    "annuities": "Import the scale of annuities by kind of right and patent year.",
}


@click.group("import")
def import_command() -> None:
    """Import a list from CSV, XLSX or JSONL; repeating changes nothing."""


def _command(kind: str, text: str) -> click.Command:
    @click.command(kind, help=text)
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
    @click.option(
        "--report",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write the errors as CSV: line, field, value, code, reason.",
    )
    @click.option("--owner", metavar="CODE", help="Credit code or exact name of whose list it is.")
    @with_application
    def command(file: Path, dry_run: bool, report: Path | None, owner: str | None, **options: Any) -> None:
        with _progress(file, kind) as advance:
            summary = importing.run(
                kind,
                file,
                actor=OPERATOR_COMMAND,
                owner=owner,
                dry_run=dry_run,
                report=report,
                progress=advance,
                options=options,
            )
        if report is None:
            for error in summary.errors:
                where = f"line {error.line}" + (f", {error.field}" if error.field else "")
                click.echo(f"{where}: {error.reason} [{error.code}] {error.value}".rstrip(), err=True)
            if summary.rejected > len({error.line for error in summary.errors}):
                click.echo("… more errors; write them all with --report FILE", err=True)
        told = summary.as_json()
        if options.get("complete"):
            told["ended"] = summary.details["mirrored_ended"] + summary.details["mirrored_left_out"]
        result(told)
        if summary.rejected:
            fail()

    for option in _MIRRORED if kind == "mirrored" else ():
        command = option(command)
    return command


_MIRRORED = (
    click.option("--confirmed", is_flag=True, help="With --complete: even if more than half would end."),
    click.option("--complete", is_flag=True, help="The list is whole: what is not in it has ended."),
    click.option("--source", required=True, metavar="NAME", help="The platform they come from."),
)


@contextmanager
def _progress(file: Path, kind: str) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        total = total_hint(file)
    except TableError:
        total = None  # the import itself says what is wrong with the file
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(kind, total=total)
        yield lambda line: bar.update(task, completed=line)


for _kind, _text in KINDS.items():
    import_command.add_command(_command(_kind, _text))
