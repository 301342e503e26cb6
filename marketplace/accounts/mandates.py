"""Powers of attorney between organisations: given, accepted, revoked, reminded of, kept as history.

Civil Code 165: a written power names the agent, the matters, the extent and the time. It works here once the
agency has accepted, and at once where both sides are known to agree (an operator's entry, a list).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock, files
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, credit_code
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record, unit_of_work

from .lifecycle import MANDATE
from .models import Mandate, Organisation
from .services import find_organisation

REMIND_BEFORE: Final = dt.timedelta(days=30)
PURPOSE: Final = "power_of_attorney"


def grant_mandate(principal: Organisation, agent: Organisation, *, scope: str, until: dt.date) -> Mandate:
    """Let an agency act for a principal from today until a date (inclusive), without asking it.

    Raises:
        Conflict: `mandate-with-oneself`.
    """
    mandate = _mandate(principal, agent, scope, until)
    mandate.state, mandate.answered_at = "accepted", clock.now()
    db.session.add(mandate)
    record("mandate.granted", mandate, organisation_id=principal.id, agent=agent.id)
    return mandate


def _mandate(principal: Organisation, agent: Organisation, scope: str, until: dt.date) -> Mandate:
    if principal.id == agent.id:
        raise Conflict("mandate-with-oneself", "An organisation needs no mandate to act for itself.")
    return Mandate(
        agent=agent,
        principal=principal,
        scope=scope,
        state=MANDATE.initial,
        valid_from=clock.today(),
        valid_to=until,
        created_at=clock.now(),
    )


def mandate_agency(
    actor: Actor,
    principal_id: int,
    *,
    agency: str,
    scope: str,
    until: dt.date,
    paper: tuple[str, bytes] | None = None,
) -> Mandate:
    """Offer the agency with this exact name or credit code to act for a principal; it has to accept.

    Args:
        paper: file name and content of the signed power of attorney, if there is one: PDF, PNG or JPEG.

    Raises:
        Invalid: `agency-unknown`, `date-past`, and what `files.checked_upload` raises.
        Conflict: `mandate-with-oneself`.
        Forbidden: not one that the actor administers.
    """
    principal = lock(Organisation, principal_id)
    require(actor, "mandate.grant", principal)
    if until < clock.today():
        message = N_("This day is over already.")
        raise Invalid("date-past", message, fields={"until": [message]})
    try:
        code = credit_code(agency)
    except InvalidNumber:
        code = None
    agent = find_organisation(agency if code is None else None, code)
    if agent is None or agent.type != "agency":
        message = N_("There is no agency with this name or code here.")
        raise Invalid("agency-unknown", message, fields={"agent": [message]})
    mandate = _mandate(principal, agent, scope, until)
    mandate.given_by = actor.user_id
    if paper is not None:
        name, content = paper
        kept = files.keep(
            content,
            name=name,
            content_type=files.checked_upload(content),
            purpose=PURPOSE,
            organisation_id=principal.id,
        )
        mandate.file_id = kept.id
    db.session.add(mandate)
    record("mandate.given", mandate, organisation_id=principal.id, agent=agent.id)
    return mandate


def answer_mandate(actor: Actor, mandate_id: int, action: str) -> Mandate:
    """Accept or decline a power of attorney, as the agency.

    Args:
        action: `accept` or `decline`.

    Raises:
        NotFound: not one of the actor's organisation; Forbidden: not an administrator of the agency.
        Conflict: `illegal-transition`; `mandate-over` when its time is over.
    """
    mandate = _visible(actor, mandate_id)
    if action == "accept" and mandate.valid_to < clock.today():
        raise Conflict("mandate-over", "The time of this power of attorney is over.")

    def effect() -> None:
        mandate.answered_at, mandate.answered_by = clock.now(), actor.user_id

    MANDATE.execute(
        actor, mandate, action, effect=effect, organisation_id=mandate.principal_id, agent=mandate.agent_id
    )
    return mandate


def revoke_mandate(actor: Actor, mandate_id: int) -> Mandate:
    """End a power of attorney at once; the principal may, and so may the agency (Civil Code 173).

    Raises:
        NotFound, Forbidden: not one of the actor's organisation.
        Conflict: `illegal-transition`: it is over.
    """
    mandate = _visible(actor, mandate_id)

    def effect() -> None:
        mandate.revoked_at, mandate.revoked_by = clock.now(), actor.user_id

    MANDATE.execute(
        actor, mandate, "revoke", effect=effect, organisation_id=mandate.principal_id, agent=mandate.agent_id
    )
    return mandate


def _visible(actor: Actor, mandate_id: int) -> Mandate:
    found = db.session.get(Mandate, mandate_id)
    if found is None or not (actor.is_operator or {found.principal_id, found.agent_id} & actor.own):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return lock(Mandate, mandate_id)


def mandates_of(organisation_id: int) -> tuple[Sequence[Mandate], Sequence[Mandate]]:
    """All that an organisation gave and all that it received, newest first: the history along."""
    query = sa.select(Mandate).order_by(Mandate.id.desc())
    given = db.session.scalars(query.where(Mandate.principal_id == organisation_id)).all()
    received = db.session.scalars(query.where(Mandate.agent_id == organisation_id)).all()
    return given, received


def paper_of(actor: Actor, mandate_id: int) -> files.StoredFile:
    """The signed power of attorney, for its two parties and staff.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    mandate = db.session.get(Mandate, mandate_id)
    seen = mandate is not None and (actor.is_staff or {mandate.principal_id, mandate.agent_id} & actor.own)
    if mandate is None or not seen or mandate.file_id is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return db.session.get_one(files.StoredFile, mandate.file_id)


def remind_of_ends() -> None:
    """Write an entry for each power that ends within 30 days, once each, for notifications (a schedule)."""
    today = clock.today()
    query = sa.select(Mandate.id).where(
        Mandate.state == "accepted",
        Mandate.reminded_at.is_(None),
        Mandate.valid_to >= today,
        Mandate.valid_to <= today + REMIND_BEFORE,
        # One that was given for a short time needs no reminder on its first day.
        Mandate.valid_from <= today - dt.timedelta(days=7),
    )
    ids = list(db.session.scalars(query.order_by(Mandate.id)))
    db.session.rollback()
    for mandate_id in ids:
        with unit_of_work():
            mandate = lock(Mandate, mandate_id)
            if mandate.state != "accepted" or mandate.reminded_at is not None:
                continue
            mandate.reminded_at = clock.now()
            record("mandate.ends_soon", mandate, organisation_id=mandate.principal_id, agent=mandate.agent_id)
