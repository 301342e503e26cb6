"""Disputes over notices, payments and licences, for their two sides; evidence is uploaded on the pages."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.deals.disputes import services
from marketplace.deals.disputes.models import (
    ENTRY_KINDS,
    OUTCOMES,
    SETTLEMENTS,
    SIDES,
    STATES,
    SUBJECTS,
    TOPICS,
    VENUES,
    Dispute,
)

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint

blueprint = Blueprint("disputes", "disputes", "Disputes over notices, payments and licences.")


class EntryView(ma.Schema):
    """What one side has said or shown."""

    kind = fields.String(required=True, metadata={"enum": list(ENTRY_KINDS)})
    side = fields.String(required=True, metadata={"enum": list(SIDES)})
    text = fields.String(required=True, allow_none=True)
    has_file = fields.Boolean(required=True)
    written_at = shapes.Instant(required=True)


class ReferralView(ma.Schema):
    """Where it was taken, as one side has stated it."""

    venue = fields.String(required=True, metadata={"enum": list(VENUES)})
    body = fields.String(required=True)
    filed_on = shapes.Day(required=True)
    outcome = fields.String(required=True, metadata={"enum": list(OUTCOMES)})
    ended_on = shapes.Day(required=True, allow_none=True)


class DisputeView(ma.Schema):
    """One dispute; what it is about stays as it is meanwhile."""

    id = shapes.Id(required=True)
    number = fields.String(required=True)
    subject = fields.String(required=True, metadata={"enum": list(SUBJECTS)})
    subject_id = shapes.Id(required=True)
    topic = fields.String(required=True, metadata={"enum": list(TOPICS)})
    title = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    settlement = fields.String(required=True, metadata={"enum": list(SETTLEMENTS)})
    opened_side = fields.String(required=True, metadata={"enum": list(SIDES)})
    opened_at = shapes.Instant(required=True)
    answer_due_on = shapes.Day(required=True, metadata={"description": "set by the platform, by no law"})
    closed_at = shapes.Instant(required=True, allow_none=True)
    entries = fields.List(fields.Nested(EntryView), required=True)
    referrals = fields.List(fields.Nested(ReferralView), required=True)
    version = fields.Integer(required=True)


Page = shapes.page_of(DisputeView, "Disputes")


class DisputeRequest(ma.Schema):
    """What is at issue."""

    subject = fields.String(required=True, validate=validate.OneOf(SUBJECTS))
    subject_id = fields.String(required=True, validate=validate.Length(max=20))
    topic = fields.String(required=True, validate=validate.OneOf(TOPICS))
    title = shapes.text(200, required=True, lines=False)
    statement = shapes.text(services.LONGEST, required=True)


class WordsRequest(ma.Schema):
    """An answer of the other side, or a remark of either."""

    text = shapes.text(services.LONGEST, required=True)


def _view(dispute: Dispute) -> dict[str, Any]:
    plain = (
        "id", "number", "subject", "topic", "title", "state", "settlement", "opened_side", "opened_at",
        "answer_due_on", "closed_at", "referrals", "version",
    )  # fmt: skip
    return {
        **{name: getattr(dispute, name) for name in plain},
        "subject_id": dispute.notice_id or dispute.payment_id or dispute.licence_id,
        "entries": [
            {
                "kind": one.kind,
                "side": one.side,
                "text": one.text,
                "has_file": one.file_id is not None,
                "written_at": one.written_at,
            }
            for one in dispute.entries
        ],
    }


@blueprint.call("GET", "/disputes")
@access("signed_in")
@blueprint.arguments(shapes.After, location="query")
@blueprint.response(200, Page)
def list_disputes(query: dict[str, Any]) -> Response:
    """Disputes that the token's organisation is a side of (staff: all), newest first."""
    after = query.get("after")
    rows = services.disputes(current_actor(), after=int(after) if after else None, limit=query["size"] + 1)
    return json_answer(Page().dump(shapes.page(rows, query["size"], _view)))


@blueprint.call("POST", "/disputes")
@access("organisation")
@blueprint.arguments(DisputeRequest)
@blueprint.response(201, DisputeView)
def open_dispute(body: dict[str, Any]) -> Response:
    """Open a dispute; the other side is told and asked to answer."""

    def act(actor: Actor) -> dict[str, Any]:
        key = shapes.key_of(body["subject_id"])
        dispute = services.open_dispute(
            actor, body["subject"], key, topic=body["topic"], title=body["title"], statement=body["statement"]
        )
        return _view(dispute)

    return once(DisputeView, act, status=201)


@blueprint.call("GET", "/disputes/<dispute_id>")
@access("signed_in")
@blueprint.response(200, DisputeView)
def show_dispute(dispute_id: str) -> Response:
    """One dispute with all that was said in it."""
    return json_answer(DisputeView().dump(_view(services.get(current_actor(), shapes.key_of(dispute_id)))))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/answer")
@access("organisation")
@blueprint.arguments(WordsRequest)
@blueprint.response(200, DisputeView)
def answer_dispute(body: dict[str, Any], dispute_id: str) -> Response:
    """Answer a dispute that the other side has opened."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.answer(actor, key, text=body["text"])))
