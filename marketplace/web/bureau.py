"""The bureau's pages: figures with their definitions, each opening into the rows that it counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import Invalid, NotFound
from marketplace.deals.royalties.supervision import counts as royalties_counts
from marketplace.demands.supervision import count_unanswered
from marketplace.listings.duties import count_open_duties
from marketplace.listings.mirrored.services import counts as mirrored_counts
from marketplace.statistics import figures, services
from marketplace.statistics.columns import UNKNOWN
from marketplace.statistics.definitions import (
    DEFINITIONS,
    FEES,
    GROUPING_TITLES,
    INTERVAL_TITLES,
    NOTES,
    STAGE_TITLES,
    Definition,
)
from marketplace.statistics.figures import QUICK_DAYS, Question
from marketplace.statistics.reports import building, writing
from marketplace.statistics.services import Drill

from . import (
    bureau_comparison,
    bureau_demands,
    bureau_duties,
    bureau_levers,
    bureau_navigation,
    bureau_reports,
    bureau_signals,
    bureau_supervision,
    formats,
)
from .bureau_frame import CUTS, day_asked, rows_url, usual_first
from .downloads import saved
from .forms import sentence_of
from .groups import group_name

blueprint = Blueprint("bureau", __name__, url_prefix="/bureau")
bureau_duties.add_to(blueprint)
bureau_demands.add_to(blueprint)
bureau_comparison.add_to(blueprint)
bureau_navigation.add_to(blueprint)
bureau_levers.add_to(blueprint)
bureau_reports.add_to(blueprint)
bureau_supervision.add_to(blueprint)
bureau_signals.add_to(blueprint)

_GROUP_FIGURES = ("in-force", "announced", "licences", "conversion", "stock")
_PAGE = 50
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Change:
    """How a figure differs from the period before: the text, and whether that is welcome (None: neither)."""

    text: str
    good: bool | None = None


@dataclass(frozen=True)
class Card:
    """One figure on top of the page."""

    definition: Definition
    shown: str
    detail: str = ""
    change: Change | None = None
    split: str = ""
    rows_url: str | None = None
    note: str | None = None
    provisional: bool = False
    trend: list[float] = field(default_factory=list)

    @property
    def points(self) -> str:
        """The trend as points of a line in a box of 100 by 28."""
        top = max(self.trend, default=0) or 1
        step = 100 / max(len(self.trend) - 1, 1)
        return " ".join(f"{n * step:.1f},{26 - 24 * value / top:.1f}" for n, value in enumerate(self.trend))


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a period, a day of observation, a cut."""

    first: dt.date
    last: dt.date
    as_of: dt.date
    by: str

    @cached_property
    def _answered(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {}

    def figure(self, figure: str, by: str | None = None, **values: Any) -> dict[str, Any]:
        """A figure of the period, or of another one (`first`, `last`); asked once, shown often."""
        first, last = values.get("first", self.first), values.get("last", self.last)
        outside = values.get("outside", False)
        key = figure, by, first, last, outside
        if key not in self._answered:
            self._answered[key] = services.statistics(
                figure, first, last, by, self.as_of, rows_url=rows_url, outside=outside, beside=False
            )
        return self._answered[key]

    def counts(self, first: dt.date | None = None, last: dt.date | None = None) -> dict[str, Any]:
        """What stands beside the figures of the period, or of another one."""
        asked = services.question("conversion", first or self.first, last or self.last, None, self.as_of)
        return services.counts(asked)

    @property
    def parameters(self) -> dict[str, str]:
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "as_of": self.as_of.isoformat()}

    def before(self) -> tuple[dt.date, dt.date] | None:
        """The period of equal length before this one; None if the history does not reach so far back."""
        last = self.first - _ONE_DAY
        first = last - (self.last - self.first)
        earliest = services.snapshot().facts.first_day or self.first
        return None if first < earliest - dt.timedelta(days=31) else (first, last)


def _asked() -> Asked:
    """The period of the address; by default the present month and the eleven before it.

    Raises:
        Invalid: a day or the grouping cannot be used.
    """
    by = request.args.get("by") or "district"
    question = services.question("conversion", day_asked("from"), day_asked("to"), by, day_asked("as_of"))
    if request.args.get("from"):
        return Asked(question.first, question.last, question.as_of, by)
    return _usual(question, by)


def _usual(question: Question, by: str) -> Asked:
    """The month of its last day and the eleven before it, as far as there is a history."""
    first = usual_first(question.last)
    return Asked(min(max(question.first, first), question.last), question.last, question.as_of, by)


@blueprint.get("")
@access("bureau")
def home() -> ResponseReturnValue:
    """The overview: figures, months, funnel, quick licences, speed, groups."""
    problem = None
    try:
        asked = _asked()
    except Invalid as error:
        problem = sentence_of(error)
        asked = _usual(services.question("conversion"), "district")
    facts = services.snapshot()
    months = {
        figure: asked.figure(figure, "month")
        for figure in ("in-force", "announced", "licences", "conversion")
    }
    counts = asked.counts()
    groups = _groups(asked)
    page = render_template(
        "bureau/home.html",
        asked=asked,
        open_duties=count_open_duties(),
        unanswered_demands=count_unanswered(current_actor()),
        mirrored=mirrored_counts(),
        royalties=royalties_counts(current_actor()),
        problem=problem,
        facts=facts,
        computed_at=facts.computed_at,
        cards=_cards(asked, months, counts),
        counts=counts,
        months=_months(months),
        before=asked.before(),
        partial=_partial(asked),
        funnel=asked.figure("funnel"),
        quick=_quick(asked),
        speed=asked.figure("deal-speed"),
        first_licence=_first_licence(asked),
        groups=groups,
        total={figure: asked.figure(figure)["rows"][0] for figure in _GROUP_FIGURES},
        outside=_outside(asked),
        charts=_charts(asked, months, groups),
        cuts=CUTS,
        definitions=DEFINITIONS,
        stages=STAGE_TITLES,
        intervals=INTERVAL_TITLES,
        notes=NOTES,
        quick_days=QUICK_DAYS,
        group_name=group_name,
    )
    return page, 422 if problem else 200


# --- the cards


def _cards(asked: Asked, months: dict[str, dict[str, Any]], counts: dict[str, Any]) -> list[Card]:
    before = asked.before()
    partial = _partial(asked)
    whole = {
        name: [row for row in body["rows"] if row["group"] not in partial] for name, body in months.items()
    }
    trend = {name: [float(row["numerator"] or 0) for row in rows] for name, rows in whole.items()}
    in_force, then = asked.figure("in-force")["rows"][0], None
    licences, licences_before = asked.figure("licences")["rows"][0], None
    paid_before = None
    if before is not None:
        then = asked.figure("in-force", first=before[0], last=before[1])["rows"][0]
        licences_before = asked.figure("licences", first=before[0], last=before[1])["rows"][0]
        paid_before = asked.counts(*before)["paid_minor"]
    return [
        Card(
            DEFINITIONS["in-force"],
            formats.whole(in_force["numerator"]),
            change=_growth(in_force, then),
            detail=gettext("%(count)s holders", count=formats.whole(counts["holders"])),
            rows_url=in_force["rows_url"],
            trend=trend["in-force"],
        ),
        Card(
            DEFINITIONS["licences"],
            formats.whole(licences["numerator"]),
            change=_growth(licences, licences_before),
            detail=gettext(
                "%(firms)s licensees, %(patents)s patents",
                firms=formats.whole(counts["licensees"]),
                patents=formats.whole(counts["licensed"]),
            ),
            rows_url=licences["rows_url"],
            trend=trend["licences"],
        ),
        _rate_card(asked, "conversion", before, [row["value"] or 0.0 for row in whole["conversion"]]),
        _quick_card(asked),
        _rate_card(asked, "stock", before),
        _speed_card(asked),
        _rate_card(asked, "recordal", before),
        Card(
            FEES,
            formats.money(counts["paid_minor"]),
            change=_more(counts["paid_minor"], paid_before),
            detail=gettext(
                "%(number)s negotiated ordinary licences apart", number=formats.whole(counts["ordinary"])
            ),
            rows_url=licences["rows_url"],
        ),
    ]


def _growth(now: dict[str, Any], then: dict[str, Any] | None) -> Change | None:
    return None if then is None else _more(now["numerator"], then["numerator"])


def _more(now: int, then: int | None) -> Change | None:
    """In per cent; small numbers are not compared."""
    if not then or then < figures.LEAST_EVENTS:
        return None
    change = now / then - 1
    return Change(f"{change:+.1%}".replace("-", "−"), None if now == then else now > then)


def _rate_card(
    asked: Asked, figure: str, before: tuple[dt.date, dt.date] | None, trend: list[float] | None = None
) -> Card:
    row = asked.figure(figure)["rows"][0]
    change = None
    if before is not None:
        then = asked.figure(figure, first=before[0], last=before[1])["rows"][0]
        if row["value"] is not None and then["value"] is not None and not row["note"] and not then["note"]:
            points = (row["value"] - then["value"]) * 100
            shown = f"{points:+.1f}".replace("-", "−")
            change = Change(
                gettext("%(number)s points", number=shown), None if abs(points) < 0.05 else points > 0
            )
    return Card(
        DEFINITIONS[figure],
        _value(row),
        detail=_of(row),
        change=change,
        split=_split(row),
        rows_url=row["rows_url"],
        note=row["note"],
        provisional=figure != "stock" and row["provisional"],
        trend=trend or [],
    )


def _quick_card(asked: Asked) -> Card:
    row = services.quick_rates(_question(asked, "quick-licence"), rows_url)[QUICK_DAYS.index(90)]
    return Card(
        DEFINITIONS["quick-licence"],
        _value(row),
        detail=gettext(
            "within 90 days; announced %(first)s to %(last)s",
            first=formats.day(row["from"]),
            last=formats.day(row["to"]),
        ),
        split=_split(row),
        rows_url=row["rows_url"],
        note=row["note"],
        provisional=row["provisional"],
    )


def _speed_card(asked: Asked) -> Card:
    row = next(row for row in asked.figure("deal-speed")["rows"] if row["interval"] == "notice_to_effect")
    return Card(
        DEFINITIONS["deal-speed"],
        _days(row["median_days"]),
        detail=gettext(
            "median from notice to effect; nine in ten within %(days)s days",
            days="—" if row["p90_days"] is None else row["p90_days"],
        ),
        split=gettext(
            "Free %(free)s · paid %(paid)s",
            free=_days(row["free"]["median_days"]),
            paid=_days(row["paid"]["median_days"]),
        ),
        rows_url=row["rows_url"],
        note=row["note"],
    )


def _days(number: int | None) -> Any:
    return "—" if number is None else gettext("%(days)s days", days=number)


def _value(row: dict[str, Any]) -> str:
    if row["value"] is not None:
        return formats.fraction(row["value"])
    return str(NOTES[row["note"]][0]) if row["note"] in ("too-young", "not-observed") else "—"


def _of(row: dict[str, Any]) -> Any:
    if row["numerator"] is None:
        return gettext("%(total)s in all", total=formats.whole(row["denominator"]))
    return gettext(
        "%(part)s of %(total)s",
        part=formats.whole(row["numerator"]),
        total=formats.whole(row["denominator"]),
    )


def _split(row: dict[str, Any]) -> Any:
    return gettext(
        "Free %(free)s · paid %(paid)s",
        free=formats.fraction(row["free"]["value"]),
        paid=formats.fraction(row["paid"]["value"]),
    )


def _question(asked: Asked, figure: str, by: str | None = None) -> Question:
    return services.question(figure, asked.first, asked.last, by, asked.as_of)


# --- tables and charts


def _partial(asked: Asked) -> dict[str, str]:
    """Months of which the period holds a part only → which days, in words: their numbers are no trend."""
    found = {}
    whole_last = (asked.last + _ONE_DAY).day == 1
    if asked.first.day != 1 or (not whole_last and asked.first.replace(day=1) == asked.last.replace(day=1)):
        found[f"{asked.first:%Y-%m}"] = gettext("from day %(day)s", day=asked.first.day)
    if not whole_last:
        month = f"{asked.last:%Y-%m}"
        until = gettext("to day %(day)s", day=asked.last.day)
        found[month] = (
            gettext("days %(first)s to %(last)s", first=asked.first.day, last=asked.last.day)
            if month in found
            else until
        )
    return found


def _months(bodies: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a month with the rows of each figure."""
    lines: dict[str, dict[str, Any]] = {}
    for figure, body in bodies.items():
        for row in body["rows"]:
            lines.setdefault(row["group"], {"month": row["group"]})[figure] = row
    return list(lines.values())


def _quick(asked: Asked) -> dict[str, Any]:
    """The quick-licence table: the largest cohorts that are old enough, then month by month.

    Cohorts of the year before the period are shown too: only they are old enough for a year.
    """
    first = clock.add_months(asked.first, -12)
    earliest = services.question("quick-licence", None, asked.last, None, asked.as_of).first
    question = services.question(
        "quick-licence", min(max(first, earliest), asked.first), asked.last, "month", asked.as_of
    )
    body = asked.figure("quick-licence", "month", first=question.first, last=question.last)
    months: dict[str, list[dict[str, Any]]] = {}
    for row in body["rows"]:
        months.setdefault(row["group"], []).append(row)
    return {
        "from": question.first,
        "to": question.last,
        "whole": services.quick_rates(question, rows_url),
        "together": asked.figure("quick-licence", first=question.first, last=question.last)["rows"],
        "months": {month: rows for month, rows in months.items() if rows[0]["denominator"]},
    }


def _first_licence(asked: Asked) -> dict[str, Any]:
    """Days from announcement to the first licence, among the licensed and of all patents of the cohort."""
    question = _question(asked, "announced")
    found = figures.first_licence(services.snapshot().facts, question)
    return {
        "patents": found.patents,
        "licensed": found.licensed,
        "median": figures.nearest_rank(found.lengths, 0.5),
        "p90": figures.nearest_rank(found.lengths, 0.9),
        "half": found.half,
    }


def _groups(asked: Asked) -> list[dict[str, Any]]:
    """One line a group of the chosen cut."""
    lines: dict[str, dict[str, Any]] = {}
    for figure in _GROUP_FIGURES:
        for row in asked.figure(figure, asked.by)["rows"]:
            lines.setdefault(row["group"], {"group": row["group"]})[figure] = row
    return sorted(
        lines.values(), key=lambda line: -(line["in-force"]["numerator"] if "in-force" in line else 0)
    )


def _outside(asked: Asked) -> dict[str, dict[str, Any]]:
    return {
        figure: asked.figure(figure, outside=True)["rows"][0]
        for figure in ("in-force", "announced", "licences", "conversion")
    }


def _charts(asked: Asked, months: dict[str, dict[str, Any]], lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What the charts draw, as plain values; the same numbers stand in the tables beside them."""
    groups = [line for line in lines if line["group"] != UNKNOWN][:10]
    partial = _partial(asked)
    return {
        "months": {
            "type": "months",
            "labels": [
                f"{row['group']}*" if row["group"] in partial else row["group"]
                for row in months["announced"]["rows"]
            ],
            "bars": [row["numerator"] for row in months["announced"]["rows"]],
            "line": [row["numerator"] for row in months["licences"]["rows"]],
            "names": [str(DEFINITIONS["announced"].title), str(DEFINITIONS["licences"].title)],
        },
        "groups": {
            "type": "groups",
            "labels": [group_name(asked.by, line["group"]) for line in groups],
            "bars": [line["in-force"]["numerator"] if "in-force" in line else 0 for line in groups],
            "line": [line["licences"]["numerator"] if "licences" in line else 0 for line in groups],
            "names": [str(DEFINITIONS["in-force"].title), str(DEFINITIONS["licences"].title)],
        },
    }


# --- rows and files


def _opened() -> tuple[Question, Drill]:
    """The cell that an address of rows names.

    Raises:
        NotFound, Invalid: it names none.
    """
    given = request.args
    part = given.get("part", "numerator")
    if part not in services.PARTS:
        raise NotFound("figure-cell-unknown", "This figure has no such rows.")
    days = given.get("days", "")
    asked = services.question(
        given.get("figure", ""),
        day_asked("from"),
        day_asked("to"),
        given.get("by") or None,
        day_asked("as_of"),
        outside=given.get("outside") == "1",
    )
    return asked, Drill(
        given.get("group", figures.ALL),
        part,
        int(days) if days.isdecimal() and len(days) < 5 else None,
        given.get("stage"),
        given.get("interval"),
    )


@blueprint.get("/rows")
@access("bureau")
def rows() -> ResponseReturnValue:
    """The patents or licences that a figure counts, page by page."""
    asked, drill = _opened()
    number = request.args.get("page", "1")
    page = int(number) if number.isdecimal() and len(number) < 8 else 1
    found = services.rows(current_actor(), asked, drill, page=max(page, 1), size=_PAGE)
    if found["total"] and not found["items"]:  # the list has become shorter, or the address was typed
        page = -(-found["total"] // _PAGE)
        found = services.rows(current_actor(), asked, drill, page=page, size=_PAGE)
    return render_template(
        "bureau/rows.html",
        asked=asked,
        drill=drill,
        found=found,
        definition=DEFINITIONS[asked.figure],
        group=group_name(asked.by, drill.group),
        grouping=GROUPING_TITLES.get(asked.by or ""),
        stage=STAGE_TITLES.get(drill.stage or ""),
        interval=INTERVAL_TITLES.get(drill.interval or ""),
        back=url_for(
            "bureau.home",
            **{"from": asked.first.isoformat(), "to": asked.last.isoformat()},  # type: ignore[arg-type]
        ),
    )


@blueprint.get("/rows.csv")
@access("bureau")
def rows_csv() -> ResponseReturnValue:
    """The same rows, all of them, as CSV."""
    asked, drill = _opened()
    text = services.export_rows_csv(current_actor(), asked, drill)
    return saved(text.encode(), f"{asked.figure}-rows-{asked.as_of}.csv")


@blueprint.get("/figures.csv")
@access("bureau")
def figures_csv() -> ResponseReturnValue:
    """A figure, or several that stand in one table, cut as the address says, as CSV."""
    given = request.args
    wanted = list(dict.fromkeys(given.getlist("figure")[: len(DEFINITIONS)])) or [""]
    bodies = [
        services.statistics(
            figure,
            day_asked("from"),
            day_asked("to"),
            given.get("by") or None,
            day_asked("as_of"),
            rows_url=rows_url,
            outside=given.get("outside") == "1",
        )
        for figure in wanted
    ]
    name = f"{'-'.join(wanted)}-{bodies[0]['as_of']}.csv"
    return saved(services.export_csv(*bodies).encode(), name)


@blueprint.get("/report/<form>")
@access("bureau")
def bureau_report(form: str) -> ResponseReturnValue:
    """The report of the period as a file, in the reader's language."""
    if form not in writing.FORMATS:
        raise NotFound("report-form-unknown", "The report cannot be had in this form.")
    made = building.build(
        day_asked("from"),
        day_asked("to"),
        day_asked("as_of"),
        language="en" if formats.english() else "zh",
        name=group_name,
    )
    return saved(writing.write(made, form), f"statistics-{made.as_of}.{form}")
