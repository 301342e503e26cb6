"""What the bureau's pages on figures share: days of the address, the cuts on offer, links to rows."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from flask import g, request, url_for

from marketplace.core import clock
from marketplace.core.errors import Invalid
from marketplace.statistics.definitions import GROUPING_TITLES
from marketplace.statistics.figures import GROUPINGS

CUTS: Final[dict[str, Any]] = {by: GROUPING_TITLES[by] for by in GROUPINGS if by != "month"}
"""What figures can be cut by, but for time, and what that is called."""

_MONTHS_SHOWN = 12
# The Patent Law took effect: nothing can be counted before, and dates far before cannot be reckoned with.
_EARLIEST = dt.date(1985, 4, 1)


def usual_first(last: dt.date) -> dt.date:
    """The first day of the usual period: the month of its last day and the eleven before it."""
    return clock.add_months(last.replace(day=1), 1 - _MONTHS_SHOWN)


def day_asked(name: str) -> dt.date | None:
    """A day that the address gives, None if it gives none. Raises `Invalid`: it cannot be read."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        return max(dt.date.fromisoformat(text), _EARLIEST)
    except ValueError:
        sentence = "Please enter a date such as 2026-11-20."
        raise Invalid(
            "date-form", "Please enter a date such as 2026-11-20.", fields={name: [sentence]}
        ) from None


# A page has hundreds of addresses of the same few words.
_quoted = lru_cache(4096)(quote_plus)


def rows_url(parameters: dict[str, str]) -> str:
    """The page of the rows that a number counts."""
    if "rows_page" not in g:
        g.rows_page = url_for("bureau.rows")
    return f"{g.rows_page}?{urlencode(parameters, quote_via=lambda word, *_: _quoted(word))}"
