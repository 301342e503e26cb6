"""Holders' answers to needs, and what the two sides say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.unit_of_work import lock
from marketplace.demands import answers
from marketplace.demands import services as demands
from marketplace.demands.models import ANSWER_KINDS, ANSWER_STATES, DemandAnswer
from marketplace.demands.rules import LONGEST_NOTE, LONGEST_TEXT, PASS_REASONS
from marketplace.listings import services as listings

from . import shapes
from .answering import check_version, dumped, json_answer, once
from .documents import Blueprint
from .notices import Party
from .shapes import Id, Instant

blueprint = Blueprint("demand_answers", "answers to demands", "What holders answer to needs of firms.")


class ReplyView(ma.Schema):
    """A message between the two sides of an answer."""

    side = fields.String(required=True, metadata={"enum": ["poster", "holder"]})
    text = fields.String(required=True)
    written_at = Instant(required=True)


class AnswerView(ma.Schema):
    """A holder's answer to a need, for its two sides."""

    id = Id(required=True)
    version = fields.Integer(required=True, metadata={"description": "also the ETag"})
    demand_id = Id(required=True)
    organisation = fields.Nested(Party, required=True)
    kind = fields.String(required=True, metadata={"enum": list(ANSWER_KINDS)})
    offer_id = Id(required=True, allow_none=True)
    patent_number = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": list(ANSWER_STATES)})
    pass_reason = fields.String(required=True, allow_none=True, metadata={"enum": [*PASS_REASONS, None]})
    pass_note = fields.String(required=True, allow_none=True)
    answered_at = Instant(required=True)
    replies = fields.List(fields.Nested(ReplyView), required=True)


class Answers(ma.Schema):
    """The answers to a need that the caller may see."""

    items = fields.List(fields.Nested(AnswerView), required=True)


class AnswerPage(ma.Schema):
    """A page of answers, newest first; `next` is the `after` of the following page."""

    items = fields.List(fields.Nested(AnswerView), required=True)
    next = Id(required=True, allow_none=True)


class AnswerRequest(ma.Schema):
    """An answer: a live offer of one's own, or a patent that one would open, perhaps with words; or words."""

    offer_id = fields.String(
        allow_none=True, load_default=None, validate=validate.Regexp(r"^[1-9][0-9]{0,17}$")
    )
    patent_number = shapes.text(64, description="of a patent of one's own that is not declared; binds nobody")
    text = shapes.text(LONGEST_TEXT)

    @ma.validates_schema
    def _one_thing(self, data: dict[str, Any], **_named: Any) -> None:
        if data.get("offer_id") and data.get("patent_number"):
            message = "Give either an offer or a patent."
            raise ma.ValidationError({"patent_number": [message]})


class OwnAnswersQuery(ma.Schema):
    """Where to go on."""

    after = fields.Integer(validate=validate.Range(min=1, max=10**17))
    size = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class PassRequest(ma.Schema):
    """Why an answer does not fit; the holder is told."""

    reason = fields.String(required=True, validate=validate.OneOf(PASS_REASONS))
    note = shapes.text(LONGEST_NOTE)


class ReplyRequest(ma.Schema):
    """A message to the other side."""

    text = shapes.text(LONGEST_TEXT, required=True)


def _answer(row: DemandAnswer) -> dict[str, Any]:
    patent = row.offer.patent if row.offer is not None else row.patent
    plain = (
        "id",
        "version",
        "demand_id",
        "kind",
        "offer_id",
        "text",
        "state",
        "pass_reason",
        "pass_note",
        "answered_at",
    )
    return {
        **{name: getattr(row, name) for name in plain},
        "organisation": {"id": row.organisation_id, "name": row.organisation.name},
        "patent_number": patent.reference if patent is not None else None,
        "replies": row.replies,
    }


# --- calls


@blueprint.call("GET", "/demands/<demand_id>/answers")
@access("signed_in")
@blueprint.response(200, Answers)
def list_answers(demand_id: str) -> dict[str, Any]:
    """The answers to a need: all for its poster and the bureau, else the caller's own."""
    actor = current_actor()
    demand = demands.get_demand(actor, demand_id)
    return {"items": [_answer(row) for row in answers.answers_to(actor, demand)]}


@blueprint.call("POST", "/demands/<demand_id>/answers")
@access("signed_in")
@blueprint.arguments(AnswerRequest)
@blueprint.response(201, AnswerView)
def answer_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Answer a need with a live offer of one's own, with a patent that one would open, or in words."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        if values.get("patent_number"):
            patent = listings.find_patent(str(values["patent_number"]))
            return _answer(answers.answer_with_patent(actor, demand.id, patent.id, values.get("text")))
        if values["offer_id"] is None:
            return _answer(answers.answer_with_message(actor, demand.id, values.get("text") or ""))
        return _answer(
            answers.answer_with_offer(actor, demand.id, int(values["offer_id"]), values.get("text"))
        )

    return once(AnswerView, act, status=201)


@blueprint.call("GET", "/demand-answers")
@access("organisation")
@blueprint.arguments(OwnAnswersQuery, location="query")
@blueprint.response(200, AnswerPage)
def own_answers(wanted: dict[str, Any]) -> dict[str, Any]:
    """What the organisation and its principals have answered, newest first, and what became of it."""
    size = wanted["size"]
    rows = answers.own_answers(current_actor(), after=wanted.get("after"), limit=size + 1)
    return {
        "items": [_answer(row) for row in rows[:size]],
        "next": rows[size - 1].id if len(rows) > size else None,
    }


@blueprint.call("GET", "/demand-answers/<answer_id>")
@access("signed_in")
@blueprint.response(200, AnswerView)
def get_answer(answer_id: str) -> Response:
    """One answer, for its two sides and the bureau."""
    row = answers.get_answer(current_actor(), shapes.key_of(answer_id))
    return json_answer(dumped(AnswerView, _answer(row)))


def _change(answer_id: str, act: Callable[[Actor, int], DemandAnswer]) -> Response:
    """Do a step of an answer that the caller has seen in its present version."""
    key = shapes.key_of(answer_id)

    def change(actor: Actor) -> dict[str, Any]:
        check_version(lock(DemandAnswer, answers.get_answer(actor, key).id).version)
        return _answer(act(actor, key))

    return once(AnswerView, change)


@blueprint.call("POST", "/demand-answers/<answer_id>/actions/helpful", conditional=True)
@access("signed_in")
@blueprint.response(200, AnswerView)
def find_helpful(answer_id: str) -> Response:
    """Say that an answer helps, as who posted the need."""
    return _change(answer_id, lambda actor, key: answers.judge(actor, key, "helpful"))


@blueprint.call("POST", "/demand-answers/<answer_id>/actions/pass", conditional=True)
@access("signed_in")
@blueprint.arguments(PassRequest)
@blueprint.response(200, AnswerView)
def pass_answer(values: dict[str, Any], answer_id: str) -> Response:
    """Pass an answer over with a reason that goes back to the holder."""
    reason, note = values["reason"], values.get("note")
    return _change(answer_id, lambda actor, key: answers.judge(actor, key, "pass", reason=reason, note=note))


@blueprint.call("POST", "/demand-answers/<answer_id>/actions/withdraw", conditional=True)
@access("signed_in")
@blueprint.response(200, AnswerView)
def withdraw_answer(answer_id: str) -> Response:
    """Take an answer back, as its holder."""
    return _change(answer_id, answers.withdraw_answer)


@blueprint.call("POST", "/demand-answers/<answer_id>/replies")
@access("signed_in")
@blueprint.arguments(ReplyRequest)
@blueprint.response(201, ReplyView)
def reply(values: dict[str, Any], answer_id: str) -> Response:
    """Write to the other side of an answer."""
    key = shapes.key_of(answer_id)
    return once(ReplyView, lambda actor: answers.reply(actor, key, values["text"]), status=201)
