"""Making accounts, claiming organisations, finding them, and giving tokens."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyotp
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound, Unauthenticated
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from . import past
from .addresses import send_link
from .confirming import clean_code, confirm_by, note_clashes
from .levels import LEVELS
from .links import digest_of
from .models import Mandate, Membership, Organisation, Token, User

ROLES = ("holder", "firm", "individual", "manager", "bureau", "operator")
TOKEN_LIFETIME = dt.timedelta(days=365)
OWNER_TYPES = frozenset({"university", "institute", "hospital", "enterprise"})
_TYPE_OF_ROLE = {
    "holder": "enterprise",
    "firm": "enterprise",
    "individual": "individual",
    "manager": "agency",
}


@dataclass(frozen=True)
class NewAccount:
    """What an account is made from.

    Attributes:
        email: address to sign in with.
        role: one of ROLES.
        organisation: exact name; for an individual the person's own name.
        code: unified social credit code, if any.
        name: the person's name; the address's local part if absent.
        password_hash: from `passwords.hash_password`; None makes an account that cannot sign in by password.
        organisation_type: type of an organisation that has to be made; by default that of the role.
        region: GB/T 2260 code of an organisation that has to be made.
        apart: make an organisation of its own even if one with that name is there (two people, one name).
        self_stated: the person itself says so; else an operator does, which confirms the code.
    """

    email: str
    role: str
    organisation: str | None = None
    code: str | None = None
    name: str | None = None
    password_hash: str | None = None
    organisation_type: str | None = None
    region: str | None = None
    apart: bool = False
    self_stated: bool = False
    invited: bool = False


def clean_email(text: str) -> str:
    """A normalised address.

    Raises:
        Invalid: `email-invalid`.
    """
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        message = "Please give a valid e-mail address."
        raise Invalid(
            "email-invalid", "Please give a valid e-mail address.", fields={"email": [message]}
        ) from None


def create_account(new: NewAccount) -> tuple[User, Organisation | None]:
    """Make an account, or find it: repeating changes nothing (only a given password is set).

    Joins the organisation with that code, else with exactly that name, else creates it; staff join none, nor
    does who is invited: accepting is what makes that person a member.

    Raises:
        Invalid: bad address, role or credit code, or a missing organisation name.
    """
    if new.role not in ROLES:
        raise Invalid("role-unknown", "This role is not known.", role=new.role)
    email = clean_email(new.email)
    user = db.session.scalar(sa.select(User).where(User.email == email))
    if user is None:
        user = User(
            email=email,
            name=(new.name or email.partition("@")[0])[:100],
            password_hash=new.password_hash or "!",
            locale="zh",
            staff_role=new.role if new.role in ("bureau", "operator") else None,
            active=True,
            email_verified_at=None if new.self_stated else clock.now(),
            created_at=clock.now(),
            memberships=[],
        )
        db.session.add(user)
        record("account.created", user, role=new.role)
    elif new.password_hash is not None:
        user.password_hash = new.password_hash
        record("account.password_set", user)
    if new.role in ("bureau", "operator"):
        if user.staff_role != new.role:
            user.staff_role = new.role
            record("account.role_set", user, role=new.role)
        return user, None
    if new.invited:
        return user, None
    organisation = join_organisation(
        user,
        name=new.organisation or (user.name if new.role == "individual" else None),
        code=new.code,
        type_=new.organisation_type or _TYPE_OF_ROLE[new.role],
        region=new.region,
        role="manager" if new.role == "manager" else "member",
        apart=new.apart,
        self_stated=new.self_stated,
    )
    return user, organisation


def join_organisation(
    user: User,
    *,
    name: str | None,
    code: str | None,
    type_: str,
    region: str | None,
    role: str,
    apart: bool = False,
    self_stated: bool = False,
) -> Organisation:
    """Make the user a member of the organisation with that code, else that exact name, else a new one.

    The first member claims the organisation: from then on notices to it are served on arrival. A new one, and
    its code, is confirmed when an operator makes it, and self-stated when the person does. Whoever joins this
    way is an administrator.

    Raises:
        Invalid: `credit-code-invalid`, `organisation-name-missing`.
    """
    sure_code = clean_code(code)
    organisation = None if apart else find_organisation(name, sure_code)
    if organisation is None:
        if not name:
            message = "Please give the name of the organisation."
            raise Invalid(
                "organisation-name-missing",
                "Please give the name of the organisation.",
                fields={"organisation": [message]},
            )
        organisation = Organisation(
            name=name.strip(), code=sure_code, type=type_, region=region, created_at=clock.now()
        )
        db.session.add(organisation)
        record("organisation.created", organisation)
        if not self_stated:
            confirm_by(organisation, "account")
        if sure_code is not None:
            note_clashes([organisation.id])
    if all(m.organisation_id != organisation.id for m in user.memberships):
        add_membership(user, organisation, role, level="administrator")
    return organisation


def add_membership(user: User, organisation: Organisation, role: str, *, level: str) -> Membership:
    """Make the user a member; the first one claims the organisation. In the present unit of work."""
    there = user.memberships  # loaded before the new one is, which would be flushed half made
    membership = Membership(organisation=organisation, role=role, level=level, created_at=clock.now())
    there.append(membership)
    record("organisation.joined", organisation, organisation_id=organisation.id, user=user.id)
    if organisation.claimed_at is None:
        organisation.claimed_at = clock.now()
        record("organisation.claimed", organisation, organisation_id=organisation.id, user=user.id)
    return membership


def find_organisation(name: str | None, code: str | None, *, matchable: bool = False) -> Organisation | None:
    """By code, else by exact name, else by a name that it had; a duplicate that was merged is never found.

    A code counts only where it is confirmed, or where nobody speaks for the organisation: what a member
    has typed matches nothing by itself.

    Args:
        matchable: pass over organisations whose members only state who they are (decision 0014).
    """
    vouched = sa.or_(Organisation.identity == "confirmed", Organisation.claimed_at.is_(None))
    standing = sa.select(Organisation).where(Organisation.merged_into_id.is_(None))
    best_first = (sa.case((Organisation.identity == "confirmed", 0), else_=1), Organisation.id)
    if code:
        found = db.session.scalar(
            standing.where(Organisation.code == code, vouched).order_by(*best_first).limit(1)
        )
        if found is not None:
            return found
    if not name:
        return None
    if code:
        # A namesake with another code is another organisation.
        standing = standing.where(sa.or_(Organisation.code.is_(None), Organisation.code == code))
    if matchable:
        standing = standing.where(vouched)
    wanted = name.strip()
    now = standing.where(Organisation.name == wanted).order_by(*best_first).limit(1)
    formerly = standing.where(Organisation.id.in_(past.ids_of_name(wanted))).order_by(*best_first).limit(1)
    return db.session.scalar(now) or db.session.scalar(formerly)


def get_organisation(organisation_id: int) -> Organisation:
    """One organisation.

    Raises:
        NotFound: `organisation-not-found`.
    """
    found = db.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    return found


def find_by_id(organisation_id: int) -> Organisation | None:
    """The organisation that an id leads to: a duplicate's leads to the one that stays."""
    found = db.session.get(Organisation, organisation_id) if organisation_id < 2**63 else None
    if found is not None and found.merged_into_id is not None:
        return db.session.get(Organisation, found.merged_into_id)
    return found


def actor_for(user: User, organisation_id: int | None, scopes: frozenset[str] | None = None) -> Actor:
    """The actor that a user is when acting for one of their organisations (None: the first, if any).

    Raises:
        Unauthenticated: `not-a-member`, when the user does not belong to that organisation.
    """
    roles: set[str] = {user.staff_role} if user.staff_role else set()
    chosen = None
    if organisation_id is not None:
        # A session or a token from before a merger: the old id leads to the organisation that stays.
        named = db.session.get(Organisation, organisation_id)
        organisation_id = (named.merged_into_id if named is not None else None) or organisation_id
    for membership in sorted(user.memberships, key=lambda m: m.id):
        if organisation_id is None or membership.organisation_id == organisation_id:
            chosen = membership
            break
    if chosen is None and organisation_id is not None:
        raise Unauthenticated("not-a-member", "You do not act for this organisation.")
    if chosen is not None:
        roles.add("manager" if chosen.role == "manager" else "member")
        roles |= LEVELS[chosen.level].roles
    granted = _principals_today(chosen.organisation_id) if chosen else {}
    given = frozenset({"read", "write"}) if scopes is None else scopes
    return Actor(
        user_id=user.id,
        organisation_id=chosen.organisation_id if chosen else None,
        roles=frozenset(roles),
        scopes=given & LEVELS[chosen.level].scopes if chosen is not None else given,
        principals=frozenset(granted),
        holders_only=frozenset(key for key, covered in granted.items() if covered == {"holder"}),
        licensees_only=frozenset(key for key, covered in granted.items() if covered == {"licensee"}),
        proven=user.email_verified_at is not None,
    )


def _principals_today(agent_id: int) -> dict[int, set[str]]:
    """The organisations that this one acts for today, each with the scopes that are covered.

    Those whose mandates it has accepted; and those that it has succeeded, whose rights and duties it has
    (Civil Code 67).
    """
    today = clock.today()
    query = sa.select(Mandate.principal_id, Mandate.scope).where(
        Mandate.agent_id == agent_id,
        Mandate.valid_from <= today,
        Mandate.valid_to >= today,
        Mandate.state == "accepted",
    )
    granted: dict[int, set[str]] = {}
    for principal_id, scope in db.session.execute(query):
        granted.setdefault(principal_id, set()).add(scope)
    reached = [agent_id]
    while reached:
        before = sa.select(Organisation.id).where(
            Organisation.succeeded_by_id.in_(reached), Organisation.succeeded_on <= today
        )
        reached = list(db.session.scalars(before))
        for predecessor_id in reached:
            granted.setdefault(predecessor_id, set()).add("both")
    return granted


def user_by_email(email: str) -> User | None:
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def create_token(
    user: User, scopes: frozenset[str], organisation_id: int | None = None, label: str = ""
) -> str:
    """A new API token; the plain text is returned once and only its hash is kept.

    Args:
        organisation_id: for whom the token acts; needed when the user belongs to several.

    Raises:
        Invalid: `organisation-needed`, `scope-unknown`.
    """
    unknown = scopes - {"read", "write"}
    if unknown or not scopes:
        raise Invalid("scope-unknown", "Scopes are read and write.")
    mine = [membership.organisation_id for membership in user.memberships]
    if organisation_id is None and len(mine) > 1:
        raise Invalid("organisation-needed", "Please say for which organisation the token acts.")
    if organisation_id is not None and organisation_id not in mine:
        raise Invalid("not-a-member", "You do not act for this organisation.")
    plain = f"olm_{secrets.token_urlsafe(32)}"
    token = Token(
        user=user,
        organisation_id=organisation_id or (mine[0] if mine else None),
        token_hash=digest_of(plain),
        scopes=sorted(scopes),
        label=label[:80],
        created_at=clock.now(),
        expires_at=clock.now() + TOKEN_LIFETIME,
    )
    db.session.add(token)
    record("token.created", token, organisation_id=token.organisation_id, user=user.id)
    return plain


def actor_of_token(plain: str) -> Actor:
    """The actor behind a bearer token.

    Raises:
        Unauthenticated: `token-invalid`: unknown, expired or revoked.
    """
    token = db.session.scalar(sa.select(Token).where(Token.token_hash == digest_of(plain)))
    if (
        token is None
        or token.revoked_at is not None
        or token.expires_at <= clock.now()
        or not token.user.active
    ):
        raise Unauthenticated("token-invalid", "The token is not valid any more.")
    return actor_for(token.user, token.organisation_id, frozenset(token.scopes))


def revoke_token(token: Token) -> None:
    """End a token at once."""
    token.revoked_at = clock.now()
    record("token.revoked", token, organisation_id=token.organisation_id)


def sign_up(new: NewAccount, *, locale: str) -> User:
    """Make an account for a person who is not known yet, with an organisation of its own.

    A name or a credit code is public and proves nothing, so nobody becomes a member of an organisation that
    is known here by typing them: its members decide who joins, and the operator opens its first account. A
    code stays self-stated until it is confirmed; where another organisation has it, the operator is told.

    Raises:
        Invalid: `email-taken`, `organisation-has-members`, `organisation-known`, `role-unknown` for
            staff, and what `create_account` raises.
    """
    if new.role not in _TYPE_OF_ROLE:
        raise Invalid("role-unknown", "This role is not known.", role=new.role)
    if user_by_email(clean_email(new.email)) is not None:
        message = N_("There is an account with this address already: please sign in.")
        raise Invalid("email-taken", message, fields={"email": [message]})
    if new.role != "individual":
        _refuse_known(new)
    # People share names; and nobody joins by typing.
    user, _ = create_account(replace(new, apart=True, self_stated=True))
    user.locale = locale
    send_link(user)
    return user


def _refuse_known(new: NewAccount) -> None:
    if not new.organisation:
        return
    query = sa.select(Organisation).where(Organisation.name == new.organisation.strip())
    code = clean_code(new.code)
    if code is not None:
        # A namesake with another code is another organisation.
        query = query.where(sa.or_(Organisation.code.is_(None), Organisation.code == code))
    found = db.session.scalar(query.order_by(Organisation.id).limit(1))
    if found is None:
        return
    if found.joined:
        kind, message = (
            "organisation-has-members",
            N_(
                "This organisation has members here already: sign up as an individual, "
                "then ask to join it on the page of your account."
            ),
        )
    else:
        kind, message = (
            "organisation-known",
            N_(
                "This organisation is known here already. Sign up as an individual, then ask to join it on "
                "the page of your account: the operator answers once you have shown that you act for it."
            ),
        )
    raise Invalid(kind, message, fields={"organisation": [message]})


def set_second_factor(user_id: int, secret: str) -> User:
    """Keep the secret of a person's authenticator."""
    user = lock(User, user_id)
    user.totp_secret = secret
    record("account.second_factor_set", user)
    return user


def use_code(user_id: int, code: str) -> bool:
    """Whether a code of the person's authenticator is right; each is taken once (RFC 6238 §5.2).

    The step before and the one after the present are accepted, for clocks that differ.
    """
    user = lock(User, user_id)
    if user.totp_secret is None:
        return False
    totp, now = pyotp.TOTP(user.totp_secret), clock.now()
    present = totp.timecode(now)
    for step in (present - 1, present, present + 1):
        fresh = user.totp_step is None or step > user.totp_step
        if fresh and hmac.compare_digest(totp.generate_otp(step), code):
            user.totp_step = step
            return True
    return False


_EDITABLE = frozenset(
    {
        "name_en",
        "type",
        "region",
        "state_established",
        "bank_account_name",
        "bank_name",
        "bank_account",
        "stripe_account",
    }
)


def edit_organisation(
    actor: Actor, organisation_id: int, values: Mapping[str, str | bool | None]
) -> Organisation:
    """Change what an organisation says of itself and where it is paid.

    English name, type, district and whether the state established it are dated: what held until yesterday is
    kept, and figures take what held at an announcement.

    Raises:
        NotFound, Forbidden: not one that the actor administers.
        Invalid: `type-unknown`: agencies and persons do not change into anything else.
    """
    organisation = lock(Organisation, organisation_id)
    require(actor, "organisation.edit", organisation)
    changed = {
        name: value
        for name, value in values.items()
        if name in _EDITABLE and getattr(organisation, name) != value
    }
    if "type" in changed and not {changed["type"], organisation.type} <= OWNER_TYPES:
        message = N_("This type of organisation cannot be chosen here.")
        raise Invalid("type-unknown", message, fields={"type": [message]})
    past.change(organisation, changed)
    if changed:
        record("organisation.changed", organisation, organisation_id=organisation.id, fields=sorted(changed))
    return organisation


def add_member(actor: Actor, organisation_id: int, email: str) -> Membership:
    """Let a person who has an account act for an organisation, as the operator: members invite instead.

    Raises:
        Invalid: `account-unknown`, `already-member`.
        Forbidden: not an operator.
    """
    organisation = lock(Organisation, organisation_id)
    require(actor, "member.add", organisation)
    user = user_by_email(email)
    if user is None or user.staff_role is not None:
        message = N_("There is no account with this address yet: the person signs up as an individual first.")
        raise Invalid("account-unknown", message, fields={"email": [message]})
    if any(one.organisation_id == organisation_id for one in user.memberships):
        message = N_("This person is a member already.")
        raise Invalid("already-member", message, fields={"email": [message]})
    role = "manager" if organisation.type == "agency" else "member"
    return add_membership(user, organisation, role, level="administrator")
