"""How the time of a search grows with the offers, to 1,000,000: some twenty minutes, so only by name.

Every row is of all queries of `benchmarks.search` together. Times that grow no faster than the matches, which
all must be counted for the facets, leave the columns per 1,000 matches level or falling.
"""

from __future__ import annotations

from benchmarks.search import Answers, through_the_api

SIZES = (10_000, 100_000, 1_000_000)
COLUMNS = (
    "offers, engine",
    "matches",
    "bare index, ms",
    "API, ms",
    "API to bare index",
    "bare index, ms per 1,000 matches",
    "API, ms per 1,000 matches",
    "rebuild, offers/s of processor time",
)


def run() -> list[tuple[object, ...]]:
    """A row of `COLUMNS` per size and engine; without Elasticsearch those of the embedded engine only."""
    return [_row(answers) for size in SIZES for answers in through_the_api(size)]


def _row(one: Answers) -> tuple[object, ...]:
    matches, bare, api = sum(one.matches), sum(one.bare), sum(one.api)
    return (
        f"{one.offers:,}, {one.kind}",
        f"{matches:,}",
        round(bare, 1),
        round(api, 1),
        round(api / bare, 2),
        round(bare / matches * 1000, 2),
        round(api / matches * 1000, 2),
        round(one.rebuilt),
    )
