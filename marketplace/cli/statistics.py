"""The bureau's figures from the command line."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import click
from flask import current_app
from flask_babel import force_locale

from marketplace.core import clock
from marketplace.core.errors import Invalid
from marketplace.statistics import facts, services
from marketplace.statistics.reports import building, periods, writing
from marketplace.web.groups import group_name

from . import result, with_application


class Day(click.ParamType[dt.date]):
    """A date such as 2026-11-20."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The date; ends the command with exit 2 for anything else."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-11-20", param, ctx)


@click.group("statistics")
def statistics_command() -> None:
    """Figures for the bureau."""


@statistics_command.command("rebuild")
@with_application
def rebuild() -> None:
    """Compute the facts from nothing.

    Prints JSON with the day and the journal entry up to which they hold, patents, licences, and open
    licences that no figure may count.
    """
    facts.rebuild()
    standing = services.snapshot()
    result(
        {
            "as_of": standing.as_of.isoformat(),
            "journal_id": standing.journal_id,
            "patents": int(standing.facts.patents.in_region.sum()),
            "outside": int((~standing.facts.patents.in_region).sum()),
            "licences": len(standing.facts.open.id),
            "left_out": standing.left_out,
        }
    )


@statistics_command.command("report")
@click.option("--format", "form", type=click.Choice(writing.FORMATS), default="pdf", show_default=True)
@click.option("--from", "from_", type=Day(), help="First day; by default the first observed.")
@click.option("--to", type=Day(), help="Last day; by default the day of observation.")
@click.option("--as-of", type=Day(), help="Day of observation; by default that of the facts.")
@click.option(
    "--period", "period", help="A month, quarter or year instead of days: 2026-10, 2026-Q3 or 2026."
)
@click.option("--language", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; by default statistics-DATE.FORMAT here.",
)
@with_application
def write_report(
    form: str,
    from_: dt.date | None,
    to: dt.date | None,
    as_of: dt.date | None,
    period: str | None,
    language: str,
    output: Path | None,
) -> None:
    """Write the bureau's report: all figures with cut-off, definitions and their versions.

    The facts are brought up to date first. Prints JSON with the file, its sha256 and what it rests on.
    """
    if period is not None:
        if from_ is not None or to is not None:
            raise click.UsageError("--period stands instead of --from and --to")
        from_, to = _days_of(period)
    facts.refresh()
    # Texts are chosen by a request's language; a command has none, so it makes an empty one.
    with current_app.test_request_context(), force_locale(language):
        made = building.build(from_, to, as_of, language=language, name=group_name)
        content = writing.write(made, form)
    path = output or Path(f"statistics-{made.as_of}.{form}")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    result(
        {
            "file": str(path),
            "format": form,
            "sha256": hashlib.sha256(content).hexdigest(),
            "from": made.first.isoformat(),
            "to": made.last.isoformat(),
            "as_of": made.as_of.isoformat(),
            "journal_id": made.journal_id,
            "made_at": clock.format_instant(made.made_at),
        }
    )


def _days_of(text: str) -> tuple[dt.date, dt.date]:
    """First and last day of a period; ends the command with exit 2 for anything else."""
    for kind in ("month", "quarter", "year"):
        try:
            found = periods.written(kind, text)
        except Invalid:
            continue
        return found.first, found.last
    raise click.BadParameter(
        f"{text!r} is not a period such as 2026-10, 2026-Q3 or 2026", param_hint="--period"
    )
