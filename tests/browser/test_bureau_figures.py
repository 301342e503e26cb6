"""The bureau's figures in a browser: legible to everyone on a desk and a phone, and whole on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from tests import factories
from tests.browser.conftest import Site, Watched
from tests.statistics.story import tell

pytestmark = pytest.mark.browser
Open = Callable[..., Watched]
PAGES = (
    "/bureau",
    "/bureau/navigation?by=ipc_class",
    "/bureau/levers",
    "/bureau/compare",
    "/bureau/supervision",
    "/bureau/signals",
    "/bureau/reports",
    "/statistics",
)


def signed_in(watched: Watched, site: Site) -> Watched:
    """The page with the session of someone of the bureau."""
    with site.app.app_context():
        tell()
        with unit_of_work():
            session_id = factories.user(staff_role="bureau").get_id()
        db.session.remove()
    client = site.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = session_id, True
    name = site.app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie is not None
    watched.page.context.add_cookies([{"name": name, "value": cookie.value, "url": site.url}])
    return watched


@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 1280), ("en-GB", 390)])
def test_the_figures_pass_the_judges_and_fit_the_screen(
    open_page: Open, site: Site, locale: str, width: int
) -> None:
    watched = signed_in(open_page(locale, width=width), site)
    for path in PAGES:
        answer = watched.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        if path == "/bureau":
            watched.page.wait_for_selector("[data-chart] svg")
        assert watched.axe() == [], path
        wide = watched.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wide, path
    assert watched.trouble == []


def test_on_paper_the_period_stands_and_what_was_folded_is_open(open_page: Open, site: Site) -> None:
    watched = signed_in(open_page("en-GB"), site)
    watched.page.goto("/bureau")
    watched.page.emulate_media(media="print")
    assert watched.page.locator("p.d-print-block").first.is_visible()
    assert not watched.page.locator("form[data-auto]").first.is_visible()
    assert watched.page.locator("details.meaning p").first.is_visible()
    assert watched.page.locator("table").first.is_visible()
