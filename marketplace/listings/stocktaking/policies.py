"""Who may do what with the stock: inventors with their own, unit reviewers in their unit, the office."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, operator


def _office(_actor: Actor, case: Any) -> bool:
    """The institution's office and reviewers; `case` is a `Case` of one patent."""
    return case is not None and case.desk.office


def _unit_reviewer(_actor: Actor, case: Any) -> bool:
    """A reviewer of the patent's unit, or of one above it."""
    return case is not None and case.row.unit_id in case.desk.units


def _inventor(actor: Actor, case: Any) -> bool:
    """The inventor who enters it."""
    return (
        case is not None
        and case.desk.member
        and actor.user_id is not None
        and (case.row.inventor_id == actor.user_id)
    )


def _last_reviewer(actor: Actor, case: Any) -> bool:
    """A unit reviewer where the institution has no level of review of its own."""
    return case is not None and not case.desk.institution_review and _unit_reviewer(actor, case)


def _manager(_actor: Actor, desk: Any) -> bool:
    """The office; `desk` is a `Desk`."""
    return desk is not None and desk.office


def _at_the_desk(_actor: Actor, desk: Any) -> bool:
    return desk is not None and desk.member


_SEES = (_office, _unit_reviewer, _inventor)

RULES: dict[str, Rule] = {
    "stock.list": Rule(READ, (_at_the_desk,), sees=(_at_the_desk,)),
    "stock.see": Rule(READ, _SEES, sees=_SEES),
    "stock.edit": Rule(WRITE, _SEES, sees=_SEES),
    "stock.amend": Rule(WRITE, (_office, _unit_reviewer), sees=_SEES),
    "stock.place": Rule(WRITE, (_office, _unit_reviewer), sees=_SEES),
    "stock.submit": Rule(WRITE, _SEES, sees=_SEES),
    "stock.review_unit": Rule(WRITE, (_office, _unit_reviewer), sees=_SEES),
    "stock.review": Rule(WRITE, (_office, _last_reviewer), sees=_SEES),
    "stock.comment": Rule(WRITE, _SEES, sees=_SEES),
    "stock.work": Rule(WRITE, (_at_the_desk,), sees=(_at_the_desk,)),
    "stock.manage": Rule(WRITE, (_manager,), sees=(_at_the_desk,)),
    "stock.import": Rule(WRITE, (acts_for_an_organisation, operator)),
}
