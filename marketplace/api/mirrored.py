"""Offers of other platforms, to read: each with its source and link, counted apart from this market's own."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from marketplace.accounts.identity import access
from marketplace.listings.mirrored import services
from marketplace.listings.mirrored.models import MirroredOffer
from marketplace.listings.models import FEE_FORMS, KINDS

from . import shapes
from .documents import Blueprint

blueprint = Blueprint(
    "mirrored-offers", "mirrored offers", "Offers of other platforms: never licensable here, in no figure."
)


class MirroredOfferView(ma.Schema):
    """An offer as its platform shows it; nobody can take it here."""

    id = shapes.Id(required=True)
    source = fields.String(required=True, metadata={"description": "the platform that it is mirrored from"})
    reference = fields.String(required=True, metadata={"description": "what the offer is called there"})
    url = fields.String(required=True, metadata={"format": "uri", "description": "the offer's page there"})
    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    owners = fields.List(fields.String(), required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    ipc = fields.String(required=True, allow_none=True)
    declaration_number = fields.String(required=True, allow_none=True)
    announced_on = shapes.Day(required=True, allow_none=True)
    fee = fields.Nested(
        shapes.Fee,
        required=True,
        metadata={"description": f"`form` is null or one of {', '.join(FEE_FORMS)}"},
    )
    payment_text = fields.String(required=True, allow_none=True)
    term_to = shapes.Day(required=True, allow_none=True)
    read_at = shapes.Instant(required=True, metadata={"description": "when it was last seen to change"})


class MirroredSource(ma.Schema):
    """A platform, and how much of it is mirrored here."""

    name = fields.String(required=True)
    offers = fields.Integer(required=True)
    free = fields.Integer(required=True)


class MirroredPage(ma.Schema):
    """One page of mirrored offers, newest first, and how many there are of each platform in all."""

    items = fields.List(fields.Nested(MirroredOfferView), required=True)
    next = shapes.Id(
        allow_none=True,
        required=True,
        metadata={"description": "give it as `after` to get the next page; null at the end"},
    )
    sources = fields.List(fields.Nested(MirroredSource), required=True)


_LONGEST: Final = 200


class MirroredQuery(shapes.After):
    """What is looked for."""

    q = fields.String(
        validate=validate.Length(max=_LONGEST),
        metadata={"description": "a patent number in any usual form, or words of title and owners"},
    )
    source = fields.String(
        validate=validate.Length(max=80), metadata={"description": "only of the platform of this name"}
    )


def _view(row: MirroredOffer) -> dict[str, Any]:
    fee = shapes.fee(row.fee_form, row.fee_minor, row.rate_percent, row.rate_base)
    return {
        "id": row.id,
        "source": row.source.name,
        "reference": row.reference,
        "url": row.address,
        "patent_number": row.patent_number,
        "title": row.title,
        "owners": [name for name in (row.owners or "").split("; ") if name],
        "kind": row.kind,
        "ipc": row.ipc,
        "declaration_number": row.declaration_number,
        "announced_on": row.announced_on,
        "fee": fee,
        "payment_text": row.payment_text,
        "term_to": row.term_to,
        "read_at": row.updated_at,
    }


@blueprint.call("GET", "/mirrored-offers")
@access("public")
@blueprint.arguments(MirroredQuery, location="query")
@blueprint.response(200, MirroredPage)
def list_mirrored_offers(asked: dict[str, Any]) -> dict[str, Any]:
    """Offers of other platforms, the newest first. An unknown `source` has none."""
    counted = services.counts()
    rows: list[MirroredOffer] = []
    wanted = asked.get("source")
    source = next((one.source for one in counted if one.source.name == wanted), None)
    if wanted is None or source is not None:
        rows = services.find(
            words=asked.get("q", "").replace("\0", ""),
            source_id=source.id if source is not None else None,
            before=shapes.key_of(asked["after"]) if asked.get("after") else None,
            size=asked["size"] + 1,
        )
    return {
        **shapes.page(rows, asked["size"], _view),
        "sources": [{"name": one.source.name, "offers": one.offers, "free": one.free} for one in counted],
    }
