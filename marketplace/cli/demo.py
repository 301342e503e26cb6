"""The demonstration."""

from __future__ import annotations

import click

from marketplace.demo import accounts

from . import result, with_application


@click.group("demo")
def demo_command() -> None:
    """The demonstration with its invented catalogue; `make demo` starts it."""


@demo_command.command("accounts")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the tokens for the API.")
@with_application
def show(as_json: bool) -> None:
    """Show the accounts to sign in with."""
    shown = accounts.listed()
    if as_json:
        result(shown)
        return
    for account in shown:
        who = f"{account['role']:<12} {account['email']:<26} {account['password']}"
        click.echo(f"{who}  {account['organisation'] or ''}".rstrip())
