"""Who is to be told of the steps of an entry: whoever acts next, and the inventor of what became of it.

A bulk action is told as a whole once it is done: one piece of news to each person, not one for each patent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from marketplace.accounts.models import Membership, User
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry

from .models import Stock, StockSettings, Unit, UnitMember

ACTIONS: Final = ("stock.submitted", "stock.unit_approved", "stock.approved", "stock.returned")
_BULK: Final = ("submit", "approve", "return")

What = Literal["to_review", "sent_back", "returned", "accepted"]


@dataclass(frozen=True, slots=True)
class News:
    """What one member is to be told.

    Attributes:
        what: `to_review`: it waits for this person; `sent_back`: the institution returned it to this person's
            unit; `returned` and `accepted`: of what this person enters.
        state: where the first of the entries stands now.
        count: of how many entries this is.
        stock_id, patent_id: of the first.
        comment_id: what was written with the first.
    """

    user_id: int
    what: What
    state: str
    count: int
    stock_id: int
    patent_id: int
    comment_id: int | None


def of_step(entry: JournalEntry) -> list[News]:
    """The news of one step; none for a step of a bulk action, which `of_job` tells."""
    if "job" in entry.data or entry.organisation_id is None:
        return []
    return _news(entry.organisation_id, entry.actor_id, _steps(JournalEntry.id == entry.id))


def of_job(entry: JournalEntry) -> list[News]:
    """The news of all steps of a bulk action, from the entry that says that it is done."""
    began = db.session.execute(
        sa.select(JournalEntry.id, JournalEntry.data).where(
            JournalEntry.subject_type == entry.subject_type,
            JournalEntry.subject_id == entry.subject_id,
            JournalEntry.action == "stock.job_started",
        )
    ).one()
    if began.data["bulk"] not in _BULK or entry.organisation_id is None:
        return []
    between = sa.and_(
        JournalEntry.id.between(began.id, entry.id),
        JournalEntry.action.in_(ACTIONS),
        JournalEntry.data["job"].as_integer() == entry.subject_id,
    )
    return _news(entry.organisation_id, entry.actor_id, _steps(between))


def _steps(wanted: sa.ColumnElement[bool]) -> Sequence[Any]:
    """Steps of entries that are still in the stock, with where these stand now."""
    query = (
        sa.select(
            JournalEntry.action,
            JournalEntry.data,
            Stock.id,
            Stock.patent_id,
            Stock.unit_id,
            Stock.inventor_id,
            Stock.state,
        )
        .join(Stock, Stock.id == JournalEntry.subject_id)
        .where(wanted, Stock.held.is_(True))
        .order_by(JournalEntry.id)
    )
    return db.session.execute(query).all()


def _news(organisation_id: int, by: int | None, steps: Iterable[Any]) -> list[News]:
    people = _People(organisation_id)
    found: dict[tuple[int, What], list[Any]] = {}
    for step in steps:
        for user_id, what in _told(people, step):
            if user_id != by:
                found.setdefault((user_id, what), []).append(step)
    return [
        News(
            user_id,
            what,
            some[0].state,
            len(some),
            some[0].id,
            some[0].patent_id,
            some[0].data.get("comment"),
        )
        for (user_id, what), some in found.items()
    ]


def _told(people: _People, step: Any) -> Iterable[tuple[int, What]]:
    inventor = () if step.inventor_id not in people.active else (step.inventor_id,)
    match step.action:
        case "stock.submitted":
            return ((user_id, "to_review") for user_id in people.first_reviewers(step.unit_id))
        case "stock.unit_approved":
            return ((user_id, "to_review") for user_id in people.office)
        case "stock.approved":
            return ((user_id, "accepted") for user_id in inventor)
        case _ if step.state == "submitted":
            reviewers = [
                user_id for user_id in people.first_reviewers(step.unit_id) if user_id not in inventor
            ]
            return (
                *((user_id, "returned") for user_id in inventor),
                *((user_id, "sent_back") for user_id in reviewers),
            )
        case _:
            return ((user_id, "returned") for user_id in inventor)


class _People:
    """Who reviews what in an organisation, of its active members."""

    def __init__(self, organisation_id: int) -> None:
        members = sa.select(User.id).join(Membership, Membership.user_id == User.id)
        members = members.where(Membership.organisation_id == organisation_id, User.active)
        self.active = frozenset(db.session.scalars(members))
        roles = db.session.execute(
            sa.select(UnitMember.user_id, UnitMember.role, UnitMember.unit_id)
            .where(UnitMember.organisation_id == organisation_id)
            .order_by(UnitMember.user_id)
        ).all()
        known = [one for one in roles if one.user_id in self.active]
        head = {one.user_id for one in known if one.role == "institution_reviewer"}
        # Without reviewers of its own, those whom no role confines are the office.
        self.office = sorted(head or self.active - {one.user_id for one in known})
        self._reviewers: dict[int, list[int]] = {}
        for one in known:
            if one.role == "unit_reviewer":
                self._reviewers.setdefault(one.unit_id, []).append(one.user_id)
        units = sa.select(Unit.id, Unit.path).where(Unit.organisation_id == organisation_id)
        self._paths = {row.id: row.path for row in db.session.execute(units)}
        settings = db.session.scalar(
            sa.select(StockSettings).where(StockSettings.organisation_id == organisation_id)
        )
        self._unit_review = settings is None or settings.unit_review

    def first_reviewers(self, unit_id: int | None) -> list[int]:
        """Who reviews what was submitted: of its unit or the nearest one above it, else the office."""
        if self._unit_review and unit_id is not None:
            for key in reversed(self._paths.get(unit_id, "").strip("/").split("/")):
                if key and (found := self._reviewers.get(int(key))):
                    return found
        return self.office
