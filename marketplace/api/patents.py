"""Patents: entering them, and whether they may be offered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.permissions import require
from marketplace.listings import services as listings
from marketplace.listings.models import Patent
from marketplace.listings.rules import Bar
from marketplace.listings.schemas import PatentSchema

from .answering import once
from .documents import Blueprint
from .problems import said
from .shapes import Day, Id

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


class EligibilityView(ma.Schema):
    """Whether a declaration on the patent may be filed: all bars have to be clear, unknown is not."""

    number = fields.String(required=True)
    may_file = fields.Boolean(required=True)
    bars = fields.List(fields.Nested(BarView), required=True)


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
    }


def _visible(actor: Actor, number: str) -> Patent:
    patent = listings.find_patent(number)
    require(actor, "patent.see", patent)
    return patent
