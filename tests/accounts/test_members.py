"""Members come by invitation or by asking, have levels, and leave; addresses are shown to be one's own."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes, policy
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from marketplace.accounts import addresses, members, services
from marketplace.accounts.levels import LEVELS
from marketplace.accounts.lifecycle import INVITATION, JOIN_REQUEST
from marketplace.accounts.models import Invitation, JoinRequest, Membership, Organisation, Token, User
from marketplace.accounts.services import NewAccount
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.permissions import allowed
from marketplace.core.tasks import run_next
from marketplace.core.unit_of_work import unit_of_work
from tests import factories

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def firm(context: None) -> Organisation:
    with unit_of_work():
        return factories.organisation("示例科技有限公司")


@pytest.fixture
def admin(firm: Organisation) -> Actor:
    with unit_of_work():
        return factories.actor(firm)


def mailed() -> list[str]:
    """The texts of the mails that the tasks sent."""
    handlers = current_app.extensions["marketplace.work"].tasks
    while run_next(handlers):
        pass
    found = []
    for path in sorted((current_app.config["SETTINGS"].instance_dir / "mail").glob("*.eml")):
        found.append(message_from_bytes(path.read_bytes(), policy=policy.default).get_content())
        path.unlink()
    return found


def joined(firm: Organisation, level: str) -> tuple[User, Actor]:
    with unit_of_work():
        user = factories.user(firm)
        user.memberships[0].level = level
    return user, services.actor_for(user, firm.id)


def test_an_invitation_by_mail_makes_a_member_once(firm: Organisation, admin: Actor) -> None:
    with unit_of_work():
        person = factories.user(email="colleague@example.org", email_verified_at=None)
    with unit_of_work(admin):
        invitation = members.invite(admin, firm.id, " Colleague@example.org ", "editor")
    [text] = mailed()
    token = re.search(r"/invitations/(\w+)", text)[1]
    assert token not in (invitation.nonce, invitation.token_hash)
    with unit_of_work(Actor(user_id=person.id)):
        membership = members.accept_invitation(person.id, token)
    assert (membership.level, membership.role) == ("editor", "member")
    assert person.email_verified_at is not None
    with pytest.raises(NotFound, match="invitation-over"), unit_of_work(Actor(user_id=person.id)):
        members.accept_invitation(person.id, token)


def test_a_new_invitation_or_a_revocation_makes_the_link_void(firm: Organisation, admin: Actor) -> None:
    with unit_of_work(admin):
        first = members.invite(admin, firm.id, "a@example.org", "viewer")
    with unit_of_work(admin):
        second = members.invite(admin, firm.id, "a@example.org", "editor")
    assert members.invitation_of(members.link_token(first)) is None
    assert members.invitation_of(members.link_token(second)) is second
    with clock.at(clock.now() + members.VALID_FOR):
        assert members.invitation_of(members.link_token(second)) is None
    with unit_of_work(admin):
        members.revoke_invitation(admin, second.id)
    assert members.invitation_of(members.link_token(second)) is None
    assert len(mailed()) == 0


def test_levels_say_who_may_do_what(firm: Organisation) -> None:
    _, editor = joined(firm, "editor")
    _, viewer = joined(firm, "viewer")
    _, administrator = joined(firm, "administrator")
    assert set(LEVELS) == {"administrator", "editor", "viewer"}
    decided = ("organisation.edit", "member.invite", "member.change", "mandate.grant", "verification.submit")
    for action in decided:
        assert allowed(administrator, action, firm).allowed
        assert not allowed(editor, action, firm).allowed
        assert not allowed(viewer, action, firm).allowed
    assert allowed(editor, "demand.post").allowed
    with pytest.raises(Forbidden, match="viewer-only-looks"), unit_of_work(viewer):
        services.edit_organisation(viewer, firm.id, {"region": None})


def test_a_token_never_gets_beyond_its_member(firm: Organisation) -> None:
    user, _ = joined(firm, "viewer")
    with unit_of_work(Actor(user_id=user.id)):
        plain = services.create_token(user, frozenset({"read", "write"}))
    assert services.actor_of_token(plain).scopes == {"read"}


def test_the_last_administrator_stays(firm: Organisation, admin: Actor) -> None:
    assert admin.user_id is not None
    for deed in (
        lambda: members.remove_member(admin, firm.id, admin.user_id),
        lambda: members.set_level(admin, firm.id, admin.user_id, "viewer"),
    ):
        with pytest.raises(Conflict, match="last-administrator"), unit_of_work(admin):
            deed()
    other, _ = joined(firm, "editor")
    with unit_of_work(admin):
        members.set_level(admin, firm.id, other.id, "administrator")
    with unit_of_work(admin):
        members.remove_member(admin, firm.id, admin.user_id)
    assert members.has_administrator(firm.id)


def test_who_is_removed_loses_sessions_and_tokens_for_that_organisation_only(
    firm: Organisation, admin: Actor
) -> None:
    user, actor = joined(firm, "administrator")
    with unit_of_work():
        other = factories.organisation()
        services.add_membership(user, other, "member", level="editor")
    with unit_of_work(actor):
        for organisation in (firm, other):
            services.create_token(user, frozenset({"read"}), organisation.id)
    tokens = db.session.scalars(sa.select(Token).where(Token.user_id == user.id).order_by(Token.id)).all()
    with unit_of_work(admin):
        members.remove_member(admin, firm.id, user.id)
    assert [token.revoked_at is None for token in tokens] == [False, True]
    db.session.expire_all()
    with pytest.raises(Unauthenticated, match="not-a-member"):
        services.actor_for(db.session.get_one(User, user.id), firm.id)
    assert services.actor_for(db.session.get_one(User, user.id), None).organisation_id == other.id


def test_strangers_and_agents_decide_nothing_about_members(firm: Organisation, admin: Actor) -> None:
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    agent = Actor(
        user_id=stranger.user_id,
        organisation_id=stranger.organisation_id,
        roles=stranger.roles,
        principals=frozenset({firm.id}),
    )
    with unit_of_work(admin):
        invitation = members.invite(admin, firm.id, "a@example.org", "viewer")
    deeds: tuple[Any, ...] = (
        lambda actor: members.invite(actor, firm.id, "b@example.org", "administrator"),
        lambda actor: members.revoke_invitation(actor, invitation.id),
        lambda actor: members.set_level(actor, firm.id, admin.user_id, "viewer"),
        lambda actor: members.remove_member(actor, firm.id, admin.user_id),
        lambda actor: members.members_of(actor, firm.id),
        lambda actor: members.open_requests(actor, firm.id),
        lambda actor: members.open_requests(actor),
    )
    for actor in (stranger, agent):
        for deed in deeds:
            with pytest.raises(DomainError), unit_of_work(actor):
                deed(actor)


def test_asking_to_join_is_answered_by_an_administrator(firm: Organisation, admin: Actor) -> None:
    with unit_of_work():
        person = factories.user()
    asker = services.actor_for(person, None)
    with unit_of_work(asker):
        request = members.ask_to_join(asker, firm.id, "研发部")
    with pytest.raises(Invalid, match="join-asked"), unit_of_work(asker):
        members.ask_to_join(asker, firm.id)
    assert [one.id for one in members.open_requests(admin, firm.id)] == [request.id]
    with pytest.raises(DomainError), unit_of_work(asker):
        members.answer_request(asker, request.id, "accept", level="administrator")
    with unit_of_work(admin):
        members.answer_request(admin, request.id, "accept", level="editor")
    assert [(one.organisation_id, one.level) for one in person.memberships] == [(firm.id, "editor")]


def test_an_organisation_without_members_is_joined_through_the_operator() -> None:
    with unit_of_work():
        unclaimed = factories.organisation("示例大学", joined=False)
        person = factories.user()
        operator = factories.operator()
    asker = services.actor_for(person, None)
    with unit_of_work(asker):
        request = members.ask_to_join(asker, unclaimed.id)
    assert [one.id for one in members.open_requests(operator)] == [request.id]
    with unit_of_work(operator):
        members.answer_request(operator, request.id, "accept", level="viewer")
    assert unclaimed.joined
    # Somebody has to decide there from now on.
    assert person.memberships[0].level == "administrator"


def test_an_unproven_address_publishes_nothing_and_invites_nobody_but_takes_licences() -> None:
    with unit_of_work():
        user = services.sign_up(
            NewAccount(email="new@example.org", role="firm", organisation="新公司"), locale="zh"
        )
        holder = factories.organisation()
        offer = factories.live_offer(holder)
    actor = services.actor_for(user, None)
    assert not actor.proven
    organisation = user.memberships[0].organisation
    assert allowed(actor, "member.invite", organisation).reason == "address-unproven"
    assert allowed(actor, "notice.serve", offer).allowed
    assert allowed(actor, "demand.post").allowed
    [text] = mailed()
    code = re.search(r"/account/address/(\S+)", text)[1]
    assert addresses.user_of_code(code) is user
    assert addresses.user_of_code(code + "x") is None
    with clock.at(clock.now() + dt.timedelta(days=4)):
        assert addresses.user_of_code(code) is None
    with unit_of_work(actor):
        addresses.prove_address(user.id)
    assert allowed(services.actor_for(user, None), "member.invite", organisation).allowed


def test_accounts_that_an_operator_opens_need_no_proof() -> None:
    with unit_of_work():
        user, _ = services.create_account(NewAccount(email="o@example.org", role="firm", organisation="单位"))
    assert services.actor_for(user, None).proven


@pytest.mark.parametrize(
    ("model", "cycle"), [(Invitation, INVITATION), (JoinRequest, JOIN_REQUEST)], ids=["invitation", "request"]
)
def test_the_tables_hold_every_state_of_the_database(model: Any, cycle: Any) -> None:
    checks = [str(one.sqltext) for one in model.__table__.constraints if isinstance(one, sa.CheckConstraint)]
    listed = next(text for text in checks if text.startswith("state IN"))
    assert set(re.findall(r"'(\w+)'", listed)) == set(cycle.states)


def test_existing_members_are_administrators(firm: Organisation, admin: Actor) -> None:
    row = db.session.scalars(sa.select(Membership).where(Membership.organisation_id == firm.id)).one()
    assert row.level == "administrator"
