"""People at their browsers: clients that are signed in, and the forms they send."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation, User
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from tests import factories

SignIn = Callable[..., FlaskClient]


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser in which nobody has signed in."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    """`sign_in(organisation_id, staff_role=…)`: a browser of a new person, member of that organisation."""

    def make(organisation_id: int | None = None, *, locale: str = "zh", **values: object) -> FlaskClient:
        with app.app_context(), unit_of_work(SYSTEM):
            organisation = db.session.get(Organisation, organisation_id) if organisation_id else None
            person: User = factories.user(organisation, **values)
            session_id = person.get_id()
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"] = session_id
            session["_fresh"] = True
            session["locale"] = locale
        return client

    return make


@pytest.fixture
def made(app: Flask) -> Callable[[Callable[[], int]], int]:
    """`made(lambda: factories.organisation().id)`: run a factory in a unit of work, and get its id."""

    def run(make: Callable[[], int]) -> int:
        with app.app_context():
            with unit_of_work(SYSTEM):
                found = make()
            db.session.remove()
        return found

    return run


def text_of(page: str) -> str:
    """What a page says, without its mark-up."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))
