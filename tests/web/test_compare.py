"""The table of up to four offers, and the ticks that the address keeps."""

from __future__ import annotations

from flask import Flask

from marketplace.core.unit_of_work import unit_of_work
from tests import factories


def test_up_to_four_offers_are_compared_and_what_is_left_out_is_said(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        holder = factories.organisation()
        ids = [
            factories.live_offer(
                holder, factories.patent(holder, title=f"一种阀{n}"), fee_minor=n * 100_000
            ).id
            for n in range(1, 6)
        ]
    client = app.test_client()
    page = client.get("/offers/compare", query_string={"id": ids, "q": "阀", "lang": "en"})
    assert page.status_code == 200
    text = page.text
    assert all(f"一种阀{n}" in text for n in range(1, 5))
    assert "一种阀5" not in text
    assert "已略去 1 项" in text
    assert 'class="differs"' in text
    # Back to the results: the search and the ticks are in the address.
    assert "/offers?q=%E9%98%80" in text
    assert f"compare={ids[0]}&amp;compare={ids[1]}" in text
    gone = client.get("/offers/compare", query_string={"id": [ids[0], 999_999, "x"]})
    assert "1 项不存在" in gone.text
    assert client.get("/offers/compare").status_code == 200
