"""What a reader does with results: tick, compare, share, save, be told of a new offer, and no more."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from marketplace.core.database import db
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.listings.models import Offer
from tests import factories
from tests.browser.conftest import Site, Watched
from tests.browser.test_firm_journey import _sign_in

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


def titles(watched: Watched) -> list[str]:
    return watched.page.locator("#results article h2").all_inner_texts()


def mails(site: Site) -> list[Any]:
    """What was sent so far."""
    files = (site.app.config["SETTINGS"].instance_dir / "mail").glob("*.eml")
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]


def announce(site: Site, title: str) -> int:
    """A new offer is verified, and the worker does what follows from it."""
    with site.app.app_context():
        with unit_of_work():
            holder = db.session.get_one(Offer, site.paid_offer).holder
            offer = factories.live_offer(holder, factories.patent(holder, title=title))
            record("offer.verified", offer, organisation_id=holder.id)
            offer_id = offer.id
        db.session.remove()
    Worker(site.app).drain()
    return offer_id


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # what is clicked is the same on both
def test_tick_compare_save_be_told_and_end_the_mails(open_page: Open, site: Site) -> None:
    watched = open_page()
    page = watched.page
    page.goto("/offers")
    for offer in (site.paid_offer, site.free_offer):
        page.check(f"input[type=checkbox][name=compare][value='{offer}']")
    expect(page.locator("[data-tray] [data-said]")).to_contain_text("2/4")
    ticks = f"compare={site.paid_offer}&compare={site.free_offer}"
    assert page.url.endswith(f"/offers?{ticks}")

    # A filter keeps the ticks; going back undoes the filter, and everything is in the address.
    page.check("input[name=fee_form][value=free]")
    page.wait_for_url("**/offers?*fee_form=free*")
    assert f"compare={site.paid_offer}" in page.url
    expect(page.locator("#results article")).to_have_count(1)
    shared = page.url
    alike = titles(watched)
    page.go_back()
    expect(page.locator("#results article")).to_have_count(2)
    expect(page.locator(f"input[type=checkbox][name=compare][value='{site.free_offer}']")).to_be_checked()
    page.wait_for_load_state()  # before its scripts are there a page cannot know of a step in the history
    page.go_forward()
    expect(page.locator("#results article")).to_have_count(1)
    stranger = open_page(javascript=False)
    stranger.page.goto(shared)
    assert titles(stranger) == alike
    assert stranger.page.locator(
        f"input[type=checkbox][name=compare][value='{site.free_offer}']"
    ).is_checked()

    # Without a script the same button leads to the table.
    for other in (watched, stranger):
        other.page.locator("button[formaction='/offers/compare']").click()
        other.page.wait_for_url("**/offers/compare?*")
        assert other.page.locator("table.compare thead th").count() == 2
        assert other.page.locator("tr.differs").count() > 2
    assert watched.axe() == []

    _sign_in(watched, site)
    page.goto("/offers?q=电解质")
    assert watched.axe() == []
    page.get_by_role("link", name="保存此检索").click()
    page.select_option("#alert", "at_once")
    page.get_by_role("button", name="保存检索").click()
    page.wait_for_url("**/saved-searches")
    assert watched.axe() == []
    Worker(site.app).drain()  # its readers begin here

    new = announce(site, "另一种固态电解质膜")
    page.goto("/saved-searches")
    expect(page.locator("article")).to_contain_text("新 1 项")
    page.goto("/inbox")
    page.locator("main a", has_text="电解质").first.click()
    expect(page.locator("main article")).to_contain_text("另一种固态电解质膜")
    assert watched.axe() == []
    page.get_by_role("button", name="打开全部检索结果").click()
    page.wait_for_url("**/offers?q=*")
    page.goto("/saved-searches")
    expect(page.locator("article")).not_to_contain_text("新 1 项")

    (mail,) = [one for one in mails(site) if "电解质" in one["Subject"]]
    assert mail["To"] == site.firm_email
    text = mail.get_content()
    assert f"/offers/{new}" in text
    (stop,) = set(re.findall(r"/mails/stop\?link=[\w.]+", text + str(mail["List-Unsubscribe"])))
    stranger.page.goto(stop)
    stranger.page.get_by_role("button", name="不再接收邮件").click()
    expect(stranger.page.locator("main")).to_contain_text("不再发送关于")
    announce(site, "第三种固态电解质膜")
    page.goto("/saved-searches")
    expect(page.locator("article")).to_contain_text("新 1 项")
    expect(page.locator("article")).to_contain_text("不提醒")
    assert len(mails(site)) == 1

    # The page of an offer shows what is like it, after itself.
    page.goto(f"/offers/{site.paid_offer}")
    expect(page.locator("#similar")).to_contain_text("另一种固态电解质膜")
    assert watched.axe() == []
    assert watched.trouble == stranger.trouble == []
