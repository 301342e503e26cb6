"""How an organisation takes stock: its units with their people, the levels of review, the scale of grades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access
from marketplace.core.errors import DomainError
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import services, setup
from marketplace.listings.stocktaking.desk import Desk, desk_of
from marketplace.listings.stocktaking.models import ROLES, STATES
from marketplace.listings.stocktaking.rules import OWN_SCALE

from .workbench_frame import blueprint, desk, said, unit_choices

_MORE_STEPS = 3  # empty lines of the scale
_LONGEST_NAME = 100


@blueprint.get("/units")
@access("organisation")
def units() -> ResponseReturnValue:
    """The tree of units with how many patents stand where in each, their people, and the levels of review."""
    found = desk()
    rows = setup.stock_by_unit(found) if found.office else {}
    totals = {unit_id: sum(states.values()) for unit_id, states in rows.items()}
    below = {
        unit.id: sum(totals.get(one, 0) for one in found.tree.within(unit.id))
        for unit in found.tree.units.values()
    }
    people = setup.members(found)
    return render_template(
        "workbench/units.html",
        desk=found,
        tree=list(found.tree.walk()),
        choices=unit_choices(found),
        rows=rows,
        below=below,
        states=STATES,
        members={
            unit_id: [one for one in people if one.unit_id == unit_id]
            for unit_id in {one.unit_id for one in people}
        },
        people=services.people(found),
        roles=ROLES,
        may_manage=allowed(found.actor, "stock.manage", found).allowed,
    )


def _manage(change: Callable[[Desk], Any], sentence: str, back: str = "units") -> ResponseReturnValue:
    found = desk()
    require(found.actor, "stock.manage", found)
    try:
        with unit_of_work(found.actor):
            change(desk_of(found.actor, found.organisation_id))
    except DomainError as error:
        flash(said(error), "danger")
    else:
        flash(sentence, "success")
    return redirect(url_for(f"workbench.{back}"))


def _name(field: str) -> str:
    return request.form.get(field, "").strip()[:_LONGEST_NAME]


@blueprint.post("/units")
@access("organisation")
def add_unit() -> ResponseReturnValue:
    """Make a unit."""
    parent = request.form.get("parent", type=int)
    return _manage(
        lambda held: setup.add_unit(held, _name("name"), name_en=_name("name_en"), parent_id=parent),
        gettext("The unit is made."),
    )


@blueprint.post("/units/<int:unit_id>/rename")
@access("organisation")
def rename_unit(unit_id: int) -> ResponseReturnValue:
    """Call a unit otherwise."""
    return _manage(
        lambda held: setup.rename_unit(held, unit_id, _name("name"), name_en=_name("name_en")),
        gettext("Saved."),
    )


@blueprint.post("/units/<int:unit_id>/remove")
@access("organisation")
def remove_unit(unit_id: int) -> ResponseReturnValue:
    """Remove an empty unit."""
    return _manage(lambda held: setup.remove_unit(held, unit_id), gettext("The unit is removed."))


@blueprint.post("/members")
@access("organisation")
def give_role() -> ResponseReturnValue:
    """Give somebody a role."""
    user_id, unit_id = request.form.get("user", 0, type=int), request.form.get("unit", type=int)
    role = request.form.get("role", "")
    return _manage(lambda held: setup.give_role(held, user_id, role, unit_id), gettext("The role is given."))


@blueprint.post("/members/<int:member_id>/remove")
@access("organisation")
def take_role(member_id: int) -> ResponseReturnValue:
    """Take a role away."""
    return _manage(lambda held: setup.take_role(held, member_id), gettext("The role is taken away."))


@blueprint.post("/levels")
@access("organisation")
def levels() -> ResponseReturnValue:
    """Choose which levels review entries."""
    unit, institution = request.form.get("unit") == "yes", request.form.get("institution") == "yes"
    return _manage(
        lambda held: setup.choose_levels(held, unit_review=unit, institution_review=institution),
        gettext("Saved."),
    )


@blueprint.route("/scale", methods=["GET", "POST"])
@access("organisation")
def scale() -> ResponseReturnValue:
    """The grades, their names and help; the organisation's own, or the product's."""
    found = desk()
    if request.method == "POST":
        if request.form.get("reset") == "yes":
            return _manage(
                lambda held: setup.choose_scale(held, []),
                gettext("The product's own scale is used."),
                "scale",
            )
        names = ("code", "name", "name_en", "help", "help_en")
        columns = [request.form.getlist(name) for name in names]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=False)]
        steps = setup.as_steps([row for row in rows if any(value.strip() for value in row.values())])
        return _manage(lambda held: setup.choose_scale(held, steps), gettext("The scale is saved."), "scale")
    return render_template(
        "workbench/scale.html",
        desk=found,
        steps=found.scale,
        more=range(_MORE_STEPS),
        product=OWN_SCALE,
        may_manage=allowed(found.actor, "stock.manage", found).allowed,
    )
