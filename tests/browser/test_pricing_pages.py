"""The estimate and the what-if view in a browser: legible to everyone, drawn, and working without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace.accounts import passwords
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from tests import factories
from tests.browser.conftest import PASSWORD, Site, Watched

pytestmark = pytest.mark.browser
Open = Callable[..., Watched]


@pytest.fixture
def patent(site: Site) -> int:
    """A patent of the holder among six comparable prices, and a member who signs in."""
    with site.app.app_context():
        password_hash = passwords.hash_password(PASSWORD)
        with unit_of_work(SYSTEM):
            offer = db.session.get_one(Offer, site.paid_offer)
            factories.user(offer.holder, email="office@example.org", password_hash=password_hash)
            for wan in range(1, 6):
                factories.live_offer(factories.organisation(), fee_minor=wan * 1_000_000)
            found: int = factories.patent(offer.holder).id
        db.session.remove()
    return found


def signed_in(watched: Watched) -> Watched:
    page = watched.page
    page.goto("/sign-in")
    page.fill("input[name=email]", "office@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "sign-in" not in address)
    return watched


@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 1280), ("en-GB", 390)])
def test_the_pages_are_drawn_and_pass_the_judges(
    open_page: Open, patent: int, locale: str, width: int
) -> None:
    watched = signed_in(open_page(locale, width=width))
    for path in ("fee-estimate", "what-if?form=fixed&fee=20000&licensees=4&years=5&share=50&relief=0"):
        watched.page.goto(f"/holder/patents/{patent}/{path}")
        watched.page.wait_for_selector("[data-bars] svg")
        assert watched.axe() == []
        if path.startswith("what-if"):
            # What it comes to is seen without scrolling the table, on a phone too.
            edge = watched.page.viewport_size or {"width": width}
            for total in watched.page.locator("tr.total td.num:last-child").all():
                box = total.bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= edge["width"]
        overflow = watched.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0
    assert watched.trouble == []


def test_without_scripts_the_form_calculates_and_a_basis_reaches_the_declaration(
    open_page: Open, patent: int
) -> None:
    page = signed_in(open_page("zh-CN", javascript=False)).page
    page.goto(f"/holder/patents/{patent}/what-if")
    page.fill("input[name=fee]", "2万")
    page.fill("input[name=licensees]", "4")
    page.click("main form[method=get] button")
    assert page.locator("tr.total").first.inner_text().split()[:4] == ["4", "¥80,000", "¥0", "¥80,000"]
    page.goto(f"/holder/patents/{patent}/fee-estimate")
    page.click("#comparable_offers form button")
    page.wait_for_url("**/declaration/explanation")
    assert "中位数" in page.input_value("textarea[name=fee_explanation]")
