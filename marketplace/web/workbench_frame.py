"""What all pages of the workbench share: the blueprint, the desk, and how codes of the stock are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask_babel import gettext

from marketplace.accounts.identity import current_actor
from marketplace.core.errors import DomainError
from marketplace.core.permissions import require
from marketplace.listings.stocktaking.desk import Desk, desk_of
from marketplace.listings.stocktaking.rules import routes

from .formats import english
from .forms import sentence_of
from .holder_frame import parties, party
from .workbench_words import ACTIONS, BULK, PRACTICE, ROLE, STATE, WISH

blueprint = Blueprint("workbench", __name__, url_prefix="/holder/stock")


@blueprint.context_processor
def _frame() -> dict[str, Any]:
    """What the holder's frame needs, and what codes of the stock are called."""
    actor = current_actor()
    nobody = actor.organisation_id is None
    return {
        "party": None if nobody else party(),
        "parties": [] if nobody else parties(actor),
        "state_names": STATE,
        "wish_names": WISH,
        "practice_names": PRACTICE,
        "role_names": ROLE,
        "action_names": ACTIONS,
        "bulk_names": BULK,
        "routes_of": routes,
        "grade_of": grade_of,
    }


def desk() -> Desk:
    """The desk of the signed-in person at the stock of the organisation that these pages are about.

    Raises:
        NotFound: the person has nothing to do with it.
    """
    actor = current_actor()
    found = desk_of(actor, party().id)
    require(actor, "stock.list", found)
    return found


def grade_of(found: Desk, code: str) -> str:
    """A grade in the reader's language: code and name."""
    step = found.step(code)
    if step is None:
        return code or "—"
    return f"{step.code} {step.name_en if english() else step.name}"


def unit_choices(found: Desk) -> list[tuple[int, str]]:
    """Units with their depth shown, each parent before its children."""
    return [
        (unit.id, "　" * depth + ((unit.name_en or unit.name) if english() else unit.name))
        for depth, unit in found.tree.walk()
    ]


def said(error: DomainError) -> str:
    """A refusal in one sentence, with what it says of single fields."""
    fields: Mapping[str, list[str]] = getattr(error, "fields", {})
    told = [str(gettext(one, **error.parameters)) for sentences in fields.values() for one in sentences]
    whole = sentence_of(error)
    return " ".join([whole, *(one for one in told if one != whole)])
