"""The search engine for production: an Elasticsearch 9 index per generation.

Keeps to what the smallest distribution of the server has, and does all analysis on our side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from elastic_transport import ObjectApiResponse, TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from marketplace.search.document import OfferDocument
from marketplace.search.engine import (
    SPARE,
    EngineHealth,
    EngineUnavailable,
    FacetCount,
    Frequencies,
    GenerationMissing,
    Hit,
    Ranked,
    Scanned,
    SearchPage,
    WriteReport,
    best,
    check_generation,
    counted,
)
from marketplace.search.highlight import Highlighter
from marketplace.search.query import FACETS, SearchQuery
from marketplace.search.tree import (
    CHARACTERS,
    INTEGERS,
    KEYWORDS,
    LIVE,
    SIGNATURE,
    TIE,
    WORDS,
    Best,
    Between,
    Fixed,
    Has,
    Node,
    Phrase,
    Plan,
    Sum,
    Term,
    counting,
    index_fields,
    plan,
    weighted,
)

_SEARCH_SECONDS: Final = 2.0
_WRITE_SECONDS: Final = 30.0  # one worker feeds the stand-by too, which may be late by a minute at most
_AT_HAND: Final = 100  # hits whose documents come with them
_BATCH: Final = 500
_AT_ONCE: Final = 2  # bulk requests under way
_SCAN_BATCH: Final = 1000
_OVERLOADED: Final = frozenset({429, 502, 503, 504})
_DEEPEST: Final = 1_000_000


class ElasticsearchEngine:
    """Indexes named `prefix` + generation on the cluster at `url` (credentials may be part of it).

    One shard by default: of several, each scores by its own statistics. Searches are given 2 s, writes 30 s.
    """

    name = "elasticsearch"

    def __init__(self, url: str, *, prefix: str = "offers-", shards: int = 1, replicas: int = 0) -> None:
        self._prefix = prefix
        self._settings = {
            "number_of_shards": shards,
            "number_of_replicas": replicas,
            "refresh_interval": "-1",  # every write ends with a refresh of its own
            "max_result_window": _DEEPEST,  # ties across a page's end are fetched whole; pages end at 10,000
        }
        self._client = Elasticsearch(
            url, request_timeout=_SEARCH_SECONDS, max_retries=0, retry_on_timeout=False
        )
        self._patient = self._client.options(request_timeout=_WRITE_SECONDS)

    def _index(self, generation: str) -> str:
        return self._prefix + check_generation(generation)

    # --- generations

    def create(self, generation: str) -> None:
        """See `SearchEngine`."""
        index = self._index(generation)
        with _failures(generation):
            try:
                self._patient.indices.create(
                    index=index, settings=self._settings, mappings=_mappings(), wait_for_active_shards=1
                )
            except BadRequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    def drop(self, generation: str) -> None:
        """See `SearchEngine`."""
        with _failures(generation):
            self._patient.indices.delete(index=self._index(generation), ignore_unavailable=True)

    # --- writing

    def write(self, generation: str, documents: Iterable[OfferDocument]) -> WriteReport:
        """See `SearchEngine`. In batches of 500, two at a time; repeating after a failure does no harm."""
        index, report, remaining = self._index(generation), WriteReport(), iter(documents)
        with _failures(generation):
            self._client.indices.get_settings(
                index=index
            )  # a bulk request would make a missing index, unmapped
        # The next batch is analysed while the server takes in the ones before.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            sent: deque[Future[WriteReport]] = deque()
            while batch := list(islice(remaining, _BATCH)):
                operations: list[dict[str, Any]] = []
                for document in batch:
                    version = {"version": document.version, "version_type": "external_gte"}
                    operations += [{"index": {"_id": document.id, **version}}, _source(document)]
                sent.append(pool.submit(self._bulk, generation, operations))
                if len(sent) > _AT_ONCE:
                    report += sent.popleft().result()
            for each in sent:
                report += each.result()
        with _failures(generation):
            self._patient.indices.refresh(index=index)
        return report

    def _bulk(self, generation: str, operations: list[dict[str, Any]]) -> WriteReport:
        with _failures(generation):
            answer = self._patient.bulk(index=self._index(generation), operations=operations)
        return _report(answer["items"])

    # --- reading

    def search(self, generation: str, query: SearchQuery) -> SearchPage:
        """See `SearchEngine`."""
        index, wanted = self._index(generation), plan(query)
        if wanted.nothing:
            return SearchPage((), 0, {facet.name: () for facet in FACETS})
        body: dict[str, Any] = {"query": _query(wanted.scored, wanted.always, wanted.excluded)}
        if wanted.chosen:
            body["post_filter"] = _query(None, tuple(wanted.chosen.values()), ())
        head: dict[str, Any] = {"aggregations": _aggregations(wanted), "track_total_hits": True}
        if wanted.order:
            head |= {"sort": [{wanted.order: "asc"}], "from_": query.first}
        size = query.size if wanted.order else query.last + SPARE
        whole = size <= _AT_HAND
        with _failures(generation):
            answer = self._client.search(index=index, size=size, source=whole, **head, **body)
        total: int = answer["hits"]["total"]["value"]
        facets = _facets(answer["aggregations"])
        hits = _rows(answer)
        if wanted.order:
            rows = [Ranked(id_, 0.0) for _, id_ in hits]
        else:

            def fetch(limit: int) -> Sequence[tuple[float, str]]:
                if limit <= size:
                    return hits[:limit]
                with _failures(generation):
                    return _rows(self._client.search(index=index, size=limit, source=False, **body))

            rows = [row for row, _ in best(fetch, str, query.first, query.last)]
        # A second request for the documents takes longer than the spare ones of the first.
        held = {hit["_id"]: hit["_source"]["source"] for hit in answer["hits"]["hits"]} if whole else {}
        held |= self._sources(generation, [row.id for row in rows if row.id not in held])
        highlighter = Highlighter.of(query)
        items = []
        for row in rows:
            if row.id in held:
                document = OfferDocument.from_json(held[row.id])
                items.append(Hit(document, row.score, highlighter.document(document)))
        return SearchPage(tuple(items), total, facets)

    def _sources(self, generation: str, ids: list[str]) -> dict[str, str]:
        if not ids:
            return {}
        with _failures(generation):
            answer = self._client.mget(index=self._index(generation), ids=ids, realtime=False)
        return {doc["_id"]: doc["_source"]["source"] for doc in answer["docs"] if doc.get("found")}

    def scan(self, generation: str) -> Iterator[Scanned]:
        """See `SearchEngine`."""
        with _failures(generation):
            point = self._patient.open_point_in_time(index=self._index(generation), keep_alive="5m")["id"]
        try:
            after: dict[str, Any] = {}
            while True:
                with _failures(generation):
                    hits = self._patient.search(
                        size=_SCAN_BATCH,
                        pit={"id": point, "keep_alive": "5m"},
                        sort=[{"_shard_doc": "asc"}],
                        track_total_hits=False,
                        source=False,
                        docvalue_fields=[{"field": name} for name in ("version", "live", "digest")],
                        **after,
                    )["hits"]["hits"]
                for hit in hits:
                    fields = hit["fields"]
                    live = fields["live"][0] == "true"
                    yield Scanned(hit["_id"], int(fields["version"][0]), live, fields["digest"][0])
                if len(hits) < _SCAN_BATCH:
                    return
                after = {"search_after": hits[-1]["sort"]}
        finally:
            with _failures(generation):
                self._patient.close_point_in_time(id=point)

    def scores(
        self,
        generation: str,
        words: Mapping[str, float],
        characters: Mapping[str, float],
        *,
        ids: Collection[str] | None = None,
        size: int = 100,
    ) -> Sequence[Ranked]:
        """See `SearchEngine`."""
        scored = weighted(words, characters)
        if scored is None or (ids is not None and not ids):
            return ()
        always: tuple[Node, ...] = (LIVE,) if ids is None else (LIVE, Has("id", tuple(ids)))
        query, index = _query(scored, always, ()), self._index(generation)

        def fetch(limit: int) -> Sequence[tuple[float, str]]:
            with _failures(generation):
                return _rows(self._client.search(index=index, size=limit, source=False, query=query))

        return tuple(row for row, _ in best(fetch, str, 0, size))

    def frequencies(
        self, generation: str, words: Collection[str], characters: Collection[str]
    ) -> Frequencies:
        """See `SearchEngine`."""
        tables = counting(words, characters)
        asked = {
            name: {"filters": {"filters": {term: _compile(node) for term, node in nodes.items()}}}
            for name, nodes in zip(("words", "characters"), tables, strict=True)
            if nodes
        }
        with _failures(generation):
            answer = self._client.search(
                index=self._index(generation), size=0, track_total_hits=True, aggregations=asked
            )
        counts: list[dict[str, int]] = []
        for name in ("words", "characters"):
            buckets = answer["aggregations"][name]["buckets"] if name in asked else {}
            counts.append({term: bucket["doc_count"] for term, bucket in buckets.items()})
        return Frequencies(answer["hits"]["total"]["value"], *counts)

    def health(self) -> EngineHealth:
        """See `SearchEngine`."""
        try:
            with _failures("-"):
                answer = self._client.cluster.health()
        except EngineUnavailable as error:
            return EngineHealth(self.name, False, error.detail)
        return EngineHealth(self.name, answer["status"] != "red", f"cluster {answer['status']}")

    def close(self) -> None:
        """See `SearchEngine`."""
        self._client.close()


# --- documents


def _mappings() -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name in WORDS:
        properties[name] = {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
    for name in CHARACTERS:
        properties[name] = {"type": "text", "analyzer": "whitespace", "index_options": "positions"}
    for name in (*KEYWORDS, "digest"):
        properties[name] = {"type": "keyword"}
    for name in INTEGERS:
        properties[name] = {"type": "long"}
    properties["source"] = {"type": "keyword", "index": False, "doc_values": False}
    return {
        "dynamic": "strict",
        "_meta": {"signature": SIGNATURE},
        "_source": {"includes": ["source"]},
        "properties": properties,
    }


def _source(document: OfferDocument) -> dict[str, Any]:
    texts, keywords, integers = index_fields(document)
    source, digest = document.sealed()
    extra = {"digest": digest, "source": source}
    return {**texts, **{name: list(values) for name, values in keywords.items()}, **integers, **extra}


def _report(items: list[dict[str, Any]]) -> WriteReport:
    written = stale = 0
    rejected = []
    for item in items:
        result = item["index"]
        if result["status"] < 300:
            written += 1
        elif result["status"] == 409:
            stale += 1
        elif result["status"] in _OVERLOADED:
            raise EngineUnavailable(f"bulk: {result['error']['type']}")
        else:
            rejected.append(
                (result["_id"], f"{result['error']['type']}: {result['error'].get('reason', '')}")
            )
    return WriteReport(written, stale, tuple(rejected))


# --- compiling


def _query(scored: Node | None, conditions: tuple[Node, ...], excluded: tuple[Node, ...]) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "filter": [_compile(node) for node in conditions],
        "must_not": [_compile(node) for node in excluded],
    }
    if scored is not None:
        parts["must"] = [_compile(scored)]
    return {"bool": parts}


def _compile(node: Node) -> dict[str, Any]:
    match node:
        case Term(field, value, weight):
            return {"term": {field: {"value": value, "boost": weight}}}
        case Phrase(field, words):
            return {"match_phrase": {field: {"query": " ".join(words), "boost": 0.0}}}
        case Has(field, values):
            return {"constant_score": {"filter": {"terms": {field: list(values)}}, "boost": 0.0}}
        case Between(field, low, high):
            reach = {"range": {field: {"gte": low, "lte": high}}}
            return {"constant_score": {"filter": reach, "boost": 0.0}}
        case Fixed(inner, score):
            return {"constant_score": {"filter": _compile(inner), "boost": score}}
        case Best(nodes):
            return {"dis_max": {"tie_breaker": TIE, "queries": [_compile(each) for each in nodes]}}
        case Sum(nodes, minimum, more):
            matched = {"should": [_compile(each) for each in nodes], "minimum_should_match": minimum}
            if not more:
                return {"bool": matched}
            return {"bool": {"must": [{"bool": matched}], "should": [_compile(each) for each in more]}}


def _aggregations(wanted: Plan) -> dict[str, Any]:
    """A count per facet, over the hits of all chosen filters but its own."""
    asked = {}
    for facet in FACETS:
        others = tuple(node for name, node in wanted.chosen.items() if name != facet.ignores)
        values = {"terms": {"field": facet.field, "size": 1000}}
        asked[facet.name] = {"filter": _query(None, others, ()), "aggregations": {"values": values}}
    return asked


def _facets(answer: Mapping[str, Any]) -> dict[str, tuple[FacetCount, ...]]:
    return {
        facet.name: counted(
            {b["key"]: b["doc_count"] for b in answer[facet.name]["values"]["buckets"]}, facet
        )
        for facet in FACETS
    }


def _rows(answer: ObjectApiResponse[Any]) -> list[tuple[float, str]]:
    return [(hit["_score"] or 0.0, hit["_id"]) for hit in answer["hits"]["hits"]]


@contextmanager
def _failures(generation: str) -> Iterator[None]:
    """What the client raises, as what an engine raises; a wrong request is our fault and stays as it is."""
    try:
        yield
    except TransportError as error:
        raise EngineUnavailable(f"{type(error).__name__}: {error.message}") from error
    except NotFoundError as error:
        raise GenerationMissing(f"no generation {generation}: {error.error}") from error
    except ApiError as error:
        if error.status_code in _OVERLOADED:
            raise EngineUnavailable(f"{error.status_code}: {error.error}") from error
        raise
