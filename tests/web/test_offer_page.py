"""The page of an offer as a reader wants it, the holder's page behind it, and asking a person."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from marketplace.accounts.models import Organisation
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.listings.showcase import questions, services
from marketplace.listings.showcase.models import Question
from tests import factories
from tests.listings.test_showcase import VALUES

from .conftest import SignIn, text_of

Made = Callable[[Callable[[], int]], int]


@pytest.fixture
def offer(app: Flask) -> tuple[int, int]:
    """Ids of a live offer and of its holder; the offer is described in both languages."""
    with app.app_context():
        with unit_of_work(SYSTEM):
            holder = factories.organisation("示例大学", type="university")
            patent = factories.patent(holder, title_en="A stator winding", abstract_en="A winding <b>.")
            row = factories.live_offer(holder, patent)
            services.describe(SYSTEM, row.id, VALUES)
            found = row.id, holder.id
        db.session.remove()
    return found


def drawn() -> io.BytesIO:
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "the secret workshop"
    Image.new("RGB", (60, 40), "teal").save(picture, "JPEG", exif=exif)
    picture.seek(0)
    return picture


def json_ld(page: str) -> list[dict[str, Any]]:
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(block) for block in blocks]


def describing(client: FlaskClient, offer_id: int, **values: str) -> Any:
    form = {
        "problem_zh": "端部绕组占用空间大",
        "costs-0-item_zh": "单台铜材",
        "costs-0-today": "1.20",
        "costs-0-with_patent": "0.96",
        "costs-0-unit": "kg",
        "costs-0-source": "2025 年试制记录",
        "side_offers-0-kind": "know_how",
        "side_offers-0-what_zh": "绕线工艺交流",
        "side_offers-0-price": "",
        "side_offers-0-price_unit": "once",
        "side_offers-1-kind": "training",
        "side_offers-1-what_zh": "",
        "side_offers-1-price_unit": "once",
        "maturity": "pilot",
        "do": "save",
    }
    return client.post(f"/offers/{offer_id}/describe", data=form | values)


def test_a_reader_finds_problem_product_maturity_costs_and_what_goes_beside(
    visitor: FlaskClient, offer: tuple[int, int]
) -> None:
    page = visitor.get(f"/offers/{offer[0]}").text
    text = text_of(page)
    for said in (
        "端部绕组占用空间大",
        "汽车转向电机用定子",
        "铜耗下降",
        "中试",
        "(-20.0%)",
        "2025 年试制记录",
    ):
        assert said in text
    assert "不是许可的条件" in text
    assert "绕线工两日培训" in text
    assert re.search(rf'<link rel="canonical" href="https?://[^"/]+/offers/{offer[0]}">', page)
    assert 'property="og:title"' in page
    assert "data:image/svg+xml" in page


def test_english_readers_see_who_translated_and_what_is_still_chinese(
    visitor: FlaskClient, offer: tuple[int, int]
) -> None:
    page = visitor.get(f"/offers/{offer[0]}", headers={"Accept-Language": "en"}).text
    text = text_of(page)
    assert "A stator for steering motors" in text
    assert '<p class="lines mb-1">A stator for steering motors</p>' in page
    assert "Pilot production: made in small series" in text
    assert "translation: machine" in text
    assert "translation: origin not stated" in text  # the abstract's
    assert '<p class="lines mb-1" lang="zh-CN">端部绕组占用空间大</p>' in page


def test_the_data_for_search_engines_is_valid_json_and_cannot_end_its_element(
    app: Flask, visitor: FlaskClient, offer: tuple[int, int]
) -> None:
    with app.app_context():
        with unit_of_work(SYSTEM):
            services.describe(SYSTEM, offer[0], VALUES | {"problem_zh": "</script><script>alert(1)</script>"})
        db.session.remove()
    [item] = json_ld(visitor.get(f"/offers/{offer[0]}").text)
    assert item["@type"] == "Offer"
    assert item["price"] == "50000.00"
    assert "</script>" in item["itemOffered"]["description"]
    assert None not in item.values()


def test_the_holder_describes_previews_and_saves_without_touching_the_terms(
    app: Flask, sign_in: SignIn, offer: tuple[int, int]
) -> None:
    client = sign_in(offer[1])
    page = client.get(f"/offers/{offer[0]}/describe")
    assert page.status_code == 200
    assert "为读者写说明" in text_of(page.text)
    preview = describing(client, offer[0], problem_zh="只在预览里", do="preview")
    assert preview.status_code == 200
    assert "只在预览里" in preview.text
    assert "只在预览里" not in client.get(f"/offers/{offer[0]}").text
    assert describing(client, offer[0], problem_zh="噪声大").status_code == 302
    assert "噪声大" in client.get(f"/offers/{offer[0]}").text
    refused = describing(client, offer[0], **{"side_offers-0-price": "viel"})
    assert refused.status_code == 422
    assert '<a href="#side_offers-0-price">' in refused.text
    assert describing(client, offer[0], **{"costs-0-source": ""}).status_code == 422


def test_know_how_is_shown_before_it_is_published(sign_in: SignIn, offer: tuple[int, int]) -> None:
    client = sign_in(offer[1])
    refused = describing(client, offer[0], advantage_zh="烧结温度为 650 ℃")
    assert refused.status_code == 422
    assert "<mark>烧结温度为 650 ℃</mark>" in refused.text
    assert "650" not in client.get(f"/offers/{offer[0]}").text
    assert describing(client, offer[0], advantage_zh="烧结温度为 650 ℃", may_be_public="y").status_code == 302


def test_what_is_wholly_unpublished_gets_the_early_disclosure_warning(sign_in: SignIn, made: Made) -> None:
    holder_id = made(lambda: factories.organisation().id)

    def draft() -> int:
        holder = db.session.get_one(Organisation, holder_id)
        patent = factories.patent(holder, grant_date=None)
        return factories.live_offer(holder, patent, status="draft", evidence=None, announced_on=None).id

    page = sign_in(holder_id).get(f"/offers/{made(draft)}/describe")
    assert "新颖性" in text_of(page.text)


def test_nobody_else_describes_it(
    visitor: FlaskClient, sign_in: SignIn, offer: tuple[int, int], made: Made
) -> None:
    other = sign_in(made(lambda: factories.organisation().id))
    assert other.get(f"/offers/{offer[0]}/describe").status_code == 404
    assert describing(other, offer[0]).status_code == 404
    assert visitor.get(f"/offers/{offer[0]}/describe").status_code in (302, 401)


def test_a_picture_is_served_as_an_attachment_without_its_metadata(
    visitor: FlaskClient, sign_in: SignIn, offer: tuple[int, int]
) -> None:
    client = sign_in(offer[1])
    address = f"/offers/{offer[0]}/attachments"
    without = client.post(address, data={"file": (drawn(), "a.jpg"), "alt_zh": ""})
    assert without.status_code == 422
    wrong = client.post(address, data={"file": (io.BytesIO(b"<svg/>"), "a.svg"), "alt_zh": "图"})
    assert wrong.status_code == 422
    sent = client.post(address, data={"file": (drawn(), "a.jpg"), "alt_zh": "样机照片"})
    assert sent.status_code == 302
    page = visitor.get(f"/offers/{offer[0]}").text
    found = re.search(rf'<img src="({address}/\d+)" alt="样机照片"', page)
    assert found is not None
    answer = visitor.get(found[1])
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"secret workshop" not in answer.data
    assert client.post(f"{found[1]}/remove").status_code == 302
    assert visitor.get(found[1]).status_code == 404


def test_a_signed_in_reader_asks_and_reads_the_answer(
    app: Flask, visitor: FlaskClient, sign_in: SignIn, offer: tuple[int, int], made: Made
) -> None:
    reader = sign_in(made(lambda: factories.organisation().id))
    holder = sign_in(offer[1])
    assert reader.post(f"/offers/{offer[0]}/ask", data={"text": ""}).status_code == 422
    assert reader.post(f"/offers/{offer[0]}/ask", data={"text": "能否用于 48 V？"}).status_code == 302
    page = holder.get("/questions").text
    found = re.search(r'href="(/questions/\d+)"', page)
    assert found is not None
    assert "等待" in text_of(page)
    assert holder.post(found[1], data={"answer": "可以。"}).status_code == 302
    assert "可以。" in reader.get(found[1]).text
    assert visitor.get(found[1]).status_code in (302, 401)
    pair = {"question_zh": "可用于 48 V 吗？", "answer_zh": "可以。", "by": ""}
    assert holder.post(f"{found[1]}/publish", data=pair).status_code == 302
    public = visitor.get(f"/offers/{offer[0]}").text
    assert "可用于 48 V 吗？" in public
    assert [one["@type"] for one in json_ld(public)] == ["Offer", "FAQPage"]
    assert holder.post(f"{found[1]}/unpublish").status_code == 302
    assert "可用于 48 V 吗？" not in visitor.get(f"/offers/{offer[0]}").text


def test_a_visitor_confirms_the_address_by_a_press_and_not_by_a_look(
    app: Flask, visitor: FlaskClient, offer: tuple[int, int]
) -> None:
    data = {"text": "Is it free?", "email": "a@example.org"}
    assert visitor.post(f"/offers/{offer[0]}/ask", data={"text": "?"}).status_code == 422
    assert visitor.post(f"/offers/{offer[0]}/ask", data=data).status_code == 302
    with app.app_context():
        row = db.session.query(Question).one()
        token = questions.token_of(row)
        db.session.remove()
    assert visitor.get(f"/questions/confirm/{token}").status_code == 200
    assert visitor.get("/questions/confirm/forged").status_code == 404
    with app.app_context():
        assert db.session.query(Question).one().state == "unconfirmed"
        db.session.remove()
    assert visitor.post(f"/questions/confirm/{token}").status_code == 302
    with app.app_context():
        assert db.session.query(Question).one().state == "open"
        db.session.remove()


def test_the_bureau_sees_whose_questions_wait_and_how_long(
    app: Flask, sign_in: SignIn, offer: tuple[int, int], made: Made
) -> None:
    reader = sign_in(made(lambda: factories.organisation().id))
    reader.post(f"/offers/{offer[0]}/ask", data={"text": "问"})
    with app.app_context():
        with unit_of_work(SYSTEM):
            db.session.query(Question).one().reached_on = dt.date(2026, 11, 10)
        db.session.remove()
    page = sign_in(staff_role="bureau").get("/questions/waiting")
    assert page.status_code == 200
    assert "示例大学" in page.text
    assert '<td class="num">10</td>' in page.text
    assert reader.get("/questions/waiting").status_code == 403


def test_the_holder_of_a_patent_declared_anew_begins_with_what_was_said_before(
    sign_in: SignIn, offer: tuple[int, int], made: Made
) -> None:
    def again() -> int:
        old = db.session.get_one(Offer, offer[0])
        old.status, old.withdrawn_on = "withdrawn", dt.date(2026, 11, 1)
        db.session.flush()
        return factories.live_offer(
            old.holder, old.patent, status="draft", evidence=None, announced_on=None
        ).id

    new = made(again)
    client = sign_in(offer[1])
    page = client.get(f"/offers/{new}/describe").text
    assert f"/offers/{new}/describe?take=earlier" in page
    assert VALUES["problem_zh"] not in page
    assert VALUES["problem_zh"] in client.get(f"/offers/{new}/describe?take=earlier").text
    assert VALUES["problem_zh"] not in client.get(f"/offers/{new}/describe").text  # nothing is kept yet
    assert describing(client, new, problem_zh="新的问题").status_code == 302
    assert "take=earlier" not in client.get(f"/offers/{new}/describe").text
