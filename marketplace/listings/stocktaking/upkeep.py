"""Keeping the stock complete: a row for each patent of each owner, and what it repeats of the patent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import current
from marketplace.listings import rules as bars
from marketplace.listings import standing as standings
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import Offer, Patent

from .models import Stock, StockSettings
from .rules import haystack, section

BATCH: Final = 500  # patents
_STOCK: Any = Stock.__table__
_REPEATED: Final = ("held", "standing", "kind", "section", "grant_year", "haystack")


def standing_of(patent: Patent, *, offered: bool) -> str:
    """One of STANDINGS: a declaration under way comes first, then the bars."""
    if offered:
        return "offered"
    found = bars.eligibility(patent_view(patent), clock.today())
    if found.may_file:
        return "may_file"
    return "barred" if found.barred else "unknown"


def refresh(patent_ids: Iterable[int]) -> int:
    """Bring the stock of these patents up to date, in the present unit of work; whether owned or no more.

    Returns:
        How many rows were made or changed.
    """
    current()
    ids = sorted(set(patent_ids))
    return sum(_refresh(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))


def _refresh(ids: Sequence[int]) -> int:
    if not ids:
        return 0
    db.session.flush()
    patents = db.session.scalars(
        sa.select(Patent).where(Patent.id.in_(ids)), execution_options={"populate_existing": True}
    ).all()
    offered = set(
        db.session.scalars(
            sa.select(Offer.patent_id).where(Offer.patent_id.in_(ids), Offer.status.in_(standings.CURRENT))
        )
    )
    columns = [_STOCK.c[name] for name in ("id", "organisation_id", "patent_id", *_REPEATED)]
    known = {
        (row.organisation_id, row.patent_id): row
        for row in db.session.execute(sa.select(*columns).where(_STOCK.c.patent_id.in_(ids)))
    }
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for patent in patents:
        repeated = {
            "standing": standing_of(patent, offered=patent.id in offered),
            "kind": patent.kind,
            "section": section([one.symbol for one in patent.classes]),
            "grant_year": None if patent.grant_date is None else patent.grant_date.year,
            "haystack": haystack(patent),
        }
        owners = {party.organisation_id for party in patent.parties}
        for owner in owners:
            row = known.pop((owner, patent.id), None)
            values = {"held": True, **repeated}
            if row is None:
                new.append({"organisation_id": owner, "patent_id": patent.id, **values})
            elif any(getattr(row, name) != value for name, value in values.items()):
                changed.append({"_id": row.id, **values})
    # Who is no patentee any more keeps what was written, out of sight.
    changed += [
        {"_id": row.id, **{name: getattr(row, name) for name in _REPEATED}, "held": False}
        for row in known.values()
        if row.held
    ]
    _insert(new)
    if changed:
        db.session.execute(
            sa.update(_STOCK)
            .where(_STOCK.c.id == sa.bindparam("_id"))
            .values({name: sa.bindparam(name) for name in _REPEATED}),
            changed,
        )
    return len(new) + len(changed)


def _insert(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    insert: Any
    if db.session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    rest = {
        "version": 1, "state": "entered", "grade": "", "wish": 0, "practice": "unknown",
        "changed_at": clock.now(),
    }  # fmt: skip
    # Somebody else may have made one of them in the same moment.
    statement = insert(_STOCK).on_conflict_do_nothing(index_elements=["organisation_id", "patent_id"])
    db.session.execute(statement, [{**rest, **row} for row in rows])


def refresh_standings(organisation_id: int) -> int:
    """Work out anew where all patents of one organisation stand, by one statement: time alone changes it.

    Returns:
        How many rows changed.
    """
    current()
    patents = standings.patents_of(organisation_id, clock.today())
    found = sa.select(patents.c.id, standings.group_of(patents).label("standing")).cte("found")
    moved = (
        sa.select(_STOCK.c.id, found.c.standing)
        .join(found, found.c.id == _STOCK.c.patent_id)
        .where(_STOCK.c.organisation_id == organisation_id, _STOCK.c.standing != found.c.standing)
    )
    rows = [{"_id": row.id, "standing": row.standing} for row in db.session.execute(moved)]
    if rows:
        db.session.execute(
            sa.update(_STOCK)
            .where(_STOCK.c.id == sa.bindparam("_id"))
            .values(standing=sa.bindparam("standing")),
            rows,
        )
    return len(rows)


def due_for_standings() -> list[int]:
    """Organisations with members whose standings were not worked out today. Reads only."""
    done = sa.select(StockSettings.organisation_id).where(StockSettings.standing_on >= clock.today())
    query = (
        sa.select(Organisation.id)
        .where(
            Organisation.claimed_at.is_not(None),
            Organisation.id.not_in(done),
            sa.exists().where(Stock.organisation_id == Organisation.id),
        )
        .order_by(Organisation.id)
    )
    return list(db.session.scalars(query))


def patents_after(patent_id: int, size: int = BATCH) -> list[int]:
    """Ids of the patents that follow, in order: a rebuild walks over all of them. Reads only."""
    query = sa.select(Patent.id).where(Patent.id > patent_id).order_by(Patent.id).limit(size)
    return list(db.session.scalars(query))


def rebuild(unit: Callable[[], Any], progress: Callable[[int], None] | None = None) -> dict[str, int]:
    """Make the stock of all patents complete and its repeated columns right; what people wrote stays.

    Args:
        unit: opens a unit of work, one for each batch.
        progress: told the number of patents done after each batch.

    Returns:
        `{"patents", "changed"}`.
    """
    done = changed = reached = 0
    while ids := patents_after(reached):
        db.session.rollback()
        with unit():
            changed += refresh(ids)
        db.session.expunge_all()
        done += len(ids)
        reached = ids[-1]
        if progress is not None:
            progress(done)
    return {"patents": done, "changed": changed}
