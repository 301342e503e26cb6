"""The stock of patents from the command line."""

from __future__ import annotations

import click

from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import upkeep

from . import result, with_application


@click.group("stock")
def stock_command() -> None:
    """The stock of patents that organisations take."""


@stock_command.command("rebuild")
@with_application
def rebuild() -> None:
    """Make a row for each patent of each owner, and what it repeats of the patent; what people wrote stays.

    Prints JSON with the patents looked at and the rows that were made or changed.
    """
    result(upkeep.rebuild(lambda: unit_of_work(OPERATOR_COMMAND, origin="repair")))
