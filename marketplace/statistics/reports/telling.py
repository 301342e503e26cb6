"""What has moved, in sentences and one table: said of numbers that are large enough, naming no cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from babel.dates import format_date
from flask_babel import get_locale, gettext

from marketplace.statistics.columns import UNKNOWN
from marketplace.statistics.definitions import DEFINITIONS, GROUPING_TITLES, NOTES
from marketplace.statistics.figures import LEAST_EVENTS

from .periods import Period

Namer = Callable[[str, str], str]
Other = Literal["before", "a_year_before"]
_OTHERS: tuple[Other, ...] = ("before", "a_year_before")
_COUNTS = ("in-force", "announced", "licences")
_RATES = ("conversion", "stock", "recordal")
_NAMED = 3  # groups that are named in a sentence
_SAME = 0.0005  # a rate that moved by less is said to have stayed


@dataclass(frozen=True)
class Against:
    """The table that sets a period beside the one before and that of a year ago."""

    columns: list[str]
    rows: list[list[str | int | float | None]]
    note: str


def comparison(content: dict[str, Any], _name: Namer) -> Against:
    """Figures of the period beside those of the period before and of the same period a year ago."""
    rows: list[list[str | int | float | None]] = []
    for figure in (*_COUNTS, *_RATES):
        now = _whole(content["figures"], figure)
        line: list[str | int | float | None] = [
            str(DEFINITIONS[figure].title),
            _shown(figure, now),
        ]
        for other in _OTHERS:
            then = _of_other(content, other, figure)
            line += ["—", "—"] if then is None else [_shown(figure, then), _moved(figure, now, then)]
        rows.append(line)
    return Against(
        [
            gettext("Figure"),
            gettext("This period"),
            gettext("Period before"),
            gettext("Up or down"),
            gettext("A year ago"),
            gettext("Up or down"),
        ],
        rows,
        gettext(
            "All of it as known on the day of observation. Changes in per cent only where there were at "
            "least five, of rates only where there were at least 30 patents and 5 events."
        ),
    )


def told(content: dict[str, Any], name: Namer) -> list[tuple[str, list[str]]]:
    """Headings, each with its paragraphs.

    Args:
        content: as `building.collect` gives it.
        name: what a group is called.
    """
    licences, announced = (_count(content, figure) for figure in ("licences", "announced"))
    if not licences and not announced and not _count(content, "in-force"):
        nothing = gettext("No offer, announcement or licence of this period is on record.")
        return [(gettext("Overall"), [nothing])]
    told_of = [
        (gettext("Overall"), _overall(content)),
        (gettext("Rates"), _rates(content)),
        (
            gettext("What moved most"),
            [
                _largest(content, figure, by, name)
                for figure in ("licences", "announced")
                for by in ("district", "industry")
            ],
        ),
    ]
    kept = [(heading, [one for one in sentences if one]) for heading, sentences in told_of]
    return [(heading, sentences) for heading, sentences in kept if sentences]


def _overall(content: dict[str, Any]) -> list[str]:
    counts = _whole_body(content["figures"], "conversion")["counts"]
    sentences = [
        gettext(
            "On %(day)s, declarations of %(patents)s patents were in force, of %(holders)s holders with an "
            "offer in the period.",
            day=_day(content["last"]),
            patents=_number(_count(content, "in-force")),
            holders=_number(counts["holders"]),
        ),
        gettext(
            "%(announced)s patents were newly announced and %(licences)s open licences took effect, of "
            "%(firms)s licensees on %(patents)s patents.",
            announced=_number(_count(content, "announced")),
            licences=_number(_count(content, "licences")),
            firms=_number(counts["licensees"]),
            patents=_number(counts["licensed"]),
        ),
    ]
    for figure in ("announced", "licences"):
        now = _count(content, figure)
        for other in _OTHERS:
            then = _of_other(content, other, figure)
            if then is not None and not (other == "a_year_before" and content["kind"] == "year"):
                sentences.append(_against(figure, now, then["numerator"], other, content))
    return [" ".join(sentences[:2]) if _english() else "".join(sentences[:2]), *sentences[2:]]


def _against(figure: str, now: int, then: int, other: Other, content: dict[str, Any]) -> str:
    given = content["beside"][other]
    values = {
        "figure": str(DEFINITIONS[figure].title),
        "now": _number(now),
        "then": _number(then),
        "period": Period(
            given["kind"], *(dt.date.fromisoformat(given[day]) for day in ("first", "last"))
        ).words(),
    }
    if then < LEAST_EVENTS:
        return str(
            gettext(
                "%(figure)s: %(now)s, after %(then)s in %(period)s, which is too few for a change in per "
                "cent.",
                **values,
            )
        )
    if now == then:
        return str(gettext("%(figure)s: %(now)s, as many as in %(period)s.", **values))
    values["share"] = f"{abs(now / then - 1):.1%}"
    if now > then:
        return str(gettext("%(figure)s: %(now)s, %(share)s more than the %(then)s of %(period)s.", **values))
    return str(gettext("%(figure)s: %(now)s, %(share)s fewer than the %(then)s of %(period)s.", **values))


def _rates(content: dict[str, Any]) -> list[str]:
    found = []
    for figure in _RATES:
        row = _whole(content["figures"], figure)
        if row["value"] is None:
            continue
        values = {
            "figure": str(DEFINITIONS[figure].title),
            "value": f"{row['value']:.1%}",
            "part": _number(row["numerator"]),
            "whole": _number(row["denominator"]),
        }
        sentence = str(gettext("%(figure)s: %(value)s (%(part)s of %(whole)s).", **values))
        free, paid = row.get("free"), row.get("paid")
        if free and paid and free["value"] is not None and paid["value"] is not None:
            sentence += _gap() + str(
                gettext(
                    "Free offers %(free)s, paid offers %(paid)s.",
                    free=f"{free['value']:.1%}",
                    paid=f"{paid['value']:.1%}",
                )
            )
        then = _of_other(content, "before", figure)
        if row["note"] == "small":
            sentence += _gap() + str(NOTES["small"][1])
        elif then is not None and then["value"] is not None and not then["note"] and not row["note"]:
            sentence += _gap() + _points(row["value"] - then["value"])
        found.append(sentence)
    return found


def _points(by: float) -> str:
    if abs(by) < _SAME:
        return str(gettext("That is as much as in the period before."))
    shown = f"{abs(by) * 100:.1f}"
    if by > 0:
        return str(gettext("That is %(points)s points more than in the period before.", points=shown))
    return str(gettext("That is %(points)s points less than in the period before.", points=shown))


def _largest(content: dict[str, Any], figure: str, by: str, name: Namer) -> str:
    """Which groups account for most of a change on the period before."""
    other = content["beside"]["before"]
    if other is None:
        return ""
    now, then = (_groups(figures, figure, by) for figures in (content["figures"], other["figures"]))
    moved = sorted(
        ((now.get(group, 0) - then.get(group, 0), group) for group in {*now, *then} - {UNKNOWN}),
        key=lambda one: (-abs(one[0]), one[1]),
    )
    shown = [
        f"{name(by, group)} {change:+d} ({then.get(group, 0)} → {now.get(group, 0)})".replace("-", "−")
        for change, group in moved[:_NAMED]
        if change and max(now.get(group, 0), then.get(group, 0)) >= LEAST_EVENTS
    ]
    if not shown:
        return ""
    whole = sum(now.values()) - sum(then.values())
    return str(
        gettext(
            "%(figure)s by %(cut)s: of the change of %(whole)s on the period before, most fell to: "
            "%(groups)s.",
            figure=str(DEFINITIONS[figure].title),
            cut=str(GROUPING_TITLES[by]).lower(),
            whole=f"{whole:+d}".replace("-", "−"),
            groups=("; " if _english() else "；").join(shown),
        )
    )


def cautions() -> list[str]:
    """What has to be known before any of the numbers is used."""
    return [
        gettext("Changes are set beside each other as they are on record. They prove no cause."),
        gettext(
            "Licences taken elsewhere may become known by late recordals: figures of the last 120 days are "
            "preliminary."
        ),
        gettext(
            "After publication this report stays as it is. What becomes known later stands in its table of "
            "revisions, with its cause."
        ),
    ]


# --- reading kept values


def _whole_body(figures: list[dict[str, Any]], figure: str) -> dict[str, Any]:
    return next(
        one for one in figures if one["figure"] == figure and one["by"] is None and not one["outside"]
    )


def _whole(figures: list[dict[str, Any]], figure: str) -> dict[str, Any]:
    row: dict[str, Any] = _whole_body(figures, figure)["rows"][0]
    return row


def _count(content: dict[str, Any], figure: str) -> int:
    return int(_whole(content["figures"], figure)["numerator"] or 0)


def _of_other(content: dict[str, Any], other: Other, figure: str) -> dict[str, Any] | None:
    found = content["beside"][other]
    return None if found is None else _whole(found["figures"], figure)


def _groups(figures: list[dict[str, Any]], figure: str, by: str) -> dict[str, int]:
    body = next(one for one in figures if one["figure"] == figure and one["by"] == by)
    return {row["group"]: row["numerator"] or 0 for row in body["rows"]}


def _shown(figure: str, row: dict[str, Any]) -> str | int:
    if figure in _COUNTS:
        return int(row["numerator"] or 0)
    return "—" if row["value"] is None else f"{row['value']:.1%}" + (" *" if row["note"] == "small" else "")


def _moved(figure: str, now: dict[str, Any], then: dict[str, Any]) -> str:
    if figure in _COUNTS:
        change = (now["numerator"] or 0) - (then["numerator"] or 0)
        share = f" ({change / then['numerator']:+.1%})" if (then["numerator"] or 0) >= LEAST_EVENTS else ""
        return f"{change:+d}{share}".replace("-", "−")
    if now["value"] is None or then["value"] is None or now["note"] or then["note"]:
        return "—"
    shown = f"{(now['value'] - then['value']) * 100:+.1f}".replace("-", "−")
    return str(gettext("%(number)s points", number=shown))


def _english() -> bool:
    locale = get_locale()
    return locale is None or locale.language != "zh"


def _gap() -> str:
    return " " if _english() else ""


def _day(text: str) -> str:
    return format_date(dt.date.fromisoformat(text), "d MMMM y" if _english() else "y年M月d日", get_locale())


def _number(value: int | None) -> str:
    return f"{value or 0:,}"
