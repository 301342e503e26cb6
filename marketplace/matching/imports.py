"""A firm's list of its own patents: its profile, with which new offers are compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts.imports import owner_of
from marketplace.accounts.models import Organisation
from marketplace.core import clock, convert
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.importing import Checked, Importer, Outcome, Problem
from marketplace.core.unit_of_work import lock
from marketplace.demands.models import Interest
from marketplace.listings import columns as listing_columns
from marketplace.listings import register
from marketplace.listings.models import Patent

from . import interests

_MODEL: Final = {column.name: column for column in listing_columns.PATENTS}


class OwnPatentImport(Importer):
    """Patents of the firm's own by number; one that is registered here needs nothing else, others a title.

    An empty cell is as in the register here, else as it was before.
    """

    permission = "interest.import"
    columns = (
        _MODEL["number"],
        _MODEL["publication_number"],
        dataclasses.replace(_MODEL["title"], required=False),
        dataclasses.replace(_MODEL["abstract"], convert=convert.text(20_000, lines=True)),
        dataclasses.replace(_MODEL["ipc"], convert=convert.listing(convert.classification())),
    )

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.organisation_id = actor.organisation_id
        self.today = clock.today()

    def prepare(self) -> None:
        """Find whose patents they are: the actor's own organisation's, or (operator) the owner's."""
        if self.owner:
            self.organisation_id = owner_of(self.owner).id
        if self.organisation_id is None:
            raise NotFound("owner-unknown", "No organisation has this code or name: %(owner)s", owner="")
        if not (self.actor.is_operator or self.organisation_id in self.actor.own):
            raise Forbidden("not-your-organisation", "You do not act for this organisation.")

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [str(number) for number in register.numbers_of(values) if number is not None]

    def check(self, values: Mapping[str, Any]) -> list[Problem]:
        return register.problems(values, self.today)

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """Add what is new to the profile and put right what a row says otherwise (three queries in all)."""
        organisation = lock(Organisation, self.organisation_id)
        mine = sa.select(Interest).where(Interest.organisation_id == organisation.id)
        all_ = list(db.session.scalars(mine))
        known = {one.key: one for one in all_ if one.kind == "patent"}
        room = interests.MOST - len(all_)
        patents = register.stored(row.values for row in rows)
        outcomes: list[Outcome] = []
        for row in rows:
            patent = next((patents[one] for one in register.names(row.values) if one in patents), None)
            number = _number(row.values, patent)
            held = known.get(number)
            title, abstract, ipc = _said(row.values, patent, held)
            if not title:
                reason = gettext("This patent is not registered here: please give its title.")
                outcomes.append([Problem("title", "required", reason)])
            elif held is not None:
                changed = interests.restate(held, title, abstract, ipc)
                outcomes.append("updated" if changed else "unchanged")
            elif not room:
                reason = gettext("There can be %(most)s interests at most.", most=interests.MOST)
                outcomes.append([Problem("", "interests-too-many", reason)])
            else:
                known[number] = interests.add(organisation, "patent", number, title, abstract, ipc)
                room -= 1
                outcomes.append("created")
        return outcomes


def _number(values: Mapping[str, Any], patent: Patent | None) -> str:
    """The number by which the profile knows the patent: the application's, where it is known."""
    if patent is not None and patent.number is not None:
        return patent.number
    return next(str(number) for number in register.numbers_of(values) if number is not None)


def _said(
    values: Mapping[str, Any], patent: Patent | None, held: Interest | None
) -> tuple[str, str, list[str]]:
    """Title, abstract and places: of the row, else of the register here, else as they were."""
    title, abstract, ipc = "", "", list[str]()
    if patent is not None:
        _, title, abstract, ipc = interests.said_of(patent)
    elif held is not None:
        title, abstract, ipc = held.title, held.text.partition("\n")[2], held.ipc
    return values.get("title") or title, values.get("abstract") or abstract, list(values.get("ipc") or ipc)


IMPORTS: dict[str, type[Importer]] = {"own-patents": OwnPatentImport}
