"""Offers of other platforms over the interface: apart from our own, with source and link."""

from __future__ import annotations

from typing import Any

from flask import Flask

from marketplace.core.actor import OPERATOR_COMMAND
from marketplace.core.identifiers import PatentNumber
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.mirrored import services
from tests import factories


def test_mirrored_offers_are_listed_apart_with_their_source_and_link(app: Flask) -> None:
    with app.app_context(), unit_of_work(OPERATOR_COMMAND):
        factories.live_offer(factories.organisation())
        for serial, form in enumerate(("free", "fixed", "royalty_net_sales")):
            source = services.source_named("乙地平台" if serial == 2 else "甲地平台")
            values = {
                "reference": f"A{serial}",
                "address": f"https://other.example.org/offers/{serial}",
                "patent_number": PatentNumber.parse(f"20191{9_700_000 + serial:07d}"),
                "title": f"一种示例电池{serial}",
                "owners": ("外省大学", "外省公司"),
                "fee_form": form,
                "fee": 2_000_000 if form == "fixed" else None,
            }
            services.take(OPERATOR_COMMAND, source, values, str(serial))
    client = app.test_client()

    def get(**query: str) -> dict[str, Any]:
        answer = client.get("/api/v1/mirrored-offers", query_string=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    everything = get()
    assert [one["reference"] for one in everything["items"]] == ["A2", "A1", "A0"]
    assert everything["sources"] == [
        {"name": "乙地平台", "offers": 1, "free": 0},
        {"name": "甲地平台", "offers": 2, "free": 1},
    ]
    one = everything["items"][1]
    assert one["source"] == "甲地平台"
    assert one["url"] == "https://other.example.org/offers/1"
    assert one["owners"] == ["外省大学", "外省公司"]
    assert one["fee"]["amount"] == {"amount_minor": 2_000_000, "currency": "CNY"}
    first = get(size="2")
    assert [one["reference"] for one in get(size="2", after=first["next"])["items"]] == ["A0"]
    assert [one["reference"] for one in get(source="甲地平台", q="电池1")["items"]] == ["A1"]
    assert get(source="没有的平台")["items"] == []
    # They are in none of our own lists: not among the offers, not in the map of the site.
    assert "other.example.org" not in client.get("/api/v1/open-data/offers.jsonl").text
    assert "mirrored" not in client.get("/sitemap.xml").text
