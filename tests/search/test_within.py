"""Asking about certain offers only, of each engine: what tells saved searches of new offers."""

import dataclasses

from marketplace.search.query import parse
from tests.search.corpus import OFFERS


def test_a_query_within_certain_offers_finds_those_of_its_hits_and_no_others(engine):
    query = dataclasses.replace(parse({"q": "电池"}), size=400)
    whole = [hit.document.id for hit in engine.search("catalogue", query).items]
    asked = tuple(o.id for o in OFFERS[::3])
    page = engine.search("catalogue", dataclasses.replace(query, within=asked))
    assert [hit.document.id for hit in page.items] == [id_ for id_ in whole if id_ in asked]
    assert 0 < page.total < len(whole)
