"""Who comes to act for an organisation, and how."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.accounts import services
from marketplace.accounts.services import NewAccount
from marketplace.core.errors import Invalid
from marketplace.core.unit_of_work import unit_of_work
from tests import factories

pytestmark = pytest.mark.usefixtures("context")


def sign_up(role: str, **values: Any) -> Any:
    with unit_of_work():
        return services.sign_up(NewAccount(email="someone@example.org", role=role, **values), locale="zh")


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("role", ["holder", "firm", "manager"])
def test_nobody_becomes_a_member_of_a_known_organisation_by_typing_its_name(role: str, joined: bool) -> None:
    with unit_of_work():
        known = factories.organisation("示例大学", joined=joined)
    with pytest.raises(Invalid, match="organisation-"):
        sign_up(role, organisation="示例大学")
    assert known.joined is joined


def test_a_person_named_like_an_organisation_stands_apart_from_it() -> None:
    with unit_of_work():
        known = factories.organisation("示例大学")
        namesake = factories.organisation("张示例", joined=False, type="individual")
    for email, values in (
        ("a@example.org", {"name": "示例大学"}),
        ("b@example.org", {"name": "张示例", "organisation": "张示例"}),
    ):
        with unit_of_work():
            user = services.sign_up(NewAccount(email=email, role="individual", **values), locale="zh")
        [membership] = user.memberships
        assert membership.organisation_id not in (known.id, namesake.id)
    assert not namesake.joined


def test_a_new_organisation_is_made_with_its_first_member() -> None:
    user = sign_up("firm", organisation="示例科技有限公司")
    [membership] = user.memberships
    assert (membership.organisation.name, membership.organisation.joined) == ("示例科技有限公司", True)


@pytest.mark.parametrize("role", ["bureau", "operator"])
def test_staff_does_not_sign_itself_up(role: str) -> None:
    with pytest.raises(Invalid, match="role-unknown"):
        sign_up(role)


def test_the_operator_opens_the_account_of_a_known_organisation() -> None:
    with unit_of_work():
        known = factories.organisation("示例大学", joined=False)
        _, joined = services.create_account(
            NewAccount(email="office@example.org", role="holder", organisation="示例大学")
        )
    assert joined is known
    assert known.joined


def test_the_first_member_that_an_operator_adds_claims_the_organisation() -> None:
    with unit_of_work():
        known = factories.organisation("示例大学", joined=False)
        person = factories.user()
        operator = factories.operator()
    with unit_of_work(operator):
        services.add_member(operator, known.id, person.email)
    assert known.joined
    assert [membership.organisation_id for membership in person.memberships] == [known.id]


def test_a_token_without_scopes_may_do_nothing() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        person = factories.user(organisation)
    assert services.actor_for(person, organisation.id, frozenset()).scopes == frozenset()
