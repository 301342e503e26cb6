"""Members of an organisation: invited by mail, asking to join, their levels, leaving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record

from .access_log import services as access_log
from .levels import LEVELS
from .lifecycle import INVITATION, JOIN_REQUEST
from .links import digest_of, new_nonce, token_of
from .models import Invitation, JoinRequest, Membership, Organisation, Token, User
from .services import NewAccount, add_membership, clean_email, get_organisation, sign_up

VALID_FOR: Final = dt.timedelta(days=14)
TASK: Final = "accounts.mail_invitation"
ANSWER_TASK: Final = "accounts.mail_answer"
_PURPOSE: Final = "invitation"


def members_of(actor: Actor, organisation_id: int) -> Sequence[Membership]:
    """The members with their people, in the order they came.

    Raises:
        NotFound, Forbidden: not one's own organisation.
    """
    require(actor, "member.see", get_organisation(organisation_id))
    query = (
        sa.select(Membership)
        .where(Membership.organisation_id == organisation_id)
        .options(joinedload(Membership.user))
        .order_by(Membership.id)
    )
    found = db.session.scalars(query).all()
    people = [one.user_id for one in found]
    access_log.note(actor, "members", people, organisation_id=organisation_id)
    return found


def open_invitations(actor: Actor, organisation_id: int) -> Sequence[Invitation]:
    """Invitations that nobody has taken yet, those past their day too, newest first."""
    require(actor, "member.see", get_organisation(organisation_id))
    query = sa.select(Invitation).where(
        Invitation.organisation_id == organisation_id, Invitation.state == INVITATION.initial
    )
    return db.session.scalars(query.order_by(Invitation.id.desc())).all()


def invite(actor: Actor, organisation_id: int, email: str, level: str, *, locale: str = "zh") -> Invitation:
    """Ask an address to act for the organisation: a link is sent that works once, for 14 days.

    Asking again sends a new link and makes the one before void.

    Raises:
        NotFound, Forbidden: not the actor's to decide; `address-unproven`.
        Invalid: `email-invalid`, `level-unknown`, `already-member`.
    """
    organisation = lock(Organisation, get_organisation(organisation_id).id)
    require(actor, "member.invite", organisation)
    address = clean_email(email.strip())
    _known_level(level)
    _refuse_member(db.session.scalar(sa.select(User).where(User.email == address)), organisation)
    before = db.session.scalar(
        sa.select(Invitation).where(
            Invitation.organisation_id == organisation.id,
            Invitation.email == address,
            Invitation.state == INVITATION.initial,
        )
    )
    if before is not None:
        revoke_invitation(actor, before.id)
    nonce = new_nonce()
    invitation = Invitation(
        organisation=organisation,
        email=address,
        level=level,
        state=INVITATION.initial,
        locale=locale,
        nonce=nonce,
        token_hash=digest_of(token_of(nonce, _PURPOSE)),
        invited_by=actor.user_id,
        created_at=clock.now(),
        expires_at=clock.now() + VALID_FOR,
    )
    db.session.add(invitation)
    record("invitation.sent", invitation, organisation_id=organisation.id, level=level)
    enqueue(TASK, key=str(invitation.id), invitation_id=invitation.id)
    return invitation


def link_token(invitation: Invitation) -> str:
    """What the mailed link carries."""
    return token_of(invitation.nonce, _PURPOSE)


def revoke_invitation(actor: Actor, invitation_id: int) -> Invitation:
    """Make the link of an invitation void.

    Raises:
        NotFound: not one of an organisation that the actor administers.
        Conflict: `illegal-transition`: it was taken or is void already.
    """
    invitation = db.session.get(Invitation, invitation_id)
    if invitation is None or not (actor.is_operator or invitation.organisation_id in actor.own):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    invitation = lock(Invitation, invitation_id)
    _end(actor, invitation, "revoke")
    return invitation


def invitation_of(token: str) -> Invitation | None:
    """The invitation that a link stands for, None if it is forged, used, void or too old."""
    found = db.session.scalar(sa.select(Invitation).where(Invitation.token_hash == digest_of(token)))
    if found is None or found.state != INVITATION.initial or found.expires_at <= clock.now():
        return None
    return found


def accept_invitation(user_id: int, token: str) -> Membership:
    """Become a member by the link of an invitation, which works once.

    Whoever holds the link has it from the invited mailbox, so the address is proven along the way where it is
    the account's own.

    Raises:
        NotFound: `invitation-over`.
        Invalid: `already-member`; `staff-alone`.
    """
    invitation = invitation_of(token)
    if invitation is None:
        raise NotFound("invitation-over", "This invitation is over, or was used already.")
    organisation = lock(Organisation, invitation.organisation_id)
    invitation = lock(Invitation, invitation.id)
    user = lock(User, user_id)
    if user.staff_role is not None:
        raise Invalid("staff-alone", "Bureau and operators act for no organisation: leave this empty.")
    _refuse_member(user, organisation)
    invitation.accepted_by = user.id
    _end(SYSTEM, invitation, "accept")
    if user.email == invitation.email and user.email_verified_at is None:
        user.email_verified_at = clock.now()
        record("account.address_proven", user)
    return add_membership(user, organisation, _role(organisation), level=invitation.level)


def sign_up_invited(new: NewAccount, token: str, *, locale: str) -> User:
    """Make an account for a person who follows an invitation, and accept it: both or neither.

    The person gets no organisation besides the one that asked.

    Raises:
        Invalid: what `sign_up` raises; NotFound: `invitation-over`.
    """
    user = sign_up(replace(new, invited=True), locale=locale)
    accept_invitation(user.id, token)
    return user


def _end(actor: Actor, invitation: Invitation, action: str) -> None:
    def effect() -> None:
        invitation.ended_at = clock.now()

    INVITATION.execute(actor, invitation, action, effect=effect, organisation_id=invitation.organisation_id)


def set_level(actor: Actor, organisation_id: int, user_id: int, level: str) -> Membership:
    """Change what a member may do.

    Raises:
        NotFound: no such member; Forbidden: not the actor's to decide.
        Invalid: `level-unknown`.
        Conflict: `last-administrator`.
    """
    organisation = lock(Organisation, get_organisation(organisation_id).id)
    require(actor, "member.change", organisation)
    _known_level(level)
    membership = _membership(organisation.id, user_id)
    if membership.level == level:
        return membership
    if level != "administrator":
        _refuse_last(membership)
    membership.level = level
    record("member.level_set", organisation, organisation_id=organisation.id, user=user_id, level=level)
    return membership


def remove_member(actor: Actor, organisation_id: int, user_id: int) -> None:
    """End a membership: the person's sessions and tokens for that organisation end at once.

    Members may leave by themselves; the last administrator of an organisation stays as long as it has others.

    Raises:
        NotFound: no such member; Forbidden: not the actor's to decide.
        Conflict: `last-administrator`.
    """
    organisation = lock(Organisation, get_organisation(organisation_id).id)
    own = user_id == actor.user_id and organisation.id in actor.own
    require(actor, "member.leave" if own else "member.change", organisation)
    membership = _membership(organisation.id, user_id)
    _refuse_last(membership)
    end_tokens(user_id, organisation.id)
    db.session.delete(membership)
    record(
        "member.left" if own else "member.removed",
        organisation,
        organisation_id=organisation.id,
        user=user_id,
    )


def end_tokens(user_id: int, organisation_id: int | None = None) -> int:
    """Revoke a person's API tokens, for one organisation or all. Returns how many."""
    query = sa.select(Token).where(Token.user_id == user_id, Token.revoked_at.is_(None))
    if organisation_id is not None:
        query = query.where(Token.organisation_id == organisation_id)
    tokens = db.session.scalars(query).all()
    for token in tokens:
        token.revoked_at = clock.now()
        record("token.revoked", token, organisation_id=token.organisation_id)
    return len(tokens)


# --- asking to join


def ask_to_join(actor: Actor, organisation_id: int, message: str | None = None) -> JoinRequest:
    """Ask to act for an organisation that is known here. Its administrators answer, else the operator.

    Raises:
        NotFound: `organisation-not-found`.
        Invalid: `already-member`, `join-asked` when a request is open, `staff-alone`.
    """
    organisation = get_organisation(organisation_id)
    require(actor, "organisation.join", organisation)
    user = db.session.get_one(User, actor.user_id)
    if user.staff_role is not None:
        raise Invalid("staff-alone", "Bureau and operators act for no organisation: leave this empty.")
    _refuse_member(user, organisation)
    waiting = db.session.scalar(
        sa.select(JoinRequest.id).where(
            JoinRequest.user_id == user.id,
            JoinRequest.organisation_id == organisation.id,
            JoinRequest.state == JOIN_REQUEST.initial,
        )
    )
    if waiting is not None:
        raise Invalid("join-asked", "You have asked already: the answer is still to come.")
    request = JoinRequest(
        user=user,
        organisation=organisation,
        state=JOIN_REQUEST.initial,
        message=(message or "").strip()[:500] or None,
        created_at=clock.now(),
    )
    db.session.add(request)
    record(
        "join_request.asked",
        request,
        organisation_id=organisation.id,
        to="administrators" if has_administrator(organisation.id) else "operator",
    )
    return request


def answer_request(actor: Actor, request_id: int, action: str, *, level: str = "viewer") -> JoinRequest:
    """Accept or refuse a request to join, or take one's own back.

    Args:
        action: `accept`, `refuse` or `withdraw`.
        level: what the new member may do; the first one of an organisation is its administrator.

    Raises:
        NotFound: it is not the actor's to see.
        Conflict: `illegal-transition`: it is answered.
        Invalid: `level-unknown`.
    """
    found = db.session.get(JoinRequest, request_id)
    mine = found is not None and found.user_id == actor.user_id
    if found is None or not (mine or actor.is_operator or found.organisation_id in actor.own):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    _known_level(level)
    organisation = lock(Organisation, found.organisation_id)
    request = lock(JoinRequest, request_id)

    def effect() -> None:
        request.decided_by, request.decided_at = actor.user_id, clock.now()

    JOIN_REQUEST.execute(actor, request, action, effect=effect, organisation_id=organisation.id)
    if action != "withdraw":
        enqueue(ANSWER_TASK, key=str(request.id), request_id=request.id)
    user = lock(User, request.user_id)
    if action == "accept" and all(one.organisation_id != organisation.id for one in user.memberships):
        first = not has_administrator(organisation.id)
        add_membership(user, organisation, _role(organisation), level="administrator" if first else level)
    return request


def open_requests(
    actor: Actor, organisation_id: int | None = None, *, limit: int = 50
) -> Sequence[JoinRequest]:
    """Requests without an answer, oldest first: of one organisation, or those that fall to the operator."""
    query = sa.select(JoinRequest).where(JoinRequest.state == JOIN_REQUEST.initial)
    if organisation_id is not None:
        require(actor, "member.see", get_organisation(organisation_id))
        query = query.where(JoinRequest.organisation_id == organisation_id)
    else:
        require(actor, "account.administer")
        answered = sa.select(Membership.organisation_id).where(Membership.level == "administrator")
        query = query.where(JoinRequest.organisation_id.not_in(answered))
    return db.session.scalars(query.order_by(JoinRequest.id).limit(limit)).all()


def own_requests(actor: Actor) -> Sequence[JoinRequest]:
    """The person's requests that are still open."""
    query = sa.select(JoinRequest).where(
        JoinRequest.user_id == actor.user_id, JoinRequest.state == JOIN_REQUEST.initial
    )
    return db.session.scalars(query.order_by(JoinRequest.id)).all()


def has_administrator(organisation_id: int) -> bool:
    """Whether somebody who can sign in decides for the organisation."""
    query = (
        sa.select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == organisation_id, Membership.level == "administrator", User.active
        )
    )
    return db.session.scalar(query.limit(1)) is not None


def _role(organisation: Organisation) -> str:
    return "manager" if organisation.type == "agency" else "member"


def _known_level(level: str) -> None:
    if level not in LEVELS:
        raise Invalid("level-unknown", "Please choose what the member may do.")


def _refuse_member(user: User | None, organisation: Organisation) -> None:
    if user is not None and any(one.organisation_id == organisation.id for one in user.memberships):
        message = N_("This person is a member already.")
        raise Invalid("already-member", message, fields={"email": [message]})


def _membership(organisation_id: int, user_id: int) -> Membership:
    found = db.session.scalar(
        sa.select(Membership).where(
            Membership.organisation_id == organisation_id, Membership.user_id == user_id
        )
    )
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def _refuse_last(membership: Membership) -> None:
    """The organisation is locked: two administrators who leave at once do not both pass."""
    if membership.level != "administrator":
        return
    others = db.session.scalar(
        sa.select(sa.func.count(Membership.id))
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == membership.organisation_id,
            Membership.level == "administrator",
            Membership.id != membership.id,
            User.active,
        )
    )
    if not others:
        raise Conflict(
            "last-administrator",
            "The last administrator cannot leave: make another member administrator first.",
        )
