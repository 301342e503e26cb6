"""What the search page says beside the hits: months, ranges, and what was done with the words."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import request
from flask_babel import gettext

from marketplace.search.query import SearchQuery
from marketplace.search.services import SearchResult

from . import formats, labels

_MOST_BARS: Final = 36
_BAR: Final = 8  # of the drawing's own units, as all figures here
_HEIGHT: Final = 40


@dataclass(frozen=True)
class Bar:
    """A month of the drawing: its place and height, and what it stands for."""

    month: str
    offers: int
    x: int
    height: int
    first: str
    last: str
    chosen: bool


@dataclass(frozen=True)
class Months:
    """The announcements by month, at most the last three years of them."""

    bars: Sequence[Bar]
    width: int
    height: int = _HEIGHT
    bar: int = _BAR - 2


def months(found: SearchResult) -> Months | None:
    """The drawing; None where there are not two months to compare."""
    counts = {one.value: one.count for one in found.page.facets.get("announced_month", ())}
    if len(counts) < 2:
        return None
    names = _between(min(counts), max(counts))[-_MOST_BARS:]
    highest = max(counts.values())
    query = found.query
    bars = []
    for place, name in enumerate(names):
        offers = counts.get(name, 0)
        first = dt.date.fromisoformat(f"{name}-01")
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        chosen = (query.announced_from or first) <= last and first <= (query.announced_to or last)
        height = max(2, offers * _HEIGHT // highest) if offers else 0
        bars.append(Bar(name, offers, place * _BAR, height, first.isoformat(), last.isoformat(), chosen))
    return Months(bars, len(bars) * _BAR)


def _between(first: str, last: str) -> list[str]:
    year, month = map(int, first.split("-"))
    found = []
    while (name := f"{year:04}-{month:02}") <= last:
        found.append(name)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def ranges(query: SearchQuery) -> list[tuple[Any, Mapping[str, None]]]:
    """The ranges in force in words, each with what has to change in the address to lift it."""
    found: list[tuple[Any, Mapping[str, None]]] = []
    if query.fee_min_minor is not None:
        text = gettext("%(sum)s and more", sum=formats.money(query.fee_min_minor))
        found.append((text, {"fee_min": None}))
    if query.fee_max_minor is not None:
        text = gettext("up to %(sum)s", sum=formats.money(query.fee_max_minor))
        found.append((text, {"fee_max": None}))
    if query.announced_from is not None:
        text = gettext("announced from %(day)s on", day=formats.day(query.announced_from))
        found.append((text, {"announced_from": None}))
    if query.announced_to is not None:
        text = gettext("announced up to %(day)s", day=formats.day(query.announced_to))
        found.append((text, {"announced_to": None}))
    if query.exact:
        found.append((gettext("only these words"), {"exact": None}))
    return found


def beside(query: SearchQuery) -> list[str]:
    """What was looked for beside the words: other ways to say it, and places of the classification."""
    said = [text for one in query.widened for text in one.alternatives]
    places = dict.fromkeys(place for one in query.widened for place in one.places)
    named = [f"{formats.ipc(place)} {labels.ipc_title(place)}".strip() for place in places]
    return [*dict.fromkeys(said), *named]


def given(*names: str) -> dict[str, str]:
    """Parameters of the address that the form has to carry along as they are."""
    return {name: value for name in names if (value := request.args.get(name, "").strip())}
