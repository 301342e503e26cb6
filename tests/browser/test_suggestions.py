"""The field for a search completes what is typed, by keyboard and by pinyin, and works without a script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from marketplace.core.database import db
from marketplace.search import suggestions
from tests.browser.conftest import Site, Watched

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("databases", ["sqlite"], indirect=True),  # what is typed is the same on both
]

Open = Callable[..., Watched]


@pytest.fixture(autouse=True)
def known(site: Site) -> None:
    """What can be suggested is in step with the offers of the site."""
    with site.app.app_context():
        suggestions.refresh()
        db.session.remove()


def test_what_is_typed_is_completed_by_the_keyboard_alone(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    page.goto("/offers")
    field = page.locator("input[role=combobox]")
    expect(field).to_have_attribute("aria-expanded", "false")

    field.press_sequentially("gutai")  # pinyin of 固态
    options = page.locator("#suggestions [role=option]")
    expect(options.first).to_contain_text("固态")
    expect(field).to_have_attribute("aria-expanded", "true")
    assert watched.axe() == []

    field.press("ArrowUp")  # from the field, up is the last one
    expect(options.last).to_have_attribute("aria-selected", "true")
    field.press("ArrowDown")  # and down from there the first
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert field.input_value() == "gutai"
    assert field.get_attribute("aria-activedescendant") is None

    field.press("ArrowDown")  # opens again
    expect(options.first).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/offers?*q=*")
    expect(page.locator("#results article h2")).to_have_text(["一种固态电解质膜"])


def test_a_suggestion_is_taken_with_the_mouse_and_nothing_is_asked_while_a_word_is_composed(
    open_page: Open,
) -> None:
    watched = open_page("en")
    page = watched.page
    page.goto("/offers")
    field = page.locator("input[role=combobox]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)

    field.focus()
    field.evaluate(
        """field => {
            field.dispatchEvent(new CompositionEvent("compositionstart"));
            field.value = "g";
            field.dispatchEvent(new InputEvent("input", { isComposing: true }));
        }"""
    )
    page.wait_for_timeout(400)  # longer than a typed letter waits before it is asked for
    assert asked == []
    field.evaluate(
        """field => {
            field.value = "固态";
            field.dispatchEvent(new CompositionEvent("compositionend"));
        }"""
    )
    expect(page.locator("#suggestions [role=option]").first).to_contain_text("固态")
    page.locator("#suggestions [role=option]").first.click()
    page.wait_for_url("**/offers?*q=*")
    expect(page.locator("#results article")).to_have_count(1)


def test_without_a_script_it_is_a_plain_field_that_searches(open_page: Open) -> None:
    page = open_page(javascript=False).page
    page.goto("/offers")
    field = page.locator("input[name=q]").first
    assert field.get_attribute("role") is None
    field.fill("电解质")
    field.press("Enter")
    page.wait_for_url("**/offers?*q=*")
    expect(page.locator("#results article")).to_have_count(1)
