"""Licences, their recordal and end, and the public check of certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.deals import licences
from marketplace.deals.evidence.services import MAX_TEXT
from marketplace.deals.models import RECORDAL_STATES, Licence
from marketplace.deals.negotiated.models import STATES
from marketplace.deals.negotiated.services import states_of

from . import shapes
from .answering import once
from .documents import Blueprint
from .files import pdf
from .notices import Party, party_view
from .shapes import After, Day, Id, Instant, key_of

blueprint = Blueprint("licences", "licences", "Licences in effect and ended, and their certificates.")


# --- shapes


class Recordal(ma.Schema):
    """The recordal (备案) with CNIPA, due within three months."""

    state = fields.String(required=True, metadata={"enum": list(RECORDAL_STATES)})
    due_on = Day(required=True, allow_none=True)
    filed_on = Day(allow_none=True)
    number = fields.String(required=True, allow_none=True)
    recorded_on = Day(allow_none=True)


class EndProposal(ma.Schema):
    """An end by agreement that one side has proposed and the other has not answered."""

    side = fields.String(required=True, metadata={"enum": ["holder", "licensee"]})
    on = Day(
        required=True, metadata={"description": "the last day of the licence, if the other side accepts"}
    )


class LicenceView(ma.Schema):
    """A licence."""

    id = Id(required=True)
    number = fields.String(required=True)
    kind = fields.String(metadata={"enum": ["open", "ordinary"]})
    state = fields.String(required=True, metadata={"enum": ["in_effect", "ended"]})
    negotiated_state = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "enum": [*STATES, None],
            "description": "what the two sides say of a negotiated licence that one of them has stated: a "
            "`contested` one counts nowhere, whatever its `state`",
        },
    )
    offer_id = Id(required=True, allow_none=True)
    notice_id = Id(allow_none=True)
    patent_number = fields.String()
    licensee = fields.Nested(Party, required=True)
    effective_at = Instant(required=True)
    effective_on = Day()
    term_to = Day(required=True, allow_none=True)
    ended_on = Day(allow_none=True)
    ended_reason = fields.String(allow_none=True)
    end_proposal = fields.Nested(EndProposal, allow_none=True)
    certificate_code = fields.String(required=True, allow_none=True)
    certificate_url = fields.String(required=True, allow_none=True, metadata={"format": "uri"})
    recordal = fields.Nested(Recordal, required=True)


class LicenceQuery(After):
    """Which licences."""

    offer_id = fields.String(metadata={"description": "only those under this offer"})


class FileRecordal(ma.Schema):
    """The day on which the recordal was filed, by default today."""

    filed_on = shapes.day()
    late_reason = shapes.text(2000, description="needed when the three months are over")


class RecordRecordal(ma.Schema):
    """CNIPA's recordal number and its day."""

    number = shapes.text(
        80,
        required=True,
        lines=False,
        description="4 to 40 letters, digits and hyphens; kept half-width, in upper case, without spaces",
    )
    on = shapes.day(required=True)


class CorrectRecordal(ma.Schema):
    """Why what was stated of the recordal is taken back."""

    reason = fields.String(required=True, validate=validate.OneOf(licences.CORRECTIONS))


class EndLicence(ma.Schema):
    """Why a licence ends before its term, and its last day (by default today)."""

    reason = fields.String(required=True, validate=validate.OneOf(licences.OPERATOR_REASONS))
    on = shapes.day()
    ground = shapes.text(MAX_TEXT, description="what the holder wrote to the licensee on its ground")


class ProposeEnd(ma.Schema):
    """What shall be the last day of the licence, by default today."""

    on = shapes.day()


class PatentName(ma.Schema):
    """A patent by number and title."""

    number = fields.String(required=True)
    title = fields.String(required=True)


class PublicParties(ma.Schema):
    """The parties, as far as they are public: the licensee once the licence is recorded."""

    holders = fields.List(fields.String(), required=True)
    licensee = fields.String(required=True, allow_none=True)


class CertificateView(ma.Schema):
    """What anyone may learn by a certificate's code."""

    valid = fields.Boolean(required=True, metadata={"description": "whether the licence is in effect today"})
    code = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    patent = fields.Nested(PatentName, required=True)
    declaration_number = fields.String(allow_none=True)
    parties = fields.Nested(PublicParties, required=True)
    effective_on = Day(required=True)
    term_to = Day(required=True, allow_none=True)
    ended_on = Day(required=True, allow_none=True)
    recordal_number = fields.String(required=True, allow_none=True)
    sha256 = fields.String(
        required=True, allow_none=True, metadata={"description": "of the signed PDF; null until printed"}
    )


# --- views of rows


def licence_view(licence: Licence, negotiated: Mapping[int, str] | None = None) -> dict[str, Any]:
    """A licence, as `LicenceView`.

    Args:
        negotiated: the states of the statements behind the licences of a page; asked for if left out.
    """
    stated = states_of([licence.id]) if negotiated is None else negotiated
    plain = (
        "id", "number", "kind", "state", "offer_id", "notice_id", "effective_at", "effective_on", "term_to",
        "ended_on", "ended_reason", "certificate_code",
    )  # fmt: skip
    return {
        **{name: getattr(licence, name) for name in plain},
        "negotiated_state": stated.get(licence.id),
        "patent_number": licence.patent.reference,
        "licensee": party_view(licence.licensee),
        "certificate_url": shapes.address(f"{shapes.BASE}/licences/{licence.id}/certificate")
        if licence.certificate_code
        else None,
        "end_proposal": {"side": licence.end_proposed_side, "on": licence.end_proposed_on}
        if licence.agreed_end == "proposed"
        else None,
        "recordal": {
            "state": licence.recordal_state,
            "due_on": licence.recordal_due_on,
            "filed_on": licence.recordal_filed_on,
            "number": licence.recordal_number,
            "recorded_on": licence.recorded_on,
        },
    }


# --- calls


@blueprint.call("GET", "/licences")
@access("signed_in")
@blueprint.arguments(LicenceQuery, location="query")
@blueprint.response(200, shapes.page_of(LicenceView, "LicencePage"))
def list_licences(asked: dict[str, Any]) -> Any:
    """Licences that the caller is party to (staff: all), newest first."""
    rows = licences.list_licences(
        current_actor(),
        after=int(asked["after"]) if "after" in asked else None,
        limit=asked["size"] + 1,
        offer_id=key_of(asked["offer_id"]) if "offer_id" in asked else None,
    )
    stated = states_of([row.id for row in rows])
    return shapes.page(rows, asked["size"], lambda row: licence_view(row, stated))


@blueprint.call("GET", "/licences/<licence_id>")
@access("signed_in")
@blueprint.response(200, LicenceView)
def get_licence(licence_id: str) -> dict[str, Any]:
    """One licence."""
    return licence_view(licences.get_licence(current_actor(), key_of(licence_id)))


@blueprint.call("GET", "/licences/<licence_id>/certificate")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def get_certificate_document(licence_id: str) -> Response:
    """The signed deal certificate: neither a recordal nor a statement of validity."""
    actor = current_actor()
    licence = licences.get_licence(actor, key_of(licence_id))
    return pdf(licences.certificate_bytes(actor, licence.id), f"{licence.number}.pdf")


@blueprint.call("POST", "/licences/<licence_id>/actions/file_recordal")
@access("signed_in")
@blueprint.arguments(FileRecordal, required=False)
@blueprint.response(200, LicenceView)
def file_recordal(values: dict[str, Any], licence_id: str) -> Response:
    """Note that the recordal was filed."""

    def act(actor: Actor) -> dict[str, Any]:
        licence = licences.file_recordal(
            actor,
            key_of(licence_id),
            filed_on=values.get("filed_on"),
            late_reason=values.get("late_reason"),
        )
        return licence_view(licence)

    return once(LicenceView, act)


@blueprint.call("POST", "/licences/<licence_id>/actions/record_recordal")
@access("signed_in")
@blueprint.arguments(RecordRecordal)
@blueprint.response(200, LicenceView)
def record_recordal(values: dict[str, Any], licence_id: str) -> Response:
    """Note CNIPA's recordal number."""

    def act(actor: Actor) -> dict[str, Any]:
        licence = licences.record_recordal(
            actor, key_of(licence_id), number=values["number"], on=values["on"]
        )
        return licence_view(licence)

    return once(LicenceView, act)


@blueprint.call("POST", "/licences/<licence_id>/actions/correct_recordal")
@access("signed_in")
@blueprint.arguments(CorrectRecordal)
@blueprint.response(200, LicenceView)
def correct_recordal(values: dict[str, Any], licence_id: str) -> Response:
    """Take back one's own statement that it is recorded, or filed, until the gazette has verified it."""
    return once(
        LicenceView,
        lambda actor: licence_view(
            licences.correct_recordal(actor, key_of(licence_id), reason=values["reason"])
        ),
    )


@blueprint.call("POST", "/licences/<licence_id>/actions/end")
@access("signed_in")
@blueprint.arguments(EndLicence)
@blueprint.response(200, LicenceView)
def end_licence(values: dict[str, Any], licence_id: str) -> Response:
    """End a licence before its term, on a stated ground. By agreement: `propose_end` (operator: `agreed`)."""

    def act(actor: Actor) -> dict[str, Any]:
        licence = licences.end_licence(
            actor,
            key_of(licence_id),
            reason=values["reason"],
            on=values.get("on"),
            ground=values.get("ground"),
        )
        return licence_view(licence)

    return once(LicenceView, act)


@blueprint.call("POST", "/licences/<licence_id>/actions/propose_end")
@access("signed_in")
@blueprint.arguments(ProposeEnd, required=False)
@blueprint.response(200, LicenceView)
def propose_end(values: dict[str, Any], licence_id: str) -> Response:
    """Propose to the other party to end the licence by agreement; it stays in effect until it accepts."""
    return once(
        LicenceView,
        lambda actor: licence_view(licences.propose_end(actor, key_of(licence_id), on=values.get("on"))),
    )


@blueprint.call("POST", "/licences/<licence_id>/actions/accept_end")
@access("signed_in")
@blueprint.response(200, LicenceView)
def accept_end(licence_id: str) -> Response:
    """Agree to the end that the other party has proposed."""
    return once(LicenceView, lambda actor: licence_view(licences.accept_end(actor, key_of(licence_id))))


@blueprint.call("POST", "/licences/<licence_id>/actions/decline_end")
@access("signed_in")
@blueprint.response(200, LicenceView)
def decline_end(licence_id: str) -> Response:
    """Decline the end that the other party has proposed."""
    return once(LicenceView, lambda actor: licence_view(licences.decline_end(actor, key_of(licence_id))))


@blueprint.call("POST", "/licences/<licence_id>/actions/take_end_back")
@access("signed_in")
@blueprint.response(200, LicenceView)
def take_end_back(licence_id: str) -> Response:
    """Take back what one's own side has proposed."""
    return once(LicenceView, lambda actor: licence_view(licences.take_end_back(actor, key_of(licence_id))))


@blueprint.call("GET", "/certificates/<code>")
@access("public")
@blueprint.response(200, CertificateView)
def check_certificate(code: str) -> dict[str, Any]:
    """Check a certificate by its code, in any case, with or without dashes."""
    found = licences.check_certificate(code.replace("\0", ""))
    plain = (
        "valid", "code", "number", "state", "declaration_number", "effective_on", "term_to", "ended_on",
        "recordal_number", "sha256",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in plain},
        "patent": {"number": found.patent_number, "title": found.patent_title},
        "parties": {"holders": list(found.holders), "licensee": found.licensee},
    }
