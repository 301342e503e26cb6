"""Royalties and shares on pages: stated, reckoned, paid and divided, and nobody else's matter."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import sqlalchemy as sa
from flask import Flask

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import entries_after
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices, payments
from marketplace.deals.models import Obligation
from marketplace.deals.royalties import work
from marketplace.deals.royalties.models import RoyaltyPeriod
from marketplace.deals.shares import work as shares_work
from tests import factories
from tests.web.conftest import SignIn

BEGAN = dt.datetime(2026, 3, 10, 2, tzinfo=dt.UTC)


def test_a_royalty_is_reckoned_handed_in_paid_and_divided(app: Flask, sign_in: SignIn) -> None:
    with app.app_context():
        with clock.at(BEGAN), unit_of_work():
            holder = factories.organisation(type="university", region="310115", state_established=True)
            firm, other = factories.organisation(), factories.organisation()
            offer = factories.live_offer(
                holder,
                fee_form="royalty_net_sales",
                fee_minor=None,
                rate_percent=Decimal("4.5"),
                rate_base="net_sales",
                payment_text="每半年结算一次",
                term_from=dt.date(2026, 1, 1),
                filed_on=dt.date(2026, 1, 5),
                announced_on=dt.date(2026, 2, 1),
            )
            actor, payee = factories.actor(firm), factories.actor(holder)
        with clock.at(BEGAN):
            prepared = notices.prepare_notice(actor, offer.id)
            with unit_of_work(actor):
                notice_id = notices.serve_notice(actor, prepared).id
        work.make_periods()
        period = db.session.scalars(sa.select(RoyaltyPeriod).order_by(RoyaltyPeriod.begins)).first()
        assert period is not None
        period_id, licence_id, patent_id = period.id, period.licence_id, offer.patent_id
        ids = (firm.id, holder.id, other.id)
        db.session.remove()
    mine, theirs, stranger = (sign_in(one, locale="en") for one in ids)
    line = {
        "product": "Filter", "quantity": "1,200", "unit": "pcs", "amount": "100,000.10",
        "deductions": "0.05", "line_note": "",
    }  # fmt: skip
    page = mine.post(f"/royalties/{period_id}/statement", data=line | {"stage": "check"})
    assert "4,500" in page.text
    assert mine.post(f"/royalties/{period_id}/statement", data=line | {"stage": "submit"}).status_code == 302
    refused = mine.post(f"/royalties/{period_id}/statement", data=line | {"stage": "submit"})
    assert refused.status_code == 422
    assert "Please say what was wrong" in refused.text
    for client in (mine, theirs):
        assert "4,500" in client.get(f"/royalties/{period_id}").text
        assert client.get(f"/royalties/licences/{licence_id}").status_code == 200
        assert "4500.00" in client.get("/royalties/export.csv").text
        assert client.get("/royalties?group=unpaid").status_code == 200
    assert stranger.get(f"/royalties/{period_id}").status_code == 404
    assert sign_in(staff_role="bureau").get(f"/royalties/{period_id}").status_code in (403, 404)
    with app.app_context():
        owed = db.session.scalars(sa.select(Obligation).where(Obligation.kind == "royalty")).one()
        with unit_of_work(actor):
            payment = payments.begin_payment(actor, notice_id, "bank", owed.id)
        with unit_of_work(payee):
            payments.confirm_payment(payee, payment.id, clock.today(), owed.amount_minor)
        with unit_of_work():
            shares_work._enter(entries_after(0, 1000))
        db.session.remove()
    assert "4,500" in theirs.get("/shares").text
    missing = theirs.post(f"/shares/patents/{patent_id}/allocate")
    assert "at least half" in missing.text
    theirs.post("/shares/persons", data={"name": "示例发明人"})
    page = theirs.get(f"/shares/patents/{patent_id}").text
    found = re.search(r'for="p(\d+)"', page)
    assert found is not None
    rule = {"key": found[1], "part": "100", "since": "2026-01-01", "percent": "40"}
    assert "at least 50 per cent" in theirs.post(f"/shares/patents/{patent_id}/persons", data=rule).text
    assert (
        theirs.post(f"/shares/patents/{patent_id}/persons", data=rule | {"percent": "70"}).status_code == 302
    )
    assert theirs.post(f"/shares/patents/{patent_id}/allocate").status_code == 302
    assert "3,150" in theirs.get(f"/shares/patents/{patent_id}").text
    year = clock.today().year
    assert "3,150" in theirs.get(f"/shares/report/{year}").text
    assert "3150.00" in theirs.get(f"/shares/report/{year}.csv").text
    assert theirs.get(f"/shares/report/{year}.xlsx").data[:2] == b"PK"
    assert "3,150" not in mine.get("/shares").text
