"""The payer's record of a payment, to be saved and filed; it is no invoice."""

from __future__ import annotations

from flask import Blueprint, Response

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.records import payment_record

from .downloads import saved

blueprint = Blueprint("records", __name__)


@blueprint.get("/payments/<int:payment_id>/record")
@access("organisation")
def show(payment_id: int) -> Response:
    """The record as a sealed PDF, for both sides."""
    return saved(*payment_record(current_actor(), payment_id))
