"""A person asks to be forgotten, and an operator erases what no law makes us keep.

PIPL 47 gives the right to have personal data deleted; where a law's retention has not run out, processing
ends except for keeping it safe. The journal holds ids only, so it needs no erasing. What is kept is said with
its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from . import personal
from .access_log import services as access_log
from .administration import get_user
from .members import end_tokens
from .models import (
    Erasure,
    Invitation,
    JoinRequest,
    Membership,
    Organisation,
    OrganisationPast,
    User,
)


def ask(actor: Actor) -> User:
    """Ask to have one's personal data erased; the operator gets a task. Repeating changes nothing.

    Raises:
        Unauthenticated: nobody is signed in. Conflict: `staff-erasure`: staff ask their employer.
    """
    user = lock(User, actor.user_id)
    require(actor, "account.ask_erasure", user)
    if user.staff_role is not None:
        raise Conflict("staff-erasure", "Accounts of staff are ended by another operator.")
    if user.erasure_asked_at is None:
        user.erasure_asked_at = clock.now()
        record("account.erasure_asked", user)
    return user


def take_back(actor: Actor) -> User:
    """Take the wish back before it is done."""
    user = lock(User, actor.user_id)
    require(actor, "account.ask_erasure", user)
    if user.erasure_asked_at is not None:
        user.erasure_asked_at = None
        record("account.erasure_taken_back", user)
    return user


def wishes(actor: Actor, *, limit: int = 50) -> list[User]:
    """Accounts that ask to be erased, oldest wish first; for the operator."""
    require(actor, "account.administer")
    query = (
        sa.select(User)
        .where(User.erasure_asked_at.is_not(None), User.erased_at.is_(None))
        .order_by(User.erasure_asked_at, User.id)
    )
    found = list(db.session.scalars(query.limit(limit)))
    access_log.note(actor, "wishes", [user.id for user in found])
    return found


@dataclass(frozen=True)
class Plan:
    """What erasing would do.

    Attributes:
        kept: reason → rows that stay.
        erased: table → rows that lose their personal data.
        alone: organisations that nobody administers afterwards, though others are members or it has joined.
    """

    kept: dict[str, int]
    erased: dict[str, int]
    alone: tuple[Organisation, ...]


def plan(actor: Actor, user_id: int) -> Plan:
    """What `erase` would erase and keep; reads only.

    Raises:
        NotFound: `account-not-found`. Forbidden: not an operator.
    """
    user = get_user(actor, user_id)
    kept: dict[str, int] = {}
    erased: dict[str, int] = {}
    for held in personal.held():
        number = _held(held, user.id)
        if number and held.kept is not None:
            kept[held.kept] = kept.get(held.kept, 0) + number
        elif number:
            erased[held.table.name] = number
    for reason, number in _as_party(user).items():
        kept[reason] = kept.get(reason, 0) + number
    return Plan(kept, erased, _left_alone(user))


def erase(actor: Actor, user_id: int, *, typed: str) -> Erasure:
    """Erase name, address, password and contact data of a person, and end sessions, tokens and memberships.

    A natural person's own record is erased with it unless a register or a contract names it. It cannot be
    undone, and another account may use the address afterwards.

    Args:
        typed: the account's address, typed by the operator as the confirmation.

    Raises:
        NotFound: `account-not-found`. Forbidden: not an operator.
        Invalid: `erasure-not-confirmed`. Conflict: `own-account`, `already-erased`, `staff-erasure`.
    """
    require(actor, "account.erase")
    user = lock(User, get_user(actor, user_id).id)
    if user.id == actor.user_id:
        raise Conflict("own-account", "You cannot disable your own account.")
    if user.erased_at is not None:
        raise Conflict("already-erased", "This account is erased already.")
    if user.staff_role is not None:
        raise Conflict("staff-erasure", "Accounts of staff are ended by another operator.")
    if typed.strip().lower() != user.email:
        message = N_("Please type the address of the account.")
        raise Invalid("erasure-not-confirmed", message, fields={"typed": [message]})
    planned = plan(actor, user.id)
    end_tokens(user.id)
    _erase_invitations(user)
    for held in personal.held():
        if held.kept is None:
            _blank(held, user.id)
    for membership in list(user.memberships):
        organisation = lock(Organisation, membership.organisation_id)
        if organisation.type == "individual" and not _named(organisation.id):
            _erase_person(organisation)
        record("member.left", organisation, organisation_id=organisation.id, user=user.id)
        db.session.delete(membership)
    asked_at = user.erasure_asked_at
    user.email, user.name = f"erased-{user.id}@erased.invalid", f"#{user.id}"
    user.password_hash, user.totp_secret, user.totp_step = "!", None, None
    user.active, user.email_verified_at = False, None
    user.erased_at = clock.now()
    erasure = Erasure(
        user_id=user.id, asked_at=asked_at, done_at=clock.now(), done_by=actor.user_id, kept=planned.kept
    )
    db.session.add(erasure)
    record("account.erased", user, kept=sorted(planned.kept))
    return erasure


def _erase_invitations(user: User) -> None:
    for invitation in db.session.scalars(
        sa.select(Invitation).where(sa.or_(Invitation.accepted_by == user.id, Invitation.email == user.email))
    ).all():
        invitation.email = f"erased-{invitation.id}@erased.invalid"
    db.session.execute(sa.update(JoinRequest).where(JoinRequest.user_id == user.id).values(message=None))


def _erase_person(organisation: Organisation) -> None:
    """The record of a natural person whom nothing names any more; it takes part in nothing."""
    organisation.name, organisation.name_en, organisation.code = f"#{organisation.id}", None, None
    organisation.bank_account_name = organisation.bank_name = None
    organisation.bank_account = organisation.stripe_account = None
    db.session.execute(
        sa.delete(OrganisationPast).where(
            OrganisationPast.organisation_id == organisation.id,
            OrganisationPast.field.in_(("name", "name_en")),
        )
    )
    record("organisation.erased", organisation, organisation_id=organisation.id)


def _left_alone(user: User) -> tuple[Organisation, ...]:
    found = []
    for membership in user.memberships:
        if membership.level != "administrator" or membership.organisation.type == "individual":
            continue
        others = db.session.scalar(
            sa.select(Membership.id)
            .join(User, User.id == Membership.user_id)
            .where(
                Membership.organisation_id == membership.organisation_id,
                Membership.level == "administrator",
                Membership.user_id != user.id,
                User.active,
            )
            .limit(1)
        )
        if others is None:
            found.append(membership.organisation)
    return tuple(found)


def _as_party(user: User) -> dict[str, int]:
    counts: dict[str, int] = {}
    for membership in user.memberships:
        if membership.organisation.type == "individual":
            for reason, number in _named(membership.organisation_id).items():
                counts[reason] = counts.get(reason, 0) + number
    return counts


def _named(organisation_id: int) -> dict[str, int]:
    """Where registers and contracts name an organisation: reason → rows."""
    counts: dict[str, int] = {}
    for column, reason in personal.parties():
        query = sa.select(sa.func.count()).select_from(column.table).where(column == organisation_id)
        number = db.session.scalar(query) or 0
        if number:
            counts[reason] = counts.get(reason, 0) + number
    return counts


def _about(held: personal.Held, user_id: int) -> tuple[sa.Table, list[sa.ColumnElement[bool]]]:
    table = held.table
    filled = sa.or_(*(table.c[name].is_not(None) for name in held.columns))
    return table, [table.c[held.user] == user_id, filled]


def _held(held: personal.Held, user_id: int) -> int:
    table, conditions = _about(held, user_id)
    return db.session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0


def _blank(held: personal.Held, user_id: int) -> None:
    table, conditions = _about(held, user_id)
    values: dict[str, Any] = dict.fromkeys(held.columns)
    if "version" in table.columns:
        values["version"] = table.c.version + 1
    db.session.execute(sa.update(table).where(*conditions).values(values))
