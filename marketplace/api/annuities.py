"""Annuities that recorded open licences make cheaper: a holder's own, all of them for staff."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import marshmallow as ma
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import Forbidden
from marketplace.listings.models import KINDS
from marketplace.pricing import reductions
from marketplace.pricing.figures import annuity_scale
from marketplace.pricing.reductions import Line

from . import shapes
from .documents import Blueprint
from .shapes import After, Amount, Day, Id, money

blueprint = Blueprint("annuities", "annuities", "Annuities that open licences reduce.")


class ReducedYear(ma.Schema):
    """One annuity that is reduced; a sum is null where the scale has none."""

    patent_year = fields.Integer(required=True)
    due_on = Day(required=True)
    full = fields.Nested(Amount, required=True, allow_none=True)
    relief_percent = fields.Integer(
        required=True, metadata={"description": "for holders of small means; the higher reduction counts"}
    )
    without = fields.Nested(
        Amount, required=True, allow_none=True, metadata={"description": "to pay without the open licence"}
    )
    reduced = fields.Nested(
        Amount, required=True, allow_none=True, metadata={"description": "to pay with it"}
    )
    saved = fields.Nested(Amount, required=True, allow_none=True)
    licence_number = fields.String(required=True)
    recordal_number = fields.String(required=True, allow_none=True)
    recorded_on = Day(required=True)
    withdrawn_on = Day(required=True, allow_none=True)
    practised_until = Day(required=True)


class ReducedPatent(ma.Schema):
    """A patent with the annuities that are reduced, perhaps none any more."""

    patent_id = Id(required=True)
    patent_number = fields.String(required=True)
    title = fields.String(required=True)
    patentees = fields.List(fields.String(), required=True)
    years = fields.List(fields.Nested(ReducedYear), required=True)


class ScaleView(ma.Schema):
    """What the sums are reckoned from."""

    kind = fields.String(required=True)
    as_of = Day(required=True)
    confirmed = fields.Boolean(
        required=True,
        metadata={"description": "whether somebody compared it with the office's own announcement"},
    )
    sources = fields.List(fields.String(), required=True)


class ReductionPage(shapes.page_of(ReducedPatent, "ReducedPatents")):  # type: ignore[misc]
    """Patents in the order of their ids, and the scales of annuities."""

    scales = fields.List(fields.Nested(ScaleView), required=True)


@blueprint.call("GET", "/annuity-reductions")
@access("signed_in")
@blueprint.arguments(After, location="query")
@blueprint.response(200, ReductionPage)
def list_reductions(asked: dict[str, Any]) -> dict[str, Any]:
    """Which annuities of which patent are reduced and what that saves: one's own patents, staff: all."""
    actor = current_actor()
    if not actor.is_staff and actor.organisation_id is None:
        raise Forbidden("forbidden", "Your account may not do this.")
    organisation_id = None if actor.is_staff else actor.organisation_id
    ids = reductions.patents_after(organisation_id, int(asked.get("after", 0)), asked["size"] + 1)
    shown = ids[: asked["size"]]
    today = clock.today()
    return {
        "items": [
            _patent(list(rows)) for _, rows in groupby(reductions.lines_of(shown), lambda one: one.patent_id)
        ],
        "next": str(shown[-1]) if len(ids) > len(shown) else None,
        "scales": [
            {"kind": kind, "as_of": scale.as_of, "confirmed": scale.confirmed, "sources": scale.sources}
            for kind in KINDS
            for scale in (annuity_scale(kind, today),)
        ],
    }


def _patent(rows: list[Line]) -> dict[str, Any]:
    first = rows[0]
    return {
        "patent_id": first.patent_id,
        "patent_number": first.patent_number,
        "title": first.title,
        "patentees": first.patentees,
        "years": [_year(one) for one in rows],
    }


def _year(one: Line) -> dict[str, Any]:
    year = one.annuity
    return {
        "patent_year": year.year,
        "due_on": year.due_on,
        "full": money(year.full_minor),
        "relief_percent": year.relief_percent,
        "without": money(year.without_minor),
        "reduced": money(year.with_minor),
        "saved": money(year.saved_minor),
        "licence_number": one.licence_number,
        "recordal_number": one.recordal_number,
        "recorded_on": one.recorded_on,
        "withdrawn_on": one.withdrawn_on,
        "practised_until": one.ends_on,
    }
