"""The bureau's patent navigation (专利导航): supply against demand by classification and by industry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.tables import safe_cell
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx
from marketplace.statistics import navigation, services
from marketplace.statistics.columns import UNKNOWN
from marketplace.statistics.definitions import DEFINITIONS, DEMAND_DEFINITIONS, GROUPING_TITLES, Definition
from marketplace.statistics.dimensions import path_of
from marketplace.statistics.figures import Question
from marketplace.statistics.navigation import DEMAND_FIGURES, PLACES, SUPPLY, Line, Wanted

from .bureau_frame import day_asked, rows_url, usual_first
from .downloads import streamed
from .formats import english
from .groups import group_name

_SIZE: Final = 50
_LAST_PAGE: Final = 10_000
_BELOW: Final = {"ipc_section": "ipc_class", "ipc_class": "ipc_subclass"}
_STEPS: Final = 5
FIGURES: Final[dict[str, Definition]] = {
    **{figure: DEFINITIONS[figure] for figure in SUPPLY}, **DEMAND_DEFINITIONS,
}  # fmt: skip
SAID: Final[dict[str, Any]] = {
    "stated": _l("stated in the demand"),
    "matched": _l("that of the best offer recommended to it"),
    "unknown": _l("not known"),
}


def _asked() -> tuple[Question, str | None]:
    """The period and the places of the address: those of a grouping, perhaps only below one place."""
    by = request.args.get("by", PLACES[0])
    if by not in PLACES:
        raise Invalid("grouping-unknown", "Figures cannot be grouped by this.")
    last = services.question("announced", None, day_asked("to"), by).last
    first = day_asked("from") or usual_first(last)
    under = request.args.get("under", "")[:8] or None
    return services.question("announced", first, last, by), under if by in _BELOW.values() else None


def demands_url(parameters: dict[str, str]) -> str:
    """The page of the demands that a number counts."""
    return f"{url_for('bureau.navigation_demands')}?{urlencode(parameters)}"


@access("bureau")
def navigation_map() -> ResponseReturnValue:
    """Each place with what is offered and looked for there; deeper colour is more of a column."""
    asked, under = _asked()
    lines = navigation.lines(asked, under, rows_url=rows_url, demands_url=demands_url)
    group = request.args.get("group") or under
    sort = request.args.get("sort")
    sort = sort if sort in FIGURES else None
    placed = _at(asked, group)
    months = navigation.trend(placed, group)

    def month_rows(month: navigation.Month, figure: str) -> str:
        where = {} if group is None else {"by": placed.by or "", "group": group}
        days = {"from": month.first.isoformat(), "to": month.last.isoformat()}
        make = rows_url if figure in SUPPLY else demands_url
        return make({"figure": figure, **where, **days})

    return render_template(
        "bureau/navigation.html",
        asked=asked,
        under=under,
        group=group,
        lines=_sorted(lines, sort),
        sort=sort,
        total=_total(lines, asked, under),
        heat=_heat(lines),
        months=months,
        month_rows=month_rows,
        charts=_charts(lines, months, asked),
        figures=FIGURES,
        supply=SUPPLY,
        demand=tuple(DEMAND_FIGURES),
        places={by: GROUPING_TITLES[by] for by in PLACES},
        below=_BELOW,
        name=lambda code: group_name(asked.by, code),
        above=_above(under),
        no_offers=[line for line in lines if line.gap == "no-offers"],
        no_demands=[line for line in lines if line.gap == "no-demands"],
        unplaced=UNKNOWN,
    )


def _sorted(lines: Sequence[Line], figure: str | None) -> list[Line]:
    """The lines by a figure, the largest first, else by place; the unknown place is always the last."""
    if figure is None:
        return list(lines)
    return sorted(lines, key=lambda line: (line.group == UNKNOWN, -_number(line, figure)))


def _total(lines: Sequence[Line], asked: Question, under: str | None) -> dict[str, tuple[int, str | None]]:
    """Figure → sum of the lines, and the address of all its rows; None below a place."""
    days = {"from": asked.first.isoformat(), "to": asked.last.isoformat()}
    found: dict[str, tuple[int, str | None]] = {}
    for figure in FIGURES:
        address = None
        if under is None and figure in SUPPLY:
            address = rows_url({"figure": figure, **days})
        elif under is None:
            address = demands_url({"figure": figure, "by": asked.by or PLACES[0], **days})
        found[figure] = sum(_number(line, figure) for line in lines), address
    return found


def _at(asked: Question, group: str | None) -> Question:
    """The question at the level of a place that is named: of `H01` whatever the lines are of."""
    if group is None or asked.by == "industry":
        return asked
    depth = len(path_of(group))
    by = PLACES[depth - 1] if depth and asked.by in _BELOW.values() else asked.by
    return replace(asked, by=by)


def _above(under: str | None) -> list[tuple[str, str]]:
    """The places above the lines: grouping below which they lie, and the place."""
    return [] if under is None else list(zip(_BELOW.values(), path_of(under), strict=False))


def _number(line: Line, figure: str) -> int:
    row = line.supply.get(figure) or line.demand.get(figure) or {}
    return int(row.get("numerator") or 0)


def _heat(lines: Sequence[Line]) -> dict[tuple[str, str], int]:
    """Place and figure → step of colour from 0 (none) to `_STEPS`, by the root of its part of the largest."""
    found = {}
    for figure in FIGURES:
        most = max((_number(line, figure) for line in lines if line.group != UNKNOWN), default=0)
        for line in lines:
            number = _number(line, figure)
            step = 0 if not number or not most else 1 + int((_STEPS - 1) * min(number / most, 1) ** 0.5)
            found[line.group, figure] = step
    return found


def _charts(
    lines: Sequence[Line], months: Sequence[navigation.Month], asked: Question
) -> dict[str, dict[str, Any]]:
    """What the charts draw; the same numbers stand in the tables beside them."""
    largest = sorted(
        (line for line in lines if line.group != UNKNOWN),
        key=lambda line: -(_number(line, "in-force") + _number(line, "demands-open")),
    )[:12]
    return {
        "places": {
            "type": "groups",
            "labels": [group_name(asked.by, line.group) for line in largest],
            "bars": [_number(line, "in-force") for line in largest],
            "line": [_number(line, "demands-open") for line in largest],
            "names": [str(FIGURES["in-force"].title), str(FIGURES["demands-open"].title)],
        },
        "months": {
            "type": "months",
            "labels": [one.month for one in months],
            "bars": [one.announced for one in months],
            "line": [one.published for one in months],
            "names": [str(FIGURES["announced"].title), str(FIGURES["demands-published"].title)],
        },
    }


@access("bureau")
def navigation_file(ending: str) -> ResponseReturnValue:
    """The table with its definitions, for a spreadsheet."""
    pieces = {"csv": as_csv, "xlsx": as_xlsx}
    if ending not in pieces:
        raise NotFound("file-missing", "The file is no longer in the store.")
    asked, under = _asked()
    lines = navigation.lines(asked, under, rows_url=rows_url, demands_url=demands_url)
    return streamed(pieces[ending](_table(asked, lines)), f"navigation-{asked.last}.{ending}")


def _table(asked: Question, lines: Sequence[Line]) -> Iterator[list[str]]:
    yield _cells(
        gettext("Code"), gettext("Place of the classification"), *(one.title for one in FIGURES.values()),
        gettext("Demands for 100 offers"), gettext("First day"), gettext("Last day"),
    )  # fmt: skip
    for line in lines:
        yield _cells(
            line.group,
            group_name(asked.by, line.group),
            *(_number(line, figure) for figure in FIGURES),
            "" if line.per_hundred is None else line.per_hundred,
            asked.first,
            asked.last,
        )
    for one in FIGURES.values():
        yield _cells(one.code, one.title, one.text, gettext("version %(version)s", version=one.version))


def _cells(*values: object) -> list[str]:
    return [safe_cell(value) for value in values]


# --- rows


def _rows() -> tuple[Question, str, str | None, list[Wanted]]:
    asked, _ = _asked()
    figure, group = request.args.get("figure", ""), request.args.get("group")
    return asked, figure, group, navigation.rows(current_actor(), asked, figure, group)


@access("bureau")
def navigation_demands() -> ResponseReturnValue:
    """The demands behind a number."""
    asked, figure, group, rows = _rows()
    page = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    return render_template(
        "bureau/navigation_demands.html",
        asked=asked,
        definition=DEMAND_DEFINITIONS[figure],
        place=None if group is None else group_name(asked.by, group),
        grouping=GROUPING_TITLES[asked.by or PLACES[0]],
        rows=rows[(page - 1) * _SIZE : page * _SIZE],
        total=len(rows),
        page=page,
        size=_SIZE,
        said=SAID,
    )


@access("bureau")
def navigation_demands_csv() -> ResponseReturnValue:
    """The same demands, all of them, as CSV."""
    asked, figure, _, rows = _rows()

    def table() -> Iterator[list[str]]:
        yield _cells(
            gettext("Number"), gettext("Demand"), gettext("Place of the classification"),
            gettext("Known from"), gettext("Published on"), gettext("Closed on"), gettext("Answered"),
            gettext("Matched"),
        )  # fmt: skip
        for one in rows:
            yield _cells(
                one.id,
                (one.title_en or one.title) if english() else one.title,
                one.places[asked.by or PLACES[0]],
                SAID[one.said[asked.by or PLACES[0]]],
                one.published_on,
                one.closed_on or "",
                gettext("Yes") if one.answered else gettext("No"),
                gettext("Yes") if one.matched else gettext("No"),
            )

    return streamed(as_csv(table()), f"{figure}-{clock.today()}.csv")


def add_to(blueprint: Blueprint) -> None:
    """Add the pages to the bureau's."""
    blueprint.add_url_rule("/navigation", view_func=navigation_map)
    blueprint.add_url_rule("/navigation.<ending>", view_func=navigation_file)
    blueprint.add_url_rule("/navigation/demands", view_func=navigation_demands)
    blueprint.add_url_rule("/navigation/demands.csv", view_func=navigation_demands_csv)
