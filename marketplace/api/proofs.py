"""What stands beside a notice: its evidence and time-stamp, the export check, and further clauses."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.errors import NotFound
from marketplace.core.files import store
from marketplace.deals import notices
from marketplace.deals.clauses import services as clauses
from marketplace.deals.clauses.models import KINDS, STATES, OfferClause
from marketplace.deals.evidence.models import CAPACITIES, FORMS, IDENTITIES, STAMP_STATES, SYSTEMS
from marketplace.deals.evidence.services import evidence_of
from marketplace.deals.evidence.stamping import stamp_of, token_of
from marketplace.deals.export_control import services as export
from marketplace.deals.export_control.holding import check_of
from marketplace.deals.export_control.lifecycle import EXPORT_CHECK
from marketplace.deals.export_control.models import ANSWERS, CLASSES, ExportCheck
from marketplace.deals.export_control.models import STATES as CHECK_STATES
from marketplace.deals.export_control.supervision import due_of, is_waiting

from . import shapes
from .answering import once
from .documents import Blueprint, described
from .files import attachment
from .notices import FILE_PART, LARGEST_SLIP, sent_file
from .shapes import Day, Id, Instant, key_of

blueprint = Blueprint(
    "proofs", "evidence, export and clauses", "What proves a notice, and what stands beside it."
)


class ClauseView(ma.Schema):
    """A further clause that the holder offers beside the announced terms; the licence depends on none."""

    id = Id(required=True)
    offer_id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    text = fields.String(required=True)
    text_en = fields.String(required=True, allow_none=True)
    published_at = Instant(required=True)
    withdrawn_at = Instant(required=True, allow_none=True)


class OfferClauses(ma.Schema):
    """Further clauses, oldest first."""

    items = fields.List(fields.Nested(ClauseView), required=True)


class ClauseRequest(ma.Schema):
    """A further clause; its text never changes: another wording is another clause."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    text = shapes.text(clauses.MAX_TEXT, required=True)
    text_en = shapes.text(clauses.MAX_TEXT)


class AcceptedView(ma.Schema):
    """A clause that the licensee has accepted: both sides are bound by it since."""

    clause = fields.Nested(ClauseView, required=True)
    accepted_at = Instant(required=True)


class NoticeClauses(ma.Schema):
    """What the licensee of a notice has accepted, and what it still may."""

    accepted = fields.List(fields.Nested(AcceptedView), required=True)
    offered = fields.List(fields.Nested(ClauseView), required=True)


class AcceptClause(ma.Schema):
    """Which clause is accepted."""

    clause_id = fields.String(required=True, validate=validate.Length(max=20))


class TechnologyClassRequest(ma.Schema):
    """What applies to a patent's technology, for all licensees seated outside the mainland."""

    answer = fields.String(required=True, validate=validate.OneOf(CLASSES))
    note = shapes.text(export.MAX_NOTE, description="for instance the number in the catalogue")


class TechnologyClassView(ma.Schema):
    """What the holder has stated of a patent's technology."""

    answer = fields.String(required=True, metadata={"enum": list(CLASSES)})
    note = fields.String(required=True, allow_none=True)
    stated_at = Instant(required=True)


class ExportAnswer(ma.Schema):
    """The holder's word on the technology of one notice, or the operator's in its place."""

    answer = fields.String(required=True, validate=validate.OneOf(ANSWERS))
    note = shapes.text(export.MAX_NOTE, description="for instance the number in the catalogue")


class ExportNumber(ma.Schema):
    """The number and day of an export licence, or of a registration."""

    number = shapes.text(export.MAX_NUMBER, required=True, lines=False)
    on = shapes.day(required=True)


class ExportCheckView(ma.Schema):
    """The technology-export check of a notice whose licensee is seated outside the mainland (TIE)."""

    notice_id = Id(required=True)
    seat = fields.String(required=True, metadata={"description": "ISO 3166, HK, MO and TW included"})
    state = fields.String(required=True, metadata={"enum": list(CHECK_STATES)})
    waits = fields.Boolean(required=True, metadata={"description": "whether the licence waits for it now"})
    due_on = Day(
        required=True,
        allow_none=True,
        metadata={"description": "when it should have gone on; nothing happens by itself then"},
    )
    licensee_answer = fields.String(required=True, metadata={"enum": list(ANSWERS)})
    licensee_at = Instant(required=True)
    holder_answer = fields.String(required=True, allow_none=True, metadata={"enum": [*ANSWERS, None]})
    holder_at = Instant(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    licence_number = fields.String(required=True, allow_none=True)
    licence_on = Day(required=True, allow_none=True)
    has_licence_copy = fields.Boolean(required=True)
    registration_number = fields.String(required=True, allow_none=True)
    registered_on = Day(required=True, allow_none=True)
    settled_at = Instant(required=True, allow_none=True)
    actions = fields.List(
        fields.String(), required=True, metadata={"description": "what this caller may do now"}
    )


class TimeStampView(ma.Schema):
    """The time-stamp of RFC 3161 over the notice's document."""

    state = fields.String(required=True, metadata={"enum": list(STAMP_STATES)})
    asked_at = Instant(required=True)
    tried = fields.Integer(required=True, metadata={"description": "attempts that failed so far"})
    failure = fields.String(required=True, allow_none=True)
    stamped_at = Instant(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    authority = fields.String(required=True, allow_none=True)
    token_url = fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class NoticeEvidenceView(ma.Schema):
    """How a notice was made and sent, and what proves it."""

    notice_id = Id(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of the sealed document"})
    document_url = fields.String(required=True, metadata={"format": "uri"})
    written_at = Instant(required=True)
    served_at = Instant(required=True, allow_none=True)
    form = fields.String(allow_none=True, metadata={"enum": [*FORMS, None]})
    identity = fields.String(allow_none=True, metadata={"enum": [*IDENTITIES, None]})
    email_verified = fields.Boolean(allow_none=True)
    second_factor = fields.Boolean(allow_none=True)
    capacity = fields.String(allow_none=True, metadata={"enum": [*CAPACITIES, None]})
    system = fields.String(allow_none=True, metadata={"enum": [*SYSTEMS, None]})
    seal_intact = fields.Boolean(allow_none=True)
    seal_signer = fields.String(allow_none=True)
    sent_to = fields.String(allow_none=True)
    sent_at = Instant(allow_none=True)
    service_proof = fields.String(required=True, allow_none=True)
    service_proof_url = fields.String(required=True, allow_none=True, metadata={"format": "uri"})
    time_stamp = fields.Nested(TimeStampView, required=True, allow_none=True)


# --- views of rows

_CLAUSE = ("id", "offer_id", "kind", "state", "text", "text_en", "published_at", "withdrawn_at")
_CHECK = (
    "notice_id", "seat", "state", "licensee_answer", "licensee_at", "holder_answer", "holder_at", "note",
    "licence_number", "licence_on", "registration_number", "registered_on", "settled_at",
)  # fmt: skip
_EVIDENCE = (
    "form", "identity", "email_verified", "second_factor", "capacity", "system", "seal_intact",
    "seal_signer", "sent_to", "sent_at",
)  # fmt: skip
_STAMP = ("state", "asked_at", "tried", "failure", "stamped_at", "serial", "authority")


def _clause_view(clause: OfferClause) -> dict[str, Any]:
    return {name: getattr(clause, name) for name in _CLAUSE}


def _check_view(actor: Actor, check: ExportCheck) -> dict[str, Any]:
    waits = is_waiting(check)
    offered = {one.action for one in EXPORT_CHECK.offered(actor, check)}
    actions = [
        name for name, move in (("answer", "answer_free"), ("note_licence", "license")) if move in offered
    ]
    return {name: getattr(check, name) for name in _CHECK} | {
        "waits": waits,
        "due_on": due_of(check).date if waits else None,
        "has_licence_copy": check.licence_file_id is not None,
        "actions": actions,
    }


def _notice_clauses(notice_id: int, offer_id: int) -> dict[str, Any]:
    accepted = clauses.accepted_by(notice_id)
    taken = {one.clause_id for one in accepted}
    return {
        "accepted": [
            {"clause": _clause_view(one.clause), "accepted_at": one.accepted_at} for one in accepted
        ],
        "offered": [_clause_view(one) for one in clauses.clauses_of(offer_id) if one.id not in taken],
    }


# --- further clauses


@blueprint.call("GET", "/offers/<offer_id>/clauses")
@access("public")
@blueprint.response(200, OfferClauses)
def list_clauses(offer_id: str) -> dict[str, Any]:
    """Further clauses that the holder offers beside the announced terms of a public offer."""
    found = clauses.public_clauses(key_of(offer_id))
    return {"items": [_clause_view(one) for one in found]}


@blueprint.call("POST", "/offers/<offer_id>/clauses")
@access("organisation")
@blueprint.arguments(ClauseRequest)
@blueprint.response(201, ClauseView)
def publish_clause(body: dict[str, Any], offer_id: str) -> Response:
    """Offer a further clause beside the announced terms (holder); no licence depends on it."""
    key = key_of(offer_id)

    def act(actor: Actor) -> dict[str, Any]:
        clause = clauses.publish_clause(
            actor, key, kind=body["kind"], text=body["text"], text_en=body.get("text_en")
        )
        return _clause_view(clause)

    return once(ClauseView, act, status=201)


@blueprint.call("POST", "/clauses/<clause_id>/actions/withdraw")
@access("organisation")
@blueprint.response(200, ClauseView)
def withdraw_clause(clause_id: str) -> Response:
    """Offer a clause no longer (holder); who accepted it keeps it."""
    key = key_of(clause_id)
    return once(ClauseView, lambda actor: _clause_view(clauses.withdraw_clause(actor, key)))


@blueprint.call("GET", "/notices/<notice_id>/clauses")
@access("signed_in")
@blueprint.response(200, NoticeClauses)
def notice_clauses(notice_id: str) -> dict[str, Any]:
    """What the licensee of a notice has accepted, and what it still may."""
    notice = notices.get_notice(current_actor(), key_of(notice_id))
    return _notice_clauses(notice.id, notice.offer_id)


@blueprint.call("POST", "/notices/<notice_id>/actions/accept_clause")
@access("organisation")
@blueprint.arguments(AcceptClause)
@blueprint.response(200, NoticeClauses)
def accept_clause(body: dict[str, Any], notice_id: str) -> Response:
    """Accept a further clause (licensee), while the notice or the licence of it lives."""
    key, clause_id = key_of(notice_id), key_of(body["clause_id"])

    def act(actor: Actor) -> dict[str, Any]:
        acceptance = clauses.accept_clause(actor, key, clause_id)
        return _notice_clauses(key, acceptance.notice.offer_id)

    return once(NoticeClauses, act)


# --- the export check


@blueprint.call("POST", "/offers/<offer_id>/technology-class")
@access("signed_in")
@blueprint.arguments(TechnologyClassRequest)
@blueprint.response(200, TechnologyClassView)
def state_technology_class(body: dict[str, Any], offer_id: str) -> Response:
    """State what applies to an offer's technology once for all licensees abroad (holder, operator)."""
    key = key_of(offer_id)

    def act(actor: Actor) -> dict[str, Any]:
        row = export.state_class(actor, key, answer=body["answer"], note=body.get("note"))
        return {name: getattr(row, name) for name in ("answer", "note", "stated_at")}

    return once(TechnologyClassView, act)


def _check_of(notice_id: int) -> ExportCheck:
    check = check_of(notice_id)
    if check is None:
        raise NotFound("export-check-none", "This notice needs no export check.")
    return check


@blueprint.call("GET", "/notices/<notice_id>/export-check")
@access("signed_in")
@blueprint.response(200, ExportCheckView)
def get_export_check(notice_id: str) -> dict[str, Any]:
    """The export check of a notice; it was opened with the `seat` and `technology` of the notice."""
    actor = current_actor()
    return _check_view(actor, _check_of(notices.get_notice(actor, key_of(notice_id)).id))


@blueprint.call("POST", "/notices/<notice_id>/export-check/actions/answer")
@access("signed_in")
@blueprint.arguments(ExportAnswer)
@blueprint.response(200, ExportCheckView)
def answer_export_check(body: dict[str, Any], notice_id: str) -> Response:
    """Say which technology it is (holder, or operator in its place): free, restricted, banned or unsure.

    Free: the licence takes effect as of notice and payment. Banned: the notice is refused, and what was paid
    has to go back. Restricted: the licence waits for the export licence.
    """
    key = key_of(notice_id)
    return once(
        ExportCheckView,
        lambda actor: _check_view(
            actor, export.answer(actor, key, answer=body["answer"], note=body.get("note"))
        ),
    )


@blueprint.call("POST", "/notices/<notice_id>/export-check/actions/note_licence")
@access("signed_in")
@blueprint.arguments(ExportNumber)
@blueprint.response(200, ExportCheckView)
def note_export_licence(body: dict[str, Any], notice_id: str) -> Response:
    """Note the export licence of restricted technology: the licence takes effect with it."""
    key = key_of(notice_id)
    return once(
        ExportCheckView,
        lambda actor: _check_view(
            actor, export.note_licence(actor, key, number=body["number"], on=body["on"])
        ),
    )


@blueprint.call("POST", "/notices/<notice_id>/export-check/actions/note_registration")
@access("signed_in")
@blueprint.arguments(ExportNumber)
@blueprint.response(200, ExportCheckView)
def note_export_registration(body: dict[str, Any], notice_id: str) -> Response:
    """Note the registration of a contract on free technology; the licence did not wait for it."""
    key = key_of(notice_id)
    return once(
        ExportCheckView,
        lambda actor: _check_view(
            actor, export.note_registration(actor, key, number=body["number"], on=body["on"])
        ),
    )


@blueprint.call(
    "POST",
    "/notices/<notice_id>/export-check/actions/licence_copy",
    raw_body=True,
    largest=LARGEST_SLIP,
)
@access("signed_in")
@described(requestBody=FILE_PART)
@blueprint.response(200, ExportCheckView)
def upload_export_licence(notice_id: str) -> Response:
    """Upload a copy of the noted export licence (PDF, PNG or JPEG up to 10 MB) as `file`."""
    content, name = sent_file("export-licence")
    key = key_of(notice_id)
    return once(
        ExportCheckView,
        lambda actor: _check_view(actor, export.keep_licence(actor, key, content, name)),
    )


# --- evidence


@blueprint.call("GET", "/notices/<notice_id>/evidence")
@access("signed_in")
@blueprint.response(200, NoticeEvidenceView)
def get_evidence(notice_id: str) -> dict[str, Any]:
    """How a notice was made and sent, its time-stamp, and what proves its service, for both sides."""
    notice = notices.get_notice(current_actor(), key_of(notice_id))
    row, stamp = evidence_of(notice), stamp_of(notice.id)
    base = f"{shapes.BASE}/notices/{notice.id}"
    view = {name: getattr(row, name) if row is not None else None for name in _EVIDENCE}
    return view | {
        "notice_id": notice.id,
        "sha256": notice.document_digest,
        "document_url": shapes.address(f"{base}/document"),
        "written_at": notice.written_at,
        "served_at": notice.served_at,
        "service_proof": notice.service_proof,
        "service_proof_url": shapes.address(f"{base}/service-proof")
        if row is not None and row.proof_id is not None
        else None,
        "time_stamp": {name: getattr(stamp, name) for name in _STAMP}
        | {"token_url": shapes.address(f"{base}/time-stamp") if stamp.token is not None else None}
        if stamp is not None
        else None,
    }


@blueprint.call("GET", "/notices/<notice_id>/time-stamp")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/timestamp-token")
def get_time_stamp(notice_id: str) -> Response:
    """The time-stamp token (DER, RFC 3161) over the notice's document, to be checked with any tool."""
    notice = notices.get_notice(current_actor(), key_of(notice_id))
    return attachment(token_of(notice.id), f"{notice.number}.tst", "application/timestamp-token")


@blueprint.call("GET", "/notices/<notice_id>/service-proof")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_service_proof(notice_id: str) -> Response:
    """The file that proves the service of a notice to a holder who had not joined."""
    row = evidence_of(notices.get_notice(current_actor(), key_of(notice_id)))
    if row is None or row.proof is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return attachment(store().read(row.proof.digest), row.proof.name)
