"""From the list of offers to a licence it takes six clicks at most when free, eight when paid online."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.listings.models import Offer
from tests.browser.conftest import Site, Watched
from tests.deals.conftest import ACCOUNT, Event, deliver, event, pointed_at

__all__ = ["event"]

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


@dataclass
class Hand:
    """Clicks, and counts them; the keyboard types for nothing."""

    page: Page
    clicks: int = 0

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.clicks += 1


def _signed_in(watched: Watched, site: Site) -> Hand:
    page = watched.page
    page.goto("/sign-in")
    page.fill("#email", site.firm_email)
    page.fill("#password", site.password)
    page.press("#password", "Enter")
    page.wait_for_url("**/")
    page.goto("/offers")
    return Hand(page)


def _to_the_notice(hand: Hand, offer: int) -> None:
    hand.click(f"article.offer h2 a[href='/offers/{offer}']")
    hand.click("text=办理此许可")
    # What it is to be used for may be left out; the contact is the person's own unless another is typed.
    assert hand.page.input_value("#use") == ""
    assert hand.page.input_value("#contact") != ""
    hand.click("main form button:has-text('继续')")
    hand.click("main button:has-text('发出书面通知')")


def test_a_free_licence_takes_at_most_six_clicks(open_page: Open, site: Site) -> None:
    watched = open_page()
    hand = _signed_in(watched, site)
    _to_the_notice(hand, site.free_offer)
    hand.page.wait_for_url("**/licences/*")
    assert "生效中" in hand.page.inner_text("main")
    assert hand.clicks <= 6
    assert watched.trouble == []


def test_a_licence_paid_online_takes_at_most_eight_clicks(
    open_page: Open, site: Site, stripe_mock_url: str, event: Event
) -> None:
    with site.app.app_context():
        with unit_of_work():
            offer = db.session.get_one(Offer, site.paid_offer)
            offer.channels = ["bank", "stripe"]
            offer.holder.stripe_account = ACCOUNT
        db.session.remove()
    with pointed_at(site.app, stripe_mock_url):
        watched = open_page()
        hand = _signed_in(watched, site)
        # The provider's page is not ours: one button there pays, and leads back.
        hand.page.context.route("https://checkout.stripe.com/**", _checkout)
        _to_the_notice(hand, site.paid_offer)
        hand.page.wait_for_url("**/notices/*")
        place = hand.page.url.split("#")[0]
        hand.click("input[name=channel][value=stripe]")
        hand.click("#pay form button:has-text('继续')")
        hand.page.wait_for_url("https://checkout.stripe.com/**")
        hand.click("button")
        _paid(site, event)
        hand.page.goto(f"{place}?checkout=done")
    assert "查看许可" in hand.page.inner_text("#pay")
    assert hand.clicks <= 8
    with site.app.app_context():
        licence = db.session.scalars(sa.select(Licence)).one()
        assert (licence.state, licence.notice.use) == ("in_effect", None)
        db.session.remove()
    assert [one for one in watched.trouble if "checkout.stripe.com" not in one] == []


def _checkout(route: Route) -> None:
    route.fulfill(content_type="text/html", body="<!doctype html><title>Checkout</title><button>Pay</button>")


def _paid(site: Site, event: Event) -> None:
    """The provider's signed word arrives, and the worker takes it up."""
    with site.app.app_context():
        notice = db.session.scalars(sa.select(Notice)).one()
        payment = db.session.scalars(sa.select(Payment)).one()
        assert payment.obligation.notice_id == notice.id
        deliver(event(payment))
        db.session.remove()
