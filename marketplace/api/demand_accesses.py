"""The confidential part of a need: the statement, asking for it, the poster's decision, and reading it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands import accesses
from marketplace.demands import services as demands
from marketplace.demands.models import ACCESS_STATES, DemandAccess
from marketplace.demands.rules import LONGEST_NOTE
from marketplace.demands.statement import accepted_words, digest_of, statement

from . import shapes
from .answering import check_version, dumped, json_answer, once, require_scope
from .documents import Blueprint
from .notices import Party
from .shapes import Id, Instant

blueprint = Blueprint(
    "demand_accesses", "access to demands", "The way to the confidential part of a need, and who has read it."
)
_KEY = r"^[1-9][0-9]{0,17}$"


class StatementQuery(ma.Schema):
    """For whom an agency asks."""

    organisation_id = fields.String(
        validate=validate.Regexp(_KEY), metadata={"description": "the client; left out for oneself"}
    )


class StatementView(ma.Schema):
    """What whoever reads the confidential part accepts, in the caller's language."""

    text = fields.String(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of the text in UTF-8"})


class AccessRequest(ma.Schema):
    """Why one could help, and the statement that one accepts."""

    purpose = shapes.text(LONGEST_NOTE, required=True)
    statement_sha256 = fields.String(
        required=True,
        validate=validate.Regexp(r"^[0-9a-fA-F]{64}$"),
        metadata={"description": "of the statement as it was read: giving it accepts the statement"},
    )
    organisation_id = fields.String(
        allow_none=True,
        load_default=None,
        validate=validate.Regexp(_KEY),
        metadata={"description": "the client for which an agency with its mandate asks"},
    )


class AccessDecision(ma.Schema):
    """A reason, which who asked is told; needed to refuse and to revoke."""

    reason = shapes.text(LONGEST_NOTE)


class AccessView(ma.Schema):
    """A way to the confidential part of a need, for its two sides."""

    id = Id(required=True)
    version = fields.Integer(required=True, metadata={"description": "also the ETag"})
    demand_id = Id(required=True)
    organisation = fields.Nested(Party, required=True)
    agent = fields.Nested(
        Party, required=True, allow_none=True, metadata={"description": "the agency that asked for it"}
    )
    state = fields.String(required=True, metadata={"enum": list(ACCESS_STATES)})
    purpose = fields.String(required=True)
    statement = fields.String(required=True)
    accepted_name = fields.String(required=True)
    accepted_at = Instant(required=True)
    accepted_hash = fields.String(required=True)
    decided_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class Accesses(ma.Schema):
    """All that the caller may see: the poster every request, others their own."""

    items = fields.List(fields.Nested(AccessView), required=True)


class ReadingView(ma.Schema):
    """One reading: for whom, by whom, when, and of which text."""

    access_id = Id(required=True)
    organisation = fields.Nested(Party, required=True)
    person = fields.String(required=True, allow_none=True)
    read_at = Instant(required=True)
    sha256 = fields.String(required=True)


class Readings(ma.Schema):
    """The last 50 readings, newest first."""

    items = fields.List(fields.Nested(ReadingView), required=True)


class ConfidentialView(ma.Schema):
    """The part that only organisations with access read; each reading is kept."""

    demand_id = Id(required=True)
    confidential = fields.String(required=True)


def _party(organisation: Any) -> dict[str, Any] | None:
    return organisation and {"id": organisation.id, "name": organisation.name}


def _access(row: DemandAccess) -> dict[str, Any]:
    plain = (
        "id", "version", "demand_id", "state", "purpose", "statement", "accepted_name", "accepted_at",
        "accepted_hash", "decided_at", "reason",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in plain},
        "organisation": _party(row.organisation),
        "agent": _party(row.agent),
    }


def _client(text: str | None) -> int | None:
    return int(text) if text else None


@blueprint.call("GET", "/demands/<demand_id>/access-statement")
@access("organisation")
@blueprint.arguments(StatementQuery, location="query")
@blueprint.response(200, StatementView)
def get_statement(wanted: dict[str, Any], demand_id: str) -> dict[str, Any]:
    """The statement to read before asking; it names both where an agency asks for a client."""
    actor = current_actor()
    demands.get_demand(actor, demand_id)
    words = statement(*accesses.asking_parties(actor, _client(wanted.get("organisation_id"))))
    return {"text": words, "sha256": digest_of(words)}


@blueprint.call("GET", "/demands/<demand_id>/accesses")
@access("organisation")
@blueprint.response(200, Accesses)
def list_accesses(demand_id: str) -> dict[str, Any]:
    """Who has asked for the confidential part: everybody for its poster, else the caller's own requests."""
    actor = current_actor()
    demand = demands.get_demand(actor, demand_id)
    posts = allowed(actor, "demand.read_confidential", demand).allowed
    rows = accesses.accesses_to(actor, demand) if posts else accesses.own_accesses(actor, demand)
    return {"items": [_access(row) for row in rows]}


@blueprint.call("POST", "/demands/<demand_id>/accesses")
@access("organisation")
@blueprint.arguments(AccessRequest)
@blueprint.response(201, AccessView)
def ask_for_access(values: dict[str, Any], demand_id: str) -> Response:
    """Ask for the confidential part and accept the statement; an agency may do so for a client."""
    client = _client(values["organisation_id"])

    def act(actor: Actor) -> dict[str, Any]:
        demand = demands.get_demand(actor, demand_id)
        words = accepted_words(values["statement_sha256"], *accesses.asking_parties(actor, client))
        row = accesses.ask(
            actor,
            demand.id,
            purpose=values["purpose"],
            statement=words or "",
            accepted=words is not None,
            organisation_id=client,
        )
        return _access(row)

    return once(AccessView, act, status=201)


@blueprint.call("GET", "/demand-accesses/<access_id>")
@access("signed_in")
@blueprint.response(200, AccessView)
def get_access(access_id: str) -> Response:
    """A request for access, for its two sides."""
    row = accesses.get_access(current_actor(), shapes.key_of(access_id))
    return json_answer(dumped(AccessView, _access(row)))


_SENTENCES = {
    "grant": "Let the organisation read the confidential part, as who posted the need.",
    "refuse": "Refuse access, with a reason.",
    "revoke": "End an access that was granted, with a reason.",
    "take_back": "Take a request back, as who asked.",
}


def _step(action: str) -> Any:
    """The view of one decision."""

    @access("signed_in")
    @blueprint.arguments(AccessDecision, required=False)
    @blueprint.response(200, AccessView)
    def view(values: dict[str, Any], access_id: str) -> Response:
        key = shapes.key_of(access_id)

        def act(actor: Actor) -> dict[str, Any]:
            check_version(lock(DemandAccess, accesses.get_access(actor, key).id).version)
            return _access(accesses.decide(actor, key, action, reason=values.get("reason")))

        return once(AccessView, act)

    view.__name__, view.__doc__ = f"{action}_access", _SENTENCES[action]
    return view


for _action in _SENTENCES:
    blueprint.call("POST", f"/demand-accesses/<access_id>/actions/{_action}", conditional=True)(
        _step(_action)
    )


@blueprint.call("GET", "/demands/<demand_id>/readings")
@access("signed_in")
@blueprint.response(200, Readings)
def list_readings(demand_id: str) -> dict[str, Any]:
    """Who has read the confidential part, for its poster."""
    actor = current_actor()
    rows = accesses.readings(actor, demands.get_demand(actor, demand_id))
    return {
        "items": [
            {
                "access_id": row.id,
                "organisation": _party(
                    (reading.organisation_id == row.agent_id and row.agent) or row.organisation
                ),
                "person": name,
                "read_at": reading.read_at,
                "sha256": reading.sha256,
            }
            for reading, row, name in rows
        ]
    }


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
