"""Personal data go when their purpose is fulfilled or their period is over (PIPL Art. 19 and 47).

Each domain says in its `work` what it holds, for how long and where it is erased; this is what does it. Rows
that are evidence of a contract or vouchers of accounts have no rule here: a law keeps them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from . import clock
from .database import db
from .unit_of_work import lock, record, unit_of_work

TASK: Final = "core.erase_old_personal_data"
_BATCH: Final = 200


@dataclass(frozen=True)
class Retention:
    """What one kind of personal data is, and when it goes.

    Attributes:
        code: of this rule, for the command and the journal.
        model: the rows that hold the data.
        days: how long they are held after `since`.
        since: from when the period runs; rows without it are not touched.
        holds: whether a row still holds the data.
        blank: column → what stands there afterwards, given the row's id.
        of: column with the organisation whose matter it is, for the journal.
    """

    code: str
    model: type[Any]
    days: int
    since: Any
    holds: Any
    blank: Mapping[str, Callable[[int], Any]]
    of: str | None = None

    def over(self, now: dt.datetime) -> sa.ColumnElement[bool]:
        """Which rows are due."""
        return sa.and_(self.since < now - dt.timedelta(days=self.days), self.holds)


def nothing(_id: int) -> None:
    """Leaves a column empty."""
    return


def number(id_: int) -> str:
    """Stands for a name that a column cannot do without."""
    return f"#{id_}"


def due(rules: Sequence[Retention]) -> dict[str, int]:
    """How many rows each rule would erase data of now; reads only."""
    now = clock.now()
    return {
        rule.code: db.session.scalar(sa.select(sa.func.count()).select_from(rule.model).where(rule.over(now)))
        or 0
        for rule in rules
    }


def erase_due(rules: Sequence[Retention]) -> dict[str, int]:
    """Erase what is due, in units of work of at most 200 rows; the journal has ids and the rule's code.

    Returns:
        Rule → rows.
    """
    counts = {}
    for rule in rules:
        counts[rule.code] = done = _erase_batch(rule)
        while done == _BATCH:
            done = _erase_batch(rule)
            counts[rule.code] += done
    return counts


def _erase_batch(rule: Retention) -> int:
    db.session.rollback()
    with unit_of_work():
        over = rule.over(clock.now())
        ids = db.session.scalars(sa.select(rule.model.id).where(over).order_by(rule.model.id).limit(_BATCH))
        found = list(ids)
        for id_ in found:
            row = lock(rule.model, id_)
            for column, value in rule.blank.items():
                setattr(row, column, value(id_))
            organisation_id = getattr(row, rule.of) if rule.of is not None else None
            record("personal_data.erased", row, organisation_id=organisation_id, rule=rule.code)
    return len(found)
