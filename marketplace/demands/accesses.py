"""The way to the confidential part of a demand: asked for, a statement accepted, granted, read, logged.

The text itself leaves its row through `read` alone. Who reads it is kept with the time and the sha256 of what
was shown; the journal knows ids only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record

from .lifecycle import ACCESS
from .models import Demand, DemandAccess, DemandReading
from .rules import LONGEST_NOTE, acceptance_hash
from .services import get_demand


def own_access(actor: Actor, demand: Demand) -> DemandAccess | None:
    """What the actor's organisation has asked for here."""
    if actor.organisation_id is None:
        return None
    return db.session.scalar(
        sa.select(DemandAccess).where(
            DemandAccess.demand_id == demand.id, DemandAccess.organisation_id == actor.organisation_id
        )
    )


def ask(actor: Actor, demand_id: int, *, purpose: str, statement: str, accepted: bool) -> DemandAccess:
    """Ask for the confidential part and accept the confidentiality statement, as a person of an organisation.

    Args:
        purpose: why the holder can help, for the poster to decide by.
        statement: word for word what the person has read.
        accepted: that the person accepts it.

    Raises:
        NotFound: no such demand, or not this actor's to see.
        Forbidden: the actor acts for no organisation; `address-unproven`.
        Invalid: `purpose-missing`, `statement-not-accepted`.
        Conflict: `nothing-confidential`, `own-demand`, `access-asked`: there is a request or a decision.
    """
    demand = lock(Demand, get_demand(actor, demand_id).id)
    require(actor, "access.ask", demand)
    if demand.organisation_id in actor.licensees:
        raise Conflict("own-demand", "This is your own demand.")
    if not demand.confidential:
        raise Conflict("nothing-confidential", "This demand has no confidential part.")
    why = purpose.strip()[:LONGEST_NOTE]
    if not why:
        message = N_("Please write why you could help: the firm decides by it.")
        raise Invalid("purpose-missing", message, fields={"purpose": [message]})
    if not accepted or not statement.strip():
        message = N_("Please accept the statement: without it there is no access.")
        raise Invalid("statement-not-accepted", message, fields={"accepted": [message]})
    known = own_access(actor, demand)
    if known is not None and known.state != "taken_back":
        raise Conflict("access-asked", "Your organisation has asked already; see what became of it.")
    now, organisation_id = clock.now(), actor.organisation_id
    assert organisation_id is not None  # noqa: S101 - the permission asks for one
    user = db.session.get(User, actor.user_id) if actor.user_id is not None else None
    said = {
        "purpose": why,
        "statement": statement,
        "accepted_by": actor.user_id,
        "accepted_name": user.name if user is not None else "—",
        "accepted_at": now,
        "accepted_hash": acceptance_hash(statement, demand.id, organisation_id, actor.user_id, now),
    }
    if known is None:
        access = DemandAccess(demand=demand, organisation_id=organisation_id, state=ACCESS.initial, **said)
        db.session.add(access)
        record(
            "demand_access.asked",
            access,
            organisation_id=demand.organisation_id,
            asked_by=organisation_id,
            statement_hash=said["accepted_hash"],
        )
        return access
    access = lock(DemandAccess, known.id)

    def effect() -> None:
        for name, value in said.items():
            setattr(access, name, value)

    ACCESS.execute(
        actor,
        access,
        "ask",
        effect=effect,
        organisation_id=demand.organisation_id,
        asked_by=organisation_id,
        statement_hash=said["accepted_hash"],
    )
    return access


def get_access(actor: Actor, access_id: int) -> DemandAccess:
    """A request for access, for its two sides. Raises NotFound: `access-not-found`."""
    row = db.session.get(DemandAccess, access_id)
    sees = row is not None and (
        allowed(actor, "access.decide", row).allowed or row.organisation_id in actor.own
    )
    if row is None or not sees:
        raise NotFound("access-not-found", "There is no such request for access.")
    return row


def accesses_to(actor: Actor, demand: Demand) -> Sequence[DemandAccess]:
    """All requests for access to a demand, for its poster: what waits first.

    Raises:
        NotFound, Forbidden: not the poster's.
    """
    require(actor, "demand.read_confidential", demand)
    rows = db.session.scalars(
        sa.select(DemandAccess).where(DemandAccess.demand_id == demand.id).order_by(DemandAccess.id.desc())
    ).unique()
    return sorted(rows, key=lambda row: row.state != "asked")


def decide(actor: Actor, access_id: int, action: str, *, reason: str | None = None) -> DemandAccess:
    """Grant, refuse or revoke access, as the poster; or take the request back, as who asked.

    Args:
        action: `grant`, `refuse`, `revoke` or `take_back`.
        reason: in words, for who asked; needed to refuse and to revoke.

    Raises:
        NotFound, Forbidden: not this actor's to decide.
        Invalid: `reason-missing`; Conflict: `illegal-transition`.
    """
    access = lock(DemandAccess, get_access(actor, access_id).id)
    why = (reason or "").strip()[:LONGEST_NOTE] or None
    if action in ("refuse", "revoke") and why is None:
        message = N_("Please give a reason.")
        raise Invalid("reason-missing", message, fields={"reason": [message]})

    def effect() -> None:
        access.decided_by, access.decided_at, access.reason = actor.user_id, clock.now(), why

    ACCESS.execute(
        actor,
        access,
        action,
        effect=effect,
        organisation_id=access.demand.organisation_id,
        asked_by=access.organisation_id,
    )
    return access


def read(actor: Actor, demand_id: int) -> str:
    """The confidential part, for whom access was granted; each reading is kept. In a unit of work.

    Raises:
        NotFound: `access-not-found`: no access was granted, or the demand is not public any more.
    """
    demand = get_demand(actor, demand_id)
    access = own_access(actor, demand)
    if access is None or not demand.confidential or not allowed(actor, "access.read", access).allowed:
        raise NotFound("access-not-found", "There is no such request for access.")
    digest = hashlib.sha256(demand.confidential.encode()).hexdigest()
    db.session.add(
        DemandReading(access_id=access.id, user_id=actor.user_id, read_at=clock.now(), sha256=digest)
    )
    record("demand_access.read", access, organisation_id=demand.organisation_id, sha256=digest)
    return demand.confidential


def readings(
    actor: Actor, demand: Demand, limit: int = 50
) -> Sequence[sa.Row[DemandReading, DemandAccess, str]]:
    """The last readings of a confidential part with the readers' organisations, for its poster."""
    require(actor, "demand.read_confidential", demand)
    return db.session.execute(
        sa.select(DemandReading, DemandAccess, User.name)
        .join(DemandAccess, DemandAccess.id == DemandReading.access_id)
        .outerjoin(User, User.id == DemandReading.user_id)
        .where(DemandAccess.demand_id == demand.id)
        .order_by(DemandReading.id.desc())
        .limit(limit)
    ).all()
