"""How an organisation takes stock: its units, who has which role, its levels of review, its scale, views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .desk import Desk
from .filters import Filter
from .models import ROLES, Grade, Stock, StockSettings, StockView, Unit, UnitMember
from .rules import DEPTH, OWN_SCALE, Step
from .services import people

_VIEWS: Final = 50  # of one person


# --- units


def get_unit(desk: Desk, unit_id: int) -> Unit:
    """A unit of the organisation.

    Raises:
        NotFound: `unit-unknown`.
    """
    unit = desk.tree.units.get(unit_id)
    if unit is None:
        raise NotFound("unit-unknown", "There is no such unit here.")
    return unit


def add_unit(desk: Desk, name: str, *, name_en: str | None = None, parent_id: int | None = None) -> Unit:
    """Make a unit, below another one or at the top.

    Raises:
        Invalid: `unit-unknown`, `units-too-deep`, `required`.
        Conflict: `unit-exists`: its parent has one of that name.
    """
    require(desk.actor, "stock.manage", desk)
    parent = get_unit(desk, parent_id) if parent_id is not None else None
    if parent is not None and parent.path.count("/") - 1 >= DEPTH:
        raise Invalid("units-too-deep", "Units may be nested %(depth)d levels deep.", depth=DEPTH)
    _require_free(desk, name, parent_id)
    unit = Unit(
        organisation_id=desk.organisation_id,
        parent_id=parent_id,
        name=name.strip(),
        name_en=(name_en or "").strip() or None,
        created_at=clock.now(),
    )
    db.session.add(unit)
    db.session.flush()
    unit.path = f"{parent.path if parent is not None else '/'}{unit.id}/"
    record("stock.unit_added", unit, organisation_id=desk.organisation_id, parent=parent_id)
    return unit


def rename_unit(desk: Desk, unit_id: int, name: str, *, name_en: str | None = None) -> Unit:
    """Call a unit otherwise.

    Raises:
        NotFound: `unit-unknown`.
        Conflict: `unit-exists`.
    """
    require(desk.actor, "stock.manage", desk)
    unit = lock(Unit, get_unit(desk, unit_id).id)
    if name.strip() != unit.name:
        _require_free(desk, name, unit.parent_id)
    unit.name, unit.name_en = name.strip(), (name_en or "").strip() or None
    record("stock.unit_renamed", unit, organisation_id=desk.organisation_id)
    return unit


def remove_unit(desk: Desk, unit_id: int) -> None:
    """Remove a unit that is empty.

    Raises:
        NotFound: `unit-unknown`.
        Conflict: `unit-in-use`: it has units, members or patents.
    """
    require(desk.actor, "stock.manage", desk)
    unit = lock(Unit, get_unit(desk, unit_id).id)
    for column in (Unit.parent_id, UnitMember.unit_id, Stock.unit_id):
        if db.session.scalar(sa.select(sa.exists().where(column == unit_id))):
            raise Conflict(
                "unit-in-use", "The unit still has units, members or patents: move them away first."
            )
    record("stock.unit_removed", unit, organisation_id=desk.organisation_id)
    db.session.delete(unit)


def _require_free(desk: Desk, name: str, parent_id: int | None) -> None:
    if not name.strip():
        message = N_("Please fill in this field.")
        raise Invalid("required", "Please fill in this field.", fields={"name": [message]})
    if any(unit.name == name.strip() and unit.parent_id == parent_id for unit in desk.tree.units.values()):
        message = N_("There is a unit of this name already.")
        raise Conflict("unit-exists", message)


def stock_by_unit(desk: Desk) -> dict[int | None, dict[str, int]]:
    """Unit (None: in none) → state → number of patents, without the units below; one query."""
    query = (
        sa.select(Stock.unit_id, Stock.state, sa.func.count())
        .where(Stock.organisation_id == desk.organisation_id, Stock.held.is_(True))
        .group_by(Stock.unit_id, Stock.state)
    )
    found: dict[int | None, dict[str, int]] = {}
    for unit_id, state, number in db.session.execute(query):
        found.setdefault(unit_id, {})[state] = number
    return found


# --- members


def members(desk: Desk) -> list[UnitMember]:
    """Everybody with a role in the stock-taking of the organisation."""
    query = sa.select(UnitMember).where(UnitMember.organisation_id == desk.organisation_id)
    return list(db.session.scalars(query.order_by(UnitMember.role, UnitMember.id)))


def give_role(desk: Desk, user_id: int, role: str, unit_id: int | None) -> UnitMember:
    """Give a member of the organisation a role, in a unit or (institution reviewers) above all.

    Raises:
        Invalid: `role-unknown`, `member-unknown`, `unit-unknown`.
        Conflict: `role-given`, `last-office`: nobody would be left who settles everything.
    """
    require(desk.actor, "stock.manage", desk)
    if role not in ROLES:
        raise Invalid("role-unknown", "There is no such role.")
    if role == "institution_reviewer":
        unit_id = None
    elif unit_id is None or unit_id not in desk.tree.units:
        message = N_("Choose the unit.")
        raise Invalid("unit-unknown", "There is no such unit here.", fields={"unit": [message]})
    everybody = people(desk)
    if user_id not in everybody:
        raise Invalid("member-unknown", "This person is no member of the organisation.")
    known = members(desk)
    if any((one.user_id, one.role, one.unit_id) == (user_id, role, unit_id) for one in known):
        raise Conflict("role-given", "This person has that role already.")
    if role != "institution_reviewer":
        limited = {one.user_id for one in known} | {user_id}
        reviewers = {one.user_id for one in known if one.role == "institution_reviewer"}
        if not reviewers and not set(everybody) - limited:
            raise Conflict(
                "last-office",
                "Nobody would be left who settles everything: name an institution reviewer first.",
            )
    row = UnitMember(
        organisation_id=desk.organisation_id,
        user_id=user_id,
        unit_id=unit_id,
        role=role,
        created_at=clock.now(),
    )
    db.session.add(row)
    record("stock.role_given", row, organisation_id=desk.organisation_id, role=role, unit=unit_id)
    return row


def take_role(desk: Desk, member_id: int) -> None:
    """Take a role away.

    Raises:
        NotFound: `member-unknown`.
        Conflict: `last-office`.
    """
    require(desk.actor, "stock.manage", desk)
    known = members(desk)
    row = next((one for one in known if one.id == member_id), None)
    if row is None:
        raise NotFound("member-unknown", "This person is no member of the organisation.")
    rest = [one for one in known if one.id != member_id]
    reviewers = {one.user_id for one in rest if one.role == "institution_reviewer"}
    if not reviewers and not set(people(desk)) - {one.user_id for one in rest}:
        raise Conflict(
            "last-office", "Nobody would be left who settles everything: name an institution reviewer first."
        )
    record("stock.role_taken", row, organisation_id=desk.organisation_id, role=row.role, unit=row.unit_id)
    db.session.delete(row)


# --- levels of review and the scale


def settings_of(organisation_id: int) -> StockSettings:
    """The settings of an organisation, made if there are none; in a unit of work."""
    row = db.session.scalar(
        sa.select(StockSettings).where(StockSettings.organisation_id == organisation_id).with_for_update()
    )
    if row is None:
        row = StockSettings(organisation_id=organisation_id, unit_review=True, institution_review=True)
        db.session.add(row)
        db.session.flush()
    return row


def choose_levels(desk: Desk, *, unit_review: bool, institution_review: bool) -> StockSettings:
    """Say which levels review entries."""
    require(desk.actor, "stock.manage", desk)
    row = settings_of(desk.organisation_id)
    row.unit_review, row.institution_review = unit_review, institution_review
    record(
        "stock.levels_chosen",
        row,
        organisation_id=desk.organisation_id,
        unit=unit_review,
        institution=institution_review,
    )
    return row


def choose_scale(desk: Desk, steps: Sequence[Step]) -> None:
    """Set the organisation's scale, best first; without steps the product's own scale is used again.

    Raises:
        Invalid: `scale-invalid`: a code twice, or a step without code or name.
        Conflict: `grade-in-use`: a patent has a grade that would be gone.
    """
    require(desk.actor, "stock.manage", desk)
    codes = [step.code for step in steps]
    if len(set(codes)) != len(codes) or not all(step.code.strip() and step.name.strip() for step in steps):
        message = N_("Each grade needs a code of its own and a name.")
        raise Invalid("scale-invalid", message, fields={"scale": [message]})
    kept = set(codes) or {step.code for step in OWN_SCALE}
    used = set(
        db.session.scalars(
            sa.select(Stock.grade).where(Stock.organisation_id == desk.organisation_id).distinct()
        )
    )
    gone = sorted(used - kept - {""})
    if gone:
        raise Conflict(
            "grade-in-use",
            "Patents have grades that would be gone (%(grades)s): give them another one first.",
            grades=", ".join(gone),
        )
    db.session.execute(sa.delete(Grade).where(Grade.organisation_id == desk.organisation_id))
    db.session.add_all(
        Grade(
            organisation_id=desk.organisation_id,
            code=step.code.strip(),
            position=position,
            name=step.name.strip(),
            name_en=step.name_en.strip() or None,
            help=step.help.strip() or None,
            help_en=step.help_en.strip() or None,
        )
        for position, step in enumerate(steps)
    )
    row = settings_of(desk.organisation_id)
    record("stock.scale_chosen", row, organisation_id=desk.organisation_id, codes=codes)


# --- saved views


def views(desk: Desk) -> list[StockView]:
    """The saved views that this person sees: own ones and those shared, by name."""
    query = sa.select(StockView).where(
        StockView.organisation_id == desk.organisation_id,
        sa.or_(StockView.user_id == desk.actor.user_id, StockView.shared),
    )
    return list(db.session.scalars(query.order_by(StockView.name, StockView.id)))


def save_view(desk: Desk, name: str, wanted: Filter, *, shared: bool) -> StockView:
    """Save a filter under a name; one's own view of that name is replaced.

    Raises:
        Invalid: `required`.
        Conflict: `views-too-many`.
    """
    require(desk.actor, "stock.list", desk)
    name = name.strip()[:80]
    if not name:
        message = N_("Please fill in this field.")
        raise Invalid("required", "Please fill in this field.", fields={"name": [message]})
    mine = [one for one in views(desk) if one.user_id == desk.actor.user_id]
    row = next((one for one in mine if one.name == name), None)
    if row is None:
        if len(mine) >= _VIEWS:
            raise Conflict("views-too-many", "You have %(most)d views: remove one first.", most=_VIEWS)
        row = StockView(
            organisation_id=desk.organisation_id,
            user_id=desk.actor.user_id,
            name=name,
            created_at=clock.now(),
        )
        db.session.add(row)
    row.filter, row.shared = wanted.as_json(), shared
    record("stock.view_saved", row, organisation_id=desk.organisation_id, shared=shared)
    return row


def remove_view(desk: Desk, view_id: int) -> None:
    """Remove a view of one's own; the office removes shared ones too.

    Raises:
        NotFound: `view-unknown`.
    """
    row = next((one for one in views(desk) if one.id == view_id), None)
    if row is None or not (row.user_id == desk.actor.user_id or desk.office):
        raise NotFound("view-unknown", "There is no such view, or it is not yours.")
    record("stock.view_removed", row, organisation_id=desk.organisation_id)
    db.session.delete(row)


def as_steps(rows: Sequence[dict[str, Any]]) -> list[Step]:
    """Steps of a scale from plain values."""
    return [
        Step(
            str(row.get("code") or "").strip()[:8],
            str(row.get("name") or "").strip()[:60],
            str(row.get("name_en") or "").strip()[:60],
            str(row.get("help") or "").strip()[:500],
            str(row.get("help_en") or "").strip()[:500],
        )
        for row in rows
    ]
