"""Papers show who an organisation is; persons are forgotten; powers of attorney are answered."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from marketplace.accounts import (
    administration,
    erasing,
    mandates,
    members,
    past,
    personal,
    services,
    verifying,
)
from marketplace.accounts.models import Erasure, Organisation, Token, User
from marketplace.core import clock, files
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Notice
from tests import factories

pytestmark = pytest.mark.usefixtures("context")
CODE = "91310112MA1GBXX22K"
PDF = b"%PDF-1.4 invented"


@pytest.fixture
def operator(context: None) -> Actor:
    with unit_of_work():
        return factories.operator()


@pytest.fixture
def firm(context: None) -> Organisation:
    with unit_of_work():
        return factories.organisation("示例科技有限公司", identity="stated")


@pytest.fixture
def admin(firm: Organisation) -> Actor:
    with unit_of_work():
        return factories.actor(firm)


def submitted(admin: Actor, firm: Organisation, content: bytes = PDF):
    with unit_of_work(admin):
        return verifying.submit(
            admin, firm.id, code=CODE, papers=[("business_licence", "营业执照.pdf", content)]
        )


def test_the_states_of_a_verification(admin: Actor, firm: Organisation, operator: Actor) -> None:
    assert verifying.state_of(firm) == "none"
    first = submitted(admin, firm)
    assert verifying.state_of(firm) == "submitted"
    with pytest.raises(Invalid, match="verification-waiting"):
        submitted(admin, firm)
    with pytest.raises(Invalid, match="reason-missing"), unit_of_work(operator):
        verifying.give_back(operator, first.id, reason=" ")
    with unit_of_work(operator):
        verifying.give_back(operator, first.id, reason="印章看不清")
    assert (verifying.state_of(firm), first.reason) == ("returned", "印章看不清")
    second = submitted(admin, firm)
    with unit_of_work(operator):
        verifying.confirm(operator, second.id, source="2026-11-20 的营业执照")
    assert (verifying.state_of(firm), firm.code, firm.confirmed_how) == ("confirmed", CODE, "documents")
    with pytest.raises(Conflict, match="illegal-transition"), unit_of_work(operator):
        verifying.confirm(operator, second.id, source="again")


def test_nothing_of_it_gates_a_licence(admin: Actor, firm: Organisation) -> None:
    with unit_of_work():
        offer = factories.live_offer(factories.organisation())
    assert allowed(admin, "notice.serve", offer).allowed
    assert verifying.state_of(firm) == "none"


@pytest.mark.parametrize("content", [b"", b"MZ\x90 a program", b"%PDF-" + b"0" * files.MAX_UPLOAD])
def test_papers_are_checked_for_type_and_size(admin: Actor, firm: Organisation, content: bytes) -> None:
    with pytest.raises(Invalid, match="file-"):
        submitted(admin, firm, content)
    assert verifying.state_of(firm) == "none"


def test_only_staff_see_papers_and_decide(admin: Actor, firm: Organisation, operator: Actor) -> None:
    verification = submitted(admin, firm)
    [document] = verification.documents
    assert verifying.paper_of(operator, document.id).purpose == verifying.PURPOSE
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    deeds = (
        lambda actor: verifying.paper_of(actor, document.id),
        lambda actor: verifying.confirm(actor, verification.id, source="x"),
        lambda actor: verifying.give_back(actor, verification.id, reason="x"),
        lambda actor: verifying.waiting(actor),
    )
    for actor in (admin, stranger):
        for deed in deeds:
            with pytest.raises(Forbidden), unit_of_work(actor):
                deed(actor)
    with pytest.raises(Forbidden), unit_of_work(stranger):
        verifying.submit(stranger, firm.id, code=None, papers=[("other", "a.pdf", PDF)])


def test_papers_are_deleted_after_their_time_but_not_bytes_that_another_row_names(
    admin: Actor, firm: Organisation, operator: Actor
) -> None:
    shared = b"%PDF-1.4 of two rows"
    with unit_of_work():
        other = files.keep(shared, name="x.pdf", content_type="application/pdf", purpose="other")
    own = submitted(admin, firm, b"%PDF-1.4 own")
    with unit_of_work(operator):
        verifying.give_back(operator, own.id, reason="重交")
    both = submitted(admin, firm, shared)
    with unit_of_work(operator):
        verifying.confirm(operator, both.id, source="营业执照")
    digest = verifying.paper_of(operator, own.documents[0].id).digest
    verifying.forget_papers()
    assert files.store().path(digest).exists()
    with clock.at(clock.now() + dt.timedelta(days=181)):
        verifying.forget_papers()
        verifying.forget_papers()
    assert not files.store().path(digest).exists()
    assert files.store().read(other.digest) == shared
    with pytest.raises(NotFound):
        verifying.paper_of(operator, both.documents[0].id)
    # Who was confirmed on what grounds stays.
    assert firm.confirmed_source == "营业执照"


# --- powers of attorney


def test_a_power_works_once_the_agency_accepts(admin: Actor, firm: Organisation) -> None:
    with unit_of_work():
        agency = factories.organisation("示例代理", type="agency")
        agent = factories.user(agency)
        editor = factories.user(agency)
        editor.memberships[0].level = "editor"
    with unit_of_work(admin):
        mandate = mandates.mandate_agency(
            admin, firm.id, agency="示例代理", scope="both", until=clock.today(), paper=("委托书.pdf", PDF)
        )
    acting = services.actor_for(agent, None)
    assert firm.id not in acting.principals
    for actor in (admin, services.actor_for(editor, None)):
        with pytest.raises(DomainError), unit_of_work(actor):
            mandates.answer_mandate(actor, mandate.id, "accept")
    with unit_of_work(acting):
        mandates.answer_mandate(acting, mandate.id, "accept")
    acting = services.actor_for(agent, None)
    assert firm.id in acting.principals
    assert mandates.paper_of(acting, mandate.id).purpose == mandates.PURPOSE
    with unit_of_work(acting):
        mandates.revoke_mandate(acting, mandate.id)
    assert firm.id not in services.actor_for(agent, None).principals
    given, received = mandates.mandates_of(firm.id)
    assert ([one.state for one in given], list(received)) == (["revoked"], [])
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        mandates.paper_of(stranger, mandate.id)


def test_a_declined_power_gives_nothing(admin: Actor, firm: Organisation) -> None:
    with unit_of_work():
        agency = factories.organisation("示例代理", type="agency")
        agent = factories.actor(agency)
    with unit_of_work(admin):
        terms = {"agency": "示例代理", "scope": "both", "until": clock.today()}
        mandate = mandates.mandate_agency(admin, firm.id, **terms)
    with unit_of_work(agent):
        mandates.answer_mandate(agent, mandate.id, "decline")
    with pytest.raises(Conflict, match="illegal-transition"), unit_of_work(agent):
        mandates.answer_mandate(agent, mandate.id, "accept")


def test_an_end_that_comes_near_is_told_once(admin: Actor, firm: Organisation) -> None:
    with unit_of_work(admin):
        agency = factories.organisation(type="agency")
        until = clock.today() + dt.timedelta(days=60)
        mandates.grant_mandate(firm, agency, scope="both", until=until)
    told = sa.select(sa.func.count()).where(JournalEntry.action == "mandate.ends_soon")
    mandates.remind_of_ends()
    assert db.session.scalar(told) == 0
    with clock.at(clock.now() + dt.timedelta(days=31)):
        mandates.remind_of_ends()
        mandates.remind_of_ends()
    assert db.session.scalar(told) == 1


# --- erasure


def erase(operator: Actor, user: User) -> Erasure:
    with unit_of_work(operator):
        return erasing.erase(operator, user.id, typed=user.email)


def test_a_person_is_forgotten_and_the_journal_never_knew(firm: Organisation, operator: Actor) -> None:
    with unit_of_work():
        factories.actor(firm)
        user = factories.user(firm, email="zhang@example.org", name="张三")
        services.create_token(user, frozenset({"read"}))
    me = services.actor_for(user, None)
    with unit_of_work(me):
        erasing.ask(me)
    assert [one.id for one in erasing.wishes(operator)] == [user.id]
    with pytest.raises(Invalid, match="erasure-not-confirmed"), unit_of_work(operator):
        erasing.erase(operator, user.id, typed="other@example.org")
    erasure = erase(operator, user)
    db.session.expire_all()
    row = db.session.get_one(User, user.id)
    assert (row.active, row.memberships, erasure.kept) == (False, [], {})
    assert "zhang" not in row.email
    assert "张" not in row.name
    assert db.session.scalars(sa.select(Token.revoked_at)).one() is not None
    assert erasing.wishes(operator) == []
    for entry in db.session.scalars(sa.select(JournalEntry)):
        assert "zhang" not in str(entry.data)
    with pytest.raises(Conflict, match="already-erased"):
        erase(operator, row)
    # The address is free again.
    with unit_of_work():
        assert services.sign_up(
            services.NewAccount(email="zhang@example.org", role="individual", name="张三"), locale="zh"
        )


def test_what_a_contract_rests_on_is_kept_with_its_reason(operator: Actor) -> None:
    with unit_of_work():
        person = factories.organisation("李四", type="individual")
        user = factories.user(person)
        offer = factories.live_offer(factories.organisation())
        db.session.add(
            Notice(
                number="N1",
                offer=offer,
                licensee=person,
                user_id=user.id,
                state="lapsed",
                terms={},
                contact="李四 13800000000",
                document_digest="0" * 64,
                written_at=clock.now(),
            )
        )
    assert erasing.plan(operator, user.id).kept == {"contract": 2}
    assert erase(operator, user).kept == {"contract": 2}
    db.session.expire_all()
    assert db.session.get_one(Organisation, person.id).name == "李四"
    assert db.session.scalars(sa.select(Notice.contact)).one() == "李四 13800000000"


def test_a_persons_own_record_goes_when_nothing_names_it(operator: Actor) -> None:
    with unit_of_work():
        person = factories.organisation("王五", type="individual")
        user = factories.user(person)
    erase(operator, user)
    db.session.expire_all()
    row = db.session.get_one(Organisation, person.id)
    assert (row.name, row.bank_account) == (f"#{person.id}", None)


def test_erasing_is_the_operators_and_never_of_staff_or_oneself(firm: Organisation, operator: Actor) -> None:
    with unit_of_work():
        user = factories.user(firm)
        bureau = factories.user(staff_role="bureau")
    other = services.actor_for(user, None)
    for actor, target in ((other, user.id), (operator, operator.user_id), (operator, bureau.id)):
        row = db.session.get_one(User, target)
        with pytest.raises(DomainError), unit_of_work(actor):
            erasing.erase(actor, row.id, typed=row.email)
    assert erasing.plan(operator, user.id).alone == (firm,)


def test_every_personal_column_of_users_elsewhere_is_declared() -> None:
    declared = {(held.table.name, name) for held in personal.held() for name in held.columns}
    # What is of organisations or of an anonymous public, not of users.
    others = {
        ("users", "email"),
        ("invitations", "email"),
        ("offers", "contact"),
        ("side_offers", "contact"),
        ("listing_sides", "contact"),
        ("price_objections", "name"),
    }
    for table in db.metadata.tables.values():
        names = {"email", "phone", "contact", "signer_name", "signed_by"} & set(table.columns.keys())
        held_by_user = "user_id" in table.columns
        for name in names:
            assert (table.name, name) in declared | others or not held_by_user, (table.name, name)


# --- finding


@pytest.mark.parametrize("text", ["%", "_", "100%", "\\"])
def test_signs_of_patterns_are_looked_for_as_they_are(operator: Actor, text: str) -> None:
    with unit_of_work():
        plain = factories.organisation("甲")
        named = factories.organisation(f"含{text}的单位")
        factories.user(plain, name="乙")
        user = factories.user(plain, name=f"名{text}")
    assert administration.find_organisations(operator, text) == [named]
    assert [one.id for one in administration.find_users(operator, text)] == [user.id]


def test_former_names_are_searched(operator: Actor) -> None:
    with unit_of_work(operator):
        one = factories.organisation("旧名称示例")
        past.change(one, {"name": "新名称示例"}, since=clock.today())
    assert administration.find_organisations(operator, "旧名称") == [one]


def test_nobody_is_removed_by_a_level_of_the_operator_only(admin: Actor, firm: Organisation) -> None:
    with pytest.raises(Forbidden), unit_of_work(admin):
        services.add_member(admin, firm.id, "x@example.org")
    assert members.has_administrator(firm.id)
