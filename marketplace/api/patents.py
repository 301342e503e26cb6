"""Patents: entering them, and whether they may be offered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.permissions import require
from marketplace.listings import services as listings
from marketplace.listings.facts import staleness
from marketplace.listings.models import Patent
from marketplace.listings.rules import Bar
from marketplace.listings.schemas import FactsSchema, PatentSchema

from .answering import once
from .documents import Blueprint
from .problems import said
from .shapes import Day, Id, Instant

blueprint = Blueprint("patents", "patents", "Patents, and the nine bars to an open licence.")


class BarView(ma.Schema):
    """One of the states that hinder an open licence."""

    code = fields.String(required=True)
    result = fields.String(required=True, metadata={"enum": ["clear", "barred", "unknown"]})
    reason = fields.String(required=True, metadata={"description": "in the caller's language"})
    fact = fields.String(required=True, allow_none=True, metadata={"description": "the value relied on"})
    as_of = Day(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    remedy = fields.String(required=True, allow_none=True)
    legal_basis = fields.String(
        required=True, metadata={"description": "where the law makes it a bar, in the caller's language"}
    )
    fresh_until = Day(
        required=True,
        allow_none=True,
        metadata={"description": "the last day on which the fact need not be checked again"},
    )
    stale = fields.Boolean(
        required=True, metadata={"description": "the fact still decides, but should be checked again"}
    )


class EligibilityView(ma.Schema):
    """Whether a declaration on the patent may be filed: all bars have to be clear, unknown is not."""

    number = fields.String(required=True)
    may_file = fields.Boolean(required=True)
    bars = fields.List(fields.Nested(BarView), required=True)
    stale_facts = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "facts to be checked again; filing asks for confirmation of them"},
    )


class FactView(ma.Schema):
    """What is known of a patent's state: `none` is known to be none."""

    name = fields.String(required=True)
    value = fields.String(required=True)
    as_of = Day(required=True)
    source = fields.String(required=True)
    entered_at = Instant(required=True)
    fresh_until = Day(required=True, allow_none=True)
    stale = fields.Boolean(required=True)
    attestation_id = Id(required=True, allow_none=True)


class EarlierFactView(ma.Schema):
    """A statement that no longer holds, and how it ended."""

    name = fields.String(required=True)
    value = fields.String(required=True)
    as_of = Day(required=True)
    source = fields.String(required=True)
    entered_at = Instant(required=True)
    ended_at = Instant(required=True)
    ending = fields.String(
        required=True, metadata={"enum": ["restated", "made_unknown", "attestation_revoked"]}
    )


class FactsView(ma.Schema):
    """Everything that is and was known; a fact that is not listed is unknown."""

    number = fields.String(required=True)
    facts = fields.List(fields.Nested(FactView), required=True)
    history = fields.List(fields.Nested(EarlierFactView), required=True)


class PatentView(ma.Schema):
    """A patent."""

    id = Id(required=True)
    number = fields.String(required=True, allow_none=True)
    publication_number = fields.String(allow_none=True)
    kind = fields.String()
    title = fields.String(required=True)
    title_en = fields.String(allow_none=True)
    ipc = fields.List(fields.String())
    filing_date = Day(allow_none=True)
    grant_date = Day(allow_none=True)
    expires_on = Day(allow_none=True)
    district = fields.String(allow_none=True)
    owners = fields.List(fields.String())


def view(patent: Patent) -> dict[str, Any]:
    """A patent, as `PatentView`."""
    plain = (
        "id", "number", "publication_number", "kind", "title", "title_en", "filing_date", "grant_date",
        "expires_on", "district",
    )  # fmt: skip
    return {
        **{name: getattr(patent, name) for name in plain},
        "ipc": [one.symbol for one in patent.classes],
        "owners": [party.organisation.name for party in patent.parties],
    }


def bar_view(bar: Bar) -> dict[str, Any]:
    """A bar with its sentences in the caller's language."""
    return {
        "code": bar.code,
        "result": bar.result,
        "reason": said(bar.reason, bar.parameters),
        "fact": bar.fact,
        "as_of": bar.as_of,
        "source": bar.source,
        "remedy": None if bar.remedy is None else said(bar.remedy, bar.parameters),
        "legal_basis": said(bar.legal_basis, {}),
        "fresh_until": bar.fresh_until,
        "stale": bar.stale,
    }


@blueprint.call("POST", "/patents")
@access("signed_in")
@blueprint.arguments(PatentSchema)
@blueprint.response(200, PatentView)
def enter_patent(values: dict[str, Any]) -> Response:
    """Enter a patent, or add to what is known of it.

    The fields are those of an import of patents; without `patentees` it is the caller's own.
    """
    return once(PatentView, lambda actor: view(listings.enter_patent(actor, values)))


@blueprint.call("GET", "/patents/<number>")
@access("signed_in")
@blueprint.response(200, PatentView)
def get_patent(number: str) -> dict[str, Any]:
    """One patent by its application or publication number, in any usual form."""
    return view(_visible(current_actor(), number))


@blueprint.call("GET", "/patents/<number>/eligibility")
@access("signed_in")
@blueprint.response(200, EligibilityView)
def get_eligibility(number: str) -> dict[str, Any]:
    """Whether a declaration on the patent may be filed, with every bar, its fact and its remedy."""
    patent = _visible(current_actor(), number)
    found = listings.eligibility_of(patent)
    return {
        "number": patent.reference,
        "may_file": found.may_file,
        "bars": [bar_view(bar) for bar in found.bars],
        "stale_facts": list(found.stale_facts),
    }


@blueprint.call("GET", "/patents/<number>/facts")
@access("signed_in")
@blueprint.response(200, FactsView)
def get_facts(number: str) -> dict[str, Any]:
    """What is known of an own patent, with source, day and age, and what was stated before."""
    actor = current_actor()
    patent = _visible(actor, number)
    require(actor, "patent.facts", patent)
    return _facts(patent)


@blueprint.call("POST", "/patents/<number>/facts")
@access("signed_in")
@blueprint.arguments(FactsSchema)
@blueprint.response(200, FactsView)
def state_facts(values: dict[str, Any], number: str) -> Response:
    """State facts of an own patent from one source, on one day (today by default).

    What is left out stays as it is. A statement older than the one that is known changes nothing. Offers in
    force are reviewed at once: a bar that arises obliges their holder to withdraw them.
    """

    def state(actor: Actor) -> dict[str, Any]:
        patent = _visible(actor, number)
        facts = {name: value for name, value in values.items() if name not in ("as_of", "source")}
        listings.set_facts(
            actor, patent, facts, as_of=values.get("as_of"), source=values.get("source") or None
        )
        return _facts(listings.find_patent(number))

    return once(FactsView, state)


def _facts(patent: Patent) -> dict[str, Any]:
    ages, today = staleness.ages(clock.today()), clock.today()
    facts = []
    for fact in listings.facts_of(patent):
        fresh = staleness.fresh_until(fact.name, fact.value, fact.as_of, ages)
        facts.append(
            {
                **{name: getattr(fact, name) for name in ("name", "value", "as_of", "source", "entered_at")},
                "fresh_until": fresh,
                "stale": fresh is not None and fresh < today,
                "attestation_id": fact.attestation_id,
            }
        )
    return {"number": patent.reference, "facts": facts, "history": listings.history_of(patent)}


def _visible(actor: Actor, number: str) -> Patent:
    patent = listings.find_patent(number)
    require(actor, "patent.see", patent)
    return patent
