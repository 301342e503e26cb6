"""Royalties and disputes counted for supervision; no party's figures."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.disputes import supervision as disputes
from marketplace.deals.royalties import supervision as royalties

from . import shapes
from .documents import Blueprint
from .shapes import Amount

blueprint = Blueprint("supervision", "supervision", "Counts for the bureau and operators.")


class RoyaltyCounts(ma.Schema):
    """Over all licences that bear royalty."""

    licences = fields.Integer(required=True)
    due = fields.Integer(
        required=True, metadata={"description": "periods whose last day for the statement is over"}
    )
    reported = fields.Integer(required=True)
    late = fields.Integer(required=True)
    unpaid = fields.Integer(required=True)
    defaults = fields.Integer(required=True)
    royalty = fields.Nested(
        Amount,
        required=True,
        allow_none=True,
        metadata={
            "description": f"null over fewer than {royalties.LEAST_LICENSEES} licensees: it would tell theirs"
        },
    )


class DisputeCounts(ma.Schema):
    """Over all disputes; each is one, however many steps it took."""

    total = fields.Integer(required=True)
    living = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    states = fields.Dict(required=True, keys=fields.String(), values=fields.Integer())
    topics = fields.Dict(required=True, keys=fields.String(), values=fields.Integer())
    subjects = fields.Dict(required=True, keys=fields.String(), values=fields.Integer())
    venues = fields.Dict(required=True, keys=fields.String(), values=fields.Integer())


@blueprint.call("GET", "/supervision/royalties")
@access("signed_in")
@blueprint.response(200, RoyaltyCounts)
def count_royalties() -> dict[str, Any]:
    """How many statements came and how many are late (bureau, operator)."""
    found = royalties.counts(current_actor())
    plain = {name: getattr(found, name) for name in RoyaltyCounts().fields if name != "royalty"}
    return plain | {"royalty": shapes.money(found.royalty_minor)}


@blueprint.call("GET", "/supervision/disputes")
@access("signed_in")
@blueprint.response(200, DisputeCounts)
def count_disputes() -> dict[str, Any]:
    """How many disputes there are, over what, and by which exit they ended (bureau, operator)."""
    found = disputes.counts(current_actor())
    return {name: getattr(found, name) for name in DisputeCounts().fields}
