"""The way to the confidential part of a demand: asked for, a statement accepted, granted, read, logged.

The text itself leaves its row through `read` alone. Who reads it is kept with the time and the sha256 of what
was shown; the journal knows ids only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record

from .lifecycle import ACCESS
from .models import Demand, DemandAccess, DemandReading
from .rules import LONGEST_NOTE, acceptance_hash
from .services import get_demand


def own_accesses(actor: Actor, demand: Demand) -> list[DemandAccess]:
    """What the actor's organisation has asked for here: for itself first, then for clients."""
    if actor.organisation_id is None:
        return []
    rows = db.session.scalars(
        sa.select(DemandAccess)
        .where(
            DemandAccess.demand_id == demand.id,
            sa.or_(
                DemandAccess.organisation_id == actor.organisation_id,
                DemandAccess.agent_id == actor.organisation_id,
            ),
        )
        .order_by(DemandAccess.id)
    ).unique()
    mine = [row for row in rows if allowed(actor, "access.see", row).allowed]
    return sorted(mine, key=lambda row: row.organisation_id != actor.organisation_id)


def may_ask_for(actor: Actor, demand: Demand) -> list[Organisation]:
    """For whom the actor may ask here: its own organisation first, then clients with a mandate to answer."""
    if actor.organisation_id is None or demand.organisation_id in actor.licensees:
        return []
    rows = db.session.scalars(
        sa.select(Organisation)
        .where(Organisation.id.in_(actor.holders - {demand.organisation_id}))
        .order_by(Organisation.id)
    )
    return sorted(rows, key=lambda one: one.id != actor.organisation_id)


def asking_parties(
    actor: Actor, organisation_id: int | None
) -> tuple[Organisation | None, Organisation | None]:
    """The agency and its client where the actor asks for another organisation; else two times None.

    Raises:
        Forbidden: `not-your-organisation`: no mandate for a holder's matters.
    """
    if organisation_id is None or organisation_id == actor.organisation_id:
        return None, None
    if organisation_id not in actor.holders:
        raise Forbidden("not-your-organisation", "You do not act for this organisation.")
    return (
        db.session.get_one(Organisation, actor.organisation_id),
        db.session.get_one(Organisation, organisation_id),
    )


def ask(
    actor: Actor,
    demand_id: int,
    *,
    purpose: str,
    statement: str,
    accepted: bool,
    organisation_id: int | None = None,
) -> DemandAccess:
    """Ask for the confidential part and accept the confidentiality statement, as a person of an organisation.

    Args:
        purpose: why the holder can help, for the poster to decide by.
        statement: word for word what the person has read.
        accepted: that the person accepts it.
        organisation_id: the client for which an agency asks under its mandate; the access is then the
            client's, read by its people and, while the mandate lasts, by the agency's.

    Raises:
        NotFound: no such demand, or not this actor's to see.
        Forbidden: the actor acts for no organisation; `not-your-organisation`; `address-unproven`.
        Invalid: `purpose-missing`, `statement-not-accepted`.
        Conflict: `nothing-confidential`, `own-demand`, `access-asked`: there is a request or a decision.
    """
    demand = lock(Demand, get_demand(actor, demand_id).id)
    require(actor, "access.ask", demand)
    agent, client = asking_parties(actor, organisation_id)
    asking = client.id if client is not None else actor.organisation_id
    if demand.organisation_id in actor.licensees or demand.organisation_id == asking:
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
    known = db.session.scalar(
        sa.select(DemandAccess).where(
            DemandAccess.demand_id == demand.id, DemandAccess.organisation_id == asking
        )
    )
    if known is not None and known.state != "taken_back":
        raise Conflict("access-asked", "Your organisation has asked already; see what became of it.")
    now, agent_id = clock.now(), agent.id if agent is not None else None
    assert asking is not None  # noqa: S101 - the permission asks for one
    user = db.session.get(User, actor.user_id) if actor.user_id is not None else None
    said = {
        "purpose": why,
        "statement": statement,
        "accepted_by": actor.user_id,
        "accepted_name": user.name if user is not None else "—",
        "accepted_at": now,
        "accepted_hash": acceptance_hash(statement, demand.id, asking, actor.user_id, now, agent_id),
        "agent_id": agent_id,
    }
    journal: dict[str, Any] = {"asked_by": asking, "statement_hash": said["accepted_hash"]}
    if agent_id is not None:
        journal["agent"] = agent_id
    if known is None:
        access = DemandAccess(demand=demand, organisation_id=asking, state=ACCESS.initial, **said)
        db.session.add(access)
        record("demand_access.asked", access, organisation_id=demand.organisation_id, **journal)
        return access
    access = lock(DemandAccess, known.id)
    # Whoever asks anew is who has asked: the client itself after its agency, or the other way round.
    access.agent_id = agent_id

    def effect() -> None:
        for name, value in said.items():
            setattr(access, name, value)

    ACCESS.execute(actor, access, "ask", effect=effect, organisation_id=demand.organisation_id, **journal)
    return access


def get_access(actor: Actor, access_id: int) -> DemandAccess:
    """A request for access, for its two sides. Raises NotFound: `access-not-found`."""
    row = db.session.get(DemandAccess, access_id)
    if row is None or not allowed(actor, "access.see", row).allowed:
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
    granted = [one for one in own_accesses(actor, demand) if allowed(actor, "access.read", one).allowed]
    if not granted or not demand.confidential:
        raise NotFound("access-not-found", "There is no such request for access.")
    access, digest = granted[0], hashlib.sha256(demand.confidential.encode()).hexdigest()
    db.session.add(
        DemandReading(
            access_id=access.id,
            user_id=actor.user_id,
            organisation_id=actor.organisation_id,
            read_at=clock.now(),
            sha256=digest,
        )
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
