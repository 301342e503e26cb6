"""Figures with their definitions, and the rows that each of them counts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import marshmallow as ma
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import NotFound
from marketplace.statistics import services as statistics
from marketplace.statistics.figures import GROUPINGS
from marketplace.statistics.services import API_FIGURES, LARGEST_PAGE, PARTS, Drill

from . import shapes
from .documents import Blueprint

blueprint = Blueprint("statistics", "statistics", "How many patents are offered, licensed, and how fast.")


# --- shapes

_ASKED: Final[dict[str, Any]] = {
    "from": shapes.day(description="first day of the period or cohort"),
    "to": shapes.day(description="last day"),
    "by": fields.String(metadata={"description": "one of " + ", ".join(GROUPINGS)}),
    "as_of": shapes.day(description="day of observation"),
    "outside": fields.String(
        validate=validate.OneOf(["1"]),
        metadata={"description": "1: the patents outside the region instead"},
    ),
}
FigureQuery: Final = shapes.Query.from_dict(_ASKED, name="FigureQuery")
RowsQuery: Final = shapes.Query.from_dict(
    {
        **_ASKED,
        "group": fields.String(load_default=Drill().group),
        "part": fields.String(load_default=Drill().part, validate=validate.OneOf(PARTS)),
        "days": fields.Integer(),
        "stage": fields.String(),
        "interval": fields.String(),
        "page": fields.Integer(load_default=1, validate=validate.Range(min=1, max=1_000_000)),
        "size": fields.Integer(load_default=50, validate=validate.Range(min=1, max=LARGEST_PAGE)),
    },
    name="RowsQuery",
)


class Share(ma.Schema):
    """A share, or (of the deal speed) how long it took in whole days."""

    numerator = fields.Integer(allow_none=True)
    denominator = fields.Integer(allow_none=True)
    value = fields.Float(
        allow_none=True, metadata={"description": "a fraction; null where it may not be shown"}
    )
    n = fields.Integer(metadata={"description": "licences measured, of the deal speed"})
    median_days = fields.Integer(allow_none=True)
    p90_days = fields.Integer(allow_none=True)


class Estimated(ma.Schema):
    """The share that will have been licensed, of a cohort too young to be counted (Aalen-Johansen)."""

    value = fields.Float(required=True)
    low = fields.Float(allow_none=True, metadata={"description": "of the 95 per cent interval, by holders"})
    high = fields.Float(allow_none=True)
    at_risk = fields.Integer(required=True, metadata={"description": "still watched on the last day"})


class FigureRow(Share):
    """One number of a figure. Which members there are depends on the figure."""

    group = fields.String(required=True, metadata={"description": "`all` without grouping"})
    days = fields.Integer(metadata={"description": "N, of the quick-licence rate"})
    estimate = fields.Nested(
        Estimated,
        allow_none=True,
        metadata={"description": "of the quick-licence rate, where the cohort is too young to be counted"},
    )
    stage = fields.String(metadata={"description": "of the funnel"})
    interval = fields.String(metadata={"description": "of the deal speed"})
    provisional = fields.Boolean(metadata={"description": "late recordals may still change it"})
    note = fields.String(
        allow_none=True, metadata={"description": "too-young, not-observed or small: why it says little"}
    )
    free = fields.Nested(Share, metadata={"description": "the same of free offers only"})
    paid = fields.Nested(Share, metadata={"description": "the same of paid offers only"})
    rows_url = fields.String(required=True, metadata={"format": "uri"})
    denominator_rows_url = fields.String(metadata={"format": "uri"})


Figure: Final = ma.Schema.from_dict(
    {
        "figure": fields.String(required=True),
        "title": fields.String(),
        "definition": fields.String(required=True, metadata={"description": "in the caller's language"}),
        "definition_version": fields.Integer(),
        "unit": fields.String(metadata={"description": "what one is: patent or licence"}),
        "from": fields.String(required=True, metadata={"format": "date"}),
        "to": fields.String(required=True, metadata={"format": "date"}),
        "by": fields.String(allow_none=True),
        "as_of": fields.String(required=True, metadata={"format": "date"}),
        "computed_at": fields.String(allow_none=True, metadata={"format": "date-time"}),
        "journal_id": fields.Integer(allow_none=True),
        "rows": fields.List(fields.Nested(FigureRow), required=True),
        "counts": fields.Dict(),
        "side": fields.List(
            fields.Nested(FigureRow), metadata={"description": "recommended, contacted and passed"}
        ),
    },
    name="Figure",
)


class FigureRows(ma.Schema):
    """What a number counts: as many rows as it says."""

    unit = fields.String(required=True)
    part = fields.String(required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    size = fields.Integer(required=True)
    as_of = fields.String(required=True, metadata={"format": "date"})
    items = fields.List(fields.Dict(), required=True)


# --- calls


@blueprint.call("GET", "/statistics/<figure>")
@access("public")
@blueprint.arguments(FigureQuery, location="query")
@blueprint.response(200, Figure)
def get_figure(asked: dict[str, Any], figure: str) -> dict[str, Any]:
    """A figure with its definition: funnel, conversion, stock, quick-licence or deal-speed."""
    return statistics.statistics(
        _known(figure),
        asked.get("from"),
        asked.get("to"),
        asked.get("by"),
        asked.get("as_of"),
        rows_url=_rows_url,
        outside="outside" in asked,
    )


@blueprint.call("GET", "/statistics/<figure>/rows")
@access("bureau")
@blueprint.arguments(RowsQuery, location="query")
@blueprint.response(200, FigureRows)
def get_figure_rows(asked: dict[str, Any], figure: str) -> dict[str, Any]:
    """The patents or licences that a number counts; a figure's `rows_url` leads here (bureau)."""
    question = statistics.question(
        _known(figure),
        asked.get("from"),
        asked.get("to"),
        asked.get("by"),
        asked.get("as_of"),
        outside="outside" in asked,
    )
    drill = Drill(
        group=asked["group"],
        part=asked["part"],
        days=asked.get("days"),
        stage=asked.get("stage"),
        interval=asked.get("interval"),
    )
    return statistics.rows(current_actor(), question, drill, page=asked["page"], size=asked["size"])


def _known(figure: str) -> str:
    if figure not in API_FIGURES:
        raise NotFound("figure-unknown", "There is no such figure.")
    return figure


def _rows_url(parameters: dict[str, str]) -> str:
    query = {name: value for name, value in parameters.items() if name != "figure"}
    return shapes.address(f"{shapes.BASE}/statistics/{parameters['figure']}/rows?{urlencode(query)}")
