"""What the bureau looks after, and royalties and disputes counted for it; no party's figures."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.deals.disputes import supervision as disputes
from marketplace.deals.royalties import supervision as royalties
from marketplace.supervision.items import KINDS, MUST_ACT, Item, items

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


class ItemView(ma.Schema):
    """One matter that waits."""

    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    subject_id = shapes.Id(
        required=True, metadata={"description": "of the offer, the demand, the licence or the dispute"}
    )
    since = shapes.Day(required=True)
    due_on = shapes.Day(required=True)
    overdue_days = fields.Integer(required=True)
    must_act = fields.String(required=True, metadata={"enum": sorted(set(MUST_ACT.values()))})
    organisation_id = shapes.Id(required=True, allow_none=True)
    district = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True, allow_none=True)


ItemPage = shapes.page_of(ItemView, "SupervisionItems")


class ItemsQuery(shapes.After):
    """Which matters."""

    kind = fields.String(
        validate=validate.OneOf(KINDS, error=_l("There is no such kind of matter.")),
        metadata={"description": "one kind alone"},
    )
    district = fields.String(metadata={"description": "a district, GB/T 2260"})


@blueprint.call("GET", "/supervision/items")
@access("signed_in")
@blueprint.arguments(ItemsQuery, location="query")
@blueprint.response(200, ItemPage)
def list_items(query: dict[str, Any]) -> dict[str, Any]:
    """Every open matter with its due day, the longest overdue first (bureau, operator)."""
    found = items(current_actor(), kind=query.get("kind"), district=query.get("district")).items
    begin, size = int(query.get("after") or 0), query["size"]
    end = begin + size
    return {"items": [_item(one) for one in found[begin:end]], "next": str(end) if len(found) > end else None}


def _item(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ItemView().fields}
