"""Offers set side by side, and offers that are like one: what readers do with results."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.comparing import MOST, Compared, compare
from marketplace.listings.services import offers as listings
from marketplace.listings.showcase.models import MATURITIES
from marketplace.matching import similar as likeness
from marketplace.search.indexer import licence_counts

from . import shapes
from .answering import json_answer
from .documents import Blueprint
from .offers import OfferItem, listed

blueprint = Blueprint("comparing", "comparing offers", "Offers side by side, and offers like one.")


class LicenceTerm(ma.Schema):
    """A licence's first and last day, both inclusive."""

    begins = shapes.Day(required=True)
    ends = shapes.Day(required=True)


class AnswerTimes(ma.Schema):
    """How the holder answers readers' questions, over all of its offers."""

    asked = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    median_days = fields.Float(required=True, allow_none=True)


class ComparedOfferView(OfferItem):
    """One of several offers, with what a licence that began today would cost and last."""

    ipc = fields.List(fields.String(), required=True)
    kind = fields.String(required=True)
    term_to = shapes.Day(required=True, allow_none=True)
    term = fields.Nested(
        LicenceTerm,
        required=True,
        allow_none=True,
        metadata={"description": "null where none can begin"},
    )
    upfront = fields.Nested(
        shapes.Amount,
        required=True,
        allow_none=True,
        metadata={"description": "due before it takes effect; null while the terms do not say it"},
    )
    yearly = fields.Nested(
        shapes.Amount,
        required=True,
        allow_none=True,
        metadata={"description": "the same a year of the term; null where a royalty comes on top"},
    )
    royalty = fields.Boolean(required=True)
    maturity = fields.String(required=True, allow_none=True, metadata={"enum": [*MATURITIES, None]})
    not_included = fields.String(required=True, allow_none=True)
    pending_withdrawal = fields.Boolean(required=True)
    duty_to_withdraw_since = shapes.Day(required=True, allow_none=True)
    known_bars = fields.List(fields.String(), required=True, metadata={"description": "codes of known bars"})
    unknown_bars = fields.List(
        fields.String(), required=True, metadata={"description": "codes of bars of which nothing is known"}
    )
    answers = fields.Nested(AnswerTimes, required=True)


class ComparedOffers(ma.Schema):
    """The offers in the order asked for; what was never announced is left out."""

    items = fields.List(fields.Nested(ComparedOfferView), required=True)


class CompareQuery(shapes.Query):
    """Which offers."""

    id = fields.List(
        fields.String(validate=validate.Regexp(r"^[0-9]{1,18}\Z")),
        required=True,
        validate=validate.Length(min=1, max=MOST),
        metadata={"description": "an offer; may be repeated, up to four"},
    )


class SimilarView(OfferItem):
    """An offer like another, and why."""

    score = fields.Float(
        required=True, metadata={"description": "orders the answers of one call and means nothing beyond it"}
    )
    shared_terms = fields.List(fields.String(), required=True, metadata={"description": "words of both"})
    shared_ipc = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the deepest place of the classification that both lie in"},
    )


class SimilarOffers(ma.Schema):
    """Up to five live offers of other patents, the most alike first."""

    items = fields.List(fields.Nested(SimilarView), required=True)
    engine = fields.String(required=True)
    degraded = fields.Boolean(required=True)
    as_of = shapes.Instant(required=True)


def _compared(one: Compared) -> dict[str, Any]:
    offer, currency = one.offer, one.offer.currency
    return {
        **listed(offer, one.licences),
        "ipc": [item.symbol for item in offer.patent.classes],
        "kind": offer.patent.kind,
        "term_to": offer.term_to,
        "term": one.term,
        "upfront": shapes.money(one.upfront_minor, currency),
        "yearly": shapes.money(one.yearly_minor, currency),
        "royalty": one.royalty,
        "maturity": one.maturity,
        "not_included": offer.not_included,
        "pending_withdrawal": offer.status == "withdrawal_filed",
        "duty_to_withdraw_since": offer.duty_to_withdraw_since,
        "known_bars": list(one.standing.barred),
        "unknown_bars": [bar.code for bar in one.standing.bars if bar.result == "unknown"],
        "answers": one.answers,
    }


@blueprint.call("GET", "/offers/compare")
@access("public")
@blueprint.arguments(CompareQuery, location="query")
@blueprint.response(200, ComparedOffers)
def compare_offers(query: dict[str, Any]) -> Response:
    """Set up to four offers side by side."""
    found = compare([int(text) for text in query["id"]])
    return json_answer(ComparedOffers().dump({"items": [_compared(one) for one in found]}))


@blueprint.call("GET", "/offers/<offer_id>/similar")
@access("public")
@blueprint.response(200, SimilarOffers)
def similar_offers(offer_id: str) -> Response:
    """Offers like this one, each with the words and the place that both share."""
    offer = listings.get_offer(current_actor(), offer_id)
    found, source = likeness.similar(offer)
    licences = licence_counts([one.offer.id for one in found])
    items = [
        {
            **listed(one.offer, licences.get(one.offer.id, 0)),
            "score": one.score,
            "shared_terms": list(one.terms),
            "shared_ipc": one.ipc,
        }
        for one in found
    ]
    answer = {
        "items": items,
        "engine": source.engine,
        "degraded": source.degraded,
        "as_of": source.as_of,
    }
    return json_answer(SimilarOffers().dump(answer))
