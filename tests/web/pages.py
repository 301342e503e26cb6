"""Signing in and reading pages, for the tests of pages."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.models import Organisation, User
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from tests import factories

LANGUAGES = ("zh", "en")


def client_of(
    app: Flask, user_id: int, language: str = "zh", organisation_id: int | None = None
) -> FlaskClient:
    """A browser in which this person is signed in."""
    with app.app_context():
        session_id = db.session.get_one(User, user_id).get_id()
        db.session.remove()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = session_id
        session["_fresh"] = True
        session["locale"] = language
        if organisation_id is not None:
            session["organisation_id"] = organisation_id
    return client


def member(app: Flask, organisation: str, **values: Any) -> tuple[int, int]:
    """A new organisation with one member: (user id, organisation id)."""
    with app.app_context(), unit_of_work():
        row: Organisation = factories.organisation(organisation, **values)
        person: User = factories.user(row)
        return person.id, row.id


def text_of(body: str) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip()
