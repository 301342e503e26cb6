"""Who is told of several notices given in one go, and of one transfer for them."""

from __future__ import annotations

from flask import Flask
from flask_babel import force_locale

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.bundles import paying
from marketplace.notifications import texts
from marketplace.notifications.models import Notification
from tests.deals.test_bundles import FEES, Market

from .test_notifications import of, tell_all

SLIP = (b"\x89PNG\r\n\x1a\ninvented", "回单.png")


def test_each_holder_is_told_of_its_notices_and_the_licensee_once_of_all(app: Flask, context: None) -> None:
    market = Market()
    bundle = market.bundle(market.free, market.own, *market.paid)
    [group] = paying.groups(bundle)
    actor = market.firm_actor
    with unit_of_work(actor):
        transfer = paying.begin_transfer(actor, bundle.id, "bank", [one.notice.id for one in group.due])
    with unit_of_work(actor):
        paying.upload_slip(actor, transfer.id, *SLIP)
    tell_all()
    rows = db.session.query(Notification).order_by(Notification.id).all()
    told = [(one.recipient, one.code) for one in rows]
    assert [code for to, code in told if to == of(actor)] == ["bundle_partly"]
    assert sorted(code for to, code in told if to == of(market.holder_actor)) == [
        "notice_served",
        "notice_served",
        "transfer_to_confirm",
    ]
    assert (f"organisation:{market.other.id}", "licence_granted") in told
    [sum_, slip] = [one for one in rows if one.code in ("bundle_partly", "transfer_to_confirm")]
    with app.test_request_context(), force_locale("en"):
        assert texts.render(sum_).title == f"Notices of {bundle.number} that are given: 3; others are not"
        assert texts.render(sum_).path == f"/bundles/{bundle.id}"
        assert f"{sum(FEES) / 100:,.2f} CNY" in texts.render(slip).body


def test_a_licence_that_is_paid_later_is_told_by_itself(context: None) -> None:
    market = Market()
    bundle, transfer = market.both_paid()
    with unit_of_work(market.holder_actor):
        paying.confirm_transfer(market.holder_actor, transfer.id, bundle.created_at.date(), sum(FEES))
    tell_all()
    mine = [
        one.code
        for one in db.session.query(Notification).order_by(Notification.id)
        if one.recipient == of(market.firm_actor)
    ]
    assert mine == ["bundle_done", "licence_in_effect", "licence_in_effect"]
