"""A firm finds an offer, serves its notice and holds its licence, in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Site, Watched

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


def _sign_in(watched: Watched, site: Site) -> None:
    watched.page.goto("/sign-in")
    watched.page.fill("#email", site.firm_email)
    watched.page.fill("#password", site.password)
    watched.page.click("main form button")
    watched.page.wait_for_url("**/")


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_clean_accessible_and_fit_the_screen(
    open_page: Open, site: Site, locale: str, width: int
) -> None:
    watched = open_page(locale, width=width)
    paths = [
        "/",
        "/offers?q=电解质",
        f"/offers/{site.paid_offer}",
        "/about/law",
        "/certificates/",
        "/demands",
        "/sign-up",
        "/sign-up/firm",
        "/sign-in",
        "/sign-in/forgotten",
    ]
    _check(watched, paths)
    _sign_in(watched, site)
    _check(
        watched,
        [
            "/account",
            "/my/licences",
            "/demands/new",
            f"/offers/{site.paid_offer}/licence",
            "/inbox",
            "/negotiated",
            "/negotiated/state",
            "/orders",
        ],
    )
    assert watched.trouble == []


def _check(watched: Watched, paths: list[str]) -> None:
    for path in paths:
        answer = watched.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert watched.axe() == [], path
        assert watched.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), path


def test_a_filter_applies_without_a_reload_and_stays_in_the_address(open_page: Open, site: Site) -> None:
    watched = open_page()
    page = watched.page
    page.goto("/offers")
    page.evaluate("window.same = true")
    page.check("input[name=fee_form][value=free]")
    page.wait_for_url("**fee_form=free**")
    page.wait_for_function("document.querySelectorAll('article.offer').length === 1")
    assert page.evaluate("window.same") is True
    page.reload()
    assert page.locator("article.offer").count() == 1
    assert watched.trouble == []


@pytest.mark.parametrize("javascript", [True, False])
def test_a_free_licence_is_taken_with_and_without_javascript(
    open_page: Open, site: Site, javascript: bool
) -> None:
    watched = open_page(javascript=javascript)
    page = watched.page
    _sign_in(watched, site)
    page.goto("/offers")
    page.check("input[name=fee_form][value=free]")
    page.click("text=应用筛选")
    page.wait_for_url("**fee_form=free**")
    page.locator("article.offer h2 a").first.click()
    page.click("text=办理此许可")
    page.fill("#contact", "示例人 021-00000000")
    page.click("main form button:has-text('继续')")
    page.click("text=发出书面通知 >> nth=-1")
    page.wait_for_url("**/licences/*")
    assert "生效中" in page.inner_text("main")
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("main a[href*='/certificates/']")
    page.wait_for_url("**/certificates/*")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
        "the long code in the title"
    )
    assert watched.trouble == []


def test_the_keyboard_reaches_the_content_first(open_page: Open) -> None:
    page = open_page().page
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
