"""The history of one matter, for staff tokens and its parties."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask_babel import gettext
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.audit import exports, traces

from .documents import Blueprint
from .files import attachment

blueprint = Blueprint("audit", "audit", "The history of one matter, from the sealed journal.")


class TraceQuery(ma.Schema):
    """Which matter, and from which entry on."""

    kind = fields.String(required=True, validate=validate.OneOf(sorted(traces.MATTERS)))
    id = fields.Integer(required=True, validate=validate.Range(1, 2**63 - 1))
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**63 - 1))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 200))


class ExportRequest(ma.Schema):
    """Which matter leaves the platform, why, and in which language it is printed."""

    kind = fields.String(required=True, validate=validate.OneOf(sorted(traces.MATTERS)))
    id = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**63 - 1))
    reason = fields.String(
        required=True,
        validate=validate.Length(1, exports.MAX_REASON),
        metadata={"description": "case number or the like, without names of persons"},
    )
    language = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class Entry(ma.Schema):
    """One entry of the journal."""

    number = fields.Integer(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    occurred_on = fields.Date(required=True)
    origin = fields.String(required=True)
    action = fields.String(required=True)
    sentence = fields.String(required=True)
    subject_type = fields.String(required=True)
    subject_id = fields.Integer(required=True)
    seal = fields.String(required=True, metadata={"description": "SHA-256, hexadecimal"})
    holds = fields.Boolean(
        required=True, metadata={"description": "whether the seal follows from the entry and the one before"}
    )


class TracePage(ma.Schema):
    """A page of entries, oldest first."""

    total = fields.Integer(required=True)
    entries = fields.List(fields.Nested(Entry), required=True)
    next_after = fields.Integer(required=True, allow_none=True)


@blueprint.call("GET", "/audit/trace")
@access("signed_in")
@blueprint.arguments(TraceQuery, location="query")
@blueprint.response(200, TracePage)
def trace(query: dict[str, Any]) -> dict[str, Any]:
    """What happened to a matter, oldest first: all of it for staff, its own part for a party."""
    actor = current_actor()
    numbers = traces.trace(actor, query["kind"], query["id"]).numbers()
    left = [number for number in numbers if number > query["after"]]
    shown = left[: query["limit"]]
    plain = [name for name in Entry().fields if name != "sentence"]
    return {
        "total": len(numbers),
        "entries": [
            {name: getattr(line, name) for name in plain} | {"sentence": gettext(line.sentence)}
            for line in traces.lines(actor, shown)
        ],
        "next_after": shown[-1] if len(left) > len(shown) else None,
    }


@blueprint.call("POST", "/audit/exports")
@access("bureau")
@blueprint.arguments(ExportRequest)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/zip")
def export(body: dict[str, Any]) -> Response:
    """A matter's trace as a ZIP that proves itself; the journal keeps who exported it."""
    kind, key = body["kind"], body["id"]
    content = exports.export(current_actor(), kind, key, body["reason"], english=body["language"] == "en")
    return attachment(content, f"trace-{kind}-{key}.zip", "application/zip")
