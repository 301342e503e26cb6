"""What a report says: all figures of a period, those beside them, and the tables made of them.

`collect` asks the present facts once and gives plain values that can be kept; `compose` makes tables and
sentences of such values in the reader's language, on the same day or years later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.core import clock
from marketplace.statistics import figures, services
from marketplace.statistics.definitions import (
    DEFINITIONS,
    GROUPING_TITLES,
    INTERVAL_TITLES,
    NOTES,
    STAGE_TITLES,
)
from marketplace.statistics.figures import QUICK_DAYS, Cell, Members, Question

from . import telling
from .periods import Period, between
from .telling import Namer

_CUTS = ("month", "district", "owner_type", "fee_form", "ipc_section", "industry")
_IN_CUTS = ("in-force", "announced", "licences", "conversion", "stock")
_OUTSIDE = ("in-force", "licences", "conversion")
_COMPARED_BY = ("district", "industry")


@dataclass(frozen=True)
class Section:
    """One table of the report. Cells are texts ready to be read; numbers stay numbers."""

    title: str
    columns: list[str]
    rows: list[list[str | int | float | None]]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """A report before it is written: what it says and what it rests on.

    Attributes:
        title: of the document.
        first: first day of the period.
        last: last day.
        as_of: day of observation, the cut-off.
        journal_id: the last journal entry that the figures know, None when none were computed.
        made_at: when it was made.
        sections: the tables.
        definitions: title, text, version and unit of each figure used.
        figures: the figures as the API gives them.
        told: headings with what has moved, in sentences.
        issuer, document_number: of the paper, may be empty.
    """

    title: str
    first: dt.date
    last: dt.date
    as_of: dt.date
    journal_id: int | None
    made_at: dt.datetime
    sections: list[Section]
    definitions: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    told: list[tuple[str, list[str]]]
    issuer: str = ""
    document_number: str = ""


@dataclass(frozen=True)
class Collected:
    """The figures of a period as plain values, and what each of their numbers counts.

    Attributes:
        content: JSON values, see `collect`.
        members: number → the patents or licences that it counts, among the present facts.
    """

    content: dict[str, Any]
    members: dict[Number, Members] = field(repr=False)


@dataclass(frozen=True, order=True)
class Number:
    """Names one number of a report.

    Attributes:
        figure: code of the figure.
        cut: the grouping, empty for the whole, `outside` for the patents outside the region.
        grp: code of the group.
        cell: days, stage or interval, empty where the figure has none.
        part: `numerator` or `denominator`; of the deal speed `n`, and `median_days`, `p90_days`.
    """

    figure: str
    cut: str
    grp: str
    cell: str
    part: str


def collect(period: Period, as_of: dt.date | None = None) -> Collected:
    """All figures of a period, from the present facts.

    Returns:
        `content` with `kind`, `first`, `last`, `as_of`, `journal_id`, `made_at`, `region`, `definitions`
        (language → list), `figures` (as `services.statistics` gives them), `quick` (the largest cohorts that
        are old enough) and `beside` (`before`, `a_year_before` → figures of those periods on the same facts,
        None where nothing was observed yet).

    Raises:
        Invalid: as `services.question`.
    """
    asked = services.question("conversion", period.first, period.last, None, as_of)
    period = between(asked.first, asked.last) if asked.last != period.last else period
    members: dict[Number, Members] = {}
    questions = [replace(asked, figure=figure) for figure in DEFINITIONS]
    questions.append(replace(asked, figure="quick-licence", by="month"))
    questions += [replace(asked, figure=figure, by=by) for by in _CUTS for figure in _IN_CUTS]
    questions += [replace(asked, figure=figure, outside=True) for figure in _OUTSIDE]
    bodies = []
    for one in questions:
        body = _asked(one, beside=one.figure == "conversion" and one.by is None)
        members |= _members(one)
        bodies.append(body)
    facts = services.snapshot()
    beside = {
        name: _beside(other, asked.as_of)
        for name, other in (("before", period.before()), ("a_year_before", period.a_year_before()))
    }
    content = {
        "kind": period.kind,
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "as_of": asked.as_of.isoformat(),
        "journal_id": facts.journal_id,
        "made_at": clock.format_instant(clock.now()),
        "region": current_app.config["SETTINGS"].region,
        "definitions": {language: _definitions(language) for language in ("zh", "en")},
        "figures": bodies,
        "quick": [
            _without_urls(row)
            for row in services.quick_rates(replace(asked, figure="quick-licence"), _no_url)
        ],
        "beside": beside,
    }
    return Collected(content, members)


def _asked(asked: Question, *, beside: bool = False) -> dict[str, Any]:
    body = services.statistics(
        asked.figure, asked.first, asked.last, asked.by, asked.as_of,
        rows_url=_no_url, outside=asked.outside, beside=beside,
    )  # fmt: skip
    kept = {name: value for name, value in body.items() if name not in ("title", "definition")}
    for name in ("rows", "side"):
        if name in kept:
            kept[name] = [_without_urls(row) for row in kept[name]]
    return kept | {"outside": asked.outside}


def _members(asked: Question) -> dict[Number, Members]:
    """What each number of a figure counts."""
    found: list[Cell] = services.answer(asked)
    if asked.figure == "funnel":
        found = found + figures.side_cells(services.snapshot().facts, asked)
    cut = "outside" if asked.outside else asked.by or ""
    members = {}
    for cell in found:
        name = cell.interval or cell.stage or ("" if cell.days is None else str(cell.days))
        part = "n" if cell.lengths is not None else "numerator"
        for one, counted in ((part, cell.numerator), ("denominator", cell.denominator)):
            if counted is not None:
                members[Number(asked.figure, cut, cell.group, name, one)] = counted
    return members


def numbers(content: dict[str, Any]) -> Iterator[tuple[Number, int | None]]:
    """Every number of a report's figures, sums and medians included; None where it may not be shown."""
    for body in content["figures"]:
        cut = "outside" if body["outside"] else body["by"] or ""
        for row in (*body["rows"], *body.get("side", ())):
            cell = row.get("interval") or row.get("stage") or str(row.get("days") or "")
            for part in ("numerator", "denominator", "n", "median_days", "p90_days"):
                if part in row:
                    yield Number(body["figure"], cut, row["group"], cell, part), row[part]
        for name in COUNTED:
            if name in body.get("counts", {}):
                yield Number(body["figure"], cut, "all", name, "count"), body["counts"][name]


COUNTED = ("licensees", "pairs", "holders", "ordinary", "paid_minor")


def _beside(period: Period, as_of: dt.date) -> dict[str, Any] | None:
    """The figures of another period as of the same day; None before there was anything to observe."""
    observed = services.snapshot().facts.first_day
    if observed is None or period.first < observed:
        return None
    asked = services.question("conversion", period.first, period.last, None, as_of)
    return {
        "kind": period.kind,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "figures": [
            *(_asked(replace(asked, figure=figure)) for figure in (*_IN_CUTS, "recordal")),
            *(
                _asked(replace(asked, figure=figure, by=by))
                for by in _COMPARED_BY
                for figure in ("announced", "licences")
            ),
        ],
    }


def _definitions(language: str) -> list[dict[str, Any]]:
    with force_locale(language):
        return [
            {
                "code": one.code,
                "title": str(one.title),
                "text": str(one.text),
                "numerator": str(one.numerator),
                "denominator": str(one.denominator),
                "unit": one.unit,
                "version": one.version,
                "note": str(one.note),
            }
            for one in DEFINITIONS.values()
        ]


def compose(
    content: dict[str, Any], language: str, *, name: Namer, issuer: str = "", document_number: str = ""
) -> Report:
    """A report in a language, from what `collect` gave. The caller has set the language for texts.

    Args:
        content: the kept values.
        language: `zh` or `en`: of the definitions, which are kept in both.
        name: what a group is called: takes the grouping and the group's code.
        issuer, document_number: of the paper.
    """
    period = period_of(content)
    titled = [_titled(body, content["definitions"][language]) for body in content["figures"]]
    whole = {one["figure"]: one for one in titled if one["by"] is None and not one["outside"]}
    cuts = {(one["figure"], one["by"]): one for one in titled if one["by"] is not None}
    outside = {one["figure"]: one for one in titled if one["outside"]}
    by_cohort = cuts["quick-licence", "month"]
    against = telling.comparison(content, name)
    return Report(
        title=period.title(name("district", content["region"])),
        first=period.first,
        last=period.last,
        as_of=dt.date.fromisoformat(content["as_of"]),
        journal_id=content["journal_id"],
        made_at=clock.parse_instant(content["made_at"]),
        sections=[
            _overview(whole),
            Section(gettext("Against other periods"), against.columns, against.rows, against.note),
            _funnel(whole["funnel"]),
            _quick(content["quick"], by_cohort),
            _speed(whole["deal-speed"]),
            *(_cut(by, cuts, name) for by in _CUTS),
            _outside(outside),
        ],
        definitions=content["definitions"][language],
        figures=[one for one in titled if not one["outside"]],
        told=telling.told(content, name),
        issuer=issuer,
        document_number=document_number,
    )


def period_of(content: dict[str, Any]) -> Period:
    """The period of kept values."""
    return Period(
        content["kind"], dt.date.fromisoformat(content["first"]), dt.date.fromisoformat(content["last"])
    )


def build(
    from_: dt.date | None = None,
    to: dt.date | None = None,
    as_of: dt.date | None = None,
    *,
    language: str,
    name: Namer,
) -> Report:
    """All figures of a period from the present facts, in the reader's language; nothing is kept.

    Args:
        from_: as for `services.question`.
        to: as for `services.question`.
        as_of: as for `services.question`.
        language: as for `compose`.
        name: as for `compose`.
    """
    asked = services.question("conversion", from_, to, None, as_of)
    return compose(collect(between(asked.first, asked.last), as_of).content, language, name=name)


def _titled(body: dict[str, Any], definitions: list[dict[str, Any]]) -> dict[str, Any]:
    found = next(one for one in definitions if one["code"] == body["figure"])
    text = " ".join(filter(None, (found["text"], found["note"])))
    return {"figure": body["figure"], "title": found["title"], "definition": text} | body


def _no_url(_parameters: dict[str, str]) -> str:
    """A file has nothing to open."""
    return ""


def _without_urls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("rows_url")}


def _percent(row: dict[str, Any]) -> str:
    """A rate for reading: `12.5 %`, or why there is none."""
    if row["value"] is None:
        return str(NOTES[row["note"]][0]) if row.get("note") in ("too-young", "not-observed") else "—"
    return f"{row['value']:.1%}" + (" *" if row.get("note") == "small" else "")


def _estimated(found: dict[str, Any]) -> str:
    """An estimate with its interval, for reading."""
    interval = "" if found["low"] is None else f" ({found['low']:.1%}–{found['high']:.1%})"
    return f"≈ {found['value']:.1%}{interval}"


def _overview(wholes: dict[str, dict[str, Any]]) -> Section:
    rows: list[list[str | int | float | None]] = []
    for figure in ("in-force", "announced", "licences", "conversion", "stock", "recordal"):
        (row,) = wholes[figure]["rows"]
        pooled = row["denominator"] is not None
        rows.append(
            [
                wholes[figure]["title"],
                row["numerator"],
                row["denominator"],
                _percent(row) if pooled else "",
                _percent(row["free"]) if pooled else "",
                _percent(row["paid"]) if pooled else "",
            ]
        )
    found = wholes["conversion"]["counts"]
    for title, value in (
        (gettext("Licensees"), found["licensees"]),
        (gettext("Pairs of holder and licensee"), found["pairs"]),
        (gettext("Holders with an offer"), found["holders"]),
        (gettext("Negotiated ordinary licences (apart)"), found["ordinary"]),
        (gettext("Fees paid, in yuan"), found["paid_minor"] / 100),
    ):
        rows.append([title, value, None, "", "", ""])
    share = found["top5_share"]
    rows.append(
        [
            gettext("Share of the five holders with most licences"),
            None,
            None,
            "—" if share is None else f"{share:.1%}",
            "",
            "",
        ]
    )
    return Section(
        gettext("Overview"),
        [
            gettext("Figure"),
            gettext("Counted"),
            gettext("Of"),
            gettext("Rate"),
            gettext("Free offers"),
            gettext("Paid offers"),
        ],
        rows,
    )


def _funnel(body: dict[str, Any]) -> Section:
    return Section(
        body["title"],
        [
            gettext("Stage"),
            gettext("Patents"),
            gettext("Of all"),
            gettext("Free offers"),
            gettext("Paid offers"),
        ],
        [
            [
                str(STAGE_TITLES[row["stage"]]),
                _shown(row["numerator"]),
                _percent(row),
                _percent(row["free"]),
                _percent(row["paid"]),
            ]
            for row in (*body["rows"], *body["side"])
        ],
    )


def _quick(old_enough: list[dict[str, Any]], by_month: dict[str, Any]) -> Section:
    def marked(row: dict[str, Any]) -> str:
        if row.get("estimate"):
            return _estimated(row["estimate"])
        return _percent(row) + (" " + gettext("(p)") if row.get("provisional") else "")

    def of_cohort(row: dict[str, Any]) -> str:
        """Each N has a cohort of its own, so each cell says how many of how many."""
        part = "" if row["numerator"] is None else f" ({row['numerator']}/{row['denominator']})"
        return marked(row) + part

    rows: list[list[str | int | float | None]] = [
        [gettext("All that are old enough"), None, *map(of_cohort, old_enough)],
        [gettext("Free offers"), None, *(of_cohort(row["free"]) for row in old_enough)],
        [gettext("Paid offers"), None, *(of_cohort(row["paid"]) for row in old_enough)],
    ]
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in by_month["rows"]:
        by_group.setdefault(row["group"], []).append(row)
    rows += [
        [month, found[0]["denominator"], *(marked(row) for row in found)] for month, found in by_group.items()
    ]
    return Section(
        by_month["title"],
        [
            gettext("Month of first announcement"),
            gettext("Patents"),
            *(gettext("%(days)d days", days=days) for days in QUICK_DAYS),
        ],
        rows,
        note=gettext("(p): preliminary. *: few cases, not for comparison.")
        + " "
        + gettext("≈: estimated, with its interval of 95 per cent.")
        + " "
        + str(DEFINITIONS["quick-licence"].note),
    )


def _speed(body: dict[str, Any]) -> Section:
    return Section(
        body["title"],
        [gettext("Interval"), gettext("Licences"), gettext("Median, days"), gettext("90th percentile, days")],
        [
            [
                str(INTERVAL_TITLES[row["interval"]]),
                row["n"],
                _shown(row["median_days"]),
                _shown(row["p90_days"]),
            ]
            for row in body["rows"]
        ],
    )


def _cut(by: str, cuts: dict[tuple[str, str], dict[str, Any]], name: Namer) -> Section:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for figure in ("in-force", "announced", "licences", "conversion", "stock"):
        for row in cuts[figure, by]["rows"]:
            found.setdefault(row["group"], {})[figure] = row

    def number(rows: dict[str, dict[str, Any]], figure: str) -> int:
        return rows[figure]["numerator"] or 0 if figure in rows else 0

    def percent(rows: dict[str, dict[str, Any]], figure: str) -> str:
        return _percent(rows[figure]) if figure in rows else "—"

    return Section(
        gettext("By: %(grouping)s", grouping=str(GROUPING_TITLES[by])),
        [
            str(GROUPING_TITLES[by]),
            str(DEFINITIONS["in-force"].title),
            str(DEFINITIONS["announced"].title),
            str(DEFINITIONS["licences"].title),
            str(DEFINITIONS["conversion"].title),
            str(DEFINITIONS["stock"].title),
        ],
        [
            [
                name(by, group),
                number(rows, "in-force"),
                number(rows, "announced"),
                number(rows, "licences"),
                percent(rows, "conversion"),
                percent(rows, "stock"),
            ]
            for group, rows in found.items()
        ],
    )


def _outside(bodies: dict[str, dict[str, Any]]) -> Section:
    return Section(
        gettext("Offers from outside the region (in no other figure)"),
        [gettext("Figure"), gettext("Counted"), gettext("Of"), gettext("Rate")],
        [
            [
                body["title"],
                _shown(body["rows"][0]["numerator"]),
                body["rows"][0]["denominator"],
                _percent(body["rows"][0]) if body["rows"][0]["denominator"] is not None else "",
            ]
            for body in bodies.values()
        ],
    )


def _shown(value: int | None) -> int | str:
    return "—" if value is None else value
