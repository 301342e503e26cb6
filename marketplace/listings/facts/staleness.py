"""After how many days a fact has to be checked again: a dated table, and a deployment's own numbers.

No text of law sets these days; they are this platform's rule of care (docs/domain.md). A stale fact still
clears or raises its bar; it counts as "check again", and filing on it asks for confirmation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from flask import current_app, has_app_context

Ages = Mapping[str, int]


@dataclass(frozen=True)
class Table:
    """Fact → days after which it is stale, in force from `since` until the next table."""

    since: dt.date
    days: Ages


TABLES: Final = (
    Table(
        dt.date(2024, 1, 20),  # the Implementing Regulations of 2023 took effect
        MappingProxyType(
            {
                "legal_status": 90,
                "annuity_paid_until": 90,
                "pledged": 90,
                "preserved_until": 90,
                "exclusive_licence_until": 180,
                "other_hindrance": 180,
                "ownership": 180,
                "evaluation_report": 730,
            }
        ),
    ),
)

# These ends are for good: nothing would change by looking again.
FINAL: Final = {"legal_status": ("expired", "invalidated")}


def table(day: dt.date) -> Ages:
    """The table in force on a day; before the first one, the first."""
    return next((one.days for one in reversed(TABLES) if one.since <= day), TABLES[0].days)


def ages(day: dt.date) -> Ages:
    """The table in force with this deployment's own numbers (`FACT_STALE_DAYS`) laid over it."""
    if not has_app_context():
        return table(day)
    own: Ages = current_app.config["SETTINGS"].fact_stale_days
    return {**table(day), **own} if own else table(day)


def fresh_until(name: str, value: str, as_of: dt.date | None, ages: Ages) -> dt.date | None:
    """The last day on which a fact need not be checked again; None when it never has to be."""
    if as_of is None or name not in ages or value in FINAL.get(name, ()):
        return None
    return as_of + dt.timedelta(days=ages[name])


def stale(name: str, value: Any, as_of: Any, today: dt.date, ages: Ages) -> sa.ColumnElement[bool]:
    """`fresh_until` as a condition on columns: whether that day has passed. NULL for an unknown fact."""
    if name not in ages:
        return sa.false()
    condition = as_of < today - dt.timedelta(days=ages[name])
    final = FINAL.get(name)
    return sa.and_(condition, value.not_in(final)) if final else condition
