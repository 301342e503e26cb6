"""Organisations, the people who act for them, mandates between organisations, and API tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of

ORGANISATION_TYPES = ("university", "institute", "hospital", "enterprise", "individual", "agency")
STAFF_ROLES = ("bureau", "operator")
IDENTITIES = ("stated", "confirmed")
# An operator saw documents; an operator's list named it; an operator opened its account; the bureau knows it.
CONFIRMATIONS = ("documents", "import", "account", "bureau")


def _where(column: str, value: str) -> dict[str, Any]:
    clause = sa.text(f"{column} = '{value}'")
    return {"sqlite_where": clause, "postgresql_where": clause}


class Organisation(Versioned, Model):
    """A unit or a person that owns patents, takes licences or serves others.

    An organisation made by an import has no member yet; an account created with its code or name claims
    it. A claimed organisation has joined: notices to it are served on arrival.

    Its credit code is public, so typing it proves nothing: it is self-stated until an operator or the bureau
    confirms the identity. Only confirmed codes are unique, so nobody can take another's by typing it first.
    """

    __tablename__ = "organisations"
    __table_args__ = (
        one_of("type", ORGANISATION_TYPES),
        one_of("identity", IDENTITIES),
        one_of("confirmed_how", CONFIRMATIONS),
        sa.Index("ix_organisations_name", "name"),
        sa.Index("uq_organisations_confirmed_code", "code", unique=True, **_where("identity", "confirmed")),
    )
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str | None] = mapped_column(sa.String(200))
    code: Mapped[str | None] = mapped_column(Code(18), index=True)
    identity: Mapped[str] = mapped_column(Code(16), default="stated")
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    confirmed_how: Mapped[str | None] = mapped_column(Code(16))
    confirmed_source: Mapped[str | None] = mapped_column(sa.String(200))
    type: Mapped[str] = mapped_column(Code(16))
    region: Mapped[str | None] = mapped_column(Code(6), index=True)
    claimed_at: Mapped[dt.datetime | None]
    bank_account_name: Mapped[str | None] = mapped_column(sa.String(200))
    bank_name: Mapped[str | None] = mapped_column(sa.String(200))
    bank_account: Mapped[str | None] = mapped_column(sa.String(64))
    stripe_account: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[dt.datetime]

    members: Mapped[list[Membership]] = relationship(back_populates="organisation", lazy="raise_on_sql")

    @property
    def joined(self) -> bool:
        """Whether someone acts for it here, so that notices arrive by being stored."""
        return self.claimed_at is not None

    @property
    def confirmed(self) -> bool:
        """Whether an operator or the bureau vouches that it is who it says; no gate for taking a licence."""
        return self.identity == "confirmed"

    @property
    def matchable(self) -> bool:
        """Whether a list may be matched with it by code: nobody speaks for it by having typed the code."""
        return self.confirmed or self.claimed_at is None


class User(Versioned, Model):
    """A person who signs in."""

    __tablename__ = "users"
    __table_args__ = (one_of("staff_role", STAFF_ROLES),)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    locale: Mapped[str] = mapped_column(Code(8), default="zh")
    staff_role: Mapped[str | None] = mapped_column(Code(16))
    totp_secret: Mapped[str | None] = mapped_column(sa.String(64))
    totp_step: Mapped[int | None] = mapped_column(Key)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime]

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", lazy="selectin")

    # What Flask-Login asks of a user.
    is_anonymous = False

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        """What a session keeps of the person; a new password ends every session made under the old one."""
        return f"{self.id}.{hashlib.sha256(self.password_hash.encode()).hexdigest()[:32]}"


class IdentityClash(Versioned, Model):
    """Two organisations with one credit code, at most one of them confirmed: for the operator to look into.

    Nothing is refused and nothing merged by it. `organisation_id` states the code, `other_id` has it too.
    """

    __tablename__ = "identity_clashes"
    __table_args__ = (
        one_of("state", ("open", "resolved")),
        sa.Index(
            "uq_identity_clashes_open",
            "organisation_id",
            "other_id",
            "code",
            unique=True,
            **_where("state", "open"),
        ),
    )
    code: Mapped[str] = mapped_column(Code(18))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    other_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    resolution: Mapped[str | None] = mapped_column(sa.Text)
    resolved_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    resolved_at: Mapped[dt.datetime | None]

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id], lazy="joined")
    other: Mapped[Organisation] = relationship(foreign_keys=[other_id], lazy="joined")


class Membership(Model):
    """A person acts for an organisation, as its staff or as a technology manager."""

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "organisation_id"),
        one_of("role", ("member", "manager")),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    role: Mapped[str] = mapped_column(Code(16), default="member")
    created_at: Mapped[dt.datetime]

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise_on_sql")
    organisation: Mapped[Organisation] = relationship(back_populates="members", lazy="joined")


class Mandate(Versioned, Model):
    """A power of attorney: an agency acts for a principal, with a scope and an end."""

    __tablename__ = "mandates"
    __table_args__ = (
        one_of("scope", ("holder", "licensee", "both")),
        sa.CheckConstraint("valid_to >= valid_from", name="dates_in_order"),
        sa.CheckConstraint("agent_id <> principal_id", name="two_parties"),
    )
    agent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    principal_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    scope: Mapped[str] = mapped_column(Code(16))
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date]
    revoked_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    agent: Mapped[Organisation] = relationship(foreign_keys=[agent_id], lazy="joined")
    principal: Mapped[Organisation] = relationship(foreign_keys=[principal_id], lazy="joined")


class Token(Model):
    """An API token: acts for one organisation; only its hash is kept."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    token_hash: Mapped[str] = mapped_column(Code(64), unique=True)
    scopes: Mapped[list[str]]
    label: Mapped[str] = mapped_column(sa.String(80), default="")
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]

    user: Mapped[User] = relationship(lazy="joined")
