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
    return render_template(
        "home/statistics.html",
        edition=made,
        cuts={by: GROUPING_TITLES[by] for by in CUTS},
        group_name=group_name,
        least=LEAST,
        chart_data={
            "type": "months",
            "labels": [line.group for line in months],
            "bars": [line.counts["announced"] for line in months],
            "line": [line.counts["licences"] for line in months],
            "names": [str(made.definitions[1].title), str(made.definitions[2].title)],
        },
    )
