"""What a firm wants to hear of, what was recommended to it, and which demands an offer fits."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.demands.models import (
    INTEREST_KINDS,
    RECOMMENDATION_CHANNELS,
    RECOMMENDATION_STATES,
    Interest,
    Recommendation,
)
from marketplace.listings import services as listings
from marketplace.matching import hits, interests, reverse
from marketplace.matching import services as matching
from marketplace.matching.lifecycle import PASS_REASONS

from . import shapes
from .answering import once
from .demands import ReasonView
from .documents import Blueprint
from .shapes import Id, Instant

blueprint = Blueprint(
    "interests", "interests", "What firms want to hear of, and what is recommended to them."
)


class InterestView(ma.Schema):
    """A field that a firm follows, or a patent of its own."""

    id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(INTEREST_KINDS)})
    title = fields.String(required=True)
    number = fields.String(required=True, allow_none=True, metadata={"description": "of a patent"})
    ipc = fields.List(fields.String(), required=True)
    created_at = Instant(required=True)


class Interests(ma.Schema):
    """All of an organisation's interests."""

    items = fields.List(fields.Nested(InterestView), required=True)


class InterestRequest(ma.Schema):
    """A field in words, or a patent of the firm's own with its number, title and perhaps abstract."""

    words = shapes.text(
        300, description="the field, or the patent's title, which one that is registered here does not need"
    )
    number = shapes.text(64, description="makes it a patent")
    abstract = shapes.text(20_000)
    ipc = fields.List(fields.String(validate=validate.Length(max=40)), load_default=list)


class RecommendationView(ma.Schema):
    """An offer that was recommended, why, and what became of it."""

    id = Id(required=True)
    offer_id = Id(required=True)
    demand_id = Id(required=True, allow_none=True)
    title = fields.String(required=True)
    channel = fields.String(required=True, metadata={"enum": list(RECOMMENDATION_CHANNELS)})
    state = fields.String(required=True, metadata={"enum": list(RECOMMENDATION_STATES)})
    reasons = fields.List(fields.Nested(ReasonView), required=True)
    shown_at = Instant(required=True)


class Recommendations(ma.Schema):
    """A page of recommendations, newest first; `next` is the `after` of the page that follows."""

    items = fields.List(fields.Nested(RecommendationView), required=True)
    next = fields.String(required=True, allow_none=True)


class RecommendationQuery(ma.Schema):
    """Where to go on."""

    after = fields.Integer(load_default=None, validate=validate.Range(min=1, max=2**62))


class MarkRequest(ma.Schema):
    """What became of a recommendation."""

    state = fields.String(required=True, validate=validate.OneOf(["opened", "contacted", "passed"]))
    reason = fields.String(
        allow_none=True,
        load_default=None,
        metadata={"enum": [*PASS_REASONS, None], "description": "of `passed`"},
    )
    note = shapes.text(500)


class FitView(ma.Schema):
    """A published demand that an offer fits, by what everybody may read of it."""

    demand_id = Id(required=True)
    title = fields.String(required=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)


class PassCount(ma.Schema):
    """How many firms passed for a reason."""

    reason = fields.String(required=True, metadata={"enum": list(PASS_REASONS)})
    count = fields.Integer(required=True)


class Fits(ma.Schema):
    """The demands that an offer fits, best first, and why firms passed it over: counts, never who."""

    items = fields.List(fields.Nested(FitView), required=True)
    passed = fields.List(fields.Nested(PassCount), required=True)


def _interest(row: Interest) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "title": row.title,
        "number": row.key if row.kind == "patent" else None,
        "ipc": list(row.ipc),
        "created_at": row.created_at,
    }


def _recommendation(row: Recommendation) -> dict[str, Any]:
    plain = ("id", "offer_id", "demand_id", "channel", "state", "reasons", "shown_at")
    return {**{name: getattr(row, name) for name in plain}, "title": row.offer.patent.title}


_SIZE = 50


def _id(text: str) -> int:
    """An id out of an address; what is none is nobody's."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


@blueprint.call("GET", "/interests")
@access("signed_in")
@blueprint.response(200, Interests)
def all_interests() -> dict[str, Any]:
    """The fields that the organisation follows, and the patents of its own that offers are compared with."""
    return {"items": [_interest(row) for row in interests.interests_of(current_actor())]}


@blueprint.call("POST", "/interests")
@access("signed_in")
@blueprint.arguments(InterestRequest)
@blueprint.response(201, InterestView)
def name_interest(values: dict[str, Any]) -> Response:
    """Follow a field, or add a patent of one's own: new offers that fit are recommended from then on."""

    def name(actor: Actor) -> dict[str, Any]:
        words, number, ipc = values.get("words") or "", values.get("number"), values.get("ipc") or []
        if number:
            abstract = values.get("abstract") or ""
            row = interests.add_patent(actor, number, words, abstract, ipc)
        else:
            row = interests.name_field(actor, words, ipc)
        return _interest(row)

    return once(InterestView, name, status=201)


@blueprint.call("POST", "/interests/<interest_id>/actions/drop")
@access("signed_in")
@blueprint.response(200, InterestView)
def drop_interest(interest_id: str) -> Response:
    """Hear no more of it; what was recommended already stays."""
    return once(InterestView, lambda actor: _interest(interests.drop(actor, _id(interest_id))))


@blueprint.call("GET", "/recommendations")
@access("signed_in")
@blueprint.arguments(RecommendationQuery, location="query")
@blueprint.response(200, Recommendations)
def all_recommendations(asked: dict[str, Any]) -> dict[str, Any]:
    """What was recommended to the organisation, for its demands and for what it follows, newest first."""
    rows = matching.recommendations_to(current_actor(), after=asked.get("after"), limit=_SIZE + 1)
    following = str(rows[_SIZE - 1].id) if len(rows) > _SIZE else None
    return {"items": [_recommendation(row) for row in rows[:_SIZE]], "next": following}


@blueprint.call("POST", "/recommendations/<recommendation_id>/marks")
@access("signed_in")
@blueprint.arguments(MarkRequest)
@blueprint.response(200, RecommendationView)
def mark_recommendation(values: dict[str, Any], recommendation_id: str) -> Response:
    """Say what became of it; why it was passed over goes, as a count, to the holder and the bureau."""

    def mark(actor: Actor) -> dict[str, Any]:
        row = matching.get_recommendation(actor, _id(recommendation_id))
        row = matching.mark(actor, row, values["state"], reason=values.get("reason"), note=values.get("note"))
        return _recommendation(row)

    return once(RecommendationView, mark)


@blueprint.call("GET", "/offers/<offer_id>/demands")
@access("signed_in")
@blueprint.response(200, Fits)
def fitting_demands(offer_id: str) -> dict[str, Any]:
    """Which published demands one's own offer fits, and why firms passed it over."""
    actor = current_actor()
    offer = listings.get_offer(actor, offer_id)
    found = reverse.demands_fitting(actor, offer)
    return {
        "items": [
            {
                "demand_id": fit.demand.id,
                "title": fit.demand.title,
                "reasons": [reason.as_json() for reason in fit.reasons],
            }
            for fit in found
        ],
        "passed": [
            {"reason": reason, "count": count}
            for reason, count in hits.passes_of(actor, offer, offer.id).items()
        ],
    }
