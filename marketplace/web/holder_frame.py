"""What all pages of a holder share: the blueprint, and for whom the signed-in person works.

A technology manager works for the organisations that gave the agency a power of attorney, one at a time.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Mandate, Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import NotFound

from . import formats

blueprint = Blueprint("holder", __name__, url_prefix="/holder")

_CHOSEN = "works_for"


def parties(actor: Actor) -> list[Organisation]:
    """The organisations whose patents this actor may look after: its own, then its principals'."""
    ids = sa.select(Mandate.principal_id).where(
        Mandate.agent_id == actor.organisation_id,
        Mandate.scope.in_(("holder", "both")),
        Mandate.valid_from <= clock.today(),
        Mandate.valid_to >= clock.today(),
        Mandate.state == "accepted",
    )
    principals = db.session.scalars(
        sa.select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.name, Organisation.id)
    )
    own = db.session.get(Organisation, actor.organisation_id)
    return [*([own] if own is not None else []), *principals]


def party() -> Organisation:
    """The organisation that these pages are about: as chosen, else an agency's first principal, else the own.

    Raises:
        NotFound: `organisation-not-found`: the actor acts for none.
    """
    found = parties(current_actor())
    if not found:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    chosen = next((one for one in found if one.id == session.get(_CHOSEN)), None)
    if chosen is not None:
        return chosen
    return found[1] if found[0].type == "agency" and len(found) > 1 else found[0]


def called(organisation: Organisation) -> str:
    """An organisation's name in the reader's language, where it has one there; without markup."""
    return (organisation.name_en if formats.english() else None) or organisation.name


@blueprint.context_processor
def _frame() -> dict[str, Any]:
    actor = current_actor()
    if actor.organisation_id is None:
        return {"party": None, "parties": []}
    return {"party": party(), "parties": parties(actor)}


@blueprint.post("/for")
@access("organisation")
def work_for() -> ResponseReturnValue:
    """Work for another principal from now on."""
    chosen = request.form.get("organisation", type=int)
    found = next((one for one in parties(current_actor()) if one.id == chosen), None)
    if found is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    session[_CHOSEN] = found.id
    flash(gettext("You are now working for %(name)s.", name=found.name), "success")
    return redirect(url_for("holder.home"))
