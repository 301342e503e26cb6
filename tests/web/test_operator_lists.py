"""What the operator's page of lists asks for beside the file, and that it reaches the import."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core.database import db
from marketplace.listings.mirrored.models import MirroredOffer
from marketplace.listings.models import Patent, PatentFact
from tests import factories

from .conftest import SignIn

MIRRORED = "来源编号,链接,专利号,名称\n"


def upload(browser: FlaskClient, kind: str, text: str, **asked: str) -> str:
    """Rehearse a list and take it over; the page that says what became of it, or why not."""
    data = {"file": (io.BytesIO(text.encode()), "list.csv"), **asked}
    answer = browser.post(f"/operator/lists/{kind}", data=data)
    page = answer.get_data(as_text=True)
    hidden = dict(
        re.findall(r'<input type="hidden" name="(file|owner|as_of|complete|confirmed)" value="([^"]*)"', page)
    )
    if "file" not in hidden:
        return page
    return browser.post(f"/operator/lists/{kind}/import", data=hidden).get_data(as_text=True)


def test_an_extract_of_the_register_goes_in_with_the_day_of_the_page(
    app: Flask, sign_in: SignIn, made: Callable[[Callable[[], int]], int]
) -> None:
    def stock() -> int:
        return factories.patent(factories.organisation(), facts={"legal_status": "in_force"}).id

    patent_id = made(stock)
    operator = sign_in(staff_role="operator")
    assert "/operator/lists/facts" in operator.get("/operator/lists").text
    with app.app_context():
        number = db.session.get_one(Patent, patent_id).number
        db.session.remove()
    text = f"专利号,法律状态\nZL{number},终止\n"
    assert "请说明以上情况截至哪一天" in upload(operator, "facts", text)
    upload(operator, "facts", text, as_of="2026-11-18")
    with app.app_context():
        query = sa.select(PatentFact).where(
            PatentFact.patent_id == patent_id, PatentFact.name == "legal_status"
        )
        fact = db.session.scalars(query).one()
        assert (fact.value, str(fact.as_of), fact.source) == ("terminated", "2026-11-18", "extract")
        db.session.remove()


def test_a_whole_list_of_a_platform_is_confirmed_before_it_ends_most_of_it(
    app: Flask, sign_in: SignIn
) -> None:
    operator = sign_in(staff_role="operator")
    rows = [f"A{n},https://o.example.org/{n},CN10230791{n}B,一种阀门{n}\n" for n in range(4)]

    def count() -> int:
        with app.app_context():
            found = db.session.scalar(sa.select(sa.func.count()).select_from(MirroredOffer)) or 0
            db.session.remove()
        return found

    upload(operator, "mirrored", MIRRORED + "".join(rows), owner="示例省平台")
    assert count() == 4
    refused = upload(operator, "mirrored", MIRRORED + rows[0], owner="示例省平台", complete="y")
    assert "3" in refused
    assert "确认" in refused
    assert count() == 4
    upload(operator, "mirrored", MIRRORED + rows[0], owner="示例省平台", complete="y", confirmed="y")
    assert count() == 1
