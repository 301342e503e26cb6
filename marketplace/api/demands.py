"""Needs in a firm's own words, and the offers that fit them, each with reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import marshmallow as ma
from flask import Response, json
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.money import Money
from marketplace.core.permissions import require
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import accesses, answers
from marketplace.demands import services as demands
from marketplace.demands.columns import INDUSTRIES
from marketplace.demands.models import ANSWER_KINDS, ANSWER_STATES, POSTERS, Demand, DemandAnswer
from marketplace.demands.rules import LONGEST_NOTE, LONGEST_TEXT, OUTCOME_REASONS, PASS_REASONS
from marketplace.demands.schemas import DemandSchema
from marketplace.demands.services import Asked
from marketplace.matching import services as matching
from marketplace.matching.services import LARGEST

from . import shapes
from .answering import dumped, json_answer, once, require_scope
from .documents import Blueprint
from .notices import Party
from .open_data import conditional
from .shapes import Amount, Day, Id, Instant

blueprint = Blueprint("demands", "demands and matching", "Needs of firms, and offers that fit them.")


# --- shapes


class DemandView(ma.Schema):
    """A need."""

    id = Id(required=True)
    external_id = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True, metadata={"enum": ["draft", "published", "answered", "closed", "expired"]}
    )
    title = fields.String(required=True)
    description = fields.String(required=True)
    ipc = fields.List(fields.String(), required=True)
    budget = fields.Nested(Amount, required=True, allow_none=True)
    district = fields.String(required=True, allow_none=True)
    answer_by = Day(required=True, allow_none=True)
    organisation = fields.Nested(
        Party, required=True, allow_none=True, metadata={"description": "null where its name is not shown"}
    )
    published_on = Day(allow_none=True)
    created_at = Instant()
    title_en = fields.String(allow_none=True)
    industry = fields.String(allow_none=True, metadata={"description": "division of GB/T 4754-2017"})
    described_as = fields.String(allow_none=True, metadata={"description": "in place of the name"})
    posted_by = fields.String(metadata={"enum": list(POSTERS)})
    has_confidential = fields.Boolean(
        metadata={"description": "whether there is a part that only organisations with access read"}
    )
    open = fields.Boolean(metadata={"description": "whether answers are wanted today"})


class DemandPage(ma.Schema):
    """Public needs, newest first; `next` is the `after` of the following page."""

    items = fields.List(fields.Nested(DemandView), required=True)
    total = fields.Integer(required=True)
    next = Id(required=True, allow_none=True)


class DemandList(ma.Schema):
    """What the list is narrowed to."""

    q = shapes.text(100)
    industry = fields.String(validate=validate.OneOf(sorted(INDUSTRIES)))
    ipc = fields.String(
        validate=validate.Regexp(r"^[A-H][0-9A-Z/]{0,14}$"), metadata={"description": "begins with"}
    )
    district = fields.String(validate=validate.Regexp(r"^[1-9][0-9]{5}$"))
    budget_from = fields.Integer(
        validate=validate.Range(min=0, max=10**12), metadata={"description": "in yuan"}
    )
    answer_by_to = fields.Date()
    posted_by = fields.String(validate=validate.OneOf(POSTERS))
    open = fields.Boolean(load_default=False)
    after = fields.Integer(validate=validate.Range(min=1, max=10**17))
    size = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class ReplyView(ma.Schema):
    """A message between the two sides of an answer."""

    side = fields.String(required=True, metadata={"enum": ["poster", "holder"]})
    text = fields.String(required=True)
    written_at = Instant(required=True)


class AnswerView(ma.Schema):
    """A holder's answer to a need, for its two sides."""

    id = Id(required=True)
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


class PublishRequest(DemandSchema):  # type: ignore[misc, valid-type]
    """A need, and for whom it is posted."""

    organisation_id = fields.String(
        allow_none=True,
        validate=validate.Regexp(r"^[1-9][0-9]{0,17}$"),
        metadata={"description": "the firm for which an agency with its mandate posts"},
    )
    organisation = shapes.text(
        200, description="exact name or credit code of the firm for which the bureau posts"
    )
    draft = fields.Boolean(load_default=False, metadata={"description": "keep it without publishing"})


class AnswerRequest(ma.Schema):
    """An answer: an offer of one's own, or words, or both."""

    offer_id = fields.String(
        allow_none=True, load_default=None, validate=validate.Regexp(r"^[1-9][0-9]{0,17}$")
    )
    text = shapes.text(LONGEST_TEXT)


class PassRequest(ma.Schema):
    """Why an answer does not fit; the holder is told."""

    reason = fields.String(required=True, validate=validate.OneOf(PASS_REASONS))
    note = shapes.text(LONGEST_NOTE)


class ReplyRequest(ma.Schema):
    """A message to the other side."""

    text = shapes.text(LONGEST_TEXT, required=True)


class ExtendRequest(ma.Schema):
    """A later day."""

    answer_by = fields.Date(required=True)


class OutcomeRequest(ma.Schema):
    """What became of a need; without an outcome nothing is said of it."""

    outcome = fields.String(
        allow_none=True, load_default=None, validate=validate.OneOf(list(OUTCOME_REASONS))
    )
    reason = fields.String(
        allow_none=True,
        load_default=None,
        metadata={
            "description": "; ".join(f"{one}: {', '.join(codes)}" for one, codes in OUTCOME_REASONS.items())
        },
    )
    note = shapes.text(LONGEST_NOTE)


class ConfidentialView(ma.Schema):
    """The part that only organisations with access read; each reading is kept."""

    demand_id = Id(required=True)
    confidential = fields.String(required=True)


class ReasonView(ma.Schema):
    """Why an offer fits: what kind of reason, and the word, symbol, amount in 分 or code."""

    kind = fields.String(
        required=True,
        metadata={
            "description": "term, ipc, field, free, fee_within_budget, royalty, district, answer, interest "
            "or own_patent"
        },
    )
    value = fields.Raw(required=True, metadata={"type": ["string", "integer"]})


class MatchView(ma.Schema):
    """An offer that fits; the score orders the matches of one need and means nothing beyond it."""

    offer_id = Id(required=True)
    title = fields.String(required=True)
    score = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)


class Matches(ma.Schema):
    """Offers that fit a need, best first."""

    items = fields.List(fields.Nested(MatchView), required=True)
    engine = fields.String(required=True)
    degraded = fields.Boolean(required=True, metadata={"description": "whether a substitute has answered"})
    as_of = Instant(required=True, metadata={"description": "up to when changes are in the index"})


class _Size(ma.Schema):
    size = fields.Integer(load_default=10, validate=validate.Range(min=1, max=LARGEST))


class MatchQuery(_Size):
    """How many matches."""


class MatchRequest(_Size):
    """A need in plain words."""

    text = shapes.text(20_000, required=True)


# --- views of rows


def view(demand: Demand, *, named: bool = False) -> dict[str, Any]:
    """A need, as `DemandView`: its public part.

    Args:
        named: the caller reads the firm's name although it is not public.
    """
    plain = (
        "id", "external_id", "state", "title", "title_en", "description", "district", "answer_by",
        "published_on", "created_at", "industry", "posted_by",
    )  # fmt: skip
    named = named or demand.named
    return {
        **{name: getattr(demand, name) for name in plain},
        "ipc": list(demand.ipc),
        "budget": shapes.money(demand.budget_minor),
        # An unnamed firm's own number of the demand could tell who it is.
        "external_id": demand.external_id if named else None,
        "organisation": {"id": demand.organisation_id, "name": demand.organisation.name} if named else None,
        "described_as": demand.described_as,
        "has_confidential": demand.confidential is not None,
        "open": demand.state in ("published", "answered")
        and (demand.answer_by is None or demand.answer_by >= clock.today()),
    }


def _seen(actor: Actor, demand: Demand) -> dict[str, Any]:
    return view(demand, named=demands.shows_name(actor, demand))


def _answer(row: DemandAnswer) -> dict[str, Any]:
    patent = row.offer.patent if row.offer is not None else row.patent
    plain = (
        "id",
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


def _matches(found: matching.Matches) -> dict[str, Any]:
    return {
        "items": [
            {
                "offer_id": match.offer_id,
                "title": match.title,
                "score": match.score,
                "reasons": [reason.as_json() for reason in match.reasons],
            }
            for match in found
        ],
        "engine": found.source.engine,
        "degraded": found.source.degraded,
        "as_of": found.source.as_of,
    }


# --- calls


@blueprint.call("POST", "/demands")
@access("signed_in")
@blueprint.arguments(PublishRequest)
@blueprint.response(201, DemandView)
def publish_demand(values: dict[str, Any]) -> Response:
    """Publish a need, or keep it as a draft; the fields are those of an import of demands."""
    firm = values.get("organisation_id")
    said = values | {"organisation_id": int(firm) if firm else None}

    def act(actor: Actor) -> dict[str, Any]:
        make = demands.draft_demand if values["draft"] else demands.publish_demand
        return _seen(actor, make(actor, said))

    return once(DemandView, act, status=201)


@blueprint.call("POST", "/demands/<demand_id>/actions/publish")
@access("signed_in")
@blueprint.response(200, DemandView)
def publish_draft(demand_id: str) -> Response:
    """Publish a draft."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        return _seen(actor, demands.publish_draft(actor, demand.id))

    return once(DemandView, act)


@blueprint.call("GET", "/demands")
@access("public")
@blueprint.arguments(DemandList, location="query")
@blueprint.response(200, DemandPage)
def list_demands(wanted: dict[str, Any]) -> dict[str, Any]:
    """Public needs, newest first, within limits."""
    budget = wanted.get("budget_from")
    asked = Asked(
        text=wanted.get("q"),
        industry=wanted.get("industry"),
        ipc=wanted.get("ipc"),
        district=wanted.get("district"),
        budget_from=None if budget is None else budget * 100,
        answer_by_to=wanted.get("answer_by_to"),
        posted_by=wanted.get("posted_by"),
        open_only=wanted["open"],
    )
    size = wanted["size"]
    rows = demands.list_demands(asked=asked, after=wanted.get("after"), limit=size + 1)
    return {
        "items": [view(row) for row in rows[:size]],
        "total": demands.count_demands(asked),
        "next": rows[size - 1].id if len(rows) > size else None,
    }


@blueprint.call("GET", "/demands/<demand_id>")
@access("signed_in")
@blueprint.response(200, DemandView)
def get_demand(demand_id: str) -> dict[str, Any]:
    """One need."""
    actor = current_actor()
    return _seen(actor, demands.get_demand(actor, demand_id))


@blueprint.call("GET", "/demands/<demand_id>/matches")
@access("signed_in")
@blueprint.arguments(MatchQuery, location="query")
@blueprint.response(200, Matches)
def get_matches(asked: dict[str, Any], demand_id: str) -> dict[str, Any]:
    """Offers that fit a need within its limits, with reasons (its owner, bureau)."""
    actor = current_actor()
    demand = demands.get_demand(actor, demand_id)
    require(actor, "recommendation.list", demand)
    return _matches(matching.matches_for(demand, asked["size"]))


@blueprint.call("POST", "/demands/<demand_id>/actions/close")
@access("signed_in")
@blueprint.arguments(OutcomeRequest, required=False)
@blueprint.response(200, DemandView)
def close_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Take a need back, or say that it is met or not, with a reason."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        done = demands.close_demand(
            actor, demand.id, values.get("outcome"), reason=values.get("reason"), note=values.get("note")
        )
        return _seen(actor, done)

    return once(DemandView, act)


@blueprint.call("POST", "/demands/<demand_id>/actions/extend")
@access("signed_in")
@blueprint.arguments(ExtendRequest)
@blueprint.response(200, DemandView)
def extend_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Want answers until a later day; an expired need is public again."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        return _seen(actor, demands.extend_demand(actor, demand.id, values["answer_by"]))

    return once(DemandView, act)


@blueprint.call("GET", "/demands/<demand_id>/confidential")
@access("signed_in")
@blueprint.response(200, ConfidentialView)
def get_confidential(demand_id: str) -> Response:
    """The confidential part, for an organisation with granted access; the reading is kept."""
    actor = current_actor()
    require_scope(actor, "read")
    demand = demands.get_demand(actor, demand_id)
    with unit_of_work(actor):
        text = accesses.read(actor, demand.id)
    answer = json_answer(dumped(ConfidentialView, {"demand_id": demand.id, "confidential": text}))
    answer.headers["Cache-Control"] = "no-store"
    return answer


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
    """Answer a need with a live offer of one's own, or in words."""

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        if values["offer_id"] is None:
            return _answer(answers.answer_with_message(actor, demand.id, values.get("text") or ""))
        return _answer(
            answers.answer_with_offer(actor, demand.id, int(values["offer_id"]), values.get("text"))
        )

    return once(AnswerView, act, status=201)


@blueprint.call("POST", "/demand-answers/<answer_id>/actions/helpful")
@access("signed_in")
@blueprint.response(200, AnswerView)
def find_helpful(answer_id: str) -> Response:
    """Say that an answer helps, as who posted the need."""
    key = shapes.key_of(answer_id)
    return once(AnswerView, lambda actor: _answer(answers.judge(actor, key, "helpful")))


@blueprint.call("POST", "/demand-answers/<answer_id>/actions/pass")
@access("signed_in")
@blueprint.arguments(PassRequest)
@blueprint.response(200, AnswerView)
def pass_answer(values: dict[str, Any], answer_id: str) -> Response:
    """Pass an answer over with a reason that goes back to the holder."""
    key = shapes.key_of(answer_id)
    return once(
        AnswerView,
        lambda actor: _answer(
            answers.judge(actor, key, "pass", reason=values["reason"], note=values.get("note"))
        ),
    )


@blueprint.call("POST", "/demand-answers/<answer_id>/replies")
@access("signed_in")
@blueprint.arguments(ReplyRequest)
@blueprint.response(201, ReplyView)
def reply(values: dict[str, Any], answer_id: str) -> Response:
    """Write to the other side of an answer."""
    key = shapes.key_of(answer_id)
    return once(ReplyView, lambda actor: answers.reply(actor, key, values["text"]), status=201)


@blueprint.call("POST", "/match", writes=False)
@access("signed_in")
@blueprint.arguments(MatchRequest)
@blueprint.response(200, Matches)
def match_text(values: dict[str, Any]) -> dict[str, Any]:
    """Offers for a need in plain words. Nothing is stored."""
    require_scope(current_actor(), "read")
    return _matches(matching.match_text(values["text"], values["size"]))


# --- open data


COLUMNS: Final = (
    "id", "title", "title_en", "description", "industry", "ipc", "budget", "district", "answer_by",
    "organisation", "posted_by", "published_on", "state", "has_confidential",
)  # fmt: skip
_BATCH: Final = 200


@blueprint.call("GET", "/open-data/demands.jsonl")
@access("public")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson")
def open_demands_jsonl() -> Response:
    """All public needs, one JSON object a line: the fields of the list."""
    return conditional("demands.jsonl", "application/x-ndjson", _json_lines)


@blueprint.call("GET", "/open-data/demands.csv")
@access("public")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def open_demands_csv() -> Response:
    """All public needs as CSV; the budget in yuan."""
    return conditional("demands.csv", "text/csv", _csv_lines)


def _public() -> Iterator[Demand]:
    """Every public need, newest first."""
    after: int | None = None
    while batch := demands.list_demands(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].id
        db.session.expunge_all()


def _json_lines() -> Iterator[str]:
    for demand in _public():
        yield json.dumps(dumped(DemandView, view(demand)), ensure_ascii=False) + "\n"


def _csv_lines() -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for demand in _public():
        writer.writerow([safe_cell(value) for value in _row(demand)])
        if out.tell() > 1 << 15:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _row(demand: Demand) -> list[Any]:
    return [
        demand.id,
        demand.title,
        demand.title_en,
        demand.description,
        demand.industry,
        ";".join(demand.ipc),
        None if demand.budget_minor is None else Money(demand.budget_minor, "CNY").major,
        demand.district,
        demand.answer_by,
        demand.organisation.name if demand.named else demand.described_as,
        demand.posted_by,
        demand.published_on,
        demand.state,
        "yes" if demand.confidential else "no",
    ]
