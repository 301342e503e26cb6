"""What does not fit what is owed, and the provider's webhooks that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import marshmallow as ma
from flask import Response, jsonify, request
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.deals import corrections, webhooks
from marketplace.deals.models import Correction, Quarantine
from marketplace.deals.quarantine import needs_two, open_quarantine, resolve_quarantine

from . import shapes
from .answering import once
from .documents import Blueprint, described
from .shapes import After, Id, Instant, key_of

blueprint = Blueprint("quarantine", "webhooks and quarantine", "Stripe's events, and what did not fit.")


class CorrectionView(ma.Schema):
    """What one operator proposed about a case, and what another one decided."""

    id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(corrections.KINDS)})
    state = fields.String(
        required=True, metadata={"enum": ["proposed", "approved", "declined", "taken_back"]}
    )
    reason = fields.String(required=True)
    obligation_id = Id(required=True, allow_none=True)
    payment_id = Id(required=True, allow_none=True)
    proposed_by = Id(required=True, allow_none=True)
    proposed_at = Instant(required=True)
    decided_by = Id(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
    decision = fields.String(required=True, allow_none=True)


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
    who = fields.String(
        metadata={
            "enum": ["operator", "two_operators", "other_operator", "nobody"],
            "description": "who can act: any operator; two, as there is money in it; another one than who "
            "proposed; nobody once it is resolved",
        }
    )
    corrections = fields.List(fields.Nested(CorrectionView))


class ProposalRequest(ma.Schema):
    """What is to be done about the money of a case."""

    kind = fields.String(required=True, validate=validate.OneOf(corrections.KINDS))
    reason = shapes.text(corrections.MAX_REASON, required=True)
    obligation_id = fields.String(
        allow_none=True, metadata={"description": "the sum that the money pays (`apply`, or with `reverse`)"}
    )
    payment_id = fields.String(
        allow_none=True, metadata={"description": "the payment to be reversed; default: the case's"}
    )


class DecisionRequest(ma.Schema):
    """What the second operator says; needed to decline."""

    note = shapes.text(corrections.MAX_REASON)


class ReportRequest(ma.Schema):
    """Why a payment was entered wrongly."""

    reason = shapes.text(corrections.MAX_REASON, required=True)


class ResolveRequest(ma.Schema):
    """What was done about it."""

    note = shapes.text(2000, required=True)


class Received(ma.Schema):
    """The event is kept; the worker applies it."""

    received = fields.Boolean(required=True)


_PLAIN: Final = ("id", "reason", "state", "payment_id", "event_id", "expected", "received", "created_at")


def view(row: Quarantine) -> dict[str, Any]:
    """A case, as `QuarantineView`."""
    return _view(row, corrections.corrections_of([row.id]).get(row.id, []))


def _view(row: Quarantine, said: Sequence[Correction]) -> dict[str, Any]:
    if row.state == "resolved":
        who = "nobody"
    elif any(one.state == "proposed" for one in said):
        who = "other_operator"
    else:
        who = "two_operators" if needs_two(row) else "operator"
    return {name: getattr(row, name) for name in (*_PLAIN, "resolution")} | {
        "who": who,
        "corrections": [correction_view(one) for one in said],
    }


def correction_view(row: Correction) -> dict[str, Any]:
    """A proposal, as `CorrectionView`."""
    return {name: getattr(row, name) for name in CorrectionView().fields}


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
    said = corrections.corrections_of([row.id for row in rows])
    return shapes.page(rows, asked["size"], lambda row: _view(row, said.get(row.id, [])))


@blueprint.call("POST", "/quarantine/<case_id>/actions/resolve")
@access("operator")
@blueprint.arguments(ResolveRequest)
@blueprint.response(200, QuarantineView)
def resolve_case(values: dict[str, Any], case_id: str) -> Response:
    """Close a case that holds no money, saying what was done (operator); money takes two of them."""
    return once(
        QuarantineView, lambda actor: view(resolve_quarantine(actor, key_of(case_id), values["note"]))
    )


@blueprint.call("POST", "/quarantine/<case_id>/corrections")
@access("operator")
@blueprint.arguments(ProposalRequest)
@blueprint.response(201, CorrectionView)
def propose_correction(values: dict[str, Any], case_id: str) -> Response:
    """Propose what is to be done about a case (operator); another operator decides."""

    def act(actor: Actor) -> dict[str, Any]:
        obligation, payment = values.get("obligation_id"), values.get("payment_id")
        return correction_view(
            corrections.propose(
                actor,
                key_of(case_id),
                values["kind"],
                values["reason"],
                obligation_id=None if obligation is None else key_of(obligation),
                payment_id=None if payment is None else key_of(payment),
            )
        )

    return once(CorrectionView, act, status=201)


@blueprint.call("POST", "/corrections/<correction_id>/actions/approve")
@access("operator")
@blueprint.arguments(DecisionRequest, required=False)
@blueprint.response(200, CorrectionView)
def approve_correction(values: dict[str, Any], correction_id: str) -> Response:
    """Approve what another operator has proposed: it is done, and the case is closed."""
    note = values.get("note") or ""
    return once(
        CorrectionView, lambda actor: correction_view(corrections.approve(actor, key_of(correction_id), note))
    )


@blueprint.call("POST", "/corrections/<correction_id>/actions/decline")
@access("operator")
@blueprint.arguments(DecisionRequest, required=False)
@blueprint.response(200, CorrectionView)
def decline_correction(values: dict[str, Any], correction_id: str) -> Response:
    """Decline what another operator has proposed; the case stays open."""
    note = values.get("note") or ""
    return once(
        CorrectionView, lambda actor: correction_view(corrections.decline(actor, key_of(correction_id), note))
    )


@blueprint.call("POST", "/corrections/<correction_id>/actions/take_back")
@access("operator")
@blueprint.response(200, CorrectionView)
def take_correction_back(correction_id: str) -> Response:
    """Take one's own proposal back; the case stays open."""
    return once(
        CorrectionView, lambda actor: correction_view(corrections.take_back(actor, key_of(correction_id)))
    )


@blueprint.call("POST", "/payments/<payment_id>/actions/report")
@access("operator")
@blueprint.arguments(ReportRequest)
@blueprint.response(200, QuarantineView)
def report_payment(values: dict[str, Any], payment_id: str) -> Response:
    """Open a case about a payment that was entered wrongly (operator)."""
    return once(
        QuarantineView, lambda actor: view(corrections.report(actor, key_of(payment_id), values["reason"]))
    )
