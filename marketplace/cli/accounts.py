"""Accounts and tokens."""

from __future__ import annotations

import secrets

import click

from marketplace.accounts import passwords, services
from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.errors import NotFound
from marketplace.core.unit_of_work import unit_of_work

from . import result, with_application


@click.group("account")
def account_command() -> None:
    """People who sign in."""


@account_command.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice(services.ROLES), required=True)
@click.option("--organisation", metavar="NAME", help="Exact name; joined if it exists, else created.")
@click.option("--code", metavar="USCC", help="Unified social credit code; looked for before the name.")
@click.option("--password", metavar="P", help="By default one is made and shown once.")
@with_application
def create(email: str, role: str, organisation: str | None, code: str | None, password: str | None) -> None:
    """Make an account; repeating changes nothing."""
    made = None
    if password is None and services.user_by_email(email) is None:
        made = password = secrets.token_urlsafe(12)
    password_hash = passwords.hash_password(password) if password else None
    known = services.user_by_email(email)
    if known is not None and password and passwords.password_matches(known.password_hash, password):
        password_hash = None
    with unit_of_work(OPERATOR_COMMAND):
        user, joined = services.create_account(
            services.NewAccount(
                email=email, role=role, organisation=organisation, code=code, password_hash=password_hash
            )
        )
    if made:
        click.echo(f"Password of {user.email}: {made}", err=True)
    result({"user_id": str(user.id), "organisation_id": None if joined is None else str(joined.id)})


@click.group("token")
def token_command() -> None:
    """Tokens for the API."""


@token_command.command("create")
@click.argument("email")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(["read", "write"]))
@click.option("--organisation", metavar="NAME", help="For whom the token acts, if the user has several.")
@with_application
def create_token(email: str, scopes: tuple[str, ...], organisation: str | None) -> None:
    """Make a token; it is shown once."""
    user = services.user_by_email(email)
    if user is None:
        raise NotFound("account-not-found", "There is no account with this address.")
    chosen = None
    if organisation is not None:
        mine = [m.organisation for m in user.memberships if m.organisation.name == organisation]
        if not mine:
            raise NotFound("organisation-not-found", "There is no such organisation.")
        chosen = mine[0].id
    with unit_of_work(OPERATOR_COMMAND):
        plain = services.create_token(user, frozenset(scopes), chosen)
    result({"token": plain})
