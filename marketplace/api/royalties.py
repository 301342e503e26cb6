"""Royalties: periods, statements with their reckoning, the reading of the terms, and notices of default."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.errors import NotFound
from marketplace.core.files import store
from marketplace.deals.models import OBLIGATION_STATES
from marketplace.deals.royalties import reading, services
from marketplace.deals.royalties.lifecycle import CHANGE, DEFAULT
from marketplace.deals.royalties.models import (
    BASES,
    BASIS,
    CHANGE_STATES,
    DEFAULT_STATES,
    GROUNDS,
    LENGTHS,
    PERIOD_STATES,
    SIDES,
    SOURCES,
    RoyaltyDefault,
    RoyaltyPeriod,
    RoyaltyPlanChange,
    RoyaltyStatement,
)
from marketplace.deals.royalties.rules import Step

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint, described
from .files import attachment
from .notices import FILE_PART, LARGEST_SLIP, sent_file
from .shapes import Amount, Day, Id, Instant, key_of

blueprint = Blueprint("royalties", "royalties", "Royalties by period: stated, reckoned, owed and corrected.")

_LARGEST = 10**15
_MINOR = {"description": "in minor units (分) of the period's currency"}


class RoyaltyStepView(ma.Schema):
    """One step of a reckoning with the figures that it rests on, sums in minor units and the rate in %."""

    code = fields.String(required=True, metadata={"enum": ["base", "rate", "minimum", "cap"]})
    result_minor = fields.Integer(required=True)
    figures = fields.Dict(required=True, keys=fields.String(), values=fields.String())


class RoyaltyLineView(ma.Schema):
    """What one product brought; sales (or profit, which may be a loss) less deductions is its base."""

    product = fields.String(required=True)
    quantity = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)
    deductions_minor = fields.Integer(required=True)
    note = fields.String(required=True, allow_none=True)


class RoyaltyEvidenceView(ma.Schema):
    """A file that a statement rests on."""

    id = Id(required=True)
    name = fields.String(required=True)
    sha256 = fields.String(required=True)


class RoyaltyOwedView(ma.Schema):
    """What a statement makes due; it is paid by `POST /notices/{notice_id}/payments {obligation_id}`."""

    id = Id(required=True)
    notice_id = Id(required=True)
    amount = fields.Nested(Amount, required=True)
    due_on = Day(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": list(OBLIGATION_STATES)})


class RoyaltyStatementView(ma.Schema):
    """A statement, never changed; a later one of the same period corrects it."""

    id = Id(required=True)
    number = fields.String(required=True)
    period_id = Id(required=True)
    sequence = fields.Integer(required=True)
    current = fields.Boolean(required=True)
    submitted_at = Instant(required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "of a correction"})
    note = fields.String(required=True, allow_none=True)
    lines = fields.List(fields.Nested(RoyaltyLineView), required=True)
    steps = fields.List(fields.Nested(RoyaltyStepView), required=True)
    royalty = fields.Nested(Amount, required=True)
    due = fields.Nested(Amount, required=True, metadata={"description": "newly owed by this statement"})
    credit_left = fields.Nested(
        Amount, required=True, metadata={"description": "in hand for later periods after it"}
    )
    obligation = fields.Nested(RoyaltyOwedView, required=True, allow_none=True)
    evidence = fields.List(fields.Nested(RoyaltyEvidenceView), required=True)


class RoyaltyDefaultView(ma.Schema):
    """The holder's notice that a duty was not met; nothing follows by itself when its time is over."""

    id = Id(required=True)
    number = fields.String(required=True)
    period_id = Id(required=True)
    state = fields.String(required=True, metadata={"enum": list(DEFAULT_STATES)})
    ground = fields.String(required=True, metadata={"enum": list(GROUNDS)})
    basis = fields.String(required=True, metadata={"enum": list(BASIS)})
    text = fields.String(required=True)
    cure_by = Day(required=True)
    given_at = Instant(required=True)
    closed_at = Instant(required=True, allow_none=True)
    actions = fields.List(fields.String(), required=True)


class RoyaltyPeriodView(ma.Schema):
    """A stretch of time to be reported on, by the conditions that held when it began."""

    id = Id(required=True)
    licence_id = Id(required=True)
    licence_number = fields.String(required=True)
    begins = Day(required=True)
    ends = Day(required=True)
    state = fields.String(required=True, metadata={"enum": list(PERIOD_STATES)})
    payment = fields.String(required=True, metadata={"enum": list(reading.PAYMENTS)})
    report_due_on = Day(required=True)
    pay_due_on = Day(required=True)
    provisional = fields.Boolean(
        required=True, metadata={"description": "the holidays of a due date's year are not published yet"}
    )
    base = fields.String(required=True, metadata={"enum": list(BASES)})
    rate_percent = fields.Float(required=True)
    minimum = fields.Nested(Amount, required=True, allow_none=True)
    cap = fields.Nested(Amount, required=True, allow_none=True)
    royalty = fields.Nested(
        Amount, required=True, allow_none=True, metadata={"description": "by the statement that counts"}
    )
    version = fields.Integer(required=True)


class RoyaltyPeriodDetail(RoyaltyPeriodView):
    """A period with every statement, newest first, its notices of default, and what the caller may do."""

    statements = fields.List(fields.Nested(RoyaltyStatementView), required=True)
    defaults = fields.List(fields.Nested(RoyaltyDefaultView), required=True)
    in_default = fields.String(required=True, allow_none=True, metadata={"enum": [*GROUNDS, None]})
    earliest_cure = Day(
        required=True, metadata={"description": "the earliest last day that a notice of default may set"}
    )


class PeriodQuery(shapes.After):
    """Which periods."""

    group = fields.String(validate=validate.OneOf(reading.GROUPS))
    licence_id = fields.String(validate=validate.Length(max=20))


class RoyaltyLineRequest(ma.Schema):
    """One product; sums in minor units."""

    product = shapes.text(200, required=True, lines=False)
    amount_minor = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=-_LARGEST, max=_LARGEST), metadata=_MINOR
    )
    deductions_minor = fields.Integer(
        load_default=0, strict=True, validate=validate.Range(min=0, max=_LARGEST), metadata=_MINOR
    )
    quantity = fields.String(
        allow_none=True, validate=validate.Regexp(r"^\d{1,18}(\.\d{1,5})?\Z"), metadata={"maxLength": 24}
    )
    unit = shapes.text(20, lines=False)
    note = shapes.text(500, lines=False)


class RoyaltyStatementRequest(ma.Schema):
    """What a period brought; without lines a zero statement."""

    lines = fields.List(
        fields.Nested(RoyaltyLineRequest), load_default=list, validate=validate.Length(max=services.MAX_LINES)
    )
    note = shapes.text(services.MAX_NOTE)
    reason = shapes.text(500, lines=False, description="needed for a correction: what was wrong before")


class RoyaltyPlanView(ma.Schema):
    """How the announced terms are read as to reporting, and where that comes from."""

    licence_id = Id(required=True)
    base = fields.String(required=True, metadata={"enum": list(BASES)})
    rate_percent = fields.Float(required=True)
    length = fields.String(required=True, metadata={"enum": list(LENGTHS)})
    length_source = fields.String(required=True, metadata={"enum": list(SOURCES)})
    limits_source = fields.String(required=True, metadata={"enum": list(SOURCES)})
    report_days = fields.Integer(required=True)
    pay_days = fields.Integer(required=True)
    minimum = fields.Nested(Amount, required=True, allow_none=True)
    cap = fields.Nested(Amount, required=True, allow_none=True)


class RoyaltyChangeView(ma.Schema):
    """A reading that one party proposes; it holds from the next period on, once the other accepts."""

    id = Id(required=True)
    state = fields.String(required=True, metadata={"enum": list(CHANGE_STATES)})
    side = fields.String(required=True, metadata={"enum": list(SIDES)})
    length = fields.String(required=True, metadata={"enum": list(LENGTHS)})
    report_days = fields.Integer(required=True)
    pay_days = fields.Integer(required=True)
    minimum = fields.Nested(Amount, required=True, allow_none=True)
    cap = fields.Nested(Amount, required=True, allow_none=True)
    reason = fields.String(required=True)
    proposed_at = Instant(required=True)
    answered_at = Instant(required=True, allow_none=True)
    actions = fields.List(fields.String(), required=True)


class RoyaltyPlanDetail(RoyaltyPlanView):
    """The reading with what was proposed, newest first."""

    changes = fields.List(fields.Nested(RoyaltyChangeView), required=True)


class RoyaltyChangeRequest(ma.Schema):
    """A reading of the announced terms; days are calendar days, limits are per period."""

    length = fields.String(required=True, validate=validate.OneOf(LENGTHS))
    report_days = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=180))
    pay_days = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=180))
    minimum_minor = fields.Integer(
        allow_none=True, strict=True, validate=validate.Range(min=0, max=_LARGEST), metadata=_MINOR
    )
    cap_minor = fields.Integer(
        allow_none=True, strict=True, validate=validate.Range(min=0, max=_LARGEST), metadata=_MINOR
    )
    reason = shapes.text(500, required=True, lines=False)


class RoyaltyDefaultRequest(ma.Schema):
    """What is demanded, and the last day for it."""

    text = shapes.text(2000, required=True)
    cure_by = shapes.day(required=True)


def _step(one: Step) -> dict[str, Any]:
    figures = {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
        for name, value in one.figures.items()
    }
    return {"code": one.code, "result_minor": one.result_minor, "figures": figures}


def statement_view(row: RoyaltyStatement) -> dict[str, Any]:
    """A statement, as `RoyaltyStatementView`."""
    period, owed = row.period, row.obligation
    plain = ("id", "number", "period_id", "sequence", "current", "submitted_at", "reason", "note", "lines")
    return {name: getattr(row, name) for name in plain} | {
        "steps": [_step(one) for one in services.reckon(period, row.lines).steps],
        "royalty": shapes.money(row.royalty_minor, period.currency),
        "due": shapes.money(row.due_minor, period.currency),
        "credit_left": shapes.money(row.credit_left_minor, period.currency),
        "obligation": owed
        and {
            "id": owed.id,
            "notice_id": owed.notice_id,
            "amount": shapes.money(owed.amount_minor, owed.currency),
            "due_on": owed.due_on,
            "state": owed.state,
        },
        "evidence": [
            {"id": one.id, "name": one.file.name, "sha256": one.file.digest} for one in row.evidence
        ],
    }


def period_view(row: RoyaltyPeriod) -> dict[str, Any]:
    """A period, as `RoyaltyPeriodView`."""
    said = services.current(row)
    plain = (
        "id", "licence_id", "begins", "ends", "state", "report_due_on", "pay_due_on", "provisional", "base",
        "version",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "licence_number": row.licence.number,
        "payment": reading.payment_of(row),
        "rate_percent": shapes.number(row.rate_percent),
        "minimum": shapes.money(row.minimum_minor, row.currency),
        "cap": shapes.money(row.cap_minor, row.currency),
        "royalty": None if said is None else shapes.money(said.royalty_minor, row.currency),
    }


def _detail(actor: Actor, row: RoyaltyPeriod) -> dict[str, Any]:
    return period_view(row) | {
        "statements": [statement_view(one) for one in reversed(row.statements)],
        "defaults": [_default_view(actor, one) for one in reading.defaults_of(row)],
        "in_default": services.ground_of(row, clock.today()),
        "earliest_cure": services.shortest_cure(row, clock.today()).date,
    }


def _default_view(actor: Actor, row: RoyaltyDefault) -> dict[str, Any]:
    plain = (
        "id", "number", "period_id", "state", "ground", "basis", "text", "cure_by", "given_at", "closed_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "actions": [move.action for move in DEFAULT.offered(actor, row)]
    }


def _change_view(actor: Actor, row: RoyaltyPlanChange) -> dict[str, Any]:
    plain = (
        "id", "state", "side", "length", "report_days", "pay_days", "reason", "proposed_at", "answered_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "minimum": shapes.money(row.minimum_minor, row.plan.currency),
        "cap": shapes.money(row.cap_minor, row.plan.currency),
        "actions": [move.action for move in CHANGE.offered(actor, row)],
    }


# --- periods and statements


@blueprint.call("GET", "/royalties")
@access("organisation")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, shapes.page_of(RoyaltyPeriodView, "RoyaltyPage"))
def list_royalties(asked: dict[str, Any]) -> Any:
    """Periods of the organisation's licences, on either side, newest first."""
    query = reading.periods(
        current_actor(),
        group=asked.get("group"),
        licence_id=key_of(asked["licence_id"]) if asked.get("licence_id") else None,
    )
    rows = reading.page(
        query, before=int(asked["after"]) if "after" in asked else None, limit=asked["size"] + 1
    )
    return shapes.page(rows, asked["size"], period_view)


@blueprint.call("GET", "/royalties/<period_id>")
@access("organisation")
@blueprint.response(200, RoyaltyPeriodDetail)
def get_royalty(period_id: str) -> Response:
    """One period with its statements and how each royalty is worked out."""
    actor = current_actor()
    row = services.get(actor, RoyaltyPeriod, key_of(period_id))
    return json_answer(RoyaltyPeriodDetail().dump(_detail(actor, row)))


@blueprint.call("POST", "/royalties/<period_id>/statements")
@access("organisation")
@blueprint.arguments(RoyaltyStatementRequest)
@blueprint.response(201, RoyaltyStatementView)
def hand_in_statement(body: dict[str, Any], period_id: str) -> Response:
    """Hand in a statement for a period that is over (licensee); a later one corrects it."""
    lines = [
        services.LineGiven(
            one["product"],
            one["amount_minor"],
            one["deductions_minor"],
            one.get("quantity"),
            one.get("unit"),
            one.get("note"),
        )
        for one in body["lines"]
    ]
    given = services.Given(lines, body.get("note"), body.get("reason"))

    def act(actor: Actor) -> dict[str, Any]:
        return statement_view(services.submit(actor, key_of(period_id), given))

    return once(RoyaltyStatementView, act, status=201)


@blueprint.call("POST", "/royalty-statements/<statement_id>/evidence", raw_body=True, largest=LARGEST_SLIP)
@access("organisation")
@described(requestBody=FILE_PART)
@blueprint.response(201, RoyaltyStatementView)
def add_royalty_evidence(statement_id: str) -> Response:
    """Add a file that a statement rests on (licensee; PDF, PNG or JPEG up to 10 MB) as `file`."""
    content, name = sent_file("evidence")

    def act(actor: Actor) -> dict[str, Any]:
        services.add_evidence(actor, key_of(statement_id), name, content)
        return statement_view(services.get(actor, RoyaltyStatement, key_of(statement_id)))

    return once(RoyaltyStatementView, act, status=201)


@blueprint.call("GET", "/royalty-statements/<statement_id>/evidence/<evidence_id>")
@access("organisation")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_royalty_evidence(statement_id: str, evidence_id: str) -> Response:
    """A file that a statement rests on, for the two parties."""
    row = services.get(current_actor(), RoyaltyStatement, key_of(statement_id))
    found = next((one for one in row.evidence if one.id == key_of(evidence_id)), None)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return attachment(store().read(found.file.digest), found.file.name)


# --- the reading of the terms


@blueprint.call("GET", "/licences/<licence_id>/royalty-terms")
@access("organisation")
@blueprint.response(200, RoyaltyPlanDetail)
def get_royalty_terms(licence_id: str) -> dict[str, Any]:
    """How a licence is reported, and what the parties have proposed to each other."""
    actor = current_actor()
    plan = reading.plan_of(actor, key_of(licence_id))
    plain = (
        "licence_id", "base", "length", "length_source", "limits_source", "report_days", "pay_days",
    )  # fmt: skip
    return {name: getattr(plan, name) for name in plain} | {
        "rate_percent": shapes.number(plan.rate_percent),
        "minimum": shapes.money(plan.minimum_minor, plan.currency),
        "cap": shapes.money(plan.cap_minor, plan.currency),
        "changes": [_change_view(actor, one) for one in reading.changes_of(plan)],
    }


@blueprint.call("POST", "/licences/<licence_id>/royalty-terms/changes")
@access("organisation")
@blueprint.arguments(RoyaltyChangeRequest)
@blueprint.response(201, RoyaltyChangeView)
def propose_royalty_terms(body: dict[str, Any], licence_id: str) -> Response:
    """Propose how the announced terms are read; it holds from the next period on, once accepted."""
    proposed = services.Reading(
        body["length"],
        body["report_days"],
        body["pay_days"],
        body.get("minimum_minor"),
        body.get("cap_minor"),
        body["reason"],
    )

    def act(actor: Actor) -> dict[str, Any]:
        return _change_view(actor, services.propose_plan(actor, key_of(licence_id), proposed))

    return once(RoyaltyChangeView, act, status=201)


@blueprint.call("POST", "/royalty-terms-changes/<change_id>/actions/<action>")
@access("organisation")
@blueprint.response(200, RoyaltyChangeView)
def answer_royalty_terms(change_id: str, action: str) -> Response:
    """Answer a proposed reading: `accept` or `decline` (the other party), `take_back` (who proposed it)."""
    _known(action, CHANGE.actions())

    def act(actor: Actor) -> dict[str, Any]:
        return _change_view(actor, services.answer_plan(actor, key_of(change_id), action))

    return once(RoyaltyChangeView, act)


# --- default


@blueprint.call("POST", "/royalties/<period_id>/defaults")
@access("organisation")
@blueprint.arguments(RoyaltyDefaultRequest)
@blueprint.response(201, RoyaltyDefaultView)
def give_royalty_default(body: dict[str, Any], period_id: str) -> Response:
    """Demand what is overdue and set a last day (payee; Civil Code 563). Nothing follows by itself."""

    def act(actor: Actor) -> dict[str, Any]:
        row = services.give_default(actor, key_of(period_id), text=body["text"], cure_by=body["cure_by"])
        return _default_view(actor, row)

    return once(RoyaltyDefaultView, act, status=201)


@blueprint.call("POST", "/royalty-defaults/<default_id>/actions/<action>")
@access("organisation")
@blueprint.response(200, RoyaltyDefaultView)
def close_royalty_default(default_id: str, action: str) -> Response:
    """Say what came of a notice of default: `restore`, `take_back`, or `end` the licence (payee)."""
    _known(action, DEFAULT.actions())

    def act(actor: Actor) -> dict[str, Any]:
        return _default_view(actor, services.close_default(actor, key_of(default_id), action))

    return once(RoyaltyDefaultView, act)


def _known(action: str, actions: Any) -> None:
    if action not in actions:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
