"""What is unknown or stale, ordered by how many patents one action clears. Aggregate SQL only.

Patents whose right is over are left out: nothing can be done for them (PL 42, 44, 47).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.listings.models import Patent, PatentFact, PatentParty

from . import staleness
from .models import ALL_FACTS

# What a member may vouch for in one go: fact → the value that clears its bar.
ATTESTABLE: Final = {
    "pledged": "no",
    "exclusive_licence_until": "none",
    "preserved_until": "none",
    "other_hindrance": "none",
    "ownership": "as_registered",
    "legal_status": "in_force",
}
ENDED: Final = ("terminated", "invalidated", "expired")

Action = Literal["attest", "upload", "state"]
# The best action for a fact: dates and conclusions need a list or a paper, the rest can be vouched for.
ACTION: Final[dict[str, Action]] = {
    "annuity_paid_until": "upload",
    "legal_status": "upload",
    "evaluation_report": "upload",
    **dict.fromkeys(
        ("pledged", "exclusive_licence_until", "preserved_until", "other_hindrance", "ownership"), "attest"
    ),
}


@dataclass(frozen=True)
class Item:
    """One thing to do: `unknown` and `stale` patents of `fact`, which `action` clears together."""

    fact: str
    action: Action
    unknown: int
    stale: int

    @property
    def patents(self) -> int:
        """How many patents the action clears."""
        return self.unknown + self.stale


@dataclass(frozen=True)
class Worklist:
    """Everything to do for an organisation's patents.

    Attributes:
        patents: how many there are whose right is not over.
        items: what there is to do, the most fruitful first.
        attestable: how many patents one attestation of every fact that can be vouched for clears.
    """

    patents: int
    items: tuple[Item, ...]
    attestable: int


def of(organisation_id: int, today: dt.date) -> Worklist:
    """The worklist of an organisation, in three queries whatever the number of patents."""
    alive = _alive(organisation_id, today).subquery()
    kinds = sa.select(alive.c.kind, sa.func.count()).group_by(alive.c.kind)
    by_kind = {row[0]: row[1] for row in db.session.execute(kinds)}
    total = sum(by_kind.values())
    ages = staleness.ages(today)
    old = sa.or_(
        *(
            sa.and_(
                PatentFact.name == name,
                staleness.stale(name, PatentFact.value, PatentFact.as_of, today, ages),
            )
            for name in ALL_FACTS
        )
    )
    query = (
        sa.select(
            PatentFact.name,
            sa.func.count().label("known"),
            sa.func.sum(sa.case((old, 1), else_=0)).label("stale"),
        )
        .join(alive, alive.c.id == PatentFact.patent_id)
        .where(sa.or_(PatentFact.name != "evaluation_report", alive.c.kind != "invention"))
        .group_by(PatentFact.name)
    )
    found = {row.name: row for row in db.session.execute(query)}
    items = []
    for name in ALL_FACTS:
        concerned = total - (by_kind.get("invention", 0) if name == "evaluation_report" else 0)
        row = found.get(name)
        known, stale = (row.known, int(row.stale)) if row is not None else (0, 0)
        items.append(Item(name, ACTION[name], concerned - known, stale))
    todo = sorted((item for item in items if item.patents), key=lambda item: -item.patents)
    names = [item.fact for item in todo if item.action == "attest"]
    needing_any = sa.select(sa.func.count()).select_from(
        needing(organisation_id, names, today, attest=True).subquery()
    )
    attestable = db.session.scalar(needing_any) or 0 if names else 0
    return Worklist(total, tuple(todo), attestable)


def needing(
    organisation_id: int, facts: list[str], today: dt.date, *, attest: bool = False
) -> sa.Select[int]:
    """Ids of the patents on which one of the facts is unknown or stale, as a query.

    Args:
        attest: leave out those for which a fact is known that an attestation would contradict.
    """
    alive = _alive(organisation_id, today).subquery()
    report = [name for name in facts if name == "evaluation_report"]
    others = [name for name in facts if name not in report]
    conditions: list[sa.ColumnElement[bool]] = []
    if others:
        conditions.append(alive.c.id.not_in(_all_settled(organisation_id, others, today, attest=attest)))
    if report:
        settled = _all_settled(organisation_id, report, today, attest=attest)
        conditions.append(sa.and_(alive.c.kind != "invention", alive.c.id.not_in(settled)))
    return sa.select(alive.c.id).where(sa.or_(*conditions) if conditions else sa.false())


def _all_settled(organisation_id: int, facts: list[str], today: dt.date, *, attest: bool) -> sa.Select[int]:
    """Ids of the organisation's patents on which nothing is to be done about any of the facts: one pass."""
    ages = staleness.ages(today)
    settled = sa.or_(
        *(sa.and_(PatentFact.name == name, _settled(name, today, ages, attest=attest)) for name in facts)
    )
    return (
        sa.select(PatentFact.patent_id)
        .where(
            PatentFact.patent_id.in_(
                sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
            ),
            settled,
        )
        .group_by(PatentFact.patent_id)
        .having(sa.func.count() == len(facts))
    )


def _settled(name: str, today: dt.date, ages: staleness.Ages, *, attest: bool) -> sa.ColumnElement[bool]:
    """Whether nothing is to be done about a known fact: it is fresh, or says what no attestation may undo."""
    fresh = sa.not_(staleness.stale(name, PatentFact.value, PatentFact.as_of, today, ages))
    if not attest or name not in ATTESTABLE:
        return fresh
    return sa.or_(fresh, PatentFact.value != ATTESTABLE[name])


def _alive(organisation_id: int, today: dt.date) -> sa.Select[int, str]:
    """The organisation's patents whose right is not known to be over: `id` and `kind`."""
    mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    over = sa.select(PatentFact.patent_id).where(
        PatentFact.name == "legal_status", PatentFact.value.in_(ENDED)
    )
    return sa.select(Patent.id, Patent.kind).where(
        Patent.id.in_(mine),
        Patent.id.not_in(over),
        sa.or_(Patent.expires_on.is_(None), Patent.expires_on >= today),
    )
