"""Making accounts, claiming organisations, and giving tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
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
from marketplace.core.errors import N_, Conflict, Invalid, NotFound, Unauthenticated
from marketplace.core.identifiers import InvalidNumber, credit_code
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .confirming import clean_code, confirm_by, note_clashes
from .models import Mandate, Membership, Organisation, Token, User

ROLES = ("holder", "firm", "individual", "manager", "bureau", "operator")
TOKEN_LIFETIME = dt.timedelta(days=365)
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

    Joins the organisation with that code, else with exactly that name, else creates it.

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

    The first member claims the organisation: from then on notices to it are served on arrival. The code of a
    new one is confirmed when an operator gives it, and self-stated when the person does.

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
        if sure_code is not None:
            if not self_stated:
                confirm_by(organisation, "account")
            note_clashes([organisation.id])
    if all(m.organisation_id != organisation.id for m in user.memberships):
        _add_membership(user, organisation, role)
    return organisation


def _add_membership(user: User, organisation: Organisation, role: str) -> Membership:
    """Make the user a member; the first one claims the organisation."""
    membership = Membership(organisation=organisation, role=role, created_at=clock.now())
    user.memberships.append(membership)
    record("organisation.joined", organisation, organisation_id=organisation.id, user=user.id)
    if organisation.claimed_at is None:
        organisation.claimed_at = clock.now()
        record("organisation.claimed", organisation, organisation_id=organisation.id, user=user.id)
    return membership


def find_organisation(name: str | None, code: str | None, *, matchable: bool = False) -> Organisation | None:
    """By code, else by exact name.

    A code counts only where it is confirmed, or where nobody speaks for the organisation: what a member
    has typed matches nothing by itself.

    Args:
        matchable: with a code, pass over organisations whose members only state who they are, namesakes too.
    """
    vouched = sa.or_(Organisation.identity == "confirmed", Organisation.claimed_at.is_(None))
    best_first = (sa.case((Organisation.identity == "confirmed", 0), else_=1), Organisation.id)
    if code:
        found = db.session.scalar(
            sa.select(Organisation).where(Organisation.code == code, vouched).order_by(*best_first).limit(1)
        )
        if found is not None:
            return found
    if not name:
        return None
    query = sa.select(Organisation).where(Organisation.name == name.strip())
    if code:
        # A namesake with another code is another organisation.
        query = query.where(sa.or_(Organisation.code.is_(None), Organisation.code == code))
        if matchable:
            query = query.where(vouched)
    return db.session.scalar(query.order_by(*best_first).limit(1))


def get_organisation(organisation_id: int) -> Organisation:
    """One organisation.

    Raises:
        NotFound: `organisation-not-found`.
    """
    found = db.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    return found


def actor_for(user: User, organisation_id: int | None, scopes: frozenset[str] | None = None) -> Actor:
    """The actor that a user is when acting for one of their organisations (None: the first, if any).

    Raises:
        Unauthenticated: `not-a-member`, when the user does not belong to that organisation.
    """
    roles: set[str] = {user.staff_role} if user.staff_role else set()
    chosen = None
    for membership in sorted(user.memberships, key=lambda m: m.id):
        if organisation_id is None or membership.organisation_id == organisation_id:
            chosen = membership
            break
    if chosen is None and organisation_id is not None:
        raise Unauthenticated("not-a-member", "You do not act for this organisation.")
    if chosen is not None:
        roles.add("manager" if chosen.role == "manager" else "member")
    granted = _mandates_today(chosen.organisation_id) if chosen else {}
    return Actor(
        user_id=user.id,
        organisation_id=chosen.organisation_id if chosen else None,
        roles=frozenset(roles),
        scopes=frozenset({"read", "write"}) if scopes is None else scopes,
        principals=frozenset(granted),
        holders_only=frozenset(key for key, covered in granted.items() if covered == {"holder"}),
        licensees_only=frozenset(key for key, covered in granted.items() if covered == {"licensee"}),
    )


def _mandates_today(agent_id: int) -> dict[int, set[str]]:
    """The organisations whose mandates to this one are valid today, each with the scopes they cover."""
    today = clock.today()
    query = sa.select(Mandate.principal_id, Mandate.scope).where(
        Mandate.agent_id == agent_id,
        Mandate.valid_from <= today,
        Mandate.valid_to >= today,
        Mandate.revoked_at.is_(None),
    )
    granted: dict[int, set[str]] = {}
    for principal_id, scope in db.session.execute(query):
        granted.setdefault(principal_id, set()).add(scope)
    return granted


def grant_mandate(principal: Organisation, agent: Organisation, *, scope: str, until: dt.date) -> Mandate:
    """Let an agency act for a principal from today until a date (inclusive).

    Raises:
        Conflict: `mandate-with-oneself`.
    """
    if principal.id == agent.id:
        raise Conflict("mandate-with-oneself", "An organisation needs no mandate to act for itself.")
    mandate = Mandate(
        agent=agent,
        principal=principal,
        scope=scope,
        valid_from=clock.today(),
        valid_to=until,
        created_at=clock.now(),
    )
    db.session.add(mandate)
    record("mandate.granted", mandate, organisation_id=principal.id, agent=agent.id)
    return mandate


def user_by_email(email: str) -> User | None:
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


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
        token_hash=_digest(plain),
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
    token = db.session.scalar(sa.select(Token).where(Token.token_hash == _digest(plain)))
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
                "then ask one of them to add your address."
            ),
        )
    else:
        kind, message = (
            "organisation-known",
            N_(
                "This organisation is known here already. To protect it, the operator opens its first "
                "account once you have shown that you act for it. You may sign up as an individual meanwhile."
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
    {"name_en", "region", "bank_account_name", "bank_name", "bank_account", "stripe_account"}
)


def edit_organisation(actor: Actor, organisation_id: int, values: Mapping[str, str | None]) -> Organisation:
    """Change what an organisation says of itself and where it is paid.

    Raises:
        NotFound, Forbidden: not the actor's organisation.
    """
    organisation = lock(Organisation, organisation_id)
    require(actor, "organisation.edit", organisation)
    changed = sorted(
        name for name, value in values.items() if name in _EDITABLE and getattr(organisation, name) != value
    )
    for name in changed:
        setattr(organisation, name, values[name])
    if changed:
        record("organisation.changed", organisation, organisation_id=organisation.id, fields=changed)
    return organisation


def mandate_agency(actor: Actor, principal_id: int, *, agency: str, scope: str, until: dt.date) -> Mandate:
    """Let the agency with this exact name or credit code act for a principal, from today.

    Raises:
        Invalid: `agency-unknown`, `date-past`.
        Conflict: `mandate-with-oneself`.
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
    return grant_mandate(principal, agent, scope=scope, until=until)


def revoke_mandate(actor: Actor, mandate_id: int) -> Mandate:
    """End a power of attorney at once.

    Raises:
        NotFound, Forbidden: not one of the actor's organisation.
    """
    found = db.session.get(Mandate, mandate_id)
    if found is None or not (actor.is_operator or actor.acts_for(found.principal_id)):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    mandate = lock(Mandate, mandate_id)
    require(actor, "mandate.grant", mandate.principal)
    mandate.revoked_at = clock.now()
    record("mandate.revoked", mandate, organisation_id=mandate.principal_id, agent=mandate.agent_id)
    return mandate


def add_member(actor: Actor, organisation_id: int, email: str) -> Membership:
    """Let a person who has an account act for one's organisation as well.

    Raises:
        Invalid: `account-unknown`, `already-member`.
        NotFound, Forbidden: not the actor's organisation.
    """
    organisation = lock(Organisation, organisation_id)
    require(actor, "organisation.edit", organisation)
    user = user_by_email(email)
    if user is None or user.staff_role is not None:
        message = N_("There is no account with this address yet: the person signs up as an individual first.")
        raise Invalid("account-unknown", message, fields={"email": [message]})
    if any(one.organisation_id == organisation_id for one in user.memberships):
        message = N_("This person is a member already.")
        raise Invalid("already-member", message, fields={"email": [message]})
    return _add_membership(user, organisation, "manager" if organisation.type == "agency" else "member")
