"""Deals: our payments against the payment provider's."""

from __future__ import annotations

import click

from marketplace.deals.reconcile import reconcile as compare

from . import fail, result, with_application


@click.group("deals")
def deals_command() -> None:
    """Notices, payments and licences."""


@deals_command.command("reconcile")
@with_application
def reconcile() -> None:
    """Compare our payments with the provider's; what differs goes to the quarantine.

    Exit 1 if anything differs, is unknown to the provider, or could not be asked.
    """
    found = compare()
    result(found.as_json())
    if found.different or found.unknown or found.unreachable or found.unknown_here:
        fail()
