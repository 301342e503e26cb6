"""Disputes on pages: opened from a licence, answered, settled, and shown to nobody else."""

from __future__ import annotations

import io
from collections.abc import Callable

from flask import Flask

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices
from marketplace.deals.lookup import licence_of
from tests import factories
from tests.web.conftest import SignIn


def test_a_dispute_is_opened_on_a_licence_answered_and_settled(app: Flask, sign_in: SignIn) -> None:
    with app.app_context():
        with unit_of_work():
            holder, firm, other = (factories.organisation() for _ in range(3))
            offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
            actor = factories.actor(firm)
        prepared = notices.prepare_notice(actor, offer.id)
        with unit_of_work(actor):
            licence = licence_of(notices.serve_notice(actor, prepared))
        assert licence is not None
        licence_id, ids = licence.id, (holder.id, firm.id, other.id)
        db.session.remove()
    theirs, mine, stranger = (sign_in(one, locale="en") for one in ids)
    assert "Something is in dispute" in mine.get(f"/licences/{licence_id}").text
    refused = mine.post(f"/disputes/open/licence/{licence_id}", data={"topic": "scope"})
    assert refused.status_code == 422
    answer = mine.post(
        f"/disputes/open/licence/{licence_id}",
        data={
            "topic": "scope", "title": "Which products?", "statement": "Please say so.",
            "file": (io.BytesIO(b"%PDF-1.7 x"), "a.pdf"),
        },
    )  # fmt: skip
    address = answer.headers["Location"]
    page = theirs.get(address).text
    assert "Please say so." in page
    assert "Mediation by CNIPA" in page
    assert stranger.get(address).status_code == 404
    assert "The licence stays in effect meanwhile." in mine.get(f"/licences/{licence_id}").text
    assert "Which products?" in theirs.get(f"/holder/licences/{licence_id}").text
    assert theirs.post(f"{address}/words", data={"text": "All of them."}).status_code == 302
    assert theirs.post(f"{address}/settlement", data={"text": "All products."}).status_code == 302
    assert "Agree to this text" not in theirs.get(address).text
    assert mine.post(f"{address}/agree").status_code == 302
    assert "Agreed settlement" in theirs.get(address).text
    bureau = sign_in(staff_role="bureau", locale="en")
    assert "Counted for supervision" in bureau.get("/disputes").text
    assert bureau.get(address).status_code == 200
    assert "人民法院" in sign_in(ids[2]).get("/disputes/ways").text


def test_an_address_is_registered_with_its_secret_shown_once(
    app: Flask, sign_in: SignIn, made: Callable[[Callable[[], int]], int]
) -> None:
    browser = sign_in(made(lambda: factories.organisation().id), locale="en")
    data = {"url": "http://127.0.0.1:9/x", "events": ["licence.in_effect"], "label": "ERP"}
    shown = browser.post("/account/webhooks", data=data)
    assert "whsec_" in shown.text
    listed = browser.get("/account/webhooks").text
    assert "ERP" in listed
    assert "whsec_" not in listed
    refused = browser.post("/account/webhooks", data={"url": "ftp://x", "events": ["licence.in_effect"]})
    assert refused.status_code == 422
