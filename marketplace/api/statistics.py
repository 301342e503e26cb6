"""Figures with their definitions, and the rows that each of them counts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import marshmallow as ma
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import NotFound
from marketplace.statistics import navigation
from marketplace.statistics import services as statistics
from marketplace.statistics.figures import GROUPINGS
from marketplace.statistics.navigation import DEMAND_FIGURES, PLACES, SUPPLY, Wanted
from marketplace.statistics.services import API_FIGURES, LARGEST_PAGE, PARTS, Drill
from marketplace.statistics.suppression import LEAST

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


_PLACES: Final[dict[str, Any]] = {
    "by": fields.String(load_default=PLACES[0], validate=validate.OneOf(PLACES)),
    "from": shapes.day(description="first day of the period"),
    "to": shapes.day(description="last day; what is open or in force is counted on it"),
}
NavigationQuery: Final = shapes.Query.from_dict(
    {
        **_PLACES,
        "under": fields.String(
            validate=validate.Length(max=8),
            metadata={"description": "only places below this one, of ipc_class and ipc_subclass"},
        ),
    },
    name="NavigationQuery",
)
WantedQuery: Final = shapes.Query.from_dict(
    {
        **_PLACES,
        "figure": fields.String(required=True, validate=validate.OneOf(tuple(DEMAND_FIGURES))),
        "group": fields.String(metadata={"description": "code of the place; all without it"}),
        "page": fields.Integer(load_default=1, validate=validate.Range(min=1, max=1_000_000)),
        "size": fields.Integer(load_default=50, validate=validate.Range(min=1, max=LARGEST_PAGE)),
    },
    name="WantedQuery",
)


class Counted(ma.Schema):
    """A number with the address of what it counts."""

    numerator = fields.Integer(required=True)
    rows_url = fields.String(required=True, metadata={"format": "uri"})


class Place(ma.Schema):
    """What is offered and looked for in one place of a classification."""

    group = fields.String(required=True, metadata={"description": "`unknown` where no place is known"})
    figures = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(Counted),
        required=True,
        metadata={"description": "figure → number: " + ", ".join((*SUPPLY, *DEMAND_FIGURES))},
    )
    per_hundred = fields.Float(
        required=True, allow_none=True, metadata={"description": "open demands for 100 offers in force"}
    )
    gap = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "no-offers or no-demands, null without a gap"},
    )


Navigation: Final = ma.Schema.from_dict(
    {
        "by": fields.String(required=True),
        "under": fields.String(required=True, allow_none=True),
        "from": fields.String(required=True, metadata={"format": "date"}),
        "to": fields.String(required=True, metadata={"format": "date"}),
        "rows": fields.List(fields.Nested(Place), required=True),
    },
    name="Navigation",
)


class WantedDemand(ma.Schema):
    """A demand that a number of the navigation counts."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True, allow_none=True)
    place = fields.String(required=True)
    place_known_from = fields.String(
        required=True, metadata={"description": "stated, matched (the best offer recommended) or unknown"}
    )
    published_on = fields.Date(required=True)
    closed_on = fields.Date(required=True, allow_none=True)
    answered = fields.Boolean(required=True)
    matched = fields.Boolean(required=True)


class WantedRows(ma.Schema):
    """The demands that a number counts: as many as it says."""

    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    size = fields.Integer(required=True)
    items = fields.List(fields.Nested(WantedDemand), required=True)


# --- calls


@blueprint.call("GET", "/statistics/<figure>")
@access("public")
@blueprint.arguments(FigureQuery, location="query")
@blueprint.response(200, Figure)
def get_figure(asked: dict[str, Any], figure: str) -> dict[str, Any]:
    """A figure with its definition: funnel, conversion, stock, quick-licence or deal-speed.

    What fewer than five licensees paid together is told to the bureau alone (`counts.paid_minor` is null).
    """
    body = statistics.statistics(
        _known(figure),
        asked.get("from"),
        asked.get("to"),
        asked.get("by"),
        asked.get("as_of"),
        rows_url=_rows_url,
        outside="outside" in asked,
    )
    if not current_actor().is_staff and body["counts"]["licensees"] < LEAST:
        body["counts"]["paid_minor"] = None
    return body


@blueprint.call("GET", "/statistics/<figure>/rows")
@access("bureau")
@blueprint.arguments(RowsQuery, location="query")
@blueprint.response(200, FigureRows)
def get_figure_rows(asked: dict[str, Any], figure: str) -> dict[str, Any]:
    """The patents or licences that a number counts; a figure's `rows_url` leads here (bureau)."""
    question = statistics.question(
        _known(figure, *SUPPLY),
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


@blueprint.call("GET", "/statistics/navigation")
@access("bureau")
@blueprint.arguments(NavigationQuery, location="query")
@blueprint.response(200, Navigation)
def get_navigation(asked: dict[str, Any]) -> dict[str, Any]:
    """Supply against demand by place of the classification or industry (bureau)."""
    question = statistics.question("announced", asked.get("from"), asked.get("to"), asked["by"])
    under = asked.get("under") if asked["by"] in PLACES[1:3] else None
    lines = navigation.lines(question, under, rows_url=_rows_url, demands_url=_demands_url)
    return {
        "by": asked["by"],
        "under": under,
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "rows": [
            {
                "group": line.group,
                "figures": {
                    figure: {"numerator": row["numerator"] or 0, "rows_url": row["rows_url"]}
                    for figure, row in (line.supply | line.demand).items()
                },
                "per_hundred": line.per_hundred,
                "gap": line.gap,
            }
            for line in lines
        ],
    }


@blueprint.call("GET", "/statistics/navigation/demands")
@access("bureau")
@blueprint.arguments(WantedQuery, location="query")
@blueprint.response(200, WantedRows)
def get_navigation_demands(asked: dict[str, Any]) -> dict[str, Any]:
    """The demands that a number of the navigation counts, the newest first (bureau)."""
    by: str = asked["by"]
    question = statistics.question("announced", asked.get("from"), asked.get("to"), by)
    rows = navigation.rows(current_actor(), question, asked["figure"], asked.get("group"))
    page, size = asked["page"], asked["size"]
    return {
        "total": len(rows),
        "page": page,
        "size": size,
        "items": [_wanted(one, by) for one in rows[(page - 1) * size : page * size]],
    }


def _wanted(one: Wanted, by: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "title_en": one.title_en,
        "place": one.places[by],
        "place_known_from": one.said[by],
        "published_on": one.published_on,
        "closed_on": one.closed_on,
        "answered": one.answered,
        "matched": one.matched,
    }


def _known(figure: str, *more: str) -> str:
    if figure not in (*API_FIGURES, *more):
        raise NotFound("figure-unknown", "There is no such figure.")
    return figure


def _rows_url(parameters: dict[str, str]) -> str:
    query = {name: value for name, value in parameters.items() if name != "figure"}
    return shapes.address(f"{shapes.BASE}/statistics/{parameters['figure']}/rows?{urlencode(query)}")


def _demands_url(parameters: dict[str, str]) -> str:
    return shapes.address(f"{shapes.BASE}/statistics/navigation/demands?{urlencode(parameters)}")
