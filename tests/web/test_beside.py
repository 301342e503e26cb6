"""What stands beside open licences, on pages: negotiated licences stated and answered, services ordered."""

from __future__ import annotations

import datetime as dt
import io

from flask import Flask

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.showcase.models import ListingDetails, SideOffer
from tests import factories
from tests.web.conftest import SignIn


def test_a_negotiated_licence_is_stated_confirmed_and_shown_apart(app: Flask, sign_in: SignIn) -> None:
    with app.app_context():
        with unit_of_work():
            holder, firm, other = (factories.organisation() for _ in range(3))
            offer = factories.live_offer(holder)
            expires = offer.patent.expires_on or dt.date.max
            ids, number = (holder.id, firm.id, other.id), offer.patent.number
            offer_id, patent_id, name = offer.id, offer.patent_id, firm.name
        db.session.remove()
    theirs, mine, stranger = (sign_in(one, locale="en") for one in ids)
    assert number in theirs.get(f"/negotiated/state?patent={patent_id}").text
    said = {
        "patents": number, "kind": "exclusive", "licensee": name, "fee": "12,000",
        "signed_on": "2026-10-01", "effective_on": "2026-10-01",
    }  # fmt: skip

    def send(**changes: str):
        return theirs.post(
            "/negotiated/state", data=said | changes | {"file": (io.BytesIO(b"%PDF-1.7 x"), "合同.pdf")}
        )

    refused = send()
    assert refused.status_code == 422
    assert "Patent Law Art. 51 para. 3" in refused.text
    late = send(kind="ordinary", term_to=(expires + dt.timedelta(days=1)).isoformat())
    assert "A licence cannot outlive its patent" in late.text
    assert "No patent with the number" in send(kind="ordinary", patents="202010000001.7").text
    address = send(kind="ordinary").headers["Location"]
    page = mine.get(address).text
    assert "To be confirmed" in page
    assert "¥12,000" in page
    assert stranger.get(address).status_code == 404
    assert mine.get(f"{address}/file").status_code == 200
    assert mine.post(f"{address}/contest", data={"reason": ""}).status_code == 422
    assert mine.post(f"{address}/confirm").status_code == 302
    assert "Confirmed by both" in theirs.get(f"/holder/patents/{patent_id}").text
    public = stranger.get(f"/offers/{offer_id}").text
    assert "1 ordinary licence" in public
    assert name not in public, "named only once the gazette has announced it"
    assert "¥12,000" not in public
    for browser, path in ((mine, "/negotiated"), (mine, "/my/licences"), (theirs, "/holder/licences")):
        assert "Confirmed by both" in browser.get(path).text


def test_a_service_is_ordered_on_the_page_of_the_offer_and_done(app: Flask, sign_in: SignIn) -> None:
    with app.app_context():
        with unit_of_work():
            holder, firm, other = (factories.organisation() for _ in range(3))
            offer = factories.live_offer(holder)
            line = SideOffer(
                position=0, kind="know_how", what_zh="工艺包", what_en="The process", price_unit="once"
            )
            db.session.add(ListingDetails(offer_id=offer.id, updated_at=clock.now(), side_offers=[line]))
            db.session.flush()
            ids, offer_id, line_id = (holder.id, firm.id, other.id), offer.id, line.id
        db.session.remove()
    theirs, mine, stranger = (sign_in(one, locale="en") for one in ids)
    ordering = f"/orders/new/{offer_id}/{line_id}"
    assert ordering in mine.get(f"/offers/{offer_id}").text
    assert ordering not in theirs.get(f"/offers/{offer_id}").text
    assert "Not a condition of the licence." in mine.get(ordering).text
    address = mine.post(ordering, data={"wish": "for two machines"}).headers["Location"]
    assert stranger.get(address).status_code == 404
    assert "for two machines" in theirs.get(address).text
    assert theirs.post(f"{address}/accept", data={"answer": "gladly"}).status_code == 422
    assert theirs.post(f"{address}/accept", data={"price": "8万"}).status_code == 302
    assert "¥80,000" in mine.get(address).text
    assert theirs.post(f"{address}/finish", data={"on": clock.today().isoformat()}).status_code == 302
    assert "Pay the holder directly" in mine.get(address).text
    assert mine.post(f"{address}/pay", data={"on": clock.today().isoformat()}).status_code == 403
    assert theirs.post(f"{address}/pay", data={"on": clock.today().isoformat()}).status_code == 302
    assert "Done and paid" in mine.get("/orders?side=customer").text
