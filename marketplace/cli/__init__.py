"""What an operator does: the command `marketplace`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast

import click
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale, gettext

from marketplace.accounts.access_log import services as access_log
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.database import db
from marketplace.core.errors import DomainError
from marketplace.core.unit_of_work import unit_of_work

Command = TypeVar("Command", bound=Callable[..., Any])

# Command name → module of this package that defines it. Loaded when asked for, so that --help is quick.
COMMANDS = {
    "db": "service",
    "serve": "service",
    "worker": "service",
    "journal": "service",
    "account": "accounts",
    "token": "accounts",
    "import": "imports",
    "search": "search",
    "failed": "failed",
    "match": "matching",
    "statistics": "statistics",
    "stock": "stock",
    "deals": "deals",
    "personal-data": "personal_data",
    "mirror": "mirror",
    "demo": "demo",
}


class Commands(click.Group):
    """The commands of COMMANDS; known errors end with one clear line and exit 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"marketplace.cli.{COMMANDS[cmd_name]}")
        return cast("click.Command", getattr(module, f"{cmd_name.replace('-', '_')}_command"))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="open-licence-marketplace")
def main() -> None:
    """Run the patent open-licensing marketplace. Settings come from the environment."""


def application() -> Flask:
    """The application for the environment's settings; a wrong setting ends the command with exit 1."""
    import config
    from marketplace.app import create_app

    try:
        return create_app()
    except config.SettingsError as error:
        raise click.ClickException(str(error)) from None


def language() -> str:
    """`zh` or `en`: the language of the terminal (LC_ALL, LC_MESSAGES, LANG); Chinese where it names none."""
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    plain = named.partition(".")[0].partition("_")[0].casefold()
    return "zh" if plain in ("", "c", "posix", "zh") else "en"


def with_application(command: Command) -> Command:
    """Run a command inside an application context; a domain error becomes one line on stderr and exit 1."""

    @wraps(command)
    def run(*arguments: Any, **named: Any) -> Any:
        app = application()
        with app.app_context(), force_locale(language()):
            try:
                done = command(*arguments, **named)
                if access_log.pending():
                    with unit_of_work(OPERATOR_COMMAND):
                        access_log.write("command")
                return done
            except DomainError as error:
                text = gettext(error.message, **error.parameters)
                for field, sentences in getattr(error, "fields", {}).items():
                    text += "".join(f"\n  {field}: {gettext(sentence)}" for sentence in sentences)
                raise click.ClickException(f"{text} [{error.code}]") from None
            except sa.exc.DBAPIError as error:
                db.session.rollback()
                raise _explained(error) from error

    return cast("Command", run)


def _explained(error: sa.exc.DBAPIError) -> Exception:
    """A database that is away or has no tables yet, as one clear line; anything else as it is."""
    try:
        migrated = sa.inspect(db.engine).has_table("journal_head")
    except sa.exc.DBAPIError:
        return click.ClickException("The database does not answer; check DATABASE_URL.")
    if not migrated:
        return click.ClickException("The database has no tables yet: run `marketplace db upgrade` first.")
    return error


def result(value: Any) -> None:
    """Print a JSON result as the last line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def fail() -> None:
    """End with exit 1 after the result was printed."""
    sys.exit(1)
