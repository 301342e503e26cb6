"""Searches that a person keeps, and what is new to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search.saved import services
from marketplace.search.saved.models import ALERTS

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint

blueprint = Blueprint(
    "saved-searches", "saved searches", "Searches that the token's user keeps, and what is new to each."
)


class Misfit(ma.Schema):
    """Why a saved search is not understood any more."""

    field = fields.String(required=True, metadata={"description": "the parameter"})
    code = fields.String(required=True)


class SavedSearchView(ma.Schema):
    """A search as its address has it, under a name."""

    id = shapes.Id(required=True)
    name = fields.String(required=True)
    query = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        metadata={"description": "parameters of `GET /offers`, each with its values"},
    )
    url = fields.String(required=True, metadata={"format": "uri", "description": "the page of its results"})
    alert = fields.String(required=True, metadata={"enum": list(ALERTS)})
    new = fields.Integer(
        required=True, metadata={"description": "live offers found since it was last looked at on the site"}
    )
    problem = fields.Nested(Misfit, required=True, allow_none=True)
    created_at = shapes.Instant(required=True)
    looked_at = shapes.Instant(required=True)


class SavedSearches(ma.Schema):
    """All of them, by name."""

    items = fields.List(fields.Nested(SavedSearchView), required=True)


class SavedSearchRequest(ma.Schema):
    """A search to keep."""

    name = shapes.text(services.LONGEST_NAME, required=True)
    query = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        values=fields.List(
            fields.String(validate=validate.Length(max=1_000)), validate=validate.Length(max=100)
        ),
        required=True,
        metadata={"description": "parameters of `GET /offers` with their values; page and size are left out"},
    )
    alert = fields.String(load_default="off", validate=validate.OneOf(ALERTS))


def _view(one: services.Listed) -> dict[str, Any]:
    saved = one.saved
    plain = ("id", "name", "alert", "created_at", "looked_at")
    return {
        **{name: getattr(saved, name) for name in plain},
        "query": saved.parameters,
        "url": shapes.address(f"/offers?{urlencode(saved.parameters, doseq=True)}"),
        "new": one.new,
        "problem": one.problem and {"field": one.problem.field, "code": one.problem.code},
    }


@blueprint.call("GET", "/saved-searches")
@access("signed_in")
@blueprint.response(200, SavedSearches)
def list_saved_searches() -> Response:
    """The saved searches of the token's user, each with the number of new offers."""
    return json_answer(
        SavedSearches().dump({"items": [_view(one) for one in services.saved_searches(current_actor())]})
    )


@blueprint.call("POST", "/saved-searches")
@access("signed_in")
@blueprint.arguments(SavedSearchRequest)
@blueprint.response(201, SavedSearchView)
def save_search(body: dict[str, Any]) -> Response:
    """Keep a search; with an alert its user is told of new offers by mail and in the messages."""
    query: Mapping[str, Sequence[str]] = body["query"]

    def act(actor: Any) -> dict[str, Any]:
        saved = services.save(actor, body["name"], query, body["alert"])
        return _view(services.get(actor, saved.id))

    return once(SavedSearchView, act, status=201)


@blueprint.call("DELETE", "/saved-searches/<saved_search_id>")
@access("signed_in")
@blueprint.response(200, SavedSearchView)
def delete_saved_search(saved_search_id: str) -> Response:
    """Keep a search no more; answers what it was."""
    actor = current_actor()
    number = int(saved_search_id) if saved_search_id.isdecimal() and len(saved_search_id) <= 18 else 0
    with unit_of_work(actor):
        gone = _view(services.get(actor, number))
        services.delete(actor, number)
    return json_answer(SavedSearchView().dump(gone))
