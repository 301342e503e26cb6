"""Disputes over notices, payments and licences: what both sides say and show, and every way out (PL 52)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.files import store
from marketplace.deals.disputes import services
from marketplace.deals.disputes.lifecycle import DISPUTE, SETTLEMENT
from marketplace.deals.disputes.models import (
    ENTRY_KINDS,
    OUTCOMES,
    SETTLEMENTS,
    SIDES,
    STATES,
    SUBJECTS,
    TOPICS,
    VENUES,
    Dispute,
)

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint, described
from .files import attachment
from .notices import FILE_PART, LARGEST_SLIP, sent_file

blueprint = Blueprint("disputes", "disputes", "Disputes over notices, payments and licences.")


class EntryView(ma.Schema):
    """What one side has said or shown."""

    id = shapes.Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(ENTRY_KINDS)})
    side = fields.String(required=True, metadata={"enum": list(SIDES)})
    text = fields.String(required=True, allow_none=True)
    has_file = fields.Boolean(required=True)
    file_id = shapes.Id(required=True, allow_none=True)
    file_name = fields.String(required=True, allow_none=True)
    written_at = shapes.Instant(required=True)


class ReferralView(ma.Schema):
    """Where it was taken, as one side has stated it."""

    venue = fields.String(required=True, metadata={"enum": list(VENUES)})
    side = fields.String(required=True, metadata={"enum": list(SIDES)})
    reference = fields.String(required=True, allow_none=True)
    file_id = shapes.Id(required=True, allow_none=True)
    body = fields.String(required=True)
    filed_on = shapes.Day(required=True)
    outcome = fields.String(required=True, metadata={"enum": list(OUTCOMES)})
    ended_on = shapes.Day(required=True, allow_none=True)


class DisputeView(ma.Schema):
    """One dispute; what it is about stays as it is meanwhile."""

    id = shapes.Id(required=True)
    number = fields.String(required=True)
    subject = fields.String(required=True, metadata={"enum": list(SUBJECTS)})
    subject_id = shapes.Id(required=True)
    topic = fields.String(required=True, metadata={"enum": list(TOPICS)})
    title = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    settlement = fields.String(required=True, metadata={"enum": list(SETTLEMENTS)})
    opened_side = fields.String(required=True, metadata={"enum": list(SIDES)})
    opened_at = shapes.Instant(required=True)
    answer_due_on = shapes.Day(required=True, metadata={"description": "set by the platform, by no law"})
    closed_at = shapes.Instant(required=True, allow_none=True)
    settlement_text = fields.String(
        required=True, allow_none=True, metadata={"description": "proposed, or agreed by both sides"}
    )
    settlement_side = fields.String(required=True, allow_none=True)
    decided_on = shapes.Day(required=True, allow_none=True)
    decision = fields.String(required=True, allow_none=True)
    actions = fields.List(
        fields.String(), metadata={"description": "what the caller may do now; not in lists"}
    )
    entries = fields.List(fields.Nested(EntryView), required=True)
    referrals = fields.List(fields.Nested(ReferralView), required=True)
    version = fields.Integer(required=True)


Page = shapes.page_of(DisputeView, "Disputes")


class DisputeRequest(ma.Schema):
    """What is at issue."""

    subject = fields.String(required=True, validate=validate.OneOf(SUBJECTS))
    subject_id = fields.String(required=True, validate=validate.Length(max=20))
    topic = fields.String(required=True, validate=validate.OneOf(TOPICS))
    title = shapes.text(200, required=True, lines=False)
    statement = shapes.text(services.LONGEST, required=True)


class WordsRequest(ma.Schema):
    """An answer of the other side, or a remark of either."""

    text = shapes.text(services.LONGEST, required=True)


class ReferRequest(ma.Schema):
    """Where one's side has taken the dispute; `cnipa` (PL 52), `local` (IR 95, 97) or `court`."""

    venue = fields.String(required=True, validate=validate.OneOf(VENUES))
    body = shapes.text(200, required=True, lines=False)
    filed_on = shapes.day(required=True)
    reference = shapes.text(80, lines=False)
    entry_id = fields.String(
        allow_none=True,
        validate=validate.Length(max=20),
        metadata={"description": "what proves it: an entry with a file that one's own side has uploaded"},
    )


class EndReferralRequest(ma.Schema):
    """How it ended there; an agreement or a decision comes with its text and its paper."""

    outcome = fields.String(
        required=True, validate=validate.OneOf([one for one in OUTCOMES if one != "pending"])
    )
    ended_on = shapes.day(required=True)
    text = shapes.text(services.LONGEST)
    entry_id = fields.String(
        allow_none=True,
        validate=validate.Length(max=20),
        metadata={"description": "the paper: an entry with a file that one's own side has uploaded"},
    )


def _view(dispute: Dispute) -> dict[str, Any]:
    """A dispute as the present caller sees it."""
    return _listed(dispute) | {"actions": _actions(current_actor(), dispute)}


def _listed(dispute: Dispute) -> dict[str, Any]:
    plain = (
        "id", "number", "subject", "topic", "title", "state", "settlement", "opened_side", "opened_at",
        "answer_due_on", "closed_at", "referrals", "version", "settlement_text", "settlement_side",
        "decided_on", "decision",
    )  # fmt: skip
    return {
        **{name: getattr(dispute, name) for name in plain},
        "subject_id": dispute.notice_id or dispute.payment_id or dispute.licence_id,
        "entries": [
            {
                "id": one.id,
                "kind": one.kind,
                "side": one.side,
                "text": one.text,
                "has_file": one.file_id is not None,
                "file_id": one.file_id,
                "file_name": None if one.file is None else one.file.name,
                "written_at": one.written_at,
            }
            for one in dispute.entries
        ],
    }


def _actions(actor: Actor, dispute: Dispute) -> list[str]:
    """Calls below `actions/` that the caller may make now."""
    moves = {one.action for one in DISPUTE.offered(actor, dispute)}
    found: list[str] = [name for name in ("answer", "refer", "withdraw") if name in moves]
    if {"return", "decide"} & moves:
        found.append("end_referral")
    if dispute.closed_at is None:
        names = {
            "propose": "propose_settlement",
            "agree": "agree_settlement",
            "decline": "decline_settlement",
            "take_back": "take_settlement_back",
        }
        settling = {one.action for one in SETTLEMENT.offered(actor, dispute)}
        found += [name for action, name in names.items() if action in settling]
    return found


@blueprint.call("GET", "/disputes")
@access("signed_in")
@blueprint.arguments(shapes.After, location="query")
@blueprint.response(200, Page)
def list_disputes(query: dict[str, Any]) -> Response:
    """Disputes that the token's organisation is a side of (staff: all), newest first."""
    after = query.get("after")
    rows = services.disputes(current_actor(), after=int(after) if after else None, limit=query["size"] + 1)
    return json_answer(Page().dump(shapes.page(rows, query["size"], _listed)))


@blueprint.call("POST", "/disputes")
@access("organisation")
@blueprint.arguments(DisputeRequest)
@blueprint.response(201, DisputeView)
def open_dispute(body: dict[str, Any]) -> Response:
    """Open a dispute; the other side is told and asked to answer."""

    def act(actor: Actor) -> dict[str, Any]:
        key = shapes.key_of(body["subject_id"])
        dispute = services.open_dispute(
            actor, body["subject"], key, topic=body["topic"], title=body["title"], statement=body["statement"]
        )
        return _view(dispute)

    return once(DisputeView, act, status=201)


@blueprint.call("GET", "/disputes/<dispute_id>")
@access("signed_in")
@blueprint.response(200, DisputeView)
def show_dispute(dispute_id: str) -> Response:
    """One dispute with all that was said in it."""
    return json_answer(DisputeView().dump(_view(services.get(current_actor(), shapes.key_of(dispute_id)))))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/answer")
@access("organisation")
@blueprint.arguments(WordsRequest)
@blueprint.response(200, DisputeView)
def answer_dispute(body: dict[str, Any], dispute_id: str) -> Response:
    """Answer a dispute that the other side has opened."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.answer(actor, key, text=body["text"])))


@blueprint.call("POST", "/disputes/<dispute_id>/remarks")
@access("organisation")
@blueprint.arguments(WordsRequest)
@blueprint.response(201, DisputeView)
def remark_on_dispute(body: dict[str, Any], dispute_id: str) -> Response:
    """Add a remark, on either side, while the dispute is not over."""
    key = shapes.key_of(dispute_id)

    def act(actor: Actor) -> dict[str, Any]:
        services.add(actor, key, text=body["text"])
        return _view(services.get(actor, key))

    return once(DisputeView, act, status=201)


@blueprint.call("POST", "/disputes/<dispute_id>/evidence", raw_body=True, largest=LARGEST_SLIP)
@access("organisation")
@described(requestBody=FILE_PART)
@blueprint.response(201, DisputeView)
def show_dispute_evidence(dispute_id: str) -> Response:
    """Show a piece of evidence (PDF, PNG or JPEG up to 10 MB) as `file`; it is the last entry then."""
    content, name = sent_file("evidence")
    key = shapes.key_of(dispute_id)

    def act(actor: Actor) -> dict[str, Any]:
        services.add(actor, key, text=None, file=(name, content))
        return _view(services.get(actor, key))

    return once(DisputeView, act, status=201)


@blueprint.call("GET", "/disputes/<dispute_id>/files/<file_id>")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_dispute_file(dispute_id: str, file_id: str) -> Response:
    """A file that was shown in a dispute, for its sides and for staff."""
    row = services.file_of(current_actor(), shapes.key_of(dispute_id), shapes.key_of(file_id))
    return attachment(store().read(row.digest), row.name)


@blueprint.call("POST", "/disputes/<dispute_id>/actions/propose_settlement")
@access("organisation")
@blueprint.arguments(WordsRequest)
@blueprint.response(200, DisputeView)
def propose_settlement(body: dict[str, Any], dispute_id: str) -> Response:
    """Propose the text of a settlement; only the other side can agree to it."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.propose_settlement(actor, key, text=body["text"])))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/agree_settlement")
@access("organisation")
@blueprint.response(200, DisputeView)
def agree_settlement(dispute_id: str) -> Response:
    """Agree to the proposed text as it stands: the dispute is settled (the other side)."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.agree(actor, key)))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/decline_settlement")
@access("organisation")
@blueprint.response(200, DisputeView)
def decline_settlement(dispute_id: str) -> Response:
    """Decline the proposed text (the other side)."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.decline(actor, key)))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/take_settlement_back")
@access("organisation")
@blueprint.response(200, DisputeView)
def take_settlement_back(dispute_id: str) -> Response:
    """Take back what one's own side has proposed."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.take_settlement_back(actor, key)))


@blueprint.call("POST", "/disputes/<dispute_id>/actions/refer")
@access("organisation")
@blueprint.arguments(ReferRequest)
@blueprint.response(200, DisputeView)
def refer_dispute(body: dict[str, Any], dispute_id: str) -> Response:
    """Note that one's side has taken the dispute to CNIPA, a local department or a court."""

    def act(actor: Actor) -> dict[str, Any]:
        dispute = services.refer(
            actor,
            shapes.key_of(dispute_id),
            venue=body["venue"],
            body=body["body"],
            filed_on=body["filed_on"],
            reference=body.get("reference"),
            entry_id=shapes.key_of(body["entry_id"]) if body.get("entry_id") else None,
        )
        return _view(dispute)

    return once(DisputeView, act)


@blueprint.call("POST", "/disputes/<dispute_id>/actions/end_referral")
@access("organisation")
@blueprint.arguments(EndReferralRequest)
@blueprint.response(200, DisputeView)
def end_referral(body: dict[str, Any], dispute_id: str) -> Response:
    """Note how it ended there: without agreement it goes on here, else the dispute is decided."""

    def act(actor: Actor) -> dict[str, Any]:
        dispute = services.end_referral(
            actor,
            shapes.key_of(dispute_id),
            outcome=body["outcome"],
            ended_on=body["ended_on"],
            text=body.get("text"),
            entry_id=shapes.key_of(body["entry_id"]) if body.get("entry_id") else None,
        )
        return _view(dispute)

    return once(DisputeView, act)


@blueprint.call("POST", "/disputes/<dispute_id>/actions/withdraw")
@access("organisation")
@blueprint.response(200, DisputeView)
def withdraw_dispute(dispute_id: str) -> Response:
    """Take back the dispute that one's own side has opened."""
    key = shapes.key_of(dispute_id)
    return once(DisputeView, lambda actor: _view(services.withdraw(actor, key)))
