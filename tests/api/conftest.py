"""Callers of the API with real tokens, whose every answer is held against the served OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from werkzeug.test import TestResponse

from marketplace.accounts import services as accounts
from marketplace.accounts.models import Organisation, User
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import limiter
from marketplace.search import generations
from tests import factories

BASE = "/api/v1"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass
class Caller:
    """Someone with a token (or none) who calls the API."""

    app: Flask
    token: str | None = None
    organisation_id: int | None = None
    name: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._call("GET", path, **options)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Idempotency-Key"] = key
        if json is not None:
            options["json"] = json
        return self._call("POST", path, headers=headers, **options)

    def _call(self, method: str, path: str, headers: Any = None, **options: Any) -> TestResponse:
        sent = self.headers | dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if path.startswith("http"):
            path = path.removeprefix("http://localhost")
        path = path if path.startswith(BASE) else BASE + path
        response = self.app.test_client().open(path, method=method, headers=sent, buffered=True, **options)
        assert response.status_code < 500 or response.status_code == 503, response.get_data(as_text=True)
        conforms(self.app, method, path, response)
        return response


def conforms(app: Flask, method: str, path: str, response: TestResponse) -> None:
    """The answer is one that the document promises, and every problem is complete."""
    document = app.test_client().get("/openapi.json").get_json()
    found = operation(app, document, method, path)
    if found is None:
        assert response.status_code in (404, 405)
        answer = document["components"]["responses"]["DEFAULT_ERROR"]
    else:
        answer = found["responses"].get(str(response.status_code), found["responses"]["default"])
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    if response.status_code == 304:
        return
    described = answer["content"].get(response.mimetype)
    assert described is not None, f"{method} {path}: {response.status_code} {response.mimetype}"
    if response.is_json:
        schema = {**described["schema"], "components": document["components"]}
        OAS31Validator(schema).validate(response.get_json())
    if response.status_code >= 400:
        body = response.get_json()
        assert response.mimetype == "application/problem+json"
        assert body["status"] == response.status_code
        assert body["type"].endswith(f"/docs#problem-{body['code']}")
        assert body["request_id"] == response.headers["X-Request-ID"]
        assert body["detail"]
        assert "%(" not in body["detail"]


def operation(app: Flask, document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a call."""
    plain = path.partition("?")[0]
    # A fixed path wins over one with places, as in routing.
    for template in sorted(document["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, plain) and method.lower() in document["paths"][template]:
            found: dict[str, Any] = document["paths"][template][method.lower()]
            return found
    return None


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document, which has this status and code."""
    body: dict[str, Any] = response.get_json()
    assert (response.status_code, body["code"]) == (status, code), body
    return body


def ok(response: TestResponse, status: int = 200) -> Any:
    """The JSON of an answer, which has this status."""
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json()


@dataclass
class World:
    """A holder, two firms, an agency's absence, staff, and what they own."""

    app: Flask
    holder: Caller
    firm: Caller
    other: Caller
    operator: Caller
    bureau: Caller
    visitor: Caller

    def make(self, build: Callable[[], Any]) -> Any:
        """Rows made in a unit of work of their own."""
        with self.app.app_context():
            with unit_of_work():
                made = build()
            db.session.remove()
        return made

    def organisation(self, caller: Caller) -> Organisation:
        """The caller's organisation, inside a unit of work."""
        return db.session.get_one(Organisation, caller.organisation_id)

    def offer(self, **values: Any) -> str:
        """The id of a new live offer of the holder."""
        made = self.make(lambda: factories.live_offer(self.organisation(self.holder), **values).id)
        return str(made)

    def patent(self, **values: Any) -> str:
        """The number of a new patent of the holder, clear of every bar."""
        made = self.make(lambda: factories.patent(self.organisation(self.holder), **values).number)
        return str(made)

    def index(self) -> None:
        """Build the search index anew."""
        with self.app.app_context():
            generations.rebuild()
            db.session.remove()


def member(app: Flask, name: str, scopes: str = "read write", **values: Any) -> Caller:
    """A member of a new organisation, with a token of these scopes."""
    with app.app_context():
        with unit_of_work():
            organisation = factories.organisation(name, **values)
            user = factories.user(organisation)
            token = accounts.create_token(user, frozenset(scopes.split()), organisation.id)
        caller = Caller(app, token, organisation.id, name)
        db.session.remove()
    return caller


def same_with(caller: Caller, scopes: str) -> Caller:
    """The caller's organisation through a token of other scopes."""
    with caller.app.app_context():
        with unit_of_work():
            user = factories.user(db.session.get_one(Organisation, caller.organisation_id))
            token = accounts.create_token(user, frozenset(scopes.split()), caller.organisation_id)
        made = Caller(caller.app, token, caller.organisation_id, caller.name)
        db.session.remove()
    return made


def staff(app: Flask, role: str | None) -> Caller:
    """Someone of the bureau, or an operator; without a role somebody who is in no organisation either."""
    with app.app_context():
        with unit_of_work():
            user: User = factories.user(staff_role=role)
            token = accounts.create_token(user, frozenset({"read", "write"}))
        db.session.remove()
    return Caller(app, token)


def build_world(app: Flask) -> World:
    """The callers of one test."""
    return World(
        app,
        holder=member(app, "示例大学", type="university", stripe_account="acct_1Invented"),
        firm=member(app, "示例制造厂"),
        other=member(app, "示例商行"),
        operator=staff(app, "operator"),
        bureau=staff(app, "bureau"),
        visitor=Caller(app),
    )


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests call faster than people; the limit has a test of its own."""
    monkeypatch.setattr(limiter, "enabled", False)


@pytest.fixture
def world(app: Flask) -> World:
    """Callers on each kind of database, rolled back afterwards."""
    return build_world(app)
