"""Addresses of an organisation's own systems, and what was sent to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications.hooks import services
from marketplace.notifications.hooks.events import EVENTS
from marketplace.notifications.hooks.models import DELIVERY_STATES, WebhookDelivery, WebhookEndpoint
from marketplace.notifications.hooks.sending import LONGEST

from . import shapes
from .answering import json_answer, once, once_prepared
from .documents import Blueprint

blueprint = Blueprint(
    "webhooks", "outgoing webhooks", "Addresses of an organisation's own systems, for its administrators."
)


class EndpointView(ma.Schema):
    """An address; `secret` is there only in the answer that has made it."""

    id = shapes.Id(required=True)
    url = fields.String(required=True, metadata={"format": "uri"})
    label = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "disabled", "removed"]})
    failing_since = shapes.Instant(required=True, allow_none=True)
    created_at = shapes.Instant(required=True)
    secret = fields.String(metadata={"description": "`whsec_` and Base64; shown once"})


class Endpoints(ma.Schema):
    """All of them, oldest first, and the events there are."""

    items = fields.List(fields.Nested(EndpointView), required=True)
    events = fields.List(fields.String(), required=True, metadata={"description": "events to choose from"})


class EndpointRequest(ma.Schema):
    """An address to register."""

    url = shapes.text(LONGEST, required=True, lines=False)
    events = fields.List(
        fields.String(validate=validate.Length(max=64)), required=True, validate=validate.Length(max=100)
    )
    label = shapes.text(120, lines=False)


class AttemptView(ma.Schema):
    """One attempt: the answer's status, or the code of what kept it from coming."""

    at = shapes.Instant(required=True)
    status = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    milliseconds = fields.Integer(required=True)


class DeliveryView(ma.Schema):
    """One message to an address, with every attempt."""

    id = shapes.Id(required=True)
    message_id = fields.String(required=True, metadata={"description": "the header `webhook-id`"})
    event = fields.String(required=True)
    body = fields.Dict(required=True)
    state = fields.String(required=True, metadata={"enum": list(DELIVERY_STATES)})
    created_at = shapes.Instant(required=True)
    next_at = shapes.Instant(required=True, allow_none=True)
    delivered_at = shapes.Instant(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(AttemptView), required=True)


Deliveries = shapes.page_of(DeliveryView, "WebhookDeliveries")
_PLAIN = ("id", "url", "label", "events", "state", "failing_since", "created_at")


def _view(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in _PLAIN}


def _with_secret(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """The secret goes into the answer alone: an answer that is kept for repetitions never holds it."""
    return {**body, "secret": services.secret(services.get(actor, int(body["id"])))}


@blueprint.call("GET", "/webhook-endpoints")
@access("organisation")
@blueprint.response(200, Endpoints)
def list_webhook_endpoints() -> Response:
    """The addresses of the token's organisation."""
    items = [_view(one) for one in services.endpoints(current_actor())]
    return json_answer(Endpoints().dump({"items": items, "events": list(EVENTS)}))


@blueprint.call("POST", "/webhook-endpoints")
@access("organisation")
@blueprint.arguments(EndpointRequest)
@blueprint.response(201, EndpointView)
def register_webhook_endpoint(body: dict[str, Any]) -> Response:
    """Register an address; the answer has its secret."""

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        return _view(services.register(actor, body["url"], body["events"], body.get("label") or ""))

    return once_prepared(EndpointView, lambda _actor: None, act, status=201, finish=_with_secret)


@blueprint.call("POST", "/webhook-endpoints/<endpoint_id>/actions/rotate")
@access("organisation")
@blueprint.response(200, EndpointView)
def rotate_webhook_secret(endpoint_id: str) -> Response:
    """Give an address a new secret, which the answer has; for a day the old one signs too."""

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        return _view(services.rotate(actor, shapes.key_of(endpoint_id)))

    return once_prepared(EndpointView, lambda _actor: None, act, finish=_with_secret)


def _stated(endpoint_id: str, action: str) -> Response:
    def act(actor: Actor) -> dict[str, Any]:
        return _view(services.change_state(actor, shapes.key_of(endpoint_id), action))

    return once(EndpointView, act)


@blueprint.call("POST", "/webhook-endpoints/<endpoint_id>/actions/disable")
@access("organisation")
@blueprint.response(200, EndpointView)
def disable_webhook_endpoint(endpoint_id: str) -> Response:
    """Send nothing more to an address."""
    return _stated(endpoint_id, "disable")


@blueprint.call("POST", "/webhook-endpoints/<endpoint_id>/actions/enable")
@access("organisation")
@blueprint.response(200, EndpointView)
def enable_webhook_endpoint(endpoint_id: str) -> Response:
    """Send to an address again."""
    return _stated(endpoint_id, "enable")


@blueprint.call("POST", "/webhook-endpoints/<endpoint_id>/actions/test")
@access("organisation")
@blueprint.response(200, EndpointView)
def test_webhook_endpoint(endpoint_id: str) -> Response:
    """Have the message `webhook.tested` sent to an address."""
    return once(EndpointView, lambda actor: _view(services.test(actor, shapes.key_of(endpoint_id))))


@blueprint.call("DELETE", "/webhook-endpoints/<endpoint_id>")
@access("organisation")
@blueprint.response(200, EndpointView)
def remove_webhook_endpoint(endpoint_id: str) -> Response:
    """Remove an address for good; answers what it was."""
    actor = current_actor()
    with unit_of_work(actor):
        gone = _view(services.change_state(actor, shapes.key_of(endpoint_id), "remove"))
    return json_answer(EndpointView().dump(gone))


@blueprint.call("GET", "/webhook-endpoints/<endpoint_id>/deliveries")
@access("organisation")
@blueprint.arguments(shapes.After, location="query")
@blueprint.response(200, Deliveries)
def list_webhook_deliveries(query: dict[str, Any], endpoint_id: str) -> Response:
    """What was sent to an address in the last 30 days, newest first."""
    after = query.get("after")
    rows = services.deliveries(
        current_actor(),
        shapes.key_of(endpoint_id),
        after=int(after) if after else None,
        limit=query["size"] + 1,
    )
    return json_answer(Deliveries().dump(shapes.page(rows, query["size"], _row)))


def _row(delivery: WebhookDelivery) -> WebhookDelivery:
    return delivery


@blueprint.call("POST", "/webhook-deliveries/<delivery_id>/actions/replay")
@access("organisation")
@blueprint.response(200, DeliveryView)
def replay_webhook_delivery(delivery_id: str) -> Response:
    """Have a message sent once more, under the same `webhook-id`."""
    return once(DeliveryView, lambda actor: services.replay(actor, shapes.key_of(delivery_id)))
