"""Organisations, the people who act for them, mandates between organisations, and API tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.core.database import Code, Key, Model, Versioned, one_of

from .following import first_counts, for_good

ORGANISATION_TYPES = ("university", "institute", "hospital", "enterprise", "individual", "agency")
STAFF_ROLES = ("bureau", "operator")
IDENTITIES = ("stated", "confirmed")
# An operator saw documents; an operator's list named it; an operator opened its account; the bureau knows it.
CONFIRMATIONS = ("documents", "import", "account", "bureau")
LEVELS = ("administrator", "editor", "viewer")
MANDATE_STATES = ("given", "accepted", "declined", "revoked")
DATED = ("name", "name_en", "type", "region", "state_established")
CHANGES = ("merged", "succeeded")


def _where(column: str, value: str) -> dict[str, Any]:
    clause = sa.text(f"{column} = '{value}'")
    return {"sqlite_where": clause, "postgresql_where": clause}


class Organisation(Versioned, Model):
    """A unit or a person that owns patents, takes licences or serves others.

    An organisation made by an import has no member yet; an account created with its code or name claims
    it. A claimed organisation has joined: notices to it are served on arrival.

    Its credit code is public, so typing it proves nothing: it is self-stated until an operator or the bureau
    confirms the identity. Only confirmed codes are unique, so nobody can take another's by typing it first.

    `state_established`: a university or institute founded by the state, whose prices follow TTL 18.
    `merged_into_id`: it was a duplicate, and everything of it is with the other one now. `succeeded_by_id`,
    `succeeded_on`: another organisation has its rights and duties since that day (Civil Code 67).
    """

    __tablename__ = "organisations"
    __table_args__ = (
        one_of("type", ORGANISATION_TYPES),
        one_of("identity", IDENTITIES),
        one_of("confirmed_how", CONFIRMATIONS),
        sa.CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        sa.CheckConstraint("succeeded_by_id <> id", name="succeeded_by_another"),
        sa.CheckConstraint(
            "(succeeded_by_id IS NULL) = (succeeded_on IS NULL)", name="succession_has_its_day"
        ),
        sa.Index("ix_organisations_name", "name"),
        sa.Index("uq_organisations_confirmed_code", "code", unique=True, **_where("identity", "confirmed")),
        for_good(),
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
    state_established: Mapped[bool | None]
    merged_into_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    merged_at: Mapped[dt.datetime | None]
    succeeded_by_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    succeeded_on: Mapped[dt.date | None]
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
    email_verified_at: Mapped[dt.datetime | None]
    erasure_asked_at: Mapped[dt.datetime | None]
    erased_at: Mapped[dt.datetime | None]
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
    """Two organisations with one credit code or one name, for the operator to look into.

    Nothing is refused and nothing merged by it. `organisation_id` states the code or the name, `other_id` has
    it too; where it is about a code at most one is confirmed. `code` is empty where it is about names.
    """

    __tablename__ = "identity_clashes"
    __table_args__ = (
        one_of("state", ("open", "resolved")),
        one_of("kind", ("code", "name")),
        sa.Index(
            "uq_identity_clashes_open",
            "organisation_id",
            "other_id",
            "code",
            unique=True,
            **_where("state", "open"),
        ),
        first_counts(),
    )
    kind: Mapped[str] = mapped_column(Code(8), default="code")
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
    """A person acts for an organisation, as its staff or as a technology manager.

    `role` says in what capacity; `level` what the person may do there (`levels.LEVELS`).
    """

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "organisation_id"),
        one_of("role", ("member", "manager")),
        one_of("level", LEVELS),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    role: Mapped[str] = mapped_column(Code(16), default="member")
    level: Mapped[str] = mapped_column(Code(16), default="administrator")
    created_at: Mapped[dt.datetime]

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise_on_sql")
    organisation: Mapped[Organisation] = relationship(back_populates="members", lazy="joined")


class Mandate(Versioned, Model):
    """A power of attorney: an agency acts for a principal, with a scope and an end, once it has accepted.

    Rows are kept when they are over: they are the history. `file_id` is the signed paper, if there is one.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        one_of("scope", ("holder", "licensee", "both")),
        one_of("state", MANDATE_STATES),
        sa.CheckConstraint("valid_to >= valid_from", name="dates_in_order"),
        sa.CheckConstraint("agent_id <> principal_id", name="two_parties"),
    )
    agent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    principal_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    scope: Mapped[str] = mapped_column(Code(16))
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date]
    state: Mapped[str] = mapped_column(Code(16), default="accepted")
    given_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    revoked_at: Mapped[dt.datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    reminded_at: Mapped[dt.datetime | None]
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))
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


class Invitation(Versioned, Model):
    """An address is asked to act for an organisation, by a link that works once and until a day.

    The link's token is derived from `nonce` and the secret key; only its hash is kept.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        one_of("state", ("open", "accepted", "revoked")),
        one_of("level", LEVELS),
        sa.Index("uq_invitations_open", "organisation_id", "email", unique=True, **_where("state", "open")),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    level: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="open")
    locale: Mapped[str] = mapped_column(Code(8), default="zh")
    nonce: Mapped[str] = mapped_column(Code(64))
    token_hash: Mapped[str] = mapped_column(Code(64), unique=True)
    invited_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    accepted_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]

    organisation: Mapped[Organisation] = relationship(lazy="joined")


class JoinRequest(Versioned, Model):
    """A person asks to act for a known organisation; its administrators answer, else the operator."""

    __tablename__ = "join_requests"
    __table_args__ = (
        one_of("state", ("open", "accepted", "refused", "withdrawn")),
        sa.Index(
            "uq_join_requests_open", "user_id", "organisation_id", unique=True, **_where("state", "open")
        ),
    )
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="open")
    message: Mapped[str | None] = mapped_column(sa.String(500))
    decided_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class Verification(Versioned, Model):
    """An organisation hands in papers that show who it is; no row means that it never did.

    Never a gate for taking a licence. The papers are seen by staff only and deleted after a time.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        one_of("state", ("submitted", "confirmed", "returned")),
        sa.Index(
            "uq_verifications_submitted", "organisation_id", unique=True, **_where("state", "submitted")
        ),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="submitted")
    code: Mapped[str | None] = mapped_column(Code(18))
    submitted_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    submitted_at: Mapped[dt.datetime]
    decided_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    decided_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    forgotten_at: Mapped[dt.datetime | None]

    organisation: Mapped[Organisation] = relationship(lazy="joined")
    documents: Mapped[list[VerificationDocument]] = relationship(
        back_populates="verification", order_by="VerificationDocument.id", lazy="selectin"
    )


class VerificationDocument(Model):
    """One paper of a verification; its file is gone once the verification's papers are forgotten."""

    __tablename__ = "verification_documents"
    __table_args__ = (one_of("kind", ("business_licence", "letter_of_authority", "other")),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    verification_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("verifications.id"), index=True)
    kind: Mapped[str] = mapped_column(Code(32))
    file_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("files.id"))

    verification: Mapped[Verification] = relationship(back_populates="documents", lazy="raise_on_sql")


class OrganisationPast(Model):
    """What an organisation was called, was, or where it sat, until a day (inclusive)."""

    __tablename__ = "organisation_past"
    __table_args__ = (
        one_of("field", DATED),
        sa.Index("ix_organisation_past_field", "organisation_id", "field", "valid_to"),
        sa.Index("ix_organisation_past_value", "field", "value"),
        for_good(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    field: Mapped[str] = mapped_column(Code(32))
    value: Mapped[str | None] = mapped_column(sa.String(200))
    valid_to: Mapped[dt.date]
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))


class OrganisationChange(Model):
    """A merger of two records, or a succession: what was done when, on what grounds, and what it moved."""

    __tablename__ = "organisation_changes"
    __table_args__ = (
        one_of("kind", CHANGES),
        sa.CheckConstraint("from_id <> to_id", name="two_organisations"),
        for_good(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(Code(16))
    from_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    to_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    happened_on: Mapped[dt.date]
    source: Mapped[str | None] = mapped_column(sa.String(200))
    counts: Mapped[dict[str, Any]]
    done_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    done_at: Mapped[dt.datetime]


class Erasure(Model):
    """A person's data were erased: when, by whom, and what the law makes us keep for how long, as codes."""

    __tablename__ = "erasures"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), unique=True)
    asked_at: Mapped[dt.datetime | None]
    done_at: Mapped[dt.datetime]
    done_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    kept: Mapped[dict[str, Any]]
