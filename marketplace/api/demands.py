"""Needs in a firm's own words, and the offers that fit them, each with reasons."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.permissions import require
from marketplace.demands import services as demands
from marketplace.demands.models import Demand
from marketplace.demands.schemas import DemandSchema
from marketplace.matching import services as matching
from marketplace.matching.services import LARGEST

from . import shapes
from .answering import once, require_scope
from .documents import Blueprint
from .notices import Party
from .shapes import Amount, Day, Id, Instant

blueprint = Blueprint("demands", "demands and matching", "Needs of firms, and offers that fit them.")


# --- shapes


class DemandView(ma.Schema):
    """A need."""

    id = Id(required=True)
    external_id = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True, metadata={"enum": ["draft", "published", "answered", "closed", "expired"]}
    )
    title = fields.String(required=True)
    description = fields.String(required=True)
    ipc = fields.List(fields.String(), required=True)
    budget = fields.Nested(Amount, required=True, allow_none=True)
    district = fields.String(required=True, allow_none=True)
    answer_by = Day(required=True, allow_none=True)
    organisation = fields.Nested(Party, required=True)
    published_on = Day(allow_none=True)
    created_at = Instant()


class ReasonView(ma.Schema):
    """Why an offer fits: what kind of reason, and the word, symbol, amount in 分 or code."""

    kind = fields.String(
        required=True,
        metadata={"description": "term, ipc, field, free, fee_within_budget, royalty, district or answer"},
    )
    value = fields.Raw(required=True, metadata={"type": ["string", "integer"]})


class MatchView(ma.Schema):
    """An offer that fits; the score orders the matches of one need and means nothing beyond it."""

    offer_id = Id(required=True)
    title = fields.String(required=True)
    score = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)


class Matches(ma.Schema):
    """Offers that fit a need, best first."""

    items = fields.List(fields.Nested(MatchView), required=True)
    engine = fields.String(required=True)
    degraded = fields.Boolean(required=True, metadata={"description": "whether a substitute has answered"})
    as_of = Instant(required=True, metadata={"description": "up to when changes are in the index"})


class _Size(ma.Schema):
    size = fields.Integer(load_default=10, validate=validate.Range(min=1, max=LARGEST))


class MatchQuery(_Size):
    """How many matches."""


class MatchRequest(_Size):
    """A need in plain words."""

    text = shapes.text(20_000, required=True)


# --- views of rows


def view(demand: Demand) -> dict[str, Any]:
    """A need, as `DemandView`."""
    plain = (
        "id", "external_id", "state", "title", "description", "district", "answer_by", "published_on",
        "created_at",
    )  # fmt: skip
    return {
        **{name: getattr(demand, name) for name in plain},
        "ipc": list(demand.ipc),
        "budget": shapes.money(demand.budget_minor),
        "organisation": {"id": demand.organisation_id, "name": demand.organisation.name},
    }


def _matches(found: matching.Matches) -> dict[str, Any]:
    return {
        "items": [
            {
                "offer_id": match.offer_id,
                "title": match.title,
                "score": match.score,
                "reasons": [reason.as_json() for reason in match.reasons],
            }
            for match in found
        ],
        "engine": found.source.engine,
        "degraded": found.source.degraded,
        "as_of": found.source.as_of,
    }


# --- calls


@blueprint.call("POST", "/demands")
@access("signed_in")
@blueprint.arguments(DemandSchema)
@blueprint.response(201, DemandView)
def publish_demand(values: dict[str, Any]) -> Response:
    """Publish a need of the caller's organisation; the fields are those of an import of demands."""
    return once(DemandView, lambda actor: view(demands.publish_demand(actor, values)), status=201)


@blueprint.call("GET", "/demands/<demand_id>")
@access("signed_in")
@blueprint.response(200, DemandView)
def get_demand(demand_id: str) -> dict[str, Any]:
    """One need."""
    return view(demands.get_demand(current_actor(), demand_id))


@blueprint.call("GET", "/demands/<demand_id>/matches")
@access("signed_in")
@blueprint.arguments(MatchQuery, location="query")
@blueprint.response(200, Matches)
def get_matches(asked: dict[str, Any], demand_id: str) -> dict[str, Any]:
    """Offers that fit a need within its limits, with reasons (its owner, bureau)."""
    actor = current_actor()
    demand = demands.get_demand(actor, demand_id)
    require(actor, "recommendation.list", demand)
    return _matches(matching.matches_for(demand, asked["size"]))


@blueprint.call("POST", "/demands/<demand_id>/actions/close")
@access("signed_in")
@blueprint.response(200, DemandView)
def close_demand(demand_id: str) -> Response:
    """Take a need back, or say that it is settled."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        return view(demands.close_demand(actor, demand.id))

    return once(DemandView, act)


@blueprint.call("POST", "/match", writes=False)
@access("signed_in")
@blueprint.arguments(MatchRequest)
@blueprint.response(200, Matches)
def match_text(values: dict[str, Any]) -> dict[str, Any]:
    """Offers for a need in plain words. Nothing is stored."""
    require_scope(current_actor(), "read")
    return _matches(matching.match_text(values["text"], values["size"]))
