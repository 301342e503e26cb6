"""What one person may do in the stock of one organisation, looked up once and asked for every row.

A member without any role here works in the institution's office: it sees and settles everything, as do its
institution reviewers and an agency with a holder's mandate. Who has only narrower roles is kept to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.core.actor import Actor
from marketplace.core.database import db

from .models import Grade, Stock, StockSettings, Unit, UnitMember
from .rules import OWN_SCALE, Step


@dataclass(frozen=True)
class Tree:
    """The units of an organisation."""

    units: Mapping[int, Unit]

    def walk(self) -> Iterator[tuple[int, Unit]]:
        """Depth (from 0) and unit, each parent before its children, by name."""
        children: dict[int | None, list[Unit]] = {}
        for unit in sorted(self.units.values(), key=lambda unit: (unit.name, unit.id)):
            children.setdefault(unit.parent_id, []).append(unit)

        def below(parent: int | None, depth: int) -> Iterator[tuple[int, Unit]]:
            for unit in children.get(parent, ()):
                yield depth, unit
                yield from below(unit.id, depth + 1)

        return below(None, 0)

    def within(self, unit_id: int) -> frozenset[int]:
        """A unit and everything below it."""
        unit = self.units.get(unit_id)
        if unit is None:
            return frozenset()
        return frozenset(one.id for one in self.units.values() if one.path.startswith(unit.path))

    def title(self, unit_id: int | None, *, english: bool = False) -> str:
        """A unit with its ancestors, `college / institute`; empty for none."""
        unit = self.units.get(unit_id or 0)
        if unit is None:
            return ""
        ancestors = [self.units[int(key)] for key in unit.path.strip("/").split("/")]
        return " / ".join((one.name_en or one.name) if english else one.name for one in ancestors)


@dataclass(frozen=True)
class Desk:
    """One actor at the stock of one organisation.

    Attributes:
        member: whether the actor acts for the organisation at all.
        office: settles everything.
        units: the units that the actor reviews, with everything below.
        enters: whether the actor is entered as an inventor somewhere.
        unit_review, institution_review: the levels of review that the organisation has.
        scale: the grades, best first.
    """

    actor: Actor
    organisation_id: int
    member: bool
    office: bool
    units: frozenset[int]
    enters: bool
    unit_review: bool
    institution_review: bool
    tree: Tree
    scale: tuple[Step, ...]
    own_scale: bool

    @property
    def sees_all(self) -> bool:
        """Whether nothing of the stock is hidden from the actor."""
        return self.office

    def visible(self) -> sa.ColumnElement[bool] | None:
        """The condition on the stock that this actor may see; None when nothing is hidden."""
        if self.office:
            return None
        mine: list[sa.ColumnElement[bool]] = []
        if self.actor.user_id is not None:
            mine.append(Stock.inventor_id == self.actor.user_id)
        if self.units:
            mine.append(Stock.unit_id.in_(sorted(self.units)))
        return sa.or_(*mine) if mine and self.member else sa.false()

    def step(self, code: str) -> Step | None:
        """The grade with this code."""
        return next((step for step in self.scale if step.code == code), None)


def desk_of(actor: Actor, organisation_id: int) -> Desk:
    """The desk of an actor at an organisation's stock; four queries, whatever is done there."""
    tree = Tree(
        {unit.id: unit for unit in db.session.scalars(_of(Unit, organisation_id))},
    )
    settings = db.session.scalar(_of(StockSettings, organisation_id))
    grades = db.session.scalars(_of(Grade, organisation_id).order_by(Grade.position, Grade.id)).all()
    own = organisation_id == actor.organisation_id
    roles = (
        db.session.execute(
            sa.select(UnitMember.role, UnitMember.unit_id).where(
                UnitMember.organisation_id == organisation_id, UnitMember.user_id == actor.user_id
            )
        ).all()
        if own and actor.user_id is not None
        else []
    )
    names = {role for role, _ in roles}
    # A command of the operator works for whom it is told to.
    member = organisation_id in actor.holders or actor.is_system
    office = member and (not names or "institution_reviewer" in names)
    units: frozenset[int] = frozenset().union(
        *(tree.within(unit_id) for role, unit_id in roles if role == "unit_reviewer" and unit_id)
    )
    scale = tuple(
        Step(one.code, one.name, one.name_en or one.name, one.help or "", one.help_en or one.help or "")
        for one in grades
    )
    return Desk(
        actor=actor,
        organisation_id=organisation_id,
        member=member,
        office=office,
        units=units,
        enters="inventor" in names,
        unit_review=settings is None or settings.unit_review,
        institution_review=settings is None or settings.institution_review,
        tree=tree,
        scale=scale or OWN_SCALE,
        own_scale=not scale,
    )


def _of(model: Any, organisation_id: int) -> Any:
    return sa.select(model).where(model.organisation_id == organisation_id)


@dataclass
class Case:
    """A patent of the stock on the desk of somebody: the subject of permissions and of the life cycle."""

    row: Stock
    desk: Desk
    __tablename__ = Stock.__tablename__

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def version(self) -> int:
        return self.row.version

    @property
    def state(self) -> str:
        """Where it is on the way from the inventor to the institution."""
        return self.row.state

    @state.setter
    def state(self, value: str) -> None:
        self.row.state = value

    @property
    def unit_level(self) -> bool:
        """Whether a unit reviews it: the level exists, and it belongs to a unit."""
        return self.desk.unit_review and self.row.unit_id is not None
