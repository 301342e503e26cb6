"""Negotiated ordinary licences, for their two sides: stated with a paper, confirmed or contested."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core import convert
from marketplace.core.actor import Actor
from marketplace.core.errors import N_, Invalid
from marketplace.core.fields import Converted
from marketplace.core.files import store
from marketplace.deals.negotiated import services
from marketplace.deals.negotiated.lifecycle import STATEMENT
from marketplace.deals.negotiated.models import SIDES, STATES, NegotiatedRecord
from marketplace.deals.negotiated.rules import KINDS
from marketplace.listings.services.patents import find_patent

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint
from .files import LARGEST_IN_JSON, attachment

blueprint = Blueprint(
    "negotiated",
    "negotiated licences",
    "Ordinary licences by contract, apart from open ones (PL 51 para. 3).",
)


class NegotiatedView(ma.Schema):
    """What one side states of an ordinary licence, and the other side's word on it."""

    id = shapes.Id(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    side = fields.String(required=True, metadata={"enum": list(SIDES), "description": "who states it"})
    licence_id = shapes.Id(required=True)
    number = fields.String(required=True, metadata={"description": "of the licence in the register"})
    patent_number = fields.String(required=True)
    licensee = fields.String(required=True)
    signed_on = shapes.Day(required=True)
    effective_on = shapes.Day(required=True)
    term_to = shapes.Day(required=True, allow_none=True)
    fee = fields.Nested(shapes.Amount, required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "why it is contested"})
    recorded_at = shapes.Instant(required=True)
    answered_at = shapes.Instant(required=True, allow_none=True)
    actions = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)


class NegotiatedViews(ma.Schema):
    """One statement for each patent of the contract."""

    items = fields.List(fields.Nested(NegotiatedView), required=True)


Page = shapes.page_of(NegotiatedView, "NegotiatedLicences")


class StateRequest(ma.Schema):
    """What was signed, with the paper that shows it."""

    patents = fields.List(
        fields.String(validate=validate.Length(min=1, max=40)),
        required=True,
        validate=validate.Length(min=1, max=services.MOST_PATENTS),
    )
    kind = fields.String(load_default="ordinary", validate=validate.OneOf(KINDS))
    licensee = shapes.text(200, lines=False, description="left out by the licensee itself")
    licensee_code = Converted(convert.credit_code(), metadata={"type": ["string", "null"]})
    signed_on = shapes.day(required=True)
    effective_on = shapes.day(required=True)
    term_to = shapes.day()
    fee = fields.Nested(shapes.Amount, allow_none=True, metadata={"description": "in CNY; private"})
    file_name = shapes.text(200, required=True, lines=False)
    file_base64 = fields.String(
        required=True,
        metadata={"contentEncoding": "base64", "description": "PDF, PNG or JPEG, up to 10 MB"},
    )


class ContestRequest(ma.Schema):
    """What is not so."""

    reason = shapes.text(services.LONGEST_REASON, required=True)


def _view(row: NegotiatedRecord) -> dict[str, Any]:
    licence = row.licence
    plain = (
        "id",
        "state",
        "side",
        "licence_id",
        "signed_on",
        "reason",
        "recorded_at",
        "answered_at",
        "version",
    )
    return {
        **{name: getattr(row, name) for name in plain},
        "number": licence.number,
        "patent_number": licence.patent.reference,
        "licensee": licence.licensee.name,
        "effective_on": licence.effective_on,
        "term_to": licence.term_to,
        "fee": shapes.money(licence.amount_minor, licence.currency),
        "actions": [one.action for one in STATEMENT.offered(current_actor(), row)],
    }


@blueprint.call("GET", "/negotiated-licences")
@access("signed_in")
@blueprint.arguments(shapes.After, location="query")
@blueprint.response(200, Page)
def list_negotiated_licences(query: dict[str, Any]) -> Response:
    """Those that the token's organisation is a side of (staff: all), newest first."""
    after = query.get("after")
    rows = services.statements(current_actor(), after=int(after) if after else None, limit=query["size"] + 1)
    return json_answer(Page().dump(shapes.page(rows, query["size"], _view)))


@blueprint.call("POST", "/negotiated-licences", largest=LARGEST_IN_JSON)
@access("organisation")
@blueprint.arguments(StateRequest)
@blueprint.response(201, NegotiatedViews)
def state_negotiated_licence(body: dict[str, Any]) -> Response:
    """State an ordinary licence by contract; the other side is asked to confirm it.

    Sole and exclusive ones are refused while an open licence of the patent stands.
    """
    file, fee = (body["file_name"], _decoded(body["file_base64"])), body.get("fee")
    if fee is not None and fee["currency"] != "CNY":
        message = N_("Please give the fee in yuan.")
        raise Invalid("negotiated-fee", message, fields={"fee": [message]})
    contract = services.Contract(
        kind=body["kind"],
        licensee=body.get("licensee"),
        licensee_code=body.get("licensee_code"),
        signed_on=body["signed_on"],
        effective_on=body["effective_on"],
        term_to=body.get("term_to"),
        fee_minor=None if fee is None else fee["amount_minor"],
    )

    def act(actor: Actor) -> dict[str, Any]:
        patents = [find_patent(text) for text in body["patents"]]
        return {"items": [_view(row) for row in services.state(actor, patents, contract, file=file)]}

    return once(NegotiatedViews, act, status=201)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = N_("This is no base64.")
        raise Invalid("negotiated-evidence", message, fields={"file_base64": [message]}) from error


@blueprint.call("GET", "/negotiated-licences/<record_id>")
@access("signed_in")
@blueprint.response(200, NegotiatedView)
def get_negotiated_licence(record_id: str) -> Response:
    """One statement."""
    row = services.get(current_actor(), shapes.key_of(record_id))
    return json_answer(NegotiatedView().dump(_view(row)))


@blueprint.call("GET", "/negotiated-licences/<record_id>/file")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_negotiated_file(record_id: str) -> Response:
    """The paper that shows it, for the two sides and for staff."""
    row = services.file_of(current_actor(), shapes.key_of(record_id))
    return attachment(store().read(row.digest), row.name)


@blueprint.call("POST", "/negotiated-licences/<record_id>/actions/confirm")
@access("organisation")
@blueprint.response(200, NegotiatedView)
def confirm_negotiated_licence(record_id: str) -> Response:
    """The other side confirms it."""
    key = shapes.key_of(record_id)
    return once(NegotiatedView, lambda actor: _view(services.confirm(actor, [key])[0]))


@blueprint.call("POST", "/negotiated-licences/<record_id>/actions/contest")
@access("organisation")
@blueprint.arguments(ContestRequest)
@blueprint.response(200, NegotiatedView)
def contest_negotiated_licence(body: dict[str, Any], record_id: str) -> Response:
    """The other side contests it: it counts nowhere until that side confirms it."""
    key = shapes.key_of(record_id)
    return once(NegotiatedView, lambda actor: _view(services.contest(actor, key, reason=body["reason"])))


@blueprint.call("POST", "/negotiated-licences/<record_id>/actions/withdraw")
@access("organisation")
@blueprint.response(200, NegotiatedView)
def withdraw_negotiated_licence(record_id: str) -> Response:
    """The side that stated it takes it back, until it is confirmed."""
    key = shapes.key_of(record_id)
    return once(NegotiatedView, lambda actor: _view(services.withdraw(actor, key)))
