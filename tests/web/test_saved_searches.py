"""Pages of saved searches: for a member, for the staff, and for nobody who is neither."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core.database import db
from marketplace.search.saved.models import SavedSearch
from tests import factories
from tests.web.conftest import SignIn, text_of


@pytest.mark.parametrize("role", ["bureau", "operator", None])
def test_a_search_is_saved_opened_changed_and_deleted_on_pages_by_members_and_staff(
    app: Flask, sign_in: SignIn, made: Callable[[Callable[[], int]], int], role: str | None
) -> None:
    person = sign_in(staff_role=role) if role else sign_in(made(lambda: factories.organisation().id))
    assert person.get("/saved-searches/new?q=磁力泵").status_code == 200
    sent = {"name": "我的泵", "alert": "weekly"}
    assert person.post("/saved-searches/new?q=磁力泵", data=sent).location == "/saved-searches"
    page = person.get("/saved-searches").text
    assert "我的泵" in page
    (number,) = {int(one) for one in re.findall(r"/saved-searches/(\d+)/change", page)}
    assert "每周一次" in text_of(person.get(f"/saved-searches/{number}").text)
    opened = person.post(f"/saved-searches/{number}/open")
    assert opened.location == "/offers?q=%E7%A3%81%E5%8A%9B%E6%B3%B5"
    changed = person.post(f"/saved-searches/{number}/change", data={"name": "泵", "alert": "off"})
    assert changed.status_code == 302
    for stranger in (sign_in(staff_role="bureau"), sign_in(made(lambda: factories.organisation().id))):
        assert stranger.get(f"/saved-searches/{number}").status_code == 404
    assert person.post(f"/saved-searches/{number}/delete").status_code == 302
    with app.app_context():
        assert db.session.scalars(sa.select(SavedSearch.id)).all() == []


def test_who_is_in_no_organisation_and_not_of_the_staff_saves_nothing(sign_in: SignIn) -> None:
    alone = sign_in()
    assert alone.get("/saved-searches").status_code == 403
    assert alone.get("/saved-searches/new?q=泵").status_code == 403
    assert alone.post("/saved-searches/new?q=泵", data={"name": "泵", "alert": "off"}).status_code == 403
