"""A demand in the browser: posted, its confidential part asked for and granted, answered, found helpful."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from marketplace.accounts import passwords
from marketplace.accounts.models import Organisation
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from tests import factories
from tests.browser.conftest import PASSWORD, Site, Watched

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
SECRET = "峰值功率 150 千瓦，年用量六万件"


def _sign_in(watched: Watched, email: str) -> None:
    watched.page.goto("/sign-in")
    watched.page.fill("#email", email)
    watched.page.fill("#password", PASSWORD)
    watched.page.click("main form button")
    watched.page.wait_for_url("**/")


def _clean(*pages: Watched) -> None:
    for watched in pages:
        assert watched.axe() == [], watched.page.url
        assert watched.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), watched.page.url


def test_a_demand_goes_from_posting_over_access_and_answer_to_helpful(open_page: Open, site: Site) -> None:
    with site.app.app_context():
        with unit_of_work(SYSTEM):
            university = db.session.scalars(
                sa.select(Organisation).where(Organisation.name == "示例大学")
            ).one()
            hashed = passwords.hash_password(PASSWORD)
            factories.user(university, email="holder@example.org", password_hash=hashed)
        db.session.remove()
    firm, holder = open_page(), open_page(width=390)
    _sign_in(firm, site.firm_email)
    firm.page.goto("/demands/new")
    firm.page.fill("#title", "固态电解质膜太脆")
    firm.page.fill("#description", "卷绕时开裂，试过加厚，电阻太大。")
    firm.page.click("summary:has-text('不对所有人公开的内容')")
    firm.page.fill("#confidential", SECRET)
    _clean(firm)
    firm.page.click("text=发布并查看匹配结果")
    firm.page.wait_for_url(re.compile(r"/demands/\d+$"))
    place = firm.page.url.removeprefix(site.url)

    _sign_in(holder, "holder@example.org")
    holder.page.goto(place)
    assert SECRET not in holder.page.content()
    holder.page.click("text=申请查阅")
    holder.page.fill("#purpose", "有柔性复合膜的中试数据")
    holder.page.check("#accepted")
    _clean(holder)
    holder.page.click("text=接受并申请")
    holder.page.wait_for_url(f"**{place}*")

    firm.page.goto(place)
    assert "有柔性复合膜的中试数据" in firm.page.inner_text("main")
    _clean(firm)
    firm.page.click("text=同意查阅")
    firm.page.wait_for_load_state()

    holder.page.goto(place)
    holder.page.click("text=查阅保密内容 >> nth=0")
    holder.page.wait_for_url("**/confidential")
    assert SECRET in holder.page.inner_text("main")
    _clean(holder)
    holder.page.goto(place)
    holder.page.select_option("#offer", str(site.paid_offer))
    holder.page.fill("#text", "厚度 40 微米，可卷绕。")
    holder.page.click("main form button:text-is('答复')")
    holder.page.wait_for_url(f"**{place}*")
    _clean(holder)

    firm.page.goto(place)
    assert "示例大学" in firm.page.locator("article.answer").inner_text()
    firm.page.click("article.answer button:text-is('有帮助')")
    firm.page.wait_for_load_state()
    assert "有帮助" in firm.page.locator("article.answer .badge").inner_text()
    _clean(firm)
    holder.page.goto("/demands/answers")
    assert "有帮助" in holder.page.inner_text("main")
    assert firm.trouble + holder.trouble == []
