"""After a licence: packets, changes and cancellation of the recordal, papers, licences taken elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import marshmallow as ma
from flask import Response, request
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.errors import NotFound
from marketplace.core.fields import schema_of
from marketplace.core.files import store
from marketplace.deals import licences
from marketplace.deals.evidence.models import PAPER_KINDS, LicencePaper
from marketplace.deals.evidence.services import add_source, papers_of
from marketplace.deals.imports import LicenceImport
from marketplace.deals.models import LICENCE_STATES, RECORDAL_SIDES, RECORDAL_STATES
from marketplace.deals.recordals import services
from marketplace.deals.recordals.elsewhere import record_elsewhere
from marketplace.deals.recordals.models import KINDS, RecordalChange
from marketplace.deals.recordals.packet import packet
from marketplace.deals.recordals.register import Asked, entries, line_of

from . import shapes
from .answering import once
from .documents import Blueprint, described
from .files import attachment
from .licences import LicenceView, licence_view
from .notices import FILE_PART, LARGEST_SLIP, sent_file
from .shapes import Day, Id, Instant, key_of

blueprint = Blueprint("recordals", "recordals and papers", "What comes after a licence.")

_ZIP: Final = {"type": "string", "format": "binary"}
_DATE: Final = {"type": ["string", "null"], "format": "date"}
_TEXT: Final = {"type": ["string", "null"]}


class PacketQuery(shapes.Query):
    """Who applies for the recordal; by default the caller's side."""

    applicant = fields.String(validate=validate.OneOf(("holder", "licensee")))


class RecordalChangeView(ma.Schema):
    """A change of a recordal, or its cancellation, and who says so."""

    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    on = Day(required=True)
    item = fields.String(required=True, metadata={"description": "empty for a cancellation"})
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)
    side = fields.String(required=True, metadata={"enum": list(RECORDAL_SIDES)})


class RecordalChanges(ma.Schema):
    """What became of a recordal, in the order of the days."""

    items = fields.List(fields.Nested(RecordalChangeView), required=True)


class ChangeRecordal(ma.Schema):
    """An item of the recordal that CNIPA has changed."""

    on = shapes.day(required=True)
    item = shapes.text(services.MAX_ITEM, required=True, lines=False)
    before = shapes.text(services.MAX_VALUE)
    after = shapes.text(services.MAX_VALUE)


class CancelRecordal(ma.Schema):
    """The day on which CNIPA cancelled the recordal of a licence that is over."""

    on = shapes.day(required=True)


class LicencePaperView(ma.Schema):
    """A paper beside a licence."""

    id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(PAPER_KINDS)})
    text = fields.String(required=True, allow_none=True)
    file_url = fields.String(required=True, allow_none=True, metadata={"format": "uri"})
    created_at = Instant(required=True)


class LicencePapers(ma.Schema):
    """The papers beside a licence, oldest first."""

    items = fields.List(fields.Nested(LicencePaperView), required=True)


ElsewhereSchema: Final = schema_of(
    "LicenceElsewhere",
    LicenceImport.columns,
    required=("patent_number", "licensee", "kind", "effective_on", "source"),
    shapes={
        **{column.name: _TEXT for column in LicenceImport.columns},
        **{column.name: _DATE for column in LicenceImport.columns if column.name.endswith("_on")},
        "patent_number": {"type": "string"},
        "licensee": {"type": "string"},
        "kind": {"type": "string", "description": "one of open, ordinary"},
        "effective_on": {"type": "string", "format": "date"},
        "source": {"type": "string"},
        "amount": {"type": ["string", "number", "null"], "description": "in yuan"},
    },
)


def _change_view(row: RecordalChange) -> dict[str, Any]:
    plain = ("kind", "item", "before", "after", "side")
    return {**{name: getattr(row, name) for name in plain}, "on": row.announced_on}


def _paper_view(row: LicencePaper) -> dict[str, Any]:
    address = f"{shapes.BASE}/licences/{row.licence_id}/papers/{row.id}/file"
    return {
        "id": row.id,
        "kind": row.kind,
        "text": row.text,
        "file_url": shapes.address(address) if row.file_id is not None else None,
        "created_at": row.created_at,
    }


@blueprint.call("GET", "/licences/<licence_id>/recordal-packet")
@access("signed_in")
@blueprint.arguments(PacketQuery, location="query")
@blueprint.response(200, _ZIP, content_type="application/zip")
def get_recordal_packet(query: Mapping[str, Any], licence_id: str) -> Response:
    """All papers of the recordal as one ZIP: form, notice, voucher or statement, mandate, checklist."""
    made = packet(current_actor(), key_of(licence_id), "recordal", query.get("applicant"))
    return attachment(made.content, made.name, "application/zip")


@blueprint.call("GET", "/licences/<licence_id>/technology-contract-packet")
@access("signed_in")
@blueprint.response(200, _ZIP, content_type="application/zip")
def get_technology_packet(licence_id: str) -> Response:
    """The papers for registering the technology contract as one ZIP."""
    made = packet(current_actor(), key_of(licence_id), "technology")
    return attachment(made.content, made.name, "application/zip")


@blueprint.call("GET", "/licences/<licence_id>/recordal-changes")
@access("signed_in")
@blueprint.response(200, RecordalChanges)
def list_recordal_changes(licence_id: str) -> dict[str, Any]:
    """Changes of the recordal and its cancellation."""
    licence = licences.get_licence(current_actor(), key_of(licence_id))
    return {"items": [_change_view(row) for row in services.changes_of(licence)]}


@blueprint.call("POST", "/licences/<licence_id>/actions/change_recordal")
@access("signed_in")
@blueprint.arguments(ChangeRecordal)
@blueprint.response(200, LicenceView)
def change_recordal(values: dict[str, Any], licence_id: str) -> Response:
    """Note that CNIPA has changed an item of the recordal."""

    def act(actor: Actor) -> dict[str, Any]:
        return licence_view(services.change_recordal(actor, key_of(licence_id), **values))

    return once(LicenceView, act)


@blueprint.call("POST", "/licences/<licence_id>/actions/cancel_recordal")
@access("signed_in")
@blueprint.arguments(CancelRecordal)
@blueprint.response(200, LicenceView)
def cancel_recordal(values: dict[str, Any], licence_id: str) -> Response:
    """Note that CNIPA has cancelled the recordal of a licence that has ended."""

    def act(actor: Actor) -> dict[str, Any]:
        return licence_view(services.cancel_recordal(actor, key_of(licence_id), on=values["on"]))

    return once(LicenceView, act)


@blueprint.call("POST", "/licences")
@access("signed_in")
@blueprint.arguments(ElsewhereSchema)
@blueprint.response(201, LicenceView)
def record_licence(values: dict[str, Any]) -> Response:
    """Record a licence that was taken elsewhere, with its source; the other side is told.

    The fields are those of an import of licences. Add the evidence file with `POST /licences/{id}/papers`.
    """

    def act(actor: Actor) -> dict[str, Any]:
        return licence_view(record_elsewhere(actor, values))

    return once(LicenceView, act, status=201)


@blueprint.call("GET", "/licences/<licence_id>/papers")
@access("signed_in")
@blueprint.response(200, LicencePapers)
def list_papers(licence_id: str) -> dict[str, Any]:
    """Evidence of the licence, the holder's written ground for ending it, what CNIPA sent."""
    licence = licences.get_licence(current_actor(), key_of(licence_id))
    return {"items": [_paper_view(row) for row in papers_of(licence)]}


@blueprint.call("POST", "/licences/<licence_id>/papers", raw_body=True, largest=LARGEST_SLIP)
@access("signed_in")
@described(requestBody=FILE_PART)
@blueprint.response(200, LicencePapers)
def add_paper(licence_id: str) -> Response:
    """Lay evidence beside a licence: the part `file`, and what it shows as the part `text`."""
    content, name = sent_file("evidence")
    text = request.form.get("text")

    def act(actor: Actor) -> dict[str, Any]:
        key = key_of(licence_id)
        add_source(actor, key, text=text, content=content, name=name)
        return {"items": [_paper_view(row) for row in papers_of(licences.get_licence(actor, key))]}

    return once(LicencePapers, act)


@blueprint.call("GET", "/licences/<licence_id>/papers/<paper_id>/file")
@access("signed_in")
@blueprint.response(200, _ZIP, content_type="application/octet-stream")
def get_paper_file(licence_id: str, paper_id: str) -> Response:
    """A paper beside a licence, as it was laid there."""
    licence = licences.get_licence(current_actor(), key_of(licence_id))
    key = key_of(paper_id)
    row = next((one.file for one in papers_of(licence) if one.id == key), None)
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return attachment(store().read(row.digest), row.name, row.content_type)


# --- the register


class RegisterQuery(shapes.After):
    """What is looked for in the register; all of it has to hold."""

    number = fields.String(
        load_default="", validate=validate.Length(max=80), metadata={"description": "of licence or recordal"}
    )
    patent = fields.String(load_default="", validate=validate.Length(max=40))
    party = fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"description": "a part of a name"}
    )
    district = fields.String(load_default="", validate=validate.Length(max=6))
    ipc = fields.String(
        load_default="", validate=validate.Length(max=20), metadata={"description": "how its symbol begins"}
    )
    first = shapes.day(description="in effect on this day or later")
    last = shapes.day(description="in effect on this day or earlier")
    state = fields.String(load_default="", validate=validate.OneOf(("", *LICENCE_STATES)))


class RegisterLine(ma.Schema):
    """A licence as the gazette prints its recordal."""

    id = Id(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(LICENCE_STATES)})
    recordal_state = fields.String(required=True, metadata={"enum": list(RECORDAL_STATES)})
    recordal_number = fields.String(required=True, allow_none=True)
    recorded_on = Day(required=True, allow_none=True)
    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True, allow_none=True)
    ipc = fields.String(required=True, allow_none=True)
    district = fields.String(required=True, allow_none=True)
    declaration_number = fields.String(required=True, allow_none=True)
    licensors = fields.List(fields.String(), required=True)
    licensee = fields.String(required=True)
    effective_on = Day(required=True)
    term_to = Day(required=True, allow_none=True)
    ended_on = Day(required=True, allow_none=True)


@blueprint.call("GET", "/register")
@access("public")
@blueprint.arguments(RegisterQuery, location="query")
@blueprint.response(200, shapes.page_of(RegisterLine, "RegisterPage"))
def search_register(asked: dict[str, Any]) -> Any:
    """The public register of licences, newest first; staff see those that are not recorded too."""
    size, after = asked.pop("size"), asked.pop("after", None)
    rows = entries(
        current_actor(), Asked(**asked), after=None if after is None else int(after), limit=size + 1
    )
    return shapes.page(rows, size, line_of)
