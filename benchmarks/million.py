"""The way through the API at 1,000,000 offers: some twenty minutes, so only by name, `benchmarks million`."""

from __future__ import annotations

from benchmarks.search import Figure, through_the_api
from tests.services import elasticsearch

OFFERS = 1_000_000


def run() -> list[Figure]:
    """Name, figure and unit of each measurement; without Elasticsearch those of the embedded engine only."""
    kinds = ("embedded",) if elasticsearch.find() is None else ("embedded", "elasticsearch")
    return through_the_api(OFFERS, kinds)
