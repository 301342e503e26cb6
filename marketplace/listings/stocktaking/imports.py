"""A list of the stock that is read back: unit, inventor, grade, wish and use of each patent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.accounts.imports import owner_of
from marketplace.accounts.models import Membership, User
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.importing import Checked, Importer, Outcome, RowImporter, problems_of
from marketplace.core.unit_of_work import current
from marketplace.listings.models import Patent

from . import columns, services
from .desk import Case, Desk, desk_of
from .models import Stock
from .rules import folded


class StockImport(RowImporter):
    """What is said of patents in the stock, by their numbers; an empty cell changes nothing."""

    permission = "stock.import"
    columns = columns.COLUMNS

    def __init__(self, actor: Actor, owner: str | None) -> None:
        super().__init__(actor, owner)
        self.organisation_id: int | None = actor.organisation_id
        self._desk: Desk | None = None
        self._cases: dict[str, Case] = {}
        self._people: dict[str, list[int]] = {}

    def prepare(self) -> None:
        """Find whose stock it is; a member may name only an organisation that it acts for."""
        if self.owner:
            self.organisation_id = owner_of(self.owner).id
        if self.organisation_id is None:
            raise NotFound("owner-unknown", "No organisation has this code or name: %(owner)s", owner="")
        if not (self.actor.is_operator or self.organisation_id in self.actor.holders):
            raise Forbidden("not-your-organisation", "You do not act for this organisation.")

    def keys(self, values: Mapping[str, Any]) -> Sequence[Hashable]:
        return [str(values["number"])]

    def write(self, rows: Sequence[Checked]) -> list[Outcome]:
        """Look up what all rows speak of, then take them one by one: each may fail alone."""
        assert self.organisation_id is not None  # noqa: S101 - `prepare` has found it
        self._desk = desk_of(self.actor, self.organisation_id)
        self._people = _people(self.organisation_id)
        self._cases = _cases(self._desk, [str(row.values["number"]) for row in rows])
        outcomes: list[Outcome] = []
        for row in rows:
            try:
                with current().savepoint():
                    outcomes.append(self.write_one(row))
            except DomainError as error:
                outcomes.append(problems_of(error))
        return outcomes

    def write_one(self, row: Checked) -> Literal["created", "updated", "unchanged"]:
        values, desk = row.values, self._desk
        assert desk is not None  # noqa: S101 - set by `write`
        case = self._cases.get(str(values["number"]))
        if case is None:
            raise _refused("number", "stock-not-found", services.NOT_IN_STOCK)
        places: dict[str, Any] = {}
        if values.get("unit"):
            places["unit_id"] = _unit(desk, values["unit"])
        if values.get("inventor"):
            places["inventor_id"] = self._person(values["inventor"])
        said = {
            name: values[name]
            for name in ("practice", "practised_by", "practised_how", "practised_since", "note")
            if values.get(name) is not None
        }
        if values.get("wish"):
            said["wish"] = [route for route in values["wish"] if route != "none"]
        if values.get("grade"):
            said["grade"] = _grade(desk, values["grade"])
        changed = services.place(case, places) if places else False
        changed |= services.edit(case, said) if said else False
        return "updated" if changed else "unchanged"

    def _person(self, text: str) -> int:
        found = self._people.get(folded(text), [])
        if len(found) != 1:
            raise _refused(
                "inventor",
                "member-unknown",
                N_("Several members have this name: give the e-mail address.")
                if found
                else N_("This person is no member of the organisation."),
            )
        return found[0]


def _refused(field: str, code: str, sentence: str) -> Invalid:
    return Invalid(code, sentence, fields={field: [sentence]})


def _unit(desk: Desk, text: str) -> int:
    """The unit with that name, or with that path of names `college / institute`."""
    parts = [folded(part).strip() for part in text.replace("／", "/").split("/") if part.strip()]
    found = []
    for unit in desk.tree.units.values():
        ancestors = [desk.tree.units[int(key)] for key in unit.path.strip("/").split("/")]
        for names in (
            [folded(one.name) for one in ancestors],
            [folded(one.name_en or one.name) for one in ancestors],
        ):
            if parts and names[-len(parts) :] == parts:
                found.append(unit.id)
                break
    if len(found) != 1:
        raise _refused(
            "unit",
            "unit-unknown",
            N_("Several units have this name: write college / institute.")
            if found
            else N_("There is no such unit here."),
        )
    return found[0]


def _grade(desk: Desk, text: str) -> str:
    """The code of a grade by its code, its name, or both as in the template's list."""
    wanted = folded(text).split(" ")[0]
    for step in desk.scale:
        if folded(step.code) in (wanted, folded(text)) or folded(text) in (
            folded(step.name),
            folded(step.name_en),
        ):
            return step.code
    raise _refused("grade", "stock-invalid", N_("This grade is not on the scale."))


def _people(organisation_id: int) -> dict[str, list[int]]:
    query = (
        sa.select(User.id, User.name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == organisation_id, User.active)
    )
    found: dict[str, list[int]] = {}
    for row in db.session.execute(query):
        for name in {folded(row.name), folded(row.email)}:
            found.setdefault(name, []).append(row.id)
    return found


def _cases(desk: Desk, numbers: Sequence[str]) -> dict[str, Case]:
    """The stock of these numbers, locked."""
    query = (
        sa.select(Stock, Patent.number, Patent.publication_number)
        .join(Patent, Patent.id == Stock.patent_id)
        .where(
            Stock.organisation_id == desk.organisation_id,
            Stock.held.is_(True),
            sa.or_(Patent.number.in_(numbers), Patent.publication_number.in_(numbers)),
        )
        .order_by(Stock.id)
        .options(selectinload(Stock.patent).options(*services.SHORT))
        .with_for_update(of=Stock)
    )
    found: dict[str, Case] = {}
    for row, number, publication in db.session.execute(query, execution_options={"populate_existing": True}):
        for name in (number, publication):
            if name:
                found[name] = Case(row, desk)
    return found


IMPORTS: dict[str, type[Importer]] = {"stock": StockImport}
