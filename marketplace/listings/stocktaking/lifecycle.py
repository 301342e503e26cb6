"""The way of an entry, as a table: entered → submitted → unit approved → approved, and back with a comment.

An institution may do without a level: then the other one approves at once; without both, submitting approves.
"""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict, Invalid
from marketplace.core.lifecycle import Lifecycle, Transition

from . import rules
from .desk import Case


def complete(case: Case) -> None:
    """Raise unless the entry says enough to be reviewed.

    Raises:
        Invalid: `stock-incomplete`, with the fields.
    """
    row = case.row
    missing = rules.missing(
        unit_needed=case.desk.unit_review and bool(case.desk.tree.units),
        unit_id=row.unit_id,
        grade=row.grade,
        wish=row.wish,
        practice=row.practice,
    )
    if missing:
        raise Invalid(
            "stock-incomplete",
            "The entry is not complete yet: unit, grade, and a wish for conversion or its use.",
            fields={name: [rules.MISSING_TEXTS[name]] for name in missing},
        )


def _submit(case: Any) -> None:
    complete(case)
    if not case.desk.unit_review and not case.desk.institution_review:
        raise Conflict("stock-no-review", "Nobody reviews entries here: it can be settled at once.")


def _settle(case: Any) -> None:
    complete(case)
    if case.desk.unit_review or case.desk.institution_review:
        raise Conflict("stock-review-needed", "The entry has to be submitted and reviewed first.")


def _both_levels(case: Any) -> None:
    if not (case.unit_level and case.desk.institution_review):
        raise Conflict("stock-one-level", "There is only one level of review for it: approve it at once.")


def _no_unit_level(case: Any) -> None:
    if case.unit_level and case.desk.institution_review:
        raise Conflict("stock-unit-first", "The unit has to approve it before the institution does.")


def _row(action: str, source: str, target: str, permission: str, entry: str, guard: Any = None) -> Transition:
    return Transition(
        action, frozenset(source.split()), target, f"stock.{permission}", f"stock.{entry}", guard
    )


_EVERY = ("entered", "submitted", "unit_approved", "approved")

STOCK = Lifecycle(
    "stock",
    "entered",
    (
        _row("edit", "entered", "entered", "edit", "edited"),
        # Whoever reviews may put an entry right; what is approved is first returned, with the reason.
        _row("edit", "submitted", "submitted", "amend", "edited"),
        _row("edit", "unit_approved", "unit_approved", "review", "edited"),
        *(_row("place", state, state, "place", "placed") for state in _EVERY),
        *(_row("comment", state, state, "comment", "commented") for state in _EVERY),
        _row("submit", "entered", "submitted", "submit", "submitted", _submit),
        _row("settle", "entered", "approved", "submit", "approved", _settle),
        _row("take_back", "submitted", "entered", "submit", "taken_back"),
        _row("approve_unit", "submitted", "unit_approved", "review_unit", "unit_approved", _both_levels),
        _row("approve", "submitted", "approved", "review", "approved", _no_unit_level),
        _row("approve", "unit_approved", "approved", "review", "approved"),
        _row("return", "submitted", "entered", "review_unit", "returned"),
        _row("return", "unit_approved", "submitted", "review", "returned"),
        _row("return", "approved", "entered", "review", "returned"),
    ),
)
