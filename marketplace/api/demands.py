"""Needs in a firm's own words, and the offers that fit them, each with reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
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
from marketplace.core.unit_of_work import lock
from marketplace.demands import services as demands
from marketplace.demands.columns import INDUSTRIES
from marketplace.demands.models import DEMAND_STATES, POSTERS, Demand
from marketplace.demands.rules import LONGEST_NOTE, OUTCOME_REASONS
from marketplace.demands.schemas import DemandSchema
from marketplace.demands.services import Asked
from marketplace.matching import services as matching
from marketplace.matching.services import LARGEST

from . import shapes
from .answering import check_version, dumped, json_answer, once, require_scope
from .documents import Blueprint, body_schema
from .notices import Party
from .offers import Action
from .open_data import conditional
from .shapes import Amount, Day, Id, Instant

blueprint = Blueprint("demands", "demands and matching", "Needs of firms, and offers that fit them.")


# --- shapes


class DemandView(ma.Schema):
    """A need."""

    id = Id(required=True)
    external_id = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": list(DEMAND_STATES)})
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


class DemandWhole(DemandView):
    """A need, with what this caller may do with it now."""

    version = fields.Integer(required=True, metadata={"description": "also the ETag"})
    actions = fields.List(fields.Nested(Action), required=True)


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


class EditRequest(DemandSchema):  # type: ignore[misc, valid-type]
    """What is to change of a need; what is left out stays as it is."""


class OwnQuery(ma.Schema):
    """Which of one's own needs."""

    state = fields.String(validate=validate.OneOf(DEMAND_STATES))
    after = fields.Integer(validate=validate.Range(min=1, max=10**17))
    size = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class OwnDemands(ma.Schema):
    """One's own needs of every state, newest first; `next` is the `after` of the following page."""

    items = fields.List(fields.Nested(DemandWhole), required=True)
    next = Id(required=True, allow_none=True)


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


EDIT: Final = EditRequest(partial=True, exclude=("external_id",))
# What a caller may do with a need, in this order, and the body that it takes.
ACTIONS: Final[dict[str, ma.Schema]] = {
    "edit": EDIT,
    "publish": ma.Schema(),
    "extend": ExtendRequest(),
    "close": OutcomeRequest(),
}


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


def _whole(actor: Actor, demand: Demand) -> dict[str, Any]:
    """A need as this actor sees it, as `DemandWhole`."""
    steps = {transition.action for transition in demands.offered(actor, demand)}
    possible = {"extend", "close"} & steps | {name for name in ("edit", "publish") if name in steps}
    if steps & {"reopen", "resume"}:
        possible.add("extend")
    return {
        **view(demand, named=demands.shows_name(actor, demand)),
        "version": demand.version,
        "actions": [
            {
                "name": name,
                "href": f"{shapes.BASE}/demands/{demand.id}/actions/{name}",
                "schema": body_schema(schema),
            }
            for name, schema in ACTIONS.items()
            if name in possible
        ],
    }


def _change(demand_id: str, act: Callable[[Actor, int], Demand]) -> Response:
    """Do a step of a need that the caller has seen in its present version."""

    def change(actor: Actor) -> dict[str, Any]:
        found = demands.get_demand(actor, demand_id)
        check_version(lock(Demand, found.id).version)
        return _whole(actor, act(actor, found.id))

    return once(DemandWhole, change)


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
@blueprint.response(201, DemandWhole)
def publish_demand(values: dict[str, Any]) -> Response:
    """Publish a need, or keep it as a draft; the fields are those of an import of demands."""
    firm = values.get("organisation_id")
    said = values | {"organisation_id": int(firm) if firm else None}

    def act(actor: Actor) -> dict[str, Any]:
        make = demands.draft_demand if values["draft"] else demands.publish_demand
        return _whole(actor, make(actor, said))

    return once(DemandWhole, act, status=201)


@blueprint.call("POST", "/demands/<demand_id>/actions/publish", conditional=True)
@access("signed_in")
@blueprint.response(200, DemandWhole)
def publish_draft(demand_id: str) -> Response:
    """Publish a draft."""
    return _change(demand_id, demands.publish_draft)


@blueprint.call("POST", "/demands/<demand_id>/actions/edit", conditional=True)
@access("signed_in")
@blueprint.arguments(EDIT)
@blueprint.response(200, DemandWhole)
def edit_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Change a draft or a published need; one that is answered stays as those who answered have read it."""
    return _change(demand_id, lambda actor, key: demands.edit_demand(actor, key, values))


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


@blueprint.call("GET", "/demands/mine")
@access("signed_in")
@blueprint.arguments(OwnQuery, location="query")
@blueprint.response(200, OwnDemands)
def own_demands(wanted: dict[str, Any]) -> dict[str, Any]:
    """The needs of the organisation and its principals, drafts and closed ones too; the bureau's own ones."""
    actor, size = current_actor(), wanted["size"]
    require(actor, "demand.post")
    rows = demands.own_demands(
        actor,
        states=(wanted["state"],) if "state" in wanted else (),
        posted_by="bureau" if "bureau" in actor.roles else None,
        after=wanted.get("after"),
        limit=size + 1,
    )
    return {
        "items": [_whole(actor, row) for row in rows[:size]],
        "next": rows[size - 1].id if len(rows) > size else None,
    }


@blueprint.call("GET", "/demands/<demand_id>")
@access("signed_in")
@blueprint.response(200, DemandWhole)
def get_demand(demand_id: str) -> Response:
    """One need, with what this caller may do now."""
    actor = current_actor()
    return json_answer(dumped(DemandWhole, _whole(actor, demands.get_demand(actor, demand_id))))


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


@blueprint.call("POST", "/demands/<demand_id>/actions/close", conditional=True)
@access("signed_in")
@blueprint.arguments(OutcomeRequest, required=False)
@blueprint.response(200, DemandWhole)
def close_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Take a need back, or say that it is met or not, with a reason."""
    outcome, reason, note = values.get("outcome"), values.get("reason"), values.get("note")
    return _change(
        demand_id, lambda actor, key: demands.close_demand(actor, key, outcome, reason=reason, note=note)
    )


@blueprint.call("POST", "/demands/<demand_id>/actions/extend", conditional=True)
@access("signed_in")
@blueprint.arguments(ExtendRequest)
@blueprint.response(200, DemandWhole)
def extend_demand(values: dict[str, Any], demand_id: str) -> Response:
    """Want answers until a later day; an expired need is opened again."""
    return _change(demand_id, lambda actor, key: demands.extend_demand(actor, key, values["answer_by"]))


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
