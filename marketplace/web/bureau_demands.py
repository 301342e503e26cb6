"""For the bureau: demands without an answer, by organisation, district and industry, with their due days."""

from __future__ import annotations

import codecs
import csv
import io

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core.tables import safe_cell
from marketplace.demands import supervision
from marketplace.demands.supervision import GROUPINGS, Unanswered
from marketplace.listings.industries import industry_name

from . import labels
from .downloads import saved
from .formats import english

_SIZE = 50


def _by() -> str:
    by = request.args.get("by", "")
    return by if by in GROUPINGS else GROUPINGS[0]


def _rows() -> list[Unanswered]:
    return supervision.unanswered(current_actor(), by=_by(), group=request.args.get("group"))


def group_text(by: str, key: str, name: str | None) -> str:
    """A group as readers know it."""
    if by == "organisation":
        return name or "—"
    if not key:
        return str(gettext("not given"))
    if by == "district":
        return str(labels.district(key))
    if by == "industry":
        return str(industry_name(key, english=english()))
    return str(labels.name("demand_poster", key))


@access("bureau")
def unanswered_demands() -> ResponseReturnValue:
    """How many demands wait for an answer in each group; a group opens into its demands."""
    rows = supervision.unanswered(current_actor())
    by, group = _by(), request.args.get("group")
    chosen = rows if group is None else _rows()
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    return render_template(
        "demands/unanswered.html",
        groups=supervision.groups(rows, by),
        groupings=GROUPINGS,
        by=by,
        group=group,
        group_text=group_text,
        name=next((one.organisation for one in chosen), None),
        rows=chosen[(page - 1) * _SIZE : page * _SIZE],
        total=len(chosen),
        waiting=sum(not one.expired for one in rows),
        overdue=sum(one.overdue_days > 0 and not one.expired for one in rows),
        page=page,
        size=_SIZE,
    )


@access("bureau")
def unanswered_demands_csv() -> ResponseReturnValue:
    """The same demands as a list, for a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        [
            gettext("Number"),
            gettext("Firm"),
            gettext("Demand"),
            gettext("District"),
            gettext("Industry"),
            gettext("Posted by"),
            gettext("Published on"),
            gettext("Due on"),
            gettext("Days overdue"),
            gettext("Opened by"),
            gettext("State"),
        ]
    )
    for row in _rows():
        writer.writerow(
            [
                safe_cell(value)
                for value in (
                    row.id,
                    row.organisation,
                    row.title,
                    labels.district(row.district) if row.district else "",
                    industry_name(row.industry, english=english()) if row.industry else "",
                    labels.name("demand_poster", row.posted_by),
                    row.published_on,
                    row.due_on,
                    row.overdue_days,
                    row.openings,
                    labels.name("demand_state", row.state),
                )
            ]
        )
    return saved(codecs.BOM_UTF8 + out.getvalue().encode(), "unanswered-demands.csv")


def add_to(blueprint: Blueprint) -> None:
    """Add the list to the bureau's pages."""
    blueprint.add_url_rule("/demands", view_func=unanswered_demands)
    blueprint.add_url_rule("/demands.csv", view_func=unanswered_demands_csv)
