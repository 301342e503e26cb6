"""Pages of people and organisations: members, invitations, verification, mandates, merging, erasing."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import addresses, members
from marketplace.accounts.models import (
    Invitation,
    JoinRequest,
    Mandate,
    Membership,
    Organisation,
    User,
    Verification,
)
from marketplace.core.database import db
from marketplace.listings.changes.models import ChangeTask
from tests import factories

from .conftest import text_of

PDF = b"%PDF-1.4 invented"


@pytest.fixture
def firm(made: Any) -> int:
    return made(
        lambda: factories.organisation("示例科技有限公司", name_en="Example Tech", identity="stated").id
    )


@pytest.fixture
def operator(sign_in: Any) -> FlaskClient:
    return sign_in(staff_role="operator")


def test_an_invited_person_signs_up_and_accepts(app: Flask, sign_in: Any, firm: int) -> None:
    admin = sign_in(firm)
    answer = admin.post("/account/members", data={"email": "new@example.org", "level": "viewer"})
    assert answer.status_code == 302
    with app.app_context():
        token = members.link_token(db.session.scalars(sa.select(Invitation)).one())
    visitor = app.test_client()
    assert "示例科技有限公司" in visitor.get(f"/invitations/{token}").text
    assert visitor.post(f"/invitations/{token}").headers["Location"].startswith("/sign-in")
    data = {"name": "新人", "email": "new@example.org", "password": "a long password"}
    following = f"/sign-up/individual?next=/invitations/{token}"
    page = visitor.get(following).text
    assert 'value="new@example.org"' in page
    assert "示例科技有限公司" in page
    assert visitor.get(following.replace("individual", "firm")).headers["Location"] == following
    assert visitor.post(following, data=data).headers["Location"] == "/"
    # From now on the person acts for the organisation that asked, and for no other.
    assert "示例科技有限公司" in visitor.get("/account/members").text
    assert visitor.get(f"/invitations/{token}").status_code == 404
    with app.app_context():
        user = db.session.scalars(sa.select(User).where(User.email == "new@example.org")).one()
        assert [(one.organisation_id, one.level) for one in user.memberships] == [(firm, "viewer")]
        assert user.email_verified_at is not None


def test_levels_are_changed_and_members_removed_on_the_page(app: Flask, sign_in: Any, firm: int) -> None:
    admin, colleague = sign_in(firm), sign_in(firm)
    with app.app_context():
        rows = db.session.scalars(sa.select(Membership).order_by(Membership.id)).all()
        mine, theirs = (row.user_id for row in rows)
    assert admin.post(f"/account/members/{theirs}/level", data={"level": "viewer"}).status_code == 302
    # A viewer looks at everything and changes nothing.
    assert colleague.get("/account/members").status_code == 200
    assert "invited" not in colleague.get("/account/members").text
    assert colleague.post(f"/account/members/{mine}/remove").status_code == 403
    assert colleague.post("/account/organisation", data={"region": "310112"}).status_code == 403
    assert admin.post(f"/account/members/{mine}/remove").status_code == 409
    assert admin.post(f"/account/members/{theirs}/remove").status_code == 302
    assert colleague.get("/account/members").status_code == 403


def test_asking_to_join_and_the_answer(app: Flask, sign_in: Any, firm: int) -> None:
    admin, person = sign_in(firm), sign_in()
    assert person.post("/account/join", data={"organisation": "没有的单位"}).status_code == 422
    data = {"organisation": "示例科技有限公司", "message": "研发部"}
    assert person.post("/account/join", data=data).status_code == 302
    assert person.post("/account/join", data=data).status_code == 422
    assert "研发部" in admin.get("/account/members").text
    with app.app_context():
        request_id = db.session.scalars(sa.select(JoinRequest.id)).one()
    assert person.post(f"/account/requests/{request_id}/accept").status_code == 403
    assert sign_in().post(f"/account/requests/{request_id}/withdraw").status_code == 404
    assert admin.post(f"/account/requests/{request_id}/accept", data={"level": "editor"}).status_code == 302
    assert person.get("/account/members").status_code == 200


def test_an_address_is_confirmed_by_a_button_and_not_by_opening_the_link(app: Flask, sign_in: Any) -> None:
    client = sign_in(email_verified_at=None)
    assert "确认您的邮箱地址" in client.get("/account").text
    assert client.post("/account/address").status_code == 302
    with app.app_context():
        code = addresses.address_code(db.session.scalars(sa.select(User)).one())
    assert client.get(f"/account/address/{code}").status_code == 200
    with app.app_context():
        assert db.session.scalars(sa.select(User.email_verified_at)).one() is None
    assert client.post(f"/account/address/{code}").status_code == 302
    with app.app_context():
        assert db.session.scalars(sa.select(User.email_verified_at)).one() is not None
    assert client.get("/account/address/forged").status_code == 404


def test_papers_go_to_staff_and_come_back_with_a_reason(app: Flask, sign_in: Any, firm: int) -> None:
    admin, bureau = sign_in(firm), sign_in(staff_role="bureau")
    assert admin.post("/account/verification", data={"code": ""}).status_code == 422
    bad = {"business_licence": (io.BytesIO(b"MZ"), "a.exe")}
    assert admin.post("/account/verification", data=bad).status_code == 422
    good = {"business_licence": (io.BytesIO(PDF), "营业执照.pdf")}
    assert admin.post("/account/verification", data=good).status_code == 302
    with app.app_context():
        verification = db.session.scalars(sa.select(Verification)).one()
        number, paper = verification.id, verification.documents[0].id
    for path in ("/operator/papers", f"/operator/papers/{number}", f"/operator/papers/files/{paper}"):
        assert admin.get(path).status_code == 403
        assert bureau.get(path).status_code == 200
    answer = bureau.get(f"/operator/papers/files/{paper}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    assert bureau.post(f"/operator/papers/{number}", data={"deed": "return"}).status_code == 422
    returned = {"deed": "return", "reason": "印章看不清"}
    assert bureau.post(f"/operator/papers/{number}", data=returned).status_code == 302
    assert "印章看不清" in admin.get("/account/verification").text


def test_a_mandate_is_accepted_by_the_agency(app: Flask, sign_in: Any, made: Any, firm: int) -> None:
    agency = made(lambda: factories.organisation("示例代理", type="agency").id)
    admin, agent, stranger = (
        sign_in(firm),
        sign_in(agency),
        sign_in(made(lambda: factories.organisation().id)),
    )
    data = {
        "agent": "示例代理",
        "scope": "both",
        "until": "2027-01-31",
        "paper": (io.BytesIO(PDF), "委托书.pdf"),
    }
    assert admin.post("/account/mandates", data=data).status_code == 302
    with app.app_context():
        mandate_id = db.session.scalars(sa.select(Mandate.id)).one()
    assert "示例科技有限公司" in agent.get("/account/mandates").text
    assert agent.get(f"/account/mandates/{mandate_id}/paper").data == PDF
    assert stranger.get(f"/account/mandates/{mandate_id}/paper").status_code == 404
    assert admin.post(f"/account/mandates/{mandate_id}/accept").status_code == 403
    assert agent.post(f"/account/mandates/{mandate_id}/accept").status_code == 302
    assert agent.post(f"/account/mandates/{mandate_id}/revoke").status_code == 302
    with app.app_context():
        assert db.session.scalars(sa.select(Mandate.state)).one() == "revoked"


def test_a_merger_is_shown_first_and_then_typed(
    app: Flask, operator: FlaskClient, made: Any, firm: int
) -> None:
    stays = made(lambda: factories.organisation("保留单位").id)
    chosen = operator.post(f"/operator/organisations/{firm}/merge", data={"other": "保留单位"})
    assert chosen.headers["Location"] == f"/operator/organisations/{firm}/merge/{stays}"
    path = chosen.headers["Location"]
    assert operator.get(path).status_code == 200
    assert operator.post(path, data={"typed": "别的", "source": "来源"}).status_code == 422
    assert operator.post(path, data={"typed": "示例科技有限公司", "source": "来源"}).status_code == 302
    old = operator.get(f"/operator/organisations/{firm}")
    assert old.headers["Location"] == f"/operator/organisations/{stays}"
    assert "示例科技有限公司" in operator.get(old.headers["Location"]).text


def test_a_new_name_and_a_successor_are_noted(
    app: Flask, operator: FlaskClient, made: Any, firm: int
) -> None:
    rename = {"name": "示例新科技有限公司", "name_en": "", "since": "2026-11-01", "source": "登记通知"}
    path = f"/operator/organisations/{firm}"
    assert operator.post(f"{path}/rename", data=rename | {"source": ""}).status_code == 422
    assert operator.post(f"{path}/rename", data=rename).status_code == 302
    found = text_of(operator.get("/operator/organisations?q=示例科技有限公司").text)
    assert "曾用名： 示例科技有限公司" in found
    successor = made(lambda: factories.organisation("承继单位").id)
    made(lambda: factories.live_offer(db.session.get_one(Organisation, firm)).id)
    data = {"other": str(successor), "on": "2026-12-01", "source": "批复"}
    assert operator.post(f"{path}/succeed", data=data | {"other": "没有"}).status_code == 422
    assert operator.post(f"{path}/succeed", data=data).status_code == 302
    with app.app_context():
        assert db.session.get_one(Organisation, firm).succeeded_by_id == successor
        # The offer in force has to be withdrawn and declared anew: a guided task says so.
        task = db.session.scalars(sa.select(ChangeTask)).one()
        assert (task.event, task.state, task.holder_id) == ("succession", "open", firm)
    assert "承继单位" in operator.get(path).text


def test_a_person_asks_to_be_erased_and_the_operator_does(
    app: Flask, operator: FlaskClient, sign_in: Any, firm: int
) -> None:
    person = sign_in(firm)
    assert person.post("/account/erasure/ask").status_code == 302
    with app.app_context():
        user = db.session.scalars(sa.select(User).where(User.staff_role.is_(None))).one()
        user_id, email = user.id, user.email
    assert email in operator.get("/operator/accounts").text
    path = f"/operator/accounts/{user_id}/erasure"
    assert person.get(path).status_code == 403
    assert operator.get(path).status_code == 200
    assert operator.post(path, data={"typed": "other@example.org"}).status_code == 422
    assert operator.post(path, data={"typed": email}).status_code == 302
    assert email not in operator.get("/operator/accounts").text
    assert person.get("/account").status_code == 302


def test_a_university_says_whether_the_state_established_it(app: Flask, sign_in: Any, made: Any) -> None:
    own = made(lambda: factories.organisation("示例大学", type="university").id)
    client = sign_in(own)
    data = {"region": "310112", "state_established": "yes", "type": "institute"}
    assert client.post("/account/organisation", data=data).status_code == 302
    with app.app_context():
        row = db.session.get_one(Organisation, own)
        assert (row.state_established, row.type) == (True, "institute")
    assert "变更前的资料" in client.get("/account").text


PRIVATE = (
    "/operator/organisations", "/operator/papers", "/operator/accounts", "/account/members",
    "/account/mandates", "/account/verification", "/account/join",
)  # fmt: skip


@pytest.mark.parametrize("path", PRIVATE)
def test_visitors_are_sent_to_sign_in(app: Flask, path: str) -> None:
    assert app.test_client().get(path).headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_pages_speak_one_language_and_repeat_no_id(
    app: Flask, operator: FlaskClient, sign_in: Any, firm: int, locale: str
) -> None:
    client = sign_in(firm, locale=locale)
    with operator.session_transaction() as session:
        session["locale"] = locale
    pages = [client.get(path).text for path in ("/account", *PRIVATE[3:])]
    pages += [operator.get(path).text for path in (*PRIVATE[:3], f"/operator/organisations/{firm}")]
    for page in pages:
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert sorted(set(ids)) == sorted(ids)
        assert "style=" not in page.split("<body", 1)[1]
