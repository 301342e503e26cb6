"""A query as the index alone answers it: the finished request, and nothing of ours around it.

It gives the same content as a search: the number of hits, the counts of the facets, and what is stored of
the first twenty. Left out are the order among equal scores, marks, and the check against the database.
"""
# ruff: noqa: SLF001 (the same requests as the engines make, without what the engines do with the answers)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketplace.search import elasticsearch
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.query import SearchQuery
from marketplace.search.tree import plan


def bare(engine: SearchEngine, generation: str, query: SearchQuery) -> Callable[[], object]:
    """What to call to have `query` answered, ranked by relevance, by the index of a generation alone."""
    wanted = plan(query)
    if isinstance(engine, ElasticsearchEngine):
        body: dict[str, Any] = {
            "query": elasticsearch._query(wanted.scored, wanted.always, wanted.excluded),
            "post_filter": elasticsearch._query(None, tuple(wanted.chosen.values()), ()),
            "aggregations": elasticsearch._aggregations(wanted),
        }
        index, client = engine._index(generation), engine._client
        return lambda: client.search(
            index=index, size=query.size, source={"includes": ["source"]}, track_total_hits=True, **body
        )
    if not isinstance(engine, EmbeddedEngine):
        raise TypeError(f"no bare query is known for {engine.name}")
    compiled, searcher = engine._query(wanted), engine._searcher(generation)

    def ask() -> None:
        found = searcher.search(compiled, limit=query.size)
        engine._facets(searcher, wanted)
        for _, address in found.hits:
            searcher.doc(address).get_first("source")

    return ask
