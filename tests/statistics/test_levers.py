"""Where offers get stuck: each number opens what it counts, for the bureau only."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from .story import tell
from .test_bureau_pages import signed_in


@pytest.fixture
def bureau(app: Flask) -> FlaskClient:
    with app.app_context():
        tell()
    return signed_in(app, "bureau")


@pytest.mark.parametrize("by", ["owner_type", "fee_form", "ipc_subclass"])
def test_every_number_of_the_page_opens_as_many_rows(bureau: FlaskClient, by: str) -> None:
    page = bureau.get(f"/bureau/levers?by={by}&from=2024-12-01&to=2026-11-20").text
    found = re.findall(
        r'<a href="(/bureau/rows[^"]+)">[^<]+</a>(?:<abbr[^>]*>[^<]*</abbr>)?[^<]*'
        r'(?:<span class="mark-early">[^<]*</span>)?<span class="of">(\d+)/\d+</span>', page,
    )  # fmt: skip
    assert len(found) >= 3
    for address, number in found:
        rows = bureau.get(unescape(address)).text
        shown = re.search(r"<strong>([\d,]+)</strong>", rows)
        assert shown is not None
        assert shown[1].replace(",", "") == number, address


def test_the_page_is_the_bureaus_takes_no_nonsense_and_says_that_it_is_no_cause(
    app: Flask, bureau: FlaskClient
) -> None:
    assert signed_in(app, None).get("/bureau/levers").status_code == 403
    for query in ("by=none", "from=2026-05-01&to=2026-01-01", "from=x", "to=2199-13-01"):
        assert bureau.get(f"/bureau/levers?{query}").status_code == 422, query
    page = bureau.get("/bureau/levers").text
    assert "仅为观察结果" in page
    assert "不作比较" in page
