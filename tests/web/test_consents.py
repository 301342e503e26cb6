"""Pages of consents and price notices: by link without an account, signed in, and what strangers get."""

from __future__ import annotations

import datetime as dt
import io
import logging
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.consents import services as consents
from marketplace.listings.consents.models import Consent, PriceNotice, PriceObjection
from marketplace.listings.models import Offer, PatentParty
from marketplace.notifications.rules import tellings
from tests import factories

from .conftest import SignIn, text_of


class Scene:
    """A holder at a browser, with a draft on a patent that a co-owner shares."""

    def __init__(self, app: Flask, sign_in: SignIn, language: str = "zh") -> None:
        self.app = app
        with app.app_context():
            with unit_of_work():
                holding, sharing = factories.organisation(type="university"), factories.organisation()
                patent = factories.patent(holding, sharing)
                actor = factories.actor(holding)
            with unit_of_work(actor):
                offer = services.draft_offer(
                    actor,
                    patent,
                    {
                        "fee_form": "fixed",
                        "fee": 5_000_000,
                        "term_to": dt.date(2031, 11, 30),
                        "contact": "技术转移办公室 021-00000000",
                        "not_included": "不包含技术秘密",
                    },
                )
            self.offer, self.holding, self.sharing = offer.id, holding.id, sharing.id
            db.session.remove()
        self.holder = sign_in(self.holding, locale=language)
        self.sharer = sign_in(self.sharing, locale=language)
        self.stranger = sign_in(self._organisation(), locale=language)

    def _organisation(self) -> int:
        with self.app.app_context():
            with unit_of_work():
                found = factories.organisation().id
            db.session.remove()
        return found

    def ask(self, **values: str) -> None:
        data = {"ask-party": str(self.sharing), "ask-locale": "zh"} | values
        answer = self.holder.post(f"/holder/offers/{self.offer}/consents", data=data)
        assert answer.status_code == 302, text_of(answer.text)

    def token(self) -> str:
        with self.app.app_context():
            consent = db.session.scalars(
                sa.select(Consent).where(Consent.offer_id == self.offer).order_by(Consent.id.desc())
            ).first()
            assert consent is not None
            found = consents.token_of(consent)
            db.session.remove()
        return found

    def consent(self) -> Consent:
        with self.app.app_context():
            found = db.session.scalars(
                sa.select(Consent).where(Consent.offer_id == self.offer).order_by(Consent.id.desc())
            ).first()
            assert found is not None
            db.session.remove()
        return found


@pytest.fixture
def scene(app: Flask, sign_in: SignIn) -> Scene:
    return Scene(app, sign_in)


def shown_digest(page: str) -> str:
    found = re.search(r'name="terms"[^>]*value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def pdf_text(pdf: bytes, folder: Path) -> str:
    """The words of a PDF without blanks and breaks."""
    file = folder / "paper.pdf"
    file.write_bytes(pdf)
    found = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True)
    return "".join(found.stdout.decode().split())


def answer_of(page: str, **values: str) -> dict[str, str]:
    return {
        "terms": shown_digest(page),
        "answer": "give",
        "name": "王示例",
        "position": "总经理",
        "sure": "y",
    } | values


def test_a_co_owner_without_an_account_reads_all_terms_and_agrees_by_link(
    scene: Scene, visitor: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    scene.ask(**{"ask-email": "owner@example.org"})
    token = scene.token()
    with caplog.at_level(logging.INFO):
        opened = visitor.get(f"/consents/open?token={token}")
        assert (opened.status_code, opened.location) == (302, "/consents/answer")
        page = visitor.get("/consents/answer").text
        said = text_of(page)
        for part in (
            "¥50,000",
            "技术转移办公室 021-00000000",
            "不包含技术秘密",
            "2031-11-30",
            "任何单位或者个人",
        ):
            assert part in said
        assert token not in page
        done = visitor.post("/consents/answer", data=answer_of(page))
        assert (done.status_code, done.location) == (302, "/consents/answered")
    assert token not in caplog.text
    assert "王示例" in text_of(visitor.get("/consents/answered").text)
    paper = visitor.get("/consents/answered/paper")
    assert paper.data.startswith(b"%PDF")
    assert visitor.get(f"/consents/open?token={token}").status_code == 404
    assert visitor.get("/consents/answer").status_code == 404
    assert scene.consent().strength == "link"
    ready = scene.holder.post(f"/holder/offers/{scene.offer}/ready")
    assert ready.status_code == 302


def test_the_link_needs_its_form_and_an_answer_needs_its_parts(scene: Scene, visitor: FlaskClient) -> None:
    assert visitor.get("/consents/answered/paper").status_code == 404
    assert visitor.post("/consents/answer", data={"answer": "give"}).status_code == 404
    scene.ask(**{"ask-email": "owner@example.org"})
    visitor.get(f"/consents/open?token={scene.token()}")
    page = visitor.get("/consents/answer").text
    for missing in ("name", "position", "sure", "answer"):
        assert visitor.post("/consents/answer", data=answer_of(page, **{missing: ""})).status_code == 422
    assert visitor.post("/consents/answer", data=answer_of(page, answer="refuse")).status_code == 422
    assert visitor.post("/consents/answer", data=answer_of(page, terms="0" * 64)).status_code == 422
    refused = visitor.post("/consents/answer", data=answer_of(page, answer="refuse", reason="费用过低"))
    assert refused.status_code == 302
    page = text_of(scene.holder.get(f"/holder/offers/{scene.offer}").text)
    assert "费用过低" in page
    assert "拒绝" in page


def test_forms_of_the_link_are_safe_from_other_sites(scene: Scene, visitor: FlaskClient) -> None:
    scene.ask(**{"ask-email": "owner@example.org"})
    token = scene.token()
    scene.app.config["WTF_CSRF_ENABLED"] = True
    try:
        visitor.get(f"/consents/open?token={token}")
        page = visitor.get("/consents/answer").text
        assert visitor.post("/consents/answer", data=answer_of(page)).status_code in (400, 422)
        assert scene.consent().state == "asked"
        sent = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert sent
        done = visitor.post("/consents/answer", data=answer_of(page, csrf_token=sent[1]))
        assert done.status_code == 302
    finally:
        scene.app.config["WTF_CSRF_ENABLED"] = False


def test_the_link_is_rate_limited(scene: Scene, visitor: FlaskClient) -> None:
    from marketplace.extensions import limiter

    scene.app.config["RATELIMIT_ENABLED"] = True
    before, limiter.enabled = limiter.enabled, True
    try:
        limiter.reset()
        answers = [visitor.get(f"/consents/open?token={n}").status_code for n in range(31)]
    finally:
        limiter.reset()
        limiter.enabled = before
        scene.app.config["RATELIMIT_ENABLED"] = False
    assert answers[:30] == [404] * 30
    assert answers[30] == 429


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_joined_co_owner_answers_in_the_app_and_strangers_see_nothing(
    app: Flask, sign_in: SignIn, language: str
) -> None:
    scene = Scene(app, sign_in, language)
    scene.ask()
    consent = scene.consent()
    assert f"/consents/{consent.id}" in scene.sharer.get("/consents").text
    for browser in (scene.stranger, app.test_client()):
        assert browser.get(f"/consents/{consent.id}").status_code in (302, 404)
        assert browser.get(f"/holder/consents/{consent.id}/paper").status_code in (302, 404)
    assert scene.holder.get(f"/consents/{consent.id}").status_code == 404  # the holder does not answer for it
    page = scene.sharer.get(f"/consents/{consent.id}").text
    assert scene.sharer.post(f"/consents/{consent.id}", data=answer_of(page)).status_code == 302
    assert scene.sharer.get(f"/consents/{consent.id}").status_code == 200
    assert scene.sharer.get(f"/holder/consents/{consent.id}/paper").data.startswith(b"%PDF")
    assert scene.holder.get(f"/holder/offers/{scene.offer}/consents").status_code == 200


def test_a_signed_paper_is_handed_in_and_a_question_taken_back(scene: Scene) -> None:
    scene.ask(**{"ask-email": "owner@example.org"})
    back = scene.holder.post(f"/holder/consents/{scene.consent().id}/take-back")
    assert back.status_code == 302
    address = f"/holder/offers/{scene.offer}/consents?by=paper"
    data = {
        "paper-party": str(scene.sharing),
        "paper-signer": "王示例",
        "paper-position": "总经理",
        "paper-signed_on": "2026-11-19",
    }
    assert scene.holder.post(address, data=data).status_code == 422
    given = data | {"paper-paper": (io.BytesIO(b"MZ"), "x.pdf")}
    assert scene.holder.post(address, data=given, content_type="multipart/form-data").status_code == 422
    given = data | {"paper-paper": (io.BytesIO(b"%PDF-1.7 x"), "x.pdf")}
    assert scene.holder.post(address, data=given, content_type="multipart/form-data").status_code == 302
    assert scene.consent().strength == "paper"
    assert scene.stranger.get(f"/holder/offers/{scene.offer}/consents").status_code == 404
    assert scene.stranger.post(f"/holder/consents/{scene.consent().id}/take-back").status_code == 404


def test_a_price_notice_is_public_takes_objections_and_waits_for_answers(
    scene: Scene, visitor: FlaskClient
) -> None:
    rule = {"days": "15", "counting": "working"}
    assert scene.holder.post("/holder/price-notice-rule", data=rule | {"days": "0"}).status_code == 422
    assert scene.holder.post("/holder/price-notice-rule", data=rule).status_code == 302
    assert scene.holder.post(f"/holder/offers/{scene.offer}/start_price_notice").status_code == 302
    with scene.app.app_context():
        code = db.session.scalars(sa.select(PriceNotice.code)).one()
        db.session.remove()
    page = text_of(visitor.get(f"/price-notices/{code}").text)
    assert "人民币50,000元" in page
    assert "2026-12-11" in page  # fifteen working days
    assert visitor.get("/price-notices/unknown").status_code == 404
    assert visitor.post(f"/price-notices/{code}", data={"name": "", "text": "x"}).status_code == 422
    sent = visitor.post(f"/price-notices/{code}", data={"name": "张示例", "text": "价格过低"})
    assert sent.status_code == 302
    page = text_of(visitor.get(f"/price-notices/{code}").text)
    assert "价格过低" in page
    assert "张示例" not in page
    notice = f"/holder/offers/{scene.offer}/price-notice"
    assert "张示例" in text_of(scene.holder.get(notice).text)
    with scene.app.app_context():
        objection = db.session.scalars(sa.select(PriceObjection.id)).one()
        db.session.remove()
    data = {"objection": str(objection), f"o{objection}-decision": "rejected", f"o{objection}-answer": ""}
    assert scene.holder.post(notice, data=data).status_code == 422
    assert scene.stranger.post(notice, data=data).status_code == 404
    assert scene.holder.post(notice, data=data | {f"o{objection}-answer": "依规测算"}).status_code == 302
    assert "依规测算" in text_of(visitor.get(f"/price-notices/{code}").text)
    refused = scene.holder.post(f"/holder/offers/{scene.offer}/ready", data={"consent": "y"})
    assert refused.status_code == 422
    assert "2026-12-11" in text_of(refused.text)


def test_papers_are_downloaded_alone_and_together_by_the_holder_only(scene: Scene) -> None:
    for kind, form in (("declaration", "pdf"), ("declaration", "docx"), ("checklist", "pdf")):
        address = f"/holder/offers/{scene.offer}/papers/{kind}.{form}"
        answer = scene.holder.get(address)
        assert answer.data.startswith(b"%PDF" if form == "pdf" else b"PK")
        assert "attachment" in answer.headers["Content-Disposition"]
        assert scene.stranger.get(address).status_code == 404
    assert scene.holder.get(f"/holder/offers/{scene.offer}/papers/withdrawal.pdf").status_code == 302
    assert scene.holder.get(f"/holder/offers/{scene.offer}/papers/x.pdf").status_code == 404
    assert f'value="{scene.offer}"' in scene.holder.get("/holder/offers/papers").text
    assert scene.holder.post("/holder/offers/papers").status_code == 302
    together = scene.holder.post("/holder/offers/papers", data={"offer": str(scene.offer), "form": "pdf"})
    names = zipfile.ZipFile(io.BytesIO(together.data)).namelist()
    assert any(name.endswith("declaration.pdf") for name in names)
    assert not any(name.endswith(".docx") for name in names)
    foreign = scene.stranger.post("/holder/offers/papers", data={"offer": str(scene.offer)})
    assert zipfile.ZipFile(io.BytesIO(foreign.data)).namelist() == ["not-made.txt"]


def test_a_draft_is_discarded_and_a_filing_taken_back(scene: Scene) -> None:
    scene.ask()
    page = scene.sharer.get(f"/consents/{scene.consent().id}").text
    scene.sharer.post(f"/consents/{scene.consent().id}", data=answer_of(page))
    scene.holder.post(f"/holder/offers/{scene.offer}/ready")
    filed = {"filed_on": "2026-11-20", "undertaking": "y", "facts_confirmed": "y"}
    assert scene.holder.post(f"/holder/offers/{scene.offer}/file", data=filed).status_code == 302
    assert scene.holder.post(f"/holder/offers/{scene.offer}/reopen").status_code == 302
    with scene.app.app_context():
        assert db.session.get_one(Offer, scene.offer).status == "ready"
        db.session.remove()
    answer = scene.holder.post(
        f"/holder/offers/{scene.offer}/declaration/other", data={"not_included": "仅限上海市企业"}
    )
    assert answer.status_code == 422
    assert "任何单位或者个人" in text_of(answer.text)
    scene.holder.post(f"/holder/offers/{scene.offer}/declaration/other", data={"not_included": "无"})
    assert "须重新征求" in text_of(scene.holder.get(f"/holder/offers/{scene.offer}").text)
    assert scene.holder.post(f"/holder/offers/{scene.offer}/discard").status_code == 302
    assert "已作废" in text_of(scene.holder.get(f"/holder/offers/{scene.offer}").text)
    assert scene.sharer.get(f"/consents/{scene.consent().id}").status_code == 200


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_co_owner_agrees_by_link_to_a_withdrawal_on_one_ground_and_the_paper_says_so(
    app: Flask, sign_in: SignIn, visitor: FlaskClient, language: str, tmp_path: Path, poppler_folder: Path
) -> None:
    scene = Scene(app, sign_in, language)
    with app.app_context():
        with unit_of_work():
            sharing = db.session.get_one(Organisation, scene.sharing)
            live = factories.live_offer(db.session.get_one(Organisation, scene.holding))
            live.patent.parties.append(PatentParty(organisation=sharing, position=1))
        scene.offer = live.id
        db.session.remove()
    asking = f"/holder/offers/{scene.offer}/withdrawal-consents"
    asked = {"ask-party": str(scene.sharing), "ask-locale": language, "ask-email": "owner@example.org"}
    assert scene.holder.post(asking, data=asked).status_code == 422  # without its ground
    assert scene.holder.post(asking, data=asked | {"ask-ground": "专利权转让"}).status_code == 302
    withdrawal = f"/holder/offers/{scene.offer}/file_withdrawal"
    filing = {"reason": "专利权转让", "filed_on": "2026-11-20"}
    assert scene.holder.post(withdrawal, data=filing).status_code == 422  # the co-owner has not answered
    token = scene.token()
    visitor.get(f"/consents/open?token={token}")
    page = visitor.get("/consents/answer").text
    assert "专利权转让" in text_of(page)
    assert "50,000" not in text_of(page)
    assert visitor.post("/consents/answer", data=answer_of(page)).status_code == 302
    assert visitor.get(f"/consents/open?token={token}").status_code == 404
    consent = scene.consent()
    assert (consent.purpose, consent.state, consent.strength) == ("withdrawal", "given", "link")
    with app.app_context():
        entries = sa.select(JournalEntry).where(JournalEntry.subject_type == "consents")
        told = {one.code for entry in db.session.scalars(entries) for one in tellings(entry)}
        db.session.remove()
    assert told == {"withdrawal_consent_asked", "withdrawal_consent_given"}
    kept = visitor.get("/consents/answered/paper").data
    paper = scene.holder.get(f"/holder/offers/{scene.offer}/papers/withdrawal.pdf").data
    for made in (kept, paper):
        said = pdf_text(made, tmp_path)
        assert "王示例（总经理）" in said
        assert consent.terms_sha256 in said
        assert "专利权转让" in said
    listed = pdf_text(scene.holder.get(f"/holder/offers/{scene.offer}/papers/checklist.pdf").data, tmp_path)
    assert "全体共有专利权人同意撤回的书面意见" in listed
    together = scene.holder.post("/holder/offers/papers", data={"offer": str(scene.offer), "form": "pdf"})
    names = zipfile.ZipFile(io.BytesIO(together.data)).namelist()
    assert any(f"signed-consent-{consent.id}" in name for name in names)
    other = scene.holder.post(withdrawal, data=filing | {"reason": "其他理由"})
    assert other.status_code == 422  # nobody has agreed to that
    assert scene.holder.post(withdrawal, data=filing).status_code == 302


def test_the_pledgee_is_no_choice_where_no_pledge_is(scene: Scene) -> None:
    page = scene.holder.get(f"/holder/offers/{scene.offer}/consents").text
    assert 'value="pledgee"' not in page
    with scene.app.app_context():
        with unit_of_work():
            offer = db.session.get_one(Offer, scene.offer)
            for fact in offer.patent.facts:
                if fact.name == "pledged":
                    fact.value = "without_consent"
        db.session.remove()
    assert 'value="pledgee"' in scene.holder.get(f"/holder/offers/{scene.offer}/consents").text
