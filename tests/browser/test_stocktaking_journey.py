"""Stock-taking in a browser: from the inventor's entry through the unit, back and on to the institution."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from marketplace.accounts import passwords
from marketplace.core import readers
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import setup, upkeep
from marketplace.listings.stocktaking.desk import desk_of
from marketplace.notifications import work
from tests import factories
from tests.browser.conftest import PASSWORD, Site, Watched

pytestmark = pytest.mark.browser
Open = Callable[..., Watched]
_PEOPLE = {"office": "办公室", "reviewer": "审核人", "inventor": "发明人"}


@dataclass
class Campus:
    """A university that takes stock of three patents: one of them is the inventor's."""

    site: Site
    title: str

    def deliver(self) -> None:
        """What the worker does for the messages."""
        with self.site.app.app_context():
            while readers.step(work.readers()[0], "test"):
                pass
            db.session.remove()


@pytest.fixture
def campus(site: Site) -> Campus:
    with site.app.app_context():
        password_hash = passwords.hash_password(PASSWORD)
        with unit_of_work(SYSTEM):
            university = factories.organisation("示例盘点大学", type="university")
            people = {
                code: factories.user(
                    university, email=f"{code}@example.org", name=name, password_hash=password_hash
                )
                for code, name in _PEOPLE.items()
            }
            ids = {name: person.id for name, person in people.items()}
            patents = [factories.patent(university, title=f"一种盘点用阀门{n}") for n in range(3)]
            upkeep.refresh([one.id for one in patents])
            organisation_id = university.id
        office = Actor(user_id=ids["office"], organisation_id=organisation_id, roles=frozenset({"member"}))
        with unit_of_work(office):
            unit = setup.add_unit(desk_of(office, organisation_id), "材料学院").id
        with unit_of_work(office):
            desk = desk_of(office, organisation_id)
            setup.give_role(desk, ids["reviewer"], "unit_reviewer", unit)
            setup.give_role(desk, ids["inventor"], "inventor", unit)
        db.session.remove()
    made = Campus(site, "一种盘点用阀门0")
    made.deliver()  # what came before is no news
    return made


def sign_in(watched: Watched, name: str) -> Page:
    page = watched.page
    page.goto("/sign-in")
    page.fill("input[name=email]", f"{name}@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "sign-in" not in address)
    return page


def open_entry(page: Page, title: str, query: str = "") -> None:
    page.goto(f"/holder/stock{query}")
    page.click(f"table.stock a:has-text('{title}')")


def act(page: Page, action: str, comment: str = "") -> None:
    page.fill("#comment", comment)
    page.click(f"button[name=action][value={action}]")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the pages' tests walk it on both
def test_an_entry_is_returned_with_a_comment_put_right_and_approved_then_many_are_graded_and_exported(
    open_page: Open, campus: Campus, tmp_path: Path
) -> None:
    watched = {name: open_page(width=390 if name == "inventor" else 1280) for name in _PEOPLE}
    office, reviewer, inventor = (sign_in(watched[name], name) for name in _PEOPLE)

    open_entry(office, campus.title)
    office.select_option("#unit", label="材料学院")
    office.select_option("#inventor", label="发明人")
    office.click("section[aria-labelledby=place] button")

    open_entry(inventor, campus.title)
    inventor.select_option("select[name=grade]", "G1")
    inventor.check("input[name=wish][value=licence]")
    inventor.click("section[aria-labelledby=entry] form button.btn-primary")
    assert watched["inventor"].axe() == []
    assert fits(inventor)
    act(inventor, "submit")

    campus.deliver()
    reviewer.goto("/inbox")
    reviewer.click("a:has-text('待您审核')")
    act(reviewer, "return", "请写明应用前景")

    campus.deliver()
    inventor.goto("/inbox")
    assert "请写明应用前景" in inventor.inner_text("main")
    inventor.click("a:has-text('被退回')")
    assert "请写明应用前景" in inventor.inner_text("ol.happened")
    inventor.fill("textarea[name=note]", "可用于储能电站的水冷系统")
    inventor.click("section[aria-labelledby=entry] form button.btn-primary")
    act(inventor, "submit")

    open_entry(reviewer, campus.title, "?state=submitted")
    act(reviewer, "approve")
    open_entry(office, campus.title, "?state=unit_approved")
    act(office, "approve")
    campus.deliver()
    inventor.goto("/inbox")
    assert "已通过" in inventor.inner_text("main")

    # The others are graded in bulk, from the list narrowed down to them.
    office.goto("/holder/stock?state=entered")
    assert watched["office"].axe() == []
    office.check("[data-all]")
    assert office.inner_text("[data-ticked]") == "(2)"
    office.select_option("#to-grade", "G2")
    office.click("button[name=action][value=set_grade]")
    office.wait_for_selector("main")
    office.goto("/holder/stock?grade=G2")
    assert office.locator("table.stock tbody tr").count() == 2
    with office.expect_download() as download:
        office.click("a[href*='export.csv']")
    path = tmp_path / "stock.csv"
    download.value.save_as(path)
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 3
    assert all(any("G2" in cell for cell in row) for row in rows[1:])
    assert [trouble for one in watched.values() for trouble in one.trouble] == []
