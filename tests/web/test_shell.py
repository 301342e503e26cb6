"""The frame of every page: language, headers, menus, errors, sign-in, sign-up and accounts."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask, url_for
from flask.testing import FlaskClient

from marketplace.accounts import administration, passwords, recovery
from marketplace.accounts.models import Invitation, Mandate, Organisation, Token, User
from marketplace.core import clock
from marketplace.core.actor import OPERATOR_COMMAND, Actor
from marketplace.core.database import db
from marketplace.core.tasks import run_next
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import limiter
from marketplace.web import navigation
from tests import factories
from tests.web.conftest import text_of

PASSWORD = "a long enough password"


def test_pages_are_chinese_by_default_and_english_for_english_browsers(visitor: FlaskClient) -> None:
    assert 'lang="zh-CN"' in visitor.get("/").text
    assert 'lang="en"' in visitor.get("/", headers={"Accept-Language": "en-GB"}).text
    assert 'lang="zh-CN"' in visitor.get("/", headers={"Accept-Language": "zh-CN,en;q=0.5"}).text


def test_the_chosen_language_is_kept_on_the_same_page(visitor: FlaskClient) -> None:
    answer = visitor.post("/language", data={"language": "en", "next": "/offers?q=x"})
    assert answer.location == "/offers?q=x"
    assert 'lang="en"' in visitor.get("/about/law").text


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"]
)
def test_the_language_switch_leads_to_no_other_host(visitor: FlaskClient, evil: str) -> None:
    assert visitor.post("/language", data={"language": "en", "next": evil}).location == "/"


def test_every_page_forbids_scripts_and_frames_of_others(visitor: FlaskClient) -> None:
    headers = visitor.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert visitor.post("/csp-report", data="{}").status_code == 204


def test_no_page_asks_another_host_for_anything(visitor: FlaskClient) -> None:
    for path in ("/", "/about/law", "/sign-in", "/certificates/"):
        page = visitor.get(path).text
        assert 'src="http' not in page
        assert '<link rel="stylesheet" href="http' not in page
        assert " onclick=" not in page


def test_static_files_are_kept_for_a_year_by_their_hash(app: Flask, visitor: FlaskClient) -> None:
    with app.test_request_context():
        address = app.jinja_env.globals["asset"]("site.css")  # type: ignore[operator]
    with visitor.get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    with visitor.get("/static/site.css?v=stale") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]


def test_every_menu_entry_has_its_page(app: Flask) -> None:
    menus = (
        navigation.VISITOR_MENU,
        navigation.MEMBER_MENU,
        navigation.BUREAU_MENU,
        navigation.OPERATOR_MENU,
    )
    with app.test_request_context():
        for entry in {entry for menu in menus for entry in menu}:
            assert url_for(entry.endpoint)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_an_error_page_says_what_to_do(visitor: FlaskClient, locale: str) -> None:
    with visitor.session_transaction() as session:
        session["locale"] = locale
    answer = visitor.get("/offers/999999")
    assert answer.status_code == 404
    assert "/offers" in answer.text
    said = text_of(answer.text)
    assert ("There is no such offer." in said) == (locale == "en")
    assert visitor.get("/nowhere").status_code == 404
    assert visitor.post("/").status_code == 405


def test_a_page_for_people_with_an_account_leads_to_sign_in_and_back(visitor: FlaskClient) -> None:
    answer = visitor.get("/my/licences?after=5")
    assert answer.location == "/sign-in?next=/my/licences?after%3D5"


def test_a_form_without_its_token_is_refused(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    answer = visitor.post("/language", data={"language": "en"})
    assert answer.status_code == 400
    assert "reload" in text_of(visitor.post("/sign-out", headers={"Accept-Language": "en"}).text)


# --- sign-in


def _person(email: str, **values: object) -> int:
    return factories.user(email=email, password_hash=passwords.hash_password(PASSWORD), **values).id


def test_a_person_signs_in_and_out(visitor: FlaskClient, made) -> None:
    made(lambda: _person("reader@example.org"))
    wrong = visitor.post("/sign-in", data={"email": "reader@example.org", "password": "no"})
    assert wrong.status_code == 422
    right = visitor.post(
        "/sign-in", data={"email": "READER@example.org ", "password": PASSWORD, "next": "/account"}
    )
    assert right.location == "/account"
    assert visitor.get("/account").status_code == 200
    visitor.post("/sign-out")
    assert visitor.get("/account").status_code == 302


def test_signing_in_leads_to_no_other_host(visitor: FlaskClient, made) -> None:
    made(lambda: _person("reader@example.org"))
    data = {"email": "reader@example.org", "password": PASSWORD, "next": "https://evil.example/"}
    assert visitor.post("/sign-in", data=data).location == "/"


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(visitor: FlaskClient, made) -> None:
    made(lambda: _person("reader@example.org"))
    known = visitor.post("/sign-in", data={"email": "reader@example.org", "password": "wrong"}).text
    unknown = visitor.post("/sign-in", data={"email": "nobody@example.org", "password": "wrong"}).text
    assert text_of(known) == text_of(unknown)


def test_sign_in_attempts_are_limited(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    limiter.reset()
    answers = [visitor.post("/sign-in", data={"email": "a@example.org", "password": "x"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    limiter.reset()


def test_staff_need_a_second_factor_outside_the_demonstration(
    app: Flask, visitor: FlaskClient, made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(lambda: _person("official@example.org", staff_role="bureau"))
    monkeypatch.setattr(type(app.config["SETTINGS"]), "production", property(lambda _self: True))
    data = {"email": "official@example.org", "password": PASSWORD}
    assert visitor.post("/sign-in", data=data).location == "/sign-in/enrol"
    page = visitor.get("/sign-in/enrol").text
    assert "data:image/svg+xml" in page
    with visitor.session_transaction() as session:
        secret = session["totp_offer"]
    assert visitor.get("/account").status_code == 302  # the password alone is not enough
    assert visitor.post("/sign-in/enrol", data={"code": "000000"}).status_code == 422
    code = pyotp.TOTP(secret).at(clock.now())
    assert visitor.post("/sign-in/enrol", data={"code": code}).status_code == 302
    assert visitor.get("/account").status_code == 200
    visitor.post("/sign-out")
    assert visitor.post("/sign-in", data=data).location == "/sign-in/code"
    assert visitor.post("/sign-in/code", data={"code": code}).status_code == 422  # each code counts once
    following = pyotp.TOTP(secret).at(clock.now() + dt.timedelta(seconds=30))
    assert visitor.post("/sign-in/code", data={"code": following}).status_code == 302
    assert visitor.get("/account").status_code == 200


def test_a_new_password_ends_the_sessions_made_under_the_old_one(
    app: Flask, visitor: FlaskClient, made
) -> None:
    user_id = made(lambda: _person("someone@example.org"))
    visitor.post("/sign-in", data={"email": "someone@example.org", "password": PASSWORD})
    assert visitor.get("/account").status_code == 200
    password_hash = passwords.hash_password("another long password")
    with app.app_context(), unit_of_work(OPERATOR_COMMAND):
        administration.set_password(OPERATOR_COMMAND, user_id, password_hash)
    assert visitor.get("/account").status_code == 302


def _links(app: Flask) -> list[str]:
    """What the worker puts into the mails it sends now."""
    folder = Path(app.extensions["marketplace.mailer"].url.removeprefix("file://"))
    before = set(folder.glob("*.eml")) if folder.exists() else set()
    with app.app_context():
        while run_next(app.extensions["marketplace.work"].tasks) is not None:
            pass
    made = set(folder.glob("*.eml")) - before if folder.exists() else set()
    texts = [message_from_bytes(path.read_bytes(), policy=default).get_content() for path in made]
    return [link for text in texts for link in re.findall(r"/sign-in/reset/\S+", text)]


def test_a_forgotten_password_is_replaced_once_by_a_link_in_the_mail(
    app: Flask, visitor: FlaskClient, made
) -> None:
    made(lambda: _person("someone@example.org"))
    said = visitor.post("/sign-in/forgotten", data={"email": "Someone@example.org"}).text
    (link,) = _links(app)
    assert text_of(visitor.post("/sign-in/forgotten", data={"email": "no@example.org"}).text) == text_of(said)
    assert _links(app) == []
    assert visitor.get(link).status_code == 200
    assert visitor.post(link, data={"password": "short"}).status_code == 422
    assert visitor.post(link, data={"password": "a new long password"}).location == "/sign-in"
    assert visitor.get(link).status_code == 404
    old = {"email": "someone@example.org", "password": PASSWORD}
    assert visitor.post("/sign-in", data=old).status_code == 422
    assert visitor.post("/sign-in", data=old | {"password": "a new long password"}).status_code == 302


def test_a_link_to_a_new_password_is_good_for_an_hour_and_cannot_be_made_up(
    app: Flask, visitor: FlaskClient, made, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = made(lambda: _person("someone@example.org"))
    with app.app_context():
        code = recovery.reset_code(db.session.get_one(User, user_id))
    assert visitor.get(f"/sign-in/reset/{code}x").status_code == 404
    assert visitor.get("/sign-in/reset/nonsense").status_code == 404
    later = clock.now() + dt.timedelta(minutes=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert visitor.post(f"/sign-in/reset/{code}", data={"password": "a new long password"}).status_code == 404


def test_a_person_changes_the_password_and_stays_signed_in_here_only(
    app: Flask, visitor: FlaskClient, made
) -> None:
    made(lambda: _person("someone@example.org"))
    elsewhere = app.test_client()
    for browser in (visitor, elsewhere):
        browser.post("/sign-in", data={"email": "someone@example.org", "password": PASSWORD})
    wrong = visitor.post("/account/password", data={"present": "no", "password": "a new long password"})
    assert wrong.status_code == 422
    assert (
        visitor.post("/account/password", data={"present": PASSWORD, "password": "short"}).status_code == 422
    )
    right = visitor.post("/account/password", data={"present": PASSWORD, "password": "a new long password"})
    assert right.status_code == 302
    assert visitor.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302


# --- sign-up


def _sign_up(visitor: FlaskClient, role: str = "firm", **values: str):
    data = {"organisation": "示例新单位", "name": "示例人", "email": "new@example.org", "password": PASSWORD}
    return visitor.post(f"/sign-up/{role}", data=data | values)


def test_a_firm_signs_up_and_is_signed_in(visitor: FlaskClient) -> None:
    assert _sign_up(visitor).status_code == 302
    assert "示例新单位" in visitor.get("/account").text


def test_typing_the_name_of_an_imported_organisation_does_not_claim_it(
    app: Flask, visitor: FlaskClient, made
) -> None:
    known = made(lambda: factories.organisation("示例待认领单位", joined=False).id)
    answer = _sign_up(visitor, organisation="示例待认领单位")
    assert answer.status_code == 422
    assert 'href="#organisation"' in answer.text
    with app.app_context():
        assert not db.session.get_one(Organisation, known).joined


def test_an_organisation_with_members_cannot_be_claimed_from_outside(
    app: Flask, visitor: FlaskClient, made
) -> None:
    known = made(lambda: factories.organisation("示例已有成员单位").id)
    answer = _sign_up(visitor, organisation="示例已有成员单位")
    assert answer.status_code == 422
    assert 'href="#organisation"' in answer.text
    with app.app_context():
        assert not db.session.scalars(sa.select(User).where(User.email == "new@example.org")).all()
        assert db.session.get_one(Organisation, known).joined


def test_two_people_of_one_name_are_two(app: Flask, visitor: FlaskClient, made) -> None:
    made(lambda: factories.organisation("示例同名人", type="individual").id)
    assert _sign_up(visitor, "individual", name="示例同名人").status_code == 302
    with app.app_context():
        namesakes = db.session.scalars(sa.select(Organisation).where(Organisation.name == "示例同名人")).all()
    assert len(namesakes) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"password": "short"}, "password"),
        ({"email": "nonsense"}, "email"),
        ({"code": "91310000123456789X"}, "code"),
        ({"organisation": ""}, "organisation"),
    ],
)
def test_a_refused_sign_up_names_the_field(visitor: FlaskClient, values: dict[str, str], field: str) -> None:
    answer = _sign_up(visitor, **values)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-error"' in answer.text


def test_every_fault_of_a_sign_up_is_said_at_once_and_the_answers_stay(visitor: FlaskClient) -> None:
    answer = _sign_up(visitor, email="nonsense", password="short")
    assert answer.text.count('class="invalid-feedback') == 2
    assert 'value="示例新单位"' in answer.text
    assert 'value="nonsense"' in answer.text


def test_an_address_that_is_taken_keeps_its_password(app: Flask, visitor: FlaskClient, made) -> None:
    person = made(lambda: _person("new@example.org"))
    with app.app_context():
        before = db.session.get_one(User, person).password_hash
    assert _sign_up(visitor).status_code == 422
    with app.app_context():
        assert db.session.get_one(User, person).password_hash == before


def test_nobody_signs_up_as_operator(visitor: FlaskClient) -> None:
    assert visitor.get("/sign-up/operator").status_code == 404
    assert _sign_up(visitor, "operator").status_code == 404


# --- the account page


def test_a_member_sets_where_the_organisation_is_paid(app: Flask, sign_in, made) -> None:
    own = made(lambda: factories.organisation().id)
    member = sign_in(own)
    data = {
        "bank_account_name": "示例户名",
        "bank_name": "示例银行",
        "bank_account": "6222 0000",
        "region": "310112",
    }
    assert member.post("/account/organisation", data=data).status_code == 302
    with app.app_context():
        assert db.session.get_one(Organisation, own).bank_account == "6222 0000"
    assert member.post("/account/organisation", data=data | {"stripe_account": "nonsense"}).status_code == 422


def test_a_token_is_shown_once_and_can_be_revoked(app: Flask, sign_in, made) -> None:
    member = sign_in(made(lambda: factories.organisation().id))
    assert "olm_" in member.post("/account/tokens", data={"label": "示例", "scopes": "read"}).text
    assert "olm_" not in member.get("/account").text
    with app.app_context():
        token = db.session.scalars(sa.select(Token)).one()
        assert token.scopes == ["read"]
        token_id = token.id
    other = sign_in(made(lambda: factories.organisation().id))
    assert other.post(f"/account/tokens/{token_id}/revoke").status_code == 404
    assert member.post(f"/account/tokens/{token_id}/revoke").status_code == 302
    with app.app_context():
        assert db.session.get_one(Token, token_id).revoked_at is not None


def test_a_mandate_is_given_to_an_agency_only_and_can_be_ended(app: Flask, sign_in, made) -> None:
    own = made(lambda: factories.organisation().id)
    made(lambda: factories.organisation("示例代理", type="agency").id)
    made(lambda: factories.organisation("示例企业甲").id)
    member = sign_in(own)
    data = {"scope": "holder", "until": "2027-01-31"}
    assert member.post("/account/mandates", data=data | {"agent": "示例企业甲"}).status_code == 422
    assert (
        member.post("/account/mandates", data=data | {"agent": "示例代理", "until": "2020-01-01"}).status_code
        == 422
    )
    assert member.post("/account/mandates", data=data | {"agent": "示例代理"}).status_code == 302
    with app.app_context():
        mandate = db.session.scalars(sa.select(Mandate)).one()
        assert mandate.valid_to == dt.date(2027, 1, 31)
        mandate_id = mandate.id
    stranger = sign_in(made(lambda: factories.organisation().id))
    assert stranger.post(f"/account/mandates/{mandate_id}/revoke").status_code == 404
    assert member.post(f"/account/mandates/{mandate_id}/revoke").status_code == 302


def test_a_member_invites_a_colleague_and_no_stranger_can(app: Flask, sign_in, made) -> None:
    own = made(lambda: factories.organisation().id)
    member = sign_in(own)
    colleague = {"email": "colleague@example.org", "level": "editor"}
    assert member.post("/account/members", data=colleague | {"email": "nobody"}).status_code == 422
    assert member.post("/account/members", data=colleague).status_code == 302
    with app.app_context():
        invitation = db.session.scalars(sa.select(Invitation)).one()
        assert (invitation.organisation_id, invitation.email) == (own, "colleague@example.org")
    assert sign_in().post("/account/members", data=colleague).status_code == 403


def test_one_switches_only_between_ones_own_organisations(sign_in, made, app: Flask) -> None:
    first, second = (made(lambda: factories.organisation().id) for _ in range(2))
    member = sign_in(first)
    assert member.post("/account/act-for", data={"organisation": second}).status_code == 404
    assert member.post("/account/act-for", data={"organisation": first}).status_code == 302


def test_the_chosen_language_is_kept_with_the_account(app: Flask, sign_in, made) -> None:
    member = sign_in(made(lambda: factories.organisation().id))
    member.post("/language", data={"language": "en"})
    with app.app_context():
        assert db.session.scalars(sa.select(User.locale)).one() == "en"


def test_a_menu_fits_its_reader(app: Flask) -> None:
    assert navigation.menu(Actor(user_id=1, roles=frozenset({"operator"}))) is navigation.OPERATOR_MENU
    assert navigation.menu(Actor(user_id=1, roles=frozenset({"bureau"}))) is navigation.BUREAU_MENU
    assert navigation.menu(Actor(user_id=1, organisation_id=2)) is navigation.MEMBER_MENU
    assert navigation.menu(Actor()) is navigation.VISITOR_MENU
