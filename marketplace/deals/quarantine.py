"""What does not fit is kept and shown to the operator: never applied, never dropped."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .models import Payment, Quarantine

# Money that came and is not entered, or is entered wrongly. The other cases tell of what has happened.
WITH_MONEY: Final = frozenset(
    {
        "amount-mismatch",
        "currency-mismatch",
        "account-mismatch",
        "session-mismatch",
        "reference-mismatch",
        "unknown-payment",
        "unknown-checkout",
        "paid-again",
        "paid-at-provider-only",
        "reported",
    }
)


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
    """Close a case that holds no money, saying what was done; money takes a second operator.

    Raises:
        NotFound: there is none.
        Invalid: `note-missing`.
        Conflict: `quarantine-resolved`; `second-operator-needed` (see `corrections`).
    """
    require(actor, "quarantine.resolve")
    row = find_case(quarantine_id)
    if not note.strip():
        raise Invalid(
            "note-missing", "Please say what was done.", fields={"note": ["Please say what was done."]}
        )
    if needs_two(row):
        raise Conflict(
            "second-operator-needed",
            "There is money in this case: propose what to do with it, and another operator decides.",
        )
    close(actor, row, note.strip())
    return row


def needs_two(case: Quarantine) -> bool:
    """Whether a case holds money that somebody has to decide about, so that it takes two operators."""
    return case.reason in WITH_MONEY


def find_case(quarantine_id: int) -> Quarantine:
    """An open case, held to the end of the unit of work.

    Raises:
        NotFound: there is none.
        Conflict: `quarantine-resolved`.
    """
    if db.session.get(Quarantine, quarantine_id) is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    row = lock(Quarantine, quarantine_id)
    if row.state != "open":
        raise Conflict("quarantine-resolved", "This case has been closed already.")
    return row


def close(actor: Actor, case: Quarantine, resolution: str) -> None:
    """Close a case that is held, with what was done."""
    case.state, case.resolution = "resolved", resolution
    case.resolved_by, case.resolved_at = actor.user_id, clock.now()
    record("quarantine.resolved", case, reason=case.reason, payment_id=case.payment_id)
