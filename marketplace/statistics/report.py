"""The bureau's report: all figures of a period with their cut-off, definitions and versions, as a file."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_babel import gettext

from marketplace.core import clock
from marketplace.core.lazily import Lazily
from marketplace.core.papers import FONTS
from marketplace.core.tables import safe_cell

from . import services
from .definitions import DEFINITIONS, GROUPING_TITLES, INTERVAL_TITLES, NOTES, STAGE_TITLES
from .figures import QUICK_DAYS

if TYPE_CHECKING:
    import openpyxl
    import typst
else:
    openpyxl, typst = Lazily("openpyxl"), Lazily("typst")

FORMATS = ("csv", "xlsx", "json", "pdf")
_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_CUTS = ("month", "district", "owner_type", "fee_form", "ipc_section", "industry")

Namer = Callable[[str, str], str]


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


def build(
    from_: dt.date | None = None, to: dt.date | None = None, as_of: dt.date | None = None, *, name: Namer
) -> Report:
    """All figures of a period, in the language of the reader.

    Args:
        from_: as for `services.question`.
        to: as for `services.question`.
        as_of: as for `services.question`.
        name: what a group is called: takes the grouping and the group's code.
    """

    def ask(figure: str, by: str | None = None, *, outside: bool = False) -> dict[str, Any]:
        return services.statistics(figure, from_, to, by, as_of, rows_url=_no_url, outside=outside)

    asked = services.question("conversion", from_, to, None, as_of)
    wholes = {figure: ask(figure) for figure in DEFINITIONS}
    cuts = {
        (figure, by): ask(figure, by)
        for by in _CUTS
        for figure in ("in-force", "announced", "licences", "conversion", "stock")
    }
    by_cohort = ask("quick-licence", "month")
    outside = {figure: ask(figure, outside=True) for figure in ("in-force", "licences", "conversion")}
    sections = [
        _overview(wholes),
        _funnel(wholes["funnel"]),
        _quick(services.quick_rates(replace(asked, figure="quick-licence"), _no_url), by_cohort),
        _speed(wholes["deal-speed"]),
        *(_cut(by, cuts, name) for by in _CUTS),
        _outside(outside),
    ]
    facts = services.snapshot()
    return Report(
        title=gettext("Patent open licensing: statistics"),
        first=asked.first,
        last=asked.last,
        as_of=asked.as_of,
        journal_id=facts.journal_id,
        made_at=clock.now(),
        sections=sections,
        definitions=[
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
        ],
        figures=[*wholes.values(), by_cohort, *cuts.values()],
    )


def write(report: Report, form: str) -> bytes:
    """The report as a file of one of FORMATS; neither CSV nor XLSX holds live formulas."""
    return {"csv": _csv, "xlsx": _xlsx, "json": _json, "pdf": _pdf}[form](report)


def _no_url(_parameters: dict[str, str]) -> str:
    """A file has nothing to open."""
    return ""


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


def _marks(report: Report) -> list[tuple[str, str]]:
    return [
        (gettext("Period"), f"{report.first} – {report.last}"),
        (gettext("Observed on"), f"{report.as_of}"),
        (gettext("Journal entry"), "—" if report.journal_id is None else str(report.journal_id)),
        (gettext("Made at"), clock.format_instant(report.made_at)),
        (
            gettext("Definitions"),
            ", ".join(f"{one['code']} v{one['version']}" for one in report.definitions),
        ),
    ]


def _csv(report: Report) -> bytes:
    return services.csv_text(
        [
            {
                "figure": body["figure"],
                "definition_version": body["definition_version"],
                "by": body["by"] or "",
                "from": body["from"],
                "to": body["to"],
                "as_of": body["as_of"],
                "journal_id": body["journal_id"],
            }
            | {
                name: value
                for name, value in row.items()
                if not isinstance(value, dict) and "url" not in name
            }
            for body in report.figures
            for row in (*body["rows"], *body.get("side", ()))
        ]
    ).encode()


def _xlsx(report: Report) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = gettext("About")
    for line in (("", report.title), *_marks(report)):
        sheet.append(list(line))
    sheet.append([])
    for one in report.definitions:
        sheet.append([one["title"], " ".join(filter(None, (one["text"], one["note"]))), f"v{one['version']}"])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 100
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = openpyxl.styles.Alignment(wrap_text=True, vertical="top")
    for number, section in enumerate(report.sections, start=1):
        # Excel allows 31 characters and none of []:*?/\ in a sheet's name.
        title = "".join(character for character in section.title if character not in "[]:*?/\\：")
        sheet = book.create_sheet(f"{number} {title}"[:31])
        sheet.append(section.columns)
        for row in section.rows:
            sheet.append([safe_cell(value) if isinstance(value, str) else value for value in row])
        for cell in sheet[1]:
            cell.font = openpyxl.styles.Font(bold=True)
        sheet.freeze_panes = "B2"
        sheet.column_dimensions["A"].width = 36
        for letter in "BCDEFGH":
            sheet.column_dimensions[letter].width = 16
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _json(report: Report) -> bytes:
    body = {
        "title": report.title,
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "as_of": report.as_of.isoformat(),
        "journal_id": report.journal_id,
        "made_at": clock.format_instant(report.made_at),
        "definitions": report.definitions,
        "figures": [
            body | {key: [_without_urls(row) for row in body[key]] for key in ("rows", "side") if key in body}
            for body in report.figures
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _without_urls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("rows_url")}


def _pdf(report: Report) -> bytes:
    data = {
        "title": report.title,
        "lang": "zh" if gettext("Overview") != "Overview" else "en",
        "marks": _marks(report),
        "sections": [asdict(section) for section in report.sections],
        "definitions_title": gettext("Definitions"),
        "definitions": report.definitions,
    }
    return typst.compile(
        _TEMPLATE,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[FONTS]),
        format="pdf",
        pdf_standards="a-2b",
        timestamp=report.made_at.replace(microsecond=0),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
