"""A firm at its browser: from an offer over notice and payment to the licence, and its demands."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from wtforms import StringField

from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.demands.models import Demand, Recommendation
from marketplace.listings.models import Offer
from marketplace.search import generations
from marketplace.web.forms import Form, optional, required, required_when
from tests import factories
from tests.web.conftest import text_of

PDF = b"%PDF-1.4 example"
FORM = {"use": "示例用途", "contact": "示例人 021-00000000"}


@pytest.fixture
def firm_id(made) -> int:
    return made(lambda: factories.organisation("示例被许可企业").id)


@pytest.fixture
def firm(sign_in, firm_id: int) -> FlaskClient:
    """The browser of a member of a firm."""
    client: FlaskClient = sign_in(firm_id)
    return client


def _offer(made, **values: object) -> int:
    offer: int = made(lambda: factories.live_offer(factories.organisation(), **values).id)
    return offer


def _serve(firm: FlaskClient, firm_id: int, offer_id: int) -> str:
    """Send the form and the confirmation; where the firm is led."""
    data = {**FORM, "licensee": str(firm_id)}
    look = firm.post(f"/offers/{offer_id}/licence", data=data | {"stage": "check"})
    assert look.status_code == 200
    assert "示例用途" in look.text
    answer = firm.post(f"/offers/{offer_id}/licence", data=data | {"stage": "serve"})
    assert answer.status_code == 302
    return str(answer.location)


def test_a_free_licence_is_in_effect_at_once(app: Flask, firm: FlaskClient, firm_id: int, made) -> None:
    offer = _offer(made, fee_form="free", fee_minor=None)
    place = _serve(firm, firm_id, offer)
    assert place.startswith("/licences/")
    page = firm.get(place).text
    assert "生效中" in page
    assert "/certificates/" in page
    certificate = firm.get(f"{place}/certificate")
    assert certificate.mimetype == "application/pdf"
    assert certificate.data.startswith(b"%PDF-")
    assert "inline" in certificate.headers["Content-Disposition"]
    assert "attachment" in firm.get(f"{place}/certificate?download=1").headers["Content-Disposition"]


def test_looking_at_what_was_written_serves_nothing(
    app: Flask, firm: FlaskClient, firm_id: int, made
) -> None:
    offer = _offer(made)
    for stage in ("check", "write"):
        firm.post(f"/offers/{offer}/licence", data={**FORM, "licensee": firm_id, "stage": stage})
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 0


def test_the_way_to_a_free_licence_has_no_step_of_paying(firm: FlaskClient, made) -> None:
    free = _offer(made, fee_form="free", fee_minor=None)
    assert "支付使用费" not in text_of(firm.get(f"/offers/{free}/licence").text)
    assert "支付使用费" in text_of(firm.get(f"/offers/{_offer(made)}/licence").text)


def test_a_first_notice_proposes_the_persons_own_address(sign_in, firm_id: int, made) -> None:
    firm = sign_in(firm_id, email="zhang@example.org", name="张三")
    assert 'value="张三 zhang@example.org"' in firm.get(f"/offers/{_offer(made)}/licence").text


def test_a_field_that_is_needed_in_one_case_names_the_case_instead_of_optional(app: Flask) -> None:
    class Asked(Form):
        bank = StringField("Bank", [required_when("needed for another account")])
        note = StringField("Note", [optional()])
        name = StringField("Name", [required()])

    with app.test_request_context(headers={"Accept-Language": "en"}):
        macros = app.jinja_env.get_template("macros/forms.html").module
        form = Asked()
        said = {name: text_of(str(macros.field(form[name]))).strip() for name in ("bank", "note", "name")}
        assert said == {
            "bank": "Bank (needed for another account)",
            "note": "Note (optional)",
            "name": "Name",
        }
        assert text_of(str(macros.field(form.bank, required=True))).strip() == "Bank"
        assert Asked(data={"bank": ""}).bank.validate(form)  # the service knows the case, the form does not


def test_a_royalty_that_is_no_number_stays_on_the_page(
    app: Flask, firm: FlaskClient, firm_id: int, made, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(app.config["SETTINGS"], royalty_only_effective_on_notice=False)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    terms = {
        "fee_form": "royalty_net_sales",
        "fee_minor": None,
        "rate_percent": Decimal(3),
        "rate_base": "net_sales",
    }
    place = _serve(firm, firm_id, _offer(made, **terms))
    answer = firm.post(f"{place}/royalty", data={"amount": "a lot"})
    assert answer.status_code == 422
    assert 'value="a lot"' in answer.text
    assert firm.post(f"{place}/royalty", data={"amount": "0"}).status_code == 422
    assert firm.post(f"{place}/royalty", data={"amount": "1200"}).status_code == 302


def test_a_notice_needs_a_contact(firm: FlaskClient, firm_id: int, made) -> None:
    offer = _offer(made)
    answer = firm.post(
        f"/offers/{offer}/licence", data={"licensee": firm_id, "contact": "", "stage": "serve"}
    )
    assert answer.status_code == 422
    assert 'href="#contact"' in answer.text


def test_nobody_takes_a_licence_for_a_stranger(firm: FlaskClient, made) -> None:
    stranger = made(lambda: factories.organisation().id)
    offer = _offer(made)
    answer = firm.post(f"/offers/{offer}/licence", data={**FORM, "licensee": stranger, "stage": "serve"})
    assert answer.status_code == 422


def test_a_second_notice_leads_to_the_first(firm: FlaskClient, firm_id: int, made) -> None:
    offer = _offer(made)
    first = _serve(firm, firm_id, offer)
    assert _serve(firm, firm_id, offer) == first


def test_an_ended_offer_is_refused_a_notice(firm: FlaskClient, made) -> None:
    offer = _offer(made, status="withdrawn")
    assert firm.get(f"/offers/{offer}/licence").status_code == 409


def test_a_transfer_shows_the_holders_account_and_takes_a_slip(
    app: Flask, firm: FlaskClient, firm_id: int, made, sign_in
) -> None:
    offer = _offer(made)
    place = _serve(firm, firm_id, offer)
    page = firm.get(place).text
    assert "2026-12-20" in page
    assert "SHA-256" in page
    assert firm.get(f"{place}/document").data.startswith(b"%PDF-")
    assert firm.post(f"{place}/pay", data={}).status_code == 422
    assert firm.post(f"{place}/pay", data={"channel": "stripe"}).status_code == 422  # not announced
    assert firm.post(f"{place}/pay", data={"channel": "bank"}).status_code == 302
    with app.app_context():
        payment = db.session.scalars(sa.select(Payment)).one()
        payment_id, reference, account = payment.id, payment.reference, payment.account
    page = firm.get(place).text
    assert reference in page
    assert account in page
    slip = f"/payments/{payment_id}/slip"
    nothing = firm.post(slip, data={})
    assert nothing.status_code == 422
    assert "请先选择文件" in nothing.text
    assert firm.post(slip, data={"slip": (io.BytesIO(b"<html>"), "slip.pdf")}).status_code == 422
    assert firm.get(slip).status_code == 404
    firm.post(slip, data={"slip": (io.BytesIO(PDF), "slip.pdf")})
    kept = firm.get(slip)
    assert kept.data == PDF
    assert "attachment" in kept.headers["Content-Disposition"]
    stranger = sign_in(made(lambda: factories.organisation().id))
    for path in (place, f"{place}/document", slip):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/payments/{payment_id}/cancel").status_code == 404
    assert firm.post(f"/payments/{payment_id}/cancel").status_code == 302


def test_the_way_back_from_the_checkout_changes_nothing(
    app: Flask, firm: FlaskClient, firm_id: int, made
) -> None:
    place = _serve(firm, firm_id, _offer(made))
    page = firm.get(f"{place}?checkout=done").text
    assert "支付正在处理" in page
    assert 'hx-trigger="every 4s"' in page
    with app.app_context():
        assert db.session.scalars(sa.select(Notice.state)).one() == "served"
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Licence)) == 0


def test_a_notice_can_be_given_up(firm: FlaskClient, firm_id: int, made) -> None:
    place = _serve(firm, firm_id, _offer(made))
    assert firm.post(f"{place}/abandon").status_code == 302
    assert "已放弃" in text_of(firm.get(place).text)
    assert firm.post(f"{place}/abandon").status_code == 409


def test_licences_and_notices_are_listed(firm: FlaskClient, firm_id: int, made) -> None:
    assert "您还没有取得许可" in firm.get("/my/licences").text
    waiting = _serve(firm, firm_id, _offer(made))
    taken = _serve(firm, firm_id, _offer(made, fee_form="free", fee_minor=None))
    page = firm.get("/my/licences").text
    assert f'href="{waiting}"' in page
    assert f'href="{taken}"' in page
    assert f'href="{waiting}"' in firm.get("/my/notices").text


def test_the_recordal_is_noted_step_by_step(app: Flask, firm: FlaskClient, firm_id: int, made) -> None:
    place = _serve(firm, firm_id, _offer(made, fee_form="free", fee_minor=None))
    assert "应自生效之日起三个月内" in firm.get(place).text
    assert firm.post(f"{place}/recordal/filed", data={"filed_on": "2030-01-01"}).status_code == 422
    assert firm.post(f"{place}/recordal/filed", data={"filed_on": "2026-11-20"}).status_code == 302
    assert firm.post(f"{place}/recordal/recorded", data={"number": "", "on": "2026-11-20"}).status_code == 422
    assert (
        firm.post(f"{place}/recordal/recorded", data={"number": "B2026", "on": "2026-11-20"}).status_code
        == 302
    )
    assert "B2026" in firm.get(place).text


def test_the_whole_way_is_there_in_english(firm: FlaskClient, firm_id: int, made) -> None:
    firm.post("/language", data={"language": "en"})
    offer = _offer(made)
    assert "In plain words" in firm.get(f"/offers/{offer}/licence").text
    said = text_of(firm.get(_serve(firm, firm_id, offer)).text)
    assert "Pay the holder" in said


# --- demands


@pytest.fixture
def indexed(app: Flask, made) -> int:
    """A live offer of an electrolyte film, found by search."""

    def make() -> int:
        holder = factories.organisation()
        subject = factories.patent(
            holder, title="一种固态电解质膜", abstract="降低固态电解质膜界面阻抗的方法。"
        )
        return factories.live_offer(holder, subject).id

    offer: int = made(make)
    with app.app_context():
        generations.rebuild()
        db.session.remove()
    return offer


def _post_demand(firm: FlaskClient) -> str:
    answer = firm.post(
        "/demands/new",
        data={
            "title": "固态电解质膜界面阻抗太高",
            "description": "固态电解质膜界面阻抗太高,循环后开裂。",
            "budget": "80,000",
        },
    )
    assert answer.status_code == 302
    return str(answer.location)


def test_a_demand_shows_its_matches_with_reasons(firm: FlaskClient, indexed: int) -> None:
    page = firm.get(_post_demand(firm)).text
    assert f"/offers/{indexed}" in page
    assert "匹配理由" in page
    assert "¥80,000" in page


def test_a_match_is_opened_contacted_or_passed_over(app: Flask, firm: FlaskClient, indexed: int) -> None:
    place = _post_demand(firm)
    assert firm.post(f"{place}/offers/{indexed}/opened").location == f"/offers/{indexed}"
    firm.post(f"{place}/offers/{indexed}/contacted")
    firm.post(f"{place}/offers/{indexed}/passed", data={"reason": "too_expensive", "note": "超出预算"})
    with app.app_context():
        row = db.session.scalars(sa.select(Recommendation)).one()
        assert (row.state, row.pass_reason) == ("passed", "too_expensive")
    assert "已排除 1 项" in text_of(firm.get(place).text)
    assert firm.post(f"{place}/offers/{indexed}/licensed").status_code == 404


def test_a_demand_without_words_is_refused(firm: FlaskClient) -> None:
    answer = firm.post("/demands/new", data={"title": "", "description": "", "budget": "viel"})
    assert answer.status_code == 422
    assert 'href="#title"' in answer.text


def test_a_budget_that_is_no_number_is_named(firm: FlaskClient) -> None:
    answer = firm.post("/demands/new", data={"title": "a", "description": "b", "budget": "viel"})
    assert answer.status_code == 422
    assert 'href="#budget"' in answer.text


def test_a_demand_is_its_owners_to_change_and_close(firm: FlaskClient, sign_in, made, indexed: int) -> None:
    place = _post_demand(firm)
    stranger = sign_in(made(lambda: factories.organisation().id))
    assert stranger.get(f"{place}/edit").status_code == 403
    assert stranger.post(f"{place}/close").status_code == 403
    assert stranger.post(f"{place}/offers/{indexed}/passed").status_code == 404
    assert firm.post(f"{place}/edit", data={"title": "新标题", "description": "新描述"}).status_code == 302
    assert "新标题" in firm.get(place).text
    # It is said what became of it.
    assert firm.post(f"{place}/close").status_code == 302
    assert stranger.get(place).status_code == 200
    assert firm.post(f"{place}/close", data={"outcome": "met:elsewhere"}).status_code == 302
    assert "需求已满足" in firm.get(place).text
    assert stranger.get(place).status_code == 404


def test_a_holder_answers_with_its_own_live_offer(
    app: Flask, firm: FlaskClient, sign_in, indexed: int
) -> None:
    place = _post_demand(firm)
    with app.app_context():
        holder_id = db.session.get_one(Offer, indexed).holder_id
    holder = sign_in(holder_id)
    assert f'<option value="{indexed}"' in holder.get(place).text
    assert holder.post(f"{place}/answer", data={"offer": indexed}).status_code == 302
    assert "权利人的答复" in firm.get(place).text
    with app.app_context():
        assert db.session.scalars(sa.select(Demand.state)).one() == "answered"


def test_the_inbox_opens_for_members_only(firm: FlaskClient, visitor: FlaskClient) -> None:
    assert firm.get("/inbox").status_code == 200
    assert visitor.get("/inbox").status_code == 302
