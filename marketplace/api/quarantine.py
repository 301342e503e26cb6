"""What does not fit what is owed, and the provider's webhooks that it comes from."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response, jsonify, request
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.deals import webhooks
from marketplace.deals.models import Quarantine
from marketplace.deals.quarantine import open_quarantine, resolve_quarantine

from . import shapes
from .answering import once
from .documents import Blueprint, described
from .shapes import After, Id, Instant, key_of

blueprint = Blueprint("quarantine", "webhooks and quarantine", "Stripe's events, and what did not fit.")


class QuarantineView(ma.Schema):
    """Money or a message that was set aside: never applied, never dropped."""

    id = Id(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["open", "resolved"]})
    payment_id = Id(required=True, allow_none=True)
    event_id = fields.String(required=True, allow_none=True)
    expected = fields.Dict(required=True)
    received = fields.Dict(required=True)
    created_at = Instant(required=True)
    resolution = fields.String(allow_none=True)


class ResolveRequest(ma.Schema):
    """What was done about it."""

    note = shapes.text(2000, required=True)


class Received(ma.Schema):
    """The event is kept; the worker applies it."""

    received = fields.Boolean(required=True)


def view(row: Quarantine) -> dict[str, Any]:
    """A case, as `QuarantineView`."""
    return {name: getattr(row, name) for name in QuarantineView().fields}


@blueprint.call("POST", "/webhooks/stripe", raw_body=True, writes=False)
@access("public")
@described(
    security=[],
    parameters=[
        {"name": "Stripe-Signature", "in": "header", "required": False, "schema": {"type": "string"}}
    ],
    requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
)
@blueprint.response(200, Received)
def receive_stripe_event() -> Response:
    """Take one of Stripe's signed events: 400 for a bad signature, else 200 at once."""
    webhooks.receive(request.get_data(), request.headers.get("Stripe-Signature", ""))
    return jsonify(received=True)


@blueprint.call("GET", "/quarantine")
@access("operator")
@blueprint.arguments(After, location="query")
@blueprint.response(200, shapes.page_of(QuarantineView, "QuarantinePage"))
def list_quarantine(asked: dict[str, Any]) -> Any:
    """What is set aside and not resolved, oldest first (operator)."""
    rows = open_quarantine(
        current_actor(),
        after=int(asked["after"]) if "after" in asked else None,
        limit=asked["size"] + 1,
    )
    return shapes.page(rows, asked["size"], view)


@blueprint.call("POST", "/quarantine/<case_id>/actions/resolve")
@access("operator")
@blueprint.arguments(ResolveRequest)
@blueprint.response(200, QuarantineView)
def resolve_case(values: dict[str, Any], case_id: str) -> Response:
    """Close a case, saying what was done (operator)."""
    return once(
        QuarantineView, lambda actor: view(resolve_quarantine(actor, key_of(case_id), values["note"]))
    )
