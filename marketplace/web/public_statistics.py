"""The public page of statistics."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.statistics.definitions import GROUPING_TITLES
from marketplace.statistics.publication import CUTS, edition
from marketplace.statistics.suppression import LEAST

from .groups import group_name

blueprint = Blueprint("public_statistics", __name__)


@blueprint.get("/statistics")
@access("public")
def index() -> ResponseReturnValue:
    """The last twelve whole months, cut in several ways; small numbers are kept back."""
    made = edition()
    months = made.tables["month"]
    # A chart with gaps would be read as one with zeros.
    whole = all(line.counts[column] is not None for line in months for column in ("announced", "licences"))
    return render_template(
        "home/statistics.html",
        edition=made,
        cuts={by: GROUPING_TITLES[by] for by in CUTS},
        group_name=group_name,
        least=LEAST,
        chart_data=whole
        and {
            "type": "months",
            "labels": [line.group for line in months],
            "bars": [line.counts["announced"] for line in months],
            "line": [line.counts["licences"] for line in months],
            "names": [str(made.definitions[1].title), str(made.definitions[2].title)],
        },
    )
