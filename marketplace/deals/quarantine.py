"""What does not fit is kept and shown to the operator: never applied, never dropped."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .models import Payment, Quarantine


def quarantine(
    reason: str,
    *,
    payment: Payment | None = None,
    event_id: str | None = None,
    expected: dict[str, Any] | None = None,
    received: dict[str, Any] | None = None,
) -> Quarantine:
    """Set something aside, in the present unit of work.

    Args:
        reason: stable code, e.g. `amount-mismatch`.
        payment: the attempt it belongs to, if that is known.
        event_id: the provider's event that brought it, if one did.
        expected: what was owed, as JSON values.
        received: what came instead.
    """
    row = Quarantine(
        reason=reason,
        payment_id=payment.id if payment is not None else None,
        event_id=event_id,
        expected=expected or {},
        received=received or {},
        state="open",
        created_at=clock.now(),
    )
    db.session.add(row)
    record(
        "quarantine.opened",
        row,
        organisation_id=payment.obligation.notice.licensee_id if payment is not None else None,
        reason=reason,
        payment_id=row.payment_id,
        event_id=event_id,
    )
    return row


def open_quarantine(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[Quarantine]:
    """What is set aside and not resolved, oldest first; for staff.

    Args:
        actor: the bureau or an operator.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    require(actor, "quarantine.view")
    query = sa.select(Quarantine).where(Quarantine.state == "open").order_by(Quarantine.id)
    if after is not None:
        query = query.where(Quarantine.id > after)
    return list(db.session.scalars(query.limit(min(limit, 200))))


def resolve_quarantine(actor: Actor, quarantine_id: int, note: str) -> Quarantine:
    """Close a case, saying what was done.

    Raises:
        NotFound: there is none.
        Invalid: `note-missing`.
    """
    require(actor, "quarantine.resolve")
    if db.session.get(Quarantine, quarantine_id) is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if not note.strip():
        raise Invalid(
            "note-missing", "Please say what was done.", fields={"note": ["Please say what was done."]}
        )
    row = lock(Quarantine, quarantine_id)
    if row.state == "open":
        row.state, row.resolution = "resolved", note.strip()
        row.resolved_by, row.resolved_at = actor.user_id, clock.now()
        record("quarantine.resolved", row, reason=row.reason, payment_id=row.payment_id)
    return row
