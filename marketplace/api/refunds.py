"""Money that holders have to return: the surplus, a second payment, or what came too late."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.deals import refunds
from marketplace.deals.models import REFUND_STATES, RefundTask

from . import shapes
from .answering import once, once_prepared
from .documents import Blueprint
from .files import LARGEST_IN_JSON, WithFile, kept_file, sent_along
from .shapes import After, Amount, Id, Instant, key_of

blueprint = Blueprint("refunds", "refunds", "Money that the holder has to return.")


class RefundView(ma.Schema):
    """A sum that goes back to the payer."""

    id = Id(required=True)
    notice_id = Id(required=True)
    payment_id = Id(required=True)
    amount = fields.Nested(Amount, required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(REFUND_STATES)})
    how = fields.String(required=True, allow_none=True, metadata={"description": "stripe or transfer"})
    failure = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    done_at = Instant(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    has_file = fields.Boolean(required=True, metadata={"description": "the slip of its return"})


class ReturnedRequest(WithFile):
    """How the money was returned, with the bank's slip if there is one."""

    note = shapes.text(2000, required=True)


def view(task: RefundTask) -> dict[str, Any]:
    """A refund, as `RefundView`."""
    plain = ("id", "payment_id", "reason", "state", "how", "failure", "created_at", "done_at", "note")
    return {name: getattr(task, name) for name in plain} | {
        "notice_id": task.payment.obligation.notice_id,
        "amount": shapes.money(task.amount_minor, task.currency),
        "has_file": task.evidence_id is not None,
    }


@blueprint.call("GET", "/refunds")
@access("signed_in")
@blueprint.arguments(After, location="query")
@blueprint.response(200, shapes.page_of(RefundView, "RefundPage"))
def list_refunds(asked: dict[str, Any]) -> Any:
    """Refunds that wait and that the caller is party to (staff: all), newest first."""
    rows = refunds.list_refunds(
        current_actor(),
        after=int(asked["after"]) if "after" in asked else None,
        limit=asked["size"] + 1,
    )
    return shapes.page(rows, asked["size"], view)


@blueprint.call("POST", "/refunds/<refund_id>/actions/returned", largest=LARGEST_IN_JSON)
@access("signed_in")
@blueprint.arguments(ReturnedRequest)
@blueprint.response(200, RefundView)
def returned(values: dict[str, Any], refund_id: str) -> Response:
    """Note that the money was returned by a transfer (payee, operator)."""
    name, slip = sent_along(values, "slip") or ("", None)

    def act(actor: Actor) -> dict[str, Any]:
        task = refunds.close_refund(actor, key_of(refund_id), values["note"], evidence=slip, filename=name)
        return view(task)

    return once(RefundView, act)


@blueprint.call("GET", "/refunds/<refund_id>/file")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_refund_file(refund_id: str) -> Response:
    """The slip of its return, for payer, payee and staff."""
    return kept_file(refunds.get_refund(current_actor(), key_of(refund_id)).evidence_id)


@blueprint.call("POST", "/refunds/<refund_id>/actions/return_at_provider")
@access("signed_in")
@blueprint.response(200, RefundView)
def return_at_provider(refund_id: str) -> Response:
    """Return the money through the provider, on the holder's own account (payee).

    While the provider does not answer, the task stays `asked`: call again to take the same attempt up.
    """
    return once_prepared(
        RefundView,
        lambda _actor: None,
        lambda actor, _nothing: view(refunds.ask_provider(actor, key_of(refund_id))),
        finish=lambda actor, begun: view(refunds.call_provider(actor, int(begun["id"]))),
    )
