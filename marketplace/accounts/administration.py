"""What an operator does with accounts: find, disable, give a new password. Nobody acts as another."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .access_log import services as access_log
from .models import Membership, Organisation, OrganisationPast, User


def find_users(actor: Actor, text: str = "", *, before: int | None = None, size: int = 50) -> list[User]:
    """Accounts whose address, name or organisation holds the text, newest first.

    Args:
        before: id of the last one of the page before.

    Raises:
        Unauthenticated, Forbidden: only the operator may look.
    """
    require(actor, "account.administer")
    query = sa.select(User).order_by(User.id.desc()).limit(size)
    if text.strip():
        words = text.strip()
        named = (
            sa.select(Membership.user_id)
            .join(Organisation, Membership.organisation_id == Organisation.id)
            .where(
                sa.or_(
                    Organisation.name.icontains(words, autoescape=True),
                    Organisation.name_en.icontains(words, autoescape=True),
                )
            )
        )
        query = query.where(
            sa.or_(
                User.email.icontains(words, autoescape=True),
                User.name.icontains(words, autoescape=True),
                User.id.in_(named),
            )
        )
    if before is not None:
        query = query.where(User.id < before)
    found = list(db.session.scalars(query))
    access_log.note(actor, "account_list", [user.id for user in found])
    return found


def find_organisations(
    actor: Actor, text: str = "", *, before: int | None = None, size: int = 50
) -> list[Organisation]:
    """Organisations whose present or former name holds the text or whose credit code is it, newest first.

    Raises:
        Unauthenticated, Forbidden: only the operator may look.
    """
    require(actor, "account.administer")
    query = (
        sa.select(Organisation)
        .options(selectinload(Organisation.members).joinedload(Membership.user))
        .order_by(Organisation.id.desc())
        .limit(size)
    )
    if text.strip():
        words = text.strip()
        formerly = sa.select(OrganisationPast.organisation_id).where(
            OrganisationPast.field.in_(("name", "name_en")),
            OrganisationPast.value.icontains(words, autoescape=True),
        )
        query = query.where(
            sa.or_(
                Organisation.name.icontains(words, autoescape=True),
                Organisation.name_en.icontains(words, autoescape=True),
                Organisation.code == words.upper(),
                Organisation.id.in_(formerly),
            )
        )
    if before is not None:
        query = query.where(Organisation.id < before)
    found = list(db.session.scalars(query))
    for one in found:
        people = [membership.user_id for membership in one.members]
        access_log.note(actor, "members", people, organisation_id=one.id)
    return found


def get_user(actor: Actor, user_id: int) -> User:
    """One account.

    Raises:
        NotFound: `account-not-found`.
        Unauthenticated, Forbidden: only the operator may look.
    """
    require(actor, "account.administer")
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("account-not-found", "There is no such account.")
    access_log.note(actor, "account", [user.id])
    return user


def set_active(actor: Actor, user_id: int, active: bool) -> User:
    """Let an account sign in, or not any more: its sessions and its tokens end at once.

    Raises:
        NotFound: `account-not-found`.
        Conflict: `own-account`: nobody shuts themselves out.
    """
    user = lock(User, get_user(actor, user_id).id)
    if user.id == actor.user_id:
        raise Conflict("own-account", "You cannot disable your own account.")
    if user.active != active:
        user.active = active
        record("account.enabled" if active else "account.disabled", user)
    return user


def set_password(actor: Actor, user_id: int, password_hash: str) -> User:
    """Give an account a new password, made by `new_password` and hashed before the unit of work.

    Its API tokens are left alone: programs do not know the password.

    Raises:
        NotFound: `account-not-found`.
    """
    user = lock(User, get_user(actor, user_id).id)
    user.password_hash = password_hash
    record("account.password_set", user)
    return user


def new_password() -> str:
    """A random password that can be read out: five groups of four letters and digits (about 99 bits)."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5))
