"""Licences end with their patent: a licence contract is valid only while the patent lives (Civil Code 865).

A patent that has terminated or expired ends its licences with that day. One that was wholly invalidated is
deemed never to have existed, which does not reach back to what was performed, save bad faith (PL 47): its
licences end with the day of the decision, what was paid stands, and nothing more becomes due. A holder's own
word ends no licence of its patent: the operator is asked and the licensee told.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.listings.duties import stated_by_holder
from marketplace.listings.models import Patent, PatentFact

from .licences import end_now, require_in_effect
from .lookup import find, lock_licence
from .models import Licence
from .rules import PATENT_ENDS, end_with_patent

_OVER = (
    sa.select(Licence.id)
    .join(
        PatentFact,
        sa.and_(
            PatentFact.patent_id == Licence.patent_id,
            PatentFact.name == "legal_status",
            PatentFact.value.in_(PATENT_ENDS),
        ),
    )
    .where(Licence.state == "in_effect")
)
_DOUBTED = sa.select(Licence).where(Licence.state == "in_effect", Licence.patent_end_stated_on.is_not(None))


def end_with_patents() -> None:
    """End the licences of patents that have ended; where only the holder says so, ask (a schedule)."""
    due = set(db.session.scalars(_OVER)) | {licence.id for licence in db.session.scalars(_DOUBTED)}
    db.session.rollback()
    for licence_id in sorted(due):
        with unit_of_work():
            _review(licence_id)


def stated_ends(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[Licence]:
    """Licences in effect whose patent has ended by its holder's word alone, for the operator, oldest first.

    Raises:
        Forbidden: the actor is no operator.
    """
    require(actor, "licence.confirm_patent_end")
    query = _DOUBTED.order_by(Licence.id).limit(min(limit, 200))
    if after is not None:
        query = query.where(Licence.id > after)
    return list(db.session.scalars(query))


def count_stated_ends() -> int:
    """How many of them there are."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(_DOUBTED.subquery())) or 0


def confirm_patent_end(actor: Actor, licence_id: int) -> Licence:
    """The operator has seen in the register that the patent has ended: so has the licence.

    Raises:
        Forbidden: the actor is no operator.
        Conflict: `licence-over`; `patent-alive`, when nobody states an end of the patent.
    """
    licence = find(actor, "licence.confirm_patent_end", Licence, licence_id)
    lock(Patent, licence.patent_id)
    licence = lock_licence(licence)
    require_in_effect(licence)
    end = _end_of(licence)
    if end is None:
        raise Conflict("patent-alive", "Nobody states that this patent has ended.")
    reason, on = end
    end_now(actor, licence, "end", reason, on)
    return licence


def _end_of(licence: Licence) -> tuple[str, dt.date] | None:
    status = next((fact for fact in licence.patent.facts if fact.name == "legal_status"), None)
    if status is None:
        return None
    return end_with_patent(status.value, status.as_of, licence.effective_on, licence.term_to)


def _review(licence_id: int) -> None:
    """Bring one licence into line with what is known of its patent, which is locked before it."""
    patent_id = db.session.scalar(sa.select(Licence.patent_id).where(Licence.id == licence_id))
    lock(Patent, patent_id)
    licence = lock_licence(db.session.get_one(Licence, licence_id))
    if licence.state != "in_effect":
        return
    end = _end_of(licence)
    if end is None:
        _note_statement(licence, None)
    elif stated_by_holder(licence.patent, "legal_status"):
        _note_statement(licence, end[1])
    else:
        end_now(SYSTEM, licence, "end_with_patent", *end)


def _note_statement(licence: Licence, on: dt.date | None) -> None:
    if licence.patent_end_stated_on == on:
        return
    licence.patent_end_stated_on = on
    record(
        "licence.patent_end_stated" if on is not None else "licence.patent_end_unstated",
        licence,
        organisation_id=licence.licensee_id,
        occurred_on=on or clock.today(),
        patent_id=licence.patent_id,
    )
