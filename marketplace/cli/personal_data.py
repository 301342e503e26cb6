"""Personal data whose period is over: what would go, and letting it go now."""

from __future__ import annotations

import click
from flask import current_app

from marketplace.core import retention

from . import result, with_application


@click.group("personal-data")
def personal_data_command() -> None:
    """What is held of people, and for how long."""


@personal_data_command.command("erase")
@click.option("--dry-run", is_flag=True, help="Count only; nothing is written.")
@with_application
def erase(*, dry_run: bool) -> None:
    """Erase the personal data whose period is over, as the worker does once a day; docs/operations.md."""
    rules = current_app.extensions["marketplace.work"].retentions
    counts = retention.due(rules) if dry_run else retention.erase_due(rules)
    result({"dry_run": dry_run, "rows": counts})
