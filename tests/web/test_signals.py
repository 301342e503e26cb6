"""The bureau's pages of signals, and its programs' calls."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core.database import db
from marketplace.core.tasks import Task
from marketplace.supervision import signals
from marketplace.supervision.models import Signal
from tests.supervision.test_signals import related_pair
from tests.web.conftest import SignIn, text_of


@pytest.fixture
def signal_id(app: Flask) -> int:
    """A signal of related sides."""
    with app.app_context():
        related_pair()
        signals.refresh()
        found = db.session.scalars(sa.select(Signal.id)).one()
        db.session.remove()
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_bureau_reads_what_was_seen_and_clears_it_with_a_reason(
    sign_in: SignIn, signal_id: int, language: str
) -> None:
    browser: FlaskClient = sign_in(staff_role="bureau", locale=language)
    same_account = "双方填写同一银行账户" if language == "zh" else "both sides give the same bank account"
    for address in ("/bureau/signals", "/bureau/signals?kind=related", f"/bureau/signals/{signal_id}"):
        assert same_account in text_of(browser.get(address).text)
    address = f"/bureau/signals/{signal_id}"
    assert browser.post(address, data={"reason": " "}).status_code == 422
    assert browser.post(address, data={"reason": "集团内部许可"}).status_code == 303
    assert "集团内部许可" in browser.get(address).text
    assert same_account not in text_of(browser.get("/bureau/signals").text)
    assert same_account in text_of(browser.get("/bureau/signals?state=cleared").text)
    again = browser.post(address, data={"reason": "再次"})
    assert "再次" not in browser.get(address).text
    assert again.status_code == 422
    assert "/bureau/signals" in browser.get("/bureau/supervision").text


def test_looking_is_left_to_the_worker(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(staff_role="bureau")
    assert browser.post("/bureau/signals").status_code == 303
    with app.app_context():
        assert db.session.scalars(sa.select(Task.name).where(Task.name == signals.TASK)).all() == [
            signals.TASK
        ]


def test_others_do_not_see_them_and_odd_addresses_give_a_page(sign_in: SignIn, signal_id: int) -> None:
    browser = sign_in(staff_role="bureau")
    for query in ("kind=x", "state=x", "page=1000000000", "page=-1", "page=x"):
        assert browser.get(f"/bureau/signals?{query}").status_code == 200, query
    assert browser.get("/bureau/signals/99999999999999999999").status_code == 404
    assert sign_in().get(f"/bureau/signals/{signal_id}").status_code in (302, 403)
