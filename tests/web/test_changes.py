"""The pages of guided tasks."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from marketplace.core.database import db
from marketplace.listings.models import Offer
from tests import factories
from tests.web.conftest import SignIn


def test_the_pages_lead_through_the_task(
    app: Flask, sign_in: SignIn, made: Callable[[Callable[[], int]], int]
) -> None:
    offer_id = made(lambda: factories.live_offer(factories.organisation("示例理工大学")).id)
    with app.app_context():
        offer = db.session.get_one(Offer, offer_id)
        holder_id, patent_id = offer.holder_id, offer.patent_id
    browser = sign_in(holder_id)
    page = browser.get(f"/holder/patents/{patent_id}/changed")
    assert page.status_code == 200
    begun = browser.post(
        f"/holder/patents/{patent_id}/changed", data={"event": "assignment", "event_on": "2026-12-01"}
    )
    assert begun.status_code == 302
    shown = browser.get(begun.location)
    assert f"/holder/offers/{offer_id}/file_withdrawal" in shown.get_data(as_text=True)
    assert "2026-12-01" in browser.get("/holder/changes").get_data(as_text=True)
    assert begun.location in browser.get("/holder").get_data(as_text=True)
    operator = sign_in(staff_role="operator")
    path = begun.location.replace("/holder/", "/operator/")
    assert operator.get(path).status_code == 200
    assert operator.get("/operator/changes").status_code == 200
    told = browser.post(begun.location + "/tell", data={"step": "tell_licensees"})
    assert told.status_code == 302
    assert browser.post(begun.location + "/cancel").status_code == 302
