"""A real Chromium against a real server: a word on the console or a finding of axe fails a test."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from marketplace.accounts import passwords
from marketplace.app import create_app
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import generations
from tests import factories
from tests.conftest import Databases, settings_for
from tests.services.chromium import ARGUMENTS

PASSWORD = "a long enough password"


@dataclass
class Site:
    """A running site with a firm, a holder and two live offers."""

    url: str
    app: Flask
    free_offer: int
    paid_offer: int
    firm_email: str = "firm@example.org"
    password: str = PASSWORD


@dataclass
class Watched:
    """A page whose console is listened to; `trouble` is what it said."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def axe(self) -> list[str]:
        """Violations of WCAG 2.2 A and AA on the present page."""
        rules = {
            "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
        }
        found = Axe().run(self.page, options=rules)
        return [
            f"{one['id']}: {node['html'][:160]}"
            for one in found.response["violations"]
            for node in one["nodes"]
        ]


@pytest.fixture
def site(databases: Databases, tmp_path: object) -> Iterator[Site]:
    """The site on a free port, in a thread, with real commits."""
    app = create_app(settings_for(databases.copy(), tmp_path))  # type: ignore[arg-type]
    with app.app_context():
        password_hash = passwords.hash_password(PASSWORD)
        with unit_of_work(SYSTEM):
            holder = factories.organisation("示例大学", type="university", name_en="Example University")
            film = factories.patent(holder, title="一种固态电解质膜", title_en="A solid electrolyte film")
            paid = factories.live_offer(holder, film)
            free = factories.live_offer(
                holder, fee_form="free", fee_minor=None, announced_on=dt.date(2026, 10, 1)
            )
            firm = factories.organisation("示例企业", name_en="Example Firm")
            factories.user(firm, email="firm@example.org", password_hash=password_hash)
        ids = free.id, paid.id
        generations.rebuild()
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", app, *ids)
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def chromium(chromium_path: str) -> Iterator[Browser]:
    """A browser of the test's own.

    Playwright runs an event loop in this thread until it ends, and signing a document needs that place: a
    browser that outlived its test would break every other one.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[Callable[..., Watched]]:
    """`open_page("en", width=390, javascript=False)`: a page in a context of its own."""
    contexts = []

    def make(locale: str = "zh-CN", *, width: int = 1280, javascript: bool = True) -> Watched:
        context = chromium.new_context(
            locale=locale,
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            base_url=site.url,
        )
        context.set_default_timeout(90_000)  # a busy machine must not fail a test
        contexts.append(context)
        watched = Watched(context.new_page())

        def listen(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                watched.trouble.append(message.text)

        watched.page.on("console", listen)
        watched.page.on("pageerror", lambda error: watched.trouble.append(str(error)))
        watched.page.on(
            "request",
            lambda request: (
                None if request.url.startswith((site.url, "data:")) else watched.trouble.append(request.url)
            ),
        )
        return watched

    yield make
    for context in contexts:
        context.close()
