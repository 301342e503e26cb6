"""A credit code that somebody types proves nothing; what an operator or the bureau confirmed wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.accounts import confirming, mandates, services
from marketplace.accounts.lifecycle import CLASH, IDENTITY
from marketplace.accounts.models import IdentityClash, Organisation
from marketplace.accounts.resolving import Named, known, resolve
from marketplace.accounts.services import NewAccount
from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from tests import factories

pytestmark = pytest.mark.usefixtures("context")

CODE = "9131011200000001X8"
OTHER_CODE = "9131011200000002X9"


def sign_up(email: str, organisation: str, code: str | None = CODE) -> Organisation:
    with unit_of_work():
        user = services.sign_up(
            NewAccount(email=email, role="firm", organisation=organisation, code=code), locale="zh"
        )
        [membership] = user.memberships
        return membership.organisation


def clashes() -> list[tuple[int, int]]:
    rows = db.session.scalars(sa.select(IdentityClash).order_by(IdentityClash.id))
    return [(row.organisation_id, row.other_id) for row in rows if row.state == "open"]


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(JournalEntry.action).order_by(JournalEntry.id)))


@pytest.fixture
def operator() -> Actor:
    with unit_of_work():
        return factories.operator()


def confirm(actor: Actor, organisation: Organisation, **values: Any) -> Organisation:
    with unit_of_work(actor):
        given = {"how": "documents", "source": "营业执照 2026-11-20"} | values
        return confirming.confirm_organisation(actor, organisation.id, **given)


def test_a_typed_code_is_self_stated_and_its_organisation_may_act() -> None:
    organisation = sign_up("a@example.org", "示例甲有限公司")
    assert (organisation.code, organisation.identity, organisation.joined) == (CODE, "stated", True)
    assert not organisation.matchable


def test_a_code_typed_twice_refuses_nobody_and_is_told_to_the_operator() -> None:
    first = sign_up("a@example.org", "示例甲有限公司")
    second = sign_up("b@example.org", "示例乙有限公司")
    assert first.code == second.code == CODE
    assert clashes() == [(second.id, first.id)]
    assert actions().count("organisation.clash_opened") == 1


def test_who_types_the_code_of_a_confirmed_organisation_does_not_get_it_confirmed() -> None:
    with unit_of_work(OPERATOR_COMMAND):
        known_one = Named("示例大学", CODE)
        known_id = resolve([known_one], trusted=True)[known_one]
    typed = sign_up("a@example.org", "示例假冒有限公司")
    assert typed.identity == "stated"
    assert clashes() == [(typed.id, known_id)]
    assert services.find_organisation(None, CODE).id == known_id


def test_an_operators_list_makes_an_organisation_of_its_own_beside_one_that_typed_its_code() -> None:
    typed = sign_up("a@example.org", "示例假冒有限公司")
    named = Named("示例大学", CODE)
    with unit_of_work(OPERATOR_COMMAND):
        found = resolve([named], trusted=True)[named]
    assert found != typed.id
    row = db.session.get_one(Organisation, found)
    assert (row.identity, row.confirmed_how, row.code) == ("confirmed", "import", CODE)
    assert clashes() == [(typed.id, found)]
    with unit_of_work(OPERATOR_COMMAND):
        assert resolve([named], trusted=True)[named] == found
    assert len(clashes()) == 1


def test_an_operators_list_does_not_give_its_code_to_a_namesake_that_signed_itself_up() -> None:
    typed = sign_up("a@example.org", "示例大学", code=None)
    named = Named("示例大学", CODE)
    with unit_of_work(OPERATOR_COMMAND):
        found = resolve([named], trusted=True)[named]
    assert found != typed.id
    assert typed.code is None


def test_a_holders_list_confirms_nobody_and_an_operators_list_confirms_what_it_made() -> None:
    named = Named("示例共有人有限公司", CODE)
    with unit_of_work():
        made = resolve([named], trusted=False)[named]
    assert db.session.get_one(Organisation, made).identity == "stated"
    assert known([named]) == {named: made}
    with unit_of_work(OPERATOR_COMMAND):
        assert resolve([named], trusted=True)[named] == made
    assert db.session.get_one(Organisation, made, populate_existing=True).confirmed_how == "import"


def test_a_list_of_organisations_confirms_and_passes_over_what_was_typed(tmp_path) -> None:
    typed = sign_up("a@example.org", "示例大学")
    file = tmp_path / "organisations.csv"
    file.write_text(f"统一社会信用代码,名称\n{CODE},示例大学\n", encoding="utf-8")
    importing.run("organisations", file, actor=OPERATOR_COMMAND)
    rows = db.session.scalars(sa.select(Organisation).where(Organisation.code == CODE)).all()
    assert sorted((row.id == typed.id, row.identity) for row in rows) == [
        (False, "confirmed"),
        (True, "stated"),
    ]
    assert len(clashes()) == 1


def test_an_operator_confirms_from_documents_and_it_is_journalled(operator: Actor) -> None:
    organisation = sign_up("a@example.org", "示例甲有限公司", code=None)
    confirm(operator, organisation, code=CODE)
    assert (organisation.identity, organisation.code) == ("confirmed", CODE)
    assert (organisation.confirmed_how, organisation.confirmed_by) == ("documents", operator.user_id)
    assert organisation.confirmed_source == "营业执照 2026-11-20"
    assert organisation.confirmed_at is not None
    assert actions()[-1] == "organisation.confirmed"


def test_confirming_tells_of_others_that_state_the_code_and_takes_it_from_none(operator: Actor) -> None:
    false = sign_up("a@example.org", "示例假冒有限公司")
    true = sign_up("b@example.org", "示例真实有限公司", code=None)
    confirm(operator, true, code=CODE)
    assert clashes() == [(false.id, true.id)]
    assert false.code == CODE
    with pytest.raises(Conflict, match="code-confirmed"):
        confirm(operator, false)
    assert services.find_organisation(None, CODE) is true


def test_a_clash_is_closed_with_a_note_and_may_cost_the_typed_code(operator: Actor) -> None:
    false = sign_up("a@example.org", "示例假冒有限公司")
    true = sign_up("b@example.org", "示例真实有限公司", code=None)
    confirm(operator, true, code=CODE)
    [clash] = confirming.open_clashes(operator)
    with pytest.raises(Invalid, match="note-missing"), unit_of_work(operator):
        confirming.resolve_clash(operator, clash.id, "  ")
    with unit_of_work(operator):
        confirming.resolve_clash(operator, clash.id, "冒用", remove_code=True)
    assert (false.code, true.code, clash.state, clash.resolution) == (None, CODE, "resolved", "冒用")
    with pytest.raises(Conflict, match="illegal-transition"), unit_of_work(operator):
        confirming.resolve_clash(operator, clash.id, "再次")
    assert confirming.open_clashes(operator) == []


def test_a_confirmation_given_by_mistake_is_taken_back(operator: Actor) -> None:
    organisation = confirm(operator, sign_up("a@example.org", "示例甲有限公司"))
    with unit_of_work(operator):
        confirming.doubt_organisation(operator, organisation.id)
    assert (organisation.identity, organisation.confirmed_at, organisation.confirmed_by) == (
        "stated",
        None,
        None,
    )
    with pytest.raises(Conflict, match="illegal-transition"), unit_of_work(operator):
        confirming.doubt_organisation(operator, organisation.id)


def test_the_bureau_confirms_what_it_knows_itself_and_nobody_else_confirms() -> None:
    organisation = sign_up("a@example.org", "示例甲有限公司")
    with unit_of_work():
        person = factories.user(staff_role="bureau")
        member = factories.actor(organisation)
    bureau = Actor(user_id=person.id, roles=frozenset({"bureau"}))
    for actor, how, refusal in (
        (member, "documents", Forbidden),
        (bureau, "documents", Invalid),
        (replace(bureau, roles=frozenset()), "bureau", Forbidden),
    ):
        with pytest.raises(refusal):
            confirm(actor, organisation, how=how)
    assert confirm(bureau, organisation, how="bureau").confirmed_how == "bureau"
    with pytest.raises(Forbidden), unit_of_work(bureau):
        confirming.doubt_organisation(bureau, organisation.id)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"how": "rumour"}, "confirmation-unknown"),
        ({"source": " "}, "source-missing"),
        ({"source": "证" * 201}, "source-missing"),
        ({"code": "9131011200000001X9"}, "credit-code-invalid"),
    ],
)
def test_a_confirmation_says_what_it_rests_on(operator: Actor, values: dict[str, str], code: str) -> None:
    organisation = sign_up("a@example.org", "示例甲有限公司")
    with pytest.raises(Invalid, match=code):
        confirm(operator, organisation, **values)


def test_what_is_not_there_is_not_confirmed(operator: Actor) -> None:
    with pytest.raises(NotFound), unit_of_work(operator):
        confirming.confirm_organisation(operator, 999_999, how="documents", source="营业执照")
    with pytest.raises(NotFound), unit_of_work(operator):
        confirming.resolve_clash(operator, 999_999, "无")


def test_an_operator_who_opens_an_account_under_a_code_confirms_it_and_repeats_nothing() -> None:
    new = NewAccount(email="office@example.org", role="holder", organisation="示例大学", code=CODE)
    for _ in range(2):
        with unit_of_work(OPERATOR_COMMAND):
            _, organisation = services.create_account(new)
    assert (organisation.identity, organisation.confirmed_how) == ("confirmed", "account")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 1


def test_a_mandate_by_code_reaches_only_an_agency_whose_code_is_confirmed(operator: Actor) -> None:
    with unit_of_work():
        agency = factories.organisation("示例代理", type="agency", code=OTHER_CODE)
        principal = factories.organisation()
        owner = factories.actor(principal)
    terms = {"agency": OTHER_CODE, "scope": "holder", "until": factories.clock.today()}
    with pytest.raises(Invalid, match="agency-unknown"), unit_of_work(owner):
        mandates.mandate_agency(owner, principal.id, **terms)
    confirm(operator, agency)
    with unit_of_work(owner):
        assert mandates.mandate_agency(owner, principal.id, **terms).agent is agency


def test_the_tables_hold_every_state_of_the_database() -> None:
    assert set(IDENTITY.states) == {"stated", "confirmed"}
    assert set(CLASH.states) == {"open", "resolved"}
