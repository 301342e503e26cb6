"""What the bureau looks after, and royalties and disputes counted for it; no party's figures."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.unit_of_work import lock
from marketplace.deals.disputes import supervision as disputes
from marketplace.deals.royalties import supervision as royalties
from marketplace.supervision import signals
from marketplace.supervision.items import KINDS, MUST_ACT, Item, items
from marketplace.supervision.models import KINDS as SIGNALS
from marketplace.supervision.models import STATES, Signal

from . import shapes
from .answering import check_version, once
from .documents import Blueprint
from .shapes import Amount, Instant

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


class SignalEvidence(ma.Schema):
    """What a signal was seen on."""

    licences = fields.List(shapes.Id(), required=True, metadata={"description": "the first 50 of them"})
    count = fields.Integer(required=True, metadata={"description": "all licences"})
    first = shapes.Day(required=True, metadata={"description": "the first one took effect"})
    last = shapes.Day(required=True, metadata={"description": "the last one took effect"})
    licensees = fields.Integer(metadata={"description": "of a burst"})
    new = fields.Integer(metadata={"description": "of them, those that had just joined"})


class SignalView(ma.Schema):
    """A reason to look whether a licence is a sham; no finding."""

    id = shapes.Id(required=True)
    version = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"enum": list(SIGNALS)})
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    holder_id = shapes.Id(required=True)
    licensee_id = shapes.Id(required=True, allow_none=True, metadata={"description": "null for a burst"})
    sorts = fields.List(fields.String(), required=True, metadata={"description": "sorts of evidence"})
    evidence = fields.Nested(SignalEvidence, required=True)
    first_seen_at = Instant(required=True)
    last_seen_at = Instant(required=True)
    cleared_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "of clearing it"})


SignalPage = shapes.page_of(SignalView, "Signals")


class SignalsQuery(shapes.After):
    """Which signals."""

    kind = fields.String(
        validate=validate.OneOf(SIGNALS, error=_l("There is no such kind of signal.")),
        metadata={"description": "one kind alone"},
    )
    state = fields.String(
        validate=validate.OneOf(STATES, error=_l("There is no such state.")),
        metadata={"description": "one state alone"},
    )


class ClearRequest(ma.Schema):
    """Why a signal is set aside."""

    reason = shapes.text(signals.REASON_UP_TO, required=True)


@blueprint.call("GET", "/supervision/signals")
@access("signed_in")
@blueprint.arguments(SignalsQuery, location="query")
@blueprint.response(200, SignalPage)
def list_signals(query: dict[str, Any]) -> dict[str, Any]:
    """Signals of sham licences, the newest first (bureau, operator)."""
    size = query["size"]
    rows = signals.signals(
        current_actor(),
        kind=query.get("kind"),
        state=query.get("state"),
        before=int(query["after"]) if query.get("after") else None,
        limit=size + 1,
    ).signals
    return {"items": rows[:size], "next": rows[size - 1].id if len(rows) > size else None}


@blueprint.call("POST", "/supervision/signals/<signal_id>/actions/clear", conditional=True)
@access("signed_in")
@blueprint.arguments(ClearRequest)
@blueprint.response(200, SignalView)
def clear_signal(values: dict[str, Any], signal_id: str) -> Response:
    """Set a signal aside; evidence of another sort opens it again (bureau, operator)."""

    def act(actor: Actor) -> Signal:
        found = signals.signal(actor, shapes.key_of(signal_id))
        check_version(lock(Signal, found.id).version)
        return signals.clear(actor, found.id, values["reason"])

    return once(SignalView, act)
