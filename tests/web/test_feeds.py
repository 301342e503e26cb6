"""The Atom feed, the site map and robots.txt."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from marketplace.core.unit_of_work import record
from marketplace.listings import services
from marketplace.web import feeds
from tests import factories

Made = Callable[[Callable[[], int]], int]
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def noted(**values: object) -> int:
    holder = factories.organisation("示例大学 <甲>")
    offer = factories.live_offer(holder, factories.patent(holder, title="一种 A&B 装置"), **values)
    record("offer.verified", offer, organisation_id=holder.id)
    return offer.id


def withdrawn(offer_id: int) -> int:
    services.act(factories.operator(), offer_id, "withdraw", {})
    return offer_id


def test_the_feed_tells_new_and_ended_offers_and_is_not_sent_twice(visitor: FlaskClient, made: Made) -> None:
    first, second = made(noted), made(noted)
    made(lambda: noted(evidence="holder_stated"))
    made(lambda: withdrawn(first))
    answer = visitor.get("/offers.atom", headers={"Accept-Language": "en"})
    assert answer.mimetype == "application/atom+xml"
    feed = ET.fromstring(answer.data)
    entries = [
        (entry.findtext(f"{ATOM}title") or "", entry.findtext(f"{ATOM}id") or "")
        for entry in feed.findall(f"{ATOM}entry")
    ]
    assert [re.search(r"/offers/(\d+)#", id_)[1] for _, id_ in entries] == [str(first), str(second)]  # type: ignore[index]
    assert all("A&B" in title for title, _ in entries)
    assert entries[0][0].split("A&B")[0] != entries[1][0].split("A&B")[0]
    again = visitor.get(
        "/offers.atom", headers={"Accept-Language": "en", "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_site_map_holds_every_live_offer_in_files(
    visitor: FlaskClient, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_URLS", 2)
    monkeypatch.setattr(feeds, "_BATCH", 1)
    live = {made(noted) for _ in range(3)}
    made(lambda: noted(evidence="holder_stated"))
    index = ET.fromstring(visitor.get("/sitemap.xml").data)
    files = [loc.text or "" for loc in index.iter(f"{MAP}loc")]
    assert len(files) == 4  # the fixed pages, two of offers, the demands
    found: list[str] = []
    for file in files:
        part = ET.fromstring(visitor.get(file).data)
        found += [loc.text or "" for loc in part.iter(f"{MAP}loc")]
    assert {int(one.rsplit("/", 1)[1]) for one in found if re.search(r"/offers/\d+$", one)} == live
    assert len(found) == len(set(found))
    assert visitor.get("/sitemap-9.xml").status_code == 404


def test_robots_names_the_site_map(visitor: FlaskClient) -> None:
    text = visitor.get("/robots.txt").get_data(as_text=True)
    assert re.search(r"^Sitemap: http://\S+/sitemap\.xml$", text, re.MULTILINE)
    assert "Disallow: /operator" in text
