"""The search engine inside the process: tantivy, a directory per generation."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import tantivy
from tantivy import Occur, Query

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
    SCHEMA_VERSION,
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

_ARENA: Final = 15_000_000  # bytes; tantivy refuses less
_BULK_ARENA: Final = 64_000_000
_BATCH: Final = 500
_LOCK_WAIT: Final = 30.0  # seconds
_READY: Final = "schema-version"  # written last: a folder without it is no generation
_COMMITTED: Final = "meta.json"  # tantivy puts a new one in its place at each commit
_COUNTS_KEPT: Final = 50_000


@dataclass(frozen=True)
class _Counts:
    """How many offers hold a term, as far as it was asked, while nothing new is committed."""

    commit: tuple[int, int]
    of: dict[tuple[int, str], int]


class EmbeddedEngine:
    """Indexes below the folder `base`, shared by any number of processes on the machine.

    Readers never wait. Writers wait for each other, at most 30 s, then raise `EngineUnavailable`.
    """

    name = "embedded"

    def __init__(self, base: Path) -> None:
        self._base = base
        self._open: dict[tuple[str, int], Any] = {}
        self._counts: dict[str, _Counts] = {}
        self._lock = threading.Lock()
        self._schema = _schema()

    # --- generations

    def create(self, generation: str) -> None:
        """See `SearchEngine`."""
        folder = self._base / check_generation(generation)
        if (folder / _READY).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with _failures():
            tantivy.Index(self._schema, path=str(folder))
        (folder / _READY).write_text(SCHEMA_VERSION, encoding="utf-8")

    def drop(self, generation: str) -> None:
        """See `SearchEngine`."""
        folder = self._base / check_generation(generation)
        (folder / _READY).unlink(missing_ok=True)
        with self._lock:
            self._open = {key: index for key, index in self._open.items() if key[0] != generation}
            self._counts.pop(generation, None)
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, generation: str) -> Path:
        folder = self._base / check_generation(generation)
        try:
            schema = (folder / _READY).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise GenerationMissing(f"no embedded generation {generation}") from error
        if schema != SCHEMA_VERSION:
            raise GenerationMissing(
                f"embedded generation {generation} has schema {schema}, not {SCHEMA_VERSION}"
            )
        return folder

    def _index(self, generation: str) -> Any:
        folder = self._folder(generation)
        key = (
            generation,
            folder.stat().st_ino,
        )  # a folder dropped and made anew by another process is another
        with self._lock:
            if key not in self._open:
                # Other processes drop generations: one held open that is gone would keep its files on disk.
                self._open = {held: index for held, index in self._open.items() if self._is_there(*held)}
                with _failures():
                    self._open[key] = _opened(folder)
            return self._open[key]

    def _is_there(self, generation: str, inode: int) -> bool:
        try:
            return (self._base / generation).stat().st_ino == inode
        except OSError:
            return False

    def _searcher(self, generation: str) -> Any:
        index = self._index(generation)
        with _failures():
            # A process forked after the index was opened has no watcher thread; asking costs 0.05 ms.
            index.reload()
            return index.searcher()

    # --- writing

    def write(self, generation: str, documents: Iterable[OfferDocument]) -> WriteReport:
        """See `SearchEngine`. Committed once, at the end: a process killed before leaves no part of it."""
        folder = self._folder(generation)
        remaining = iter(documents)
        batch, following = list(islice(remaining, _BATCH)), list(islice(remaining, _BATCH))
        report = WriteReport()
        if not batch:
            return report
        # A fresh index for each session: long-lived writers in several processes may leave orphaned files.
        with _session(folder, _BULK_ARENA if following else _ARENA) as (searcher, writer):
            seen: dict[str, int] = {}
            while batch:
                with _failures():
                    report += self._write_batch(searcher, writer, batch, seen)
                batch, following = following, list(islice(remaining, _BATCH))
            with _failures():
                writer.commit()
        return report

    def _write_batch(
        self, searcher: Any, writer: Any, batch: list[OfferDocument], seen: dict[str, int]
    ) -> WriteReport:
        held = self._versions(searcher, [document.id for document in batch])
        written = stale = 0
        for document in batch:
            if document.version < max(held.get(document.id, -1), seen.get(document.id, -1)):
                stale += 1
                continue
            if document.id in held or document.id in seen:
                writer.delete_documents_by_term("id", document.id)
            writer.add_document(_document(document))
            seen[document.id] = document.version
            written += 1
        return WriteReport(written, stale)

    def _versions(self, searcher: Any, ids: list[str]) -> dict[str, int]:
        if searcher.num_docs == 0:
            return {}
        found = searcher.search(
            Query.term_set_query(self._schema, "id", ids), limit=len(ids), count=False
        ).hits
        return {
            _identify(searcher, address): searcher.doc(address).get_first("version") for _, address in found
        }

    # --- reading

    def search(self, generation: str, query: SearchQuery) -> SearchPage:
        """See `SearchEngine`."""
        searcher, wanted = self._searcher(generation), plan(query)
        if wanted.nothing:
            return SearchPage((), 0, {facet.name: () for facet in FACETS})
        with _failures():
            compiled = self._query(wanted)
            # One pass both counts and ranks; deeper ones follow only where many hits score alike.
            if wanted.order:
                order = {"order_by_field": wanted.order, "order": tantivy.Order.Asc}
                found = searcher.search(compiled, limit=query.last, **order)
                rows = [(0.0, address) for _, address in found.hits[query.first :]]
            else:
                found = searcher.search(compiled, limit=query.last + SPARE)
                ranked = best(
                    lambda limit: (
                        found.hits
                        if limit <= query.last + SPARE
                        else searcher.search(compiled, limit=limit, count=False).hits
                    ),
                    lambda address: _identify(searcher, address),
                    query.first,
                    query.last,
                )
                rows = [(row.score, address) for row, address in ranked]
            total: int = found.count
            facets = self._facets(searcher, wanted)
            highlighter = Highlighter.of(query)
            return SearchPage(
                tuple(_hit(searcher.doc(address), score, highlighter) for score, address in rows),
                total,
                facets,
            )

    def scan(self, generation: str) -> Iterator[Scanned]:
        """See `SearchEngine`."""
        searcher = self._searcher(generation)
        with _failures():
            rows = searcher.search(Query.all_query(), limit=max(1, searcher.num_docs), count=False).hits
        for _, address in rows:
            with _failures():
                held = searcher.doc(address)
            yield Scanned(
                held.get_first("id"),
                held.get_first("version"),
                held.get_first("live") == "true",
                bytes(held.get_first("digest")).decode(),
            )

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
        searcher, scored = self._searcher(generation), weighted(words, characters)
        if scored is None or (ids is not None and not ids):
            return ()
        always: tuple[Node, ...] = (LIVE,) if ids is None else (LIVE, Has("id", tuple(ids)))
        with _failures():
            compiled = self._query(Plan(scored, always, {}, (), None))
            ranked = best(
                lambda limit: searcher.search(compiled, limit=limit, count=False).hits,
                lambda address: _identify(searcher, address),
                0,
                size,
            )
        return tuple(row for row, _ in ranked)

    def frequencies(
        self, generation: str, words: Collection[str], characters: Collection[str]
    ) -> Frequencies:
        """See `SearchEngine`."""
        with _failures():
            known = self._counted(generation)
        searcher = self._searcher(generation)

        def count(place: int, term: str, node: Node) -> int:
            if (place, term) not in known:
                known[place, term] = searcher.search(self._unscored(node), limit=1).count
            return known[place, term]

        with _failures():
            counts = [
                {term: count(place, term, node) for term, node in nodes.items()}
                for place, nodes in enumerate(counting(words, characters))
            ]
            return Frequencies(searcher.num_docs, *counts)

    def _counted(self, generation: str) -> dict[tuple[int, str], int]:
        """What was counted since the last commit: needs share most of their characters."""
        written = (self._folder(generation) / _COMMITTED).stat()
        commit = written.st_ino, written.st_mtime_ns
        found = self._counts.get(generation)
        if found is None or found.commit != commit or len(found.of) > _COUNTS_KEPT:
            found = self._counts[generation] = _Counts(commit, {})
        return found.of

    def _facets(self, searcher: Any, wanted: Plan) -> dict[str, tuple[FacetCount, ...]]:
        """All counts in one pass over what the words find, since to find it takes longer than to count."""
        asked: dict[str, Any] = {}
        for facet in FACETS:
            others = (node for name, node in wanted.chosen.items() if name != facet.ignores)
            condition = " AND ".join(map(_written, others)) or "*"
            counts = asked.setdefault(condition, {"filter": condition, "aggs": {}})["aggs"]
            counts[facet.name] = {"terms": {"field": facet.field, "size": 1000}}
        answers = searcher.aggregate(self._query(replace(wanted, chosen={})), asked)
        return {
            facet.name: counted(
                {bucket["key"]: bucket["doc_count"] for bucket in answer[facet.name]["buckets"]}, facet
            )
            for facet in FACETS
            for answer in answers.values()
            if facet.name in answer
        }

    def health(self) -> EngineHealth:
        """See `SearchEngine`. Available where the folder can be read; a generation may still be missing."""
        try:
            names = sorted(path.parent.name for path in self._base.glob(f"*/{_READY}"))
        except OSError as error:
            return EngineHealth(self.name, False, str(error))
        return EngineHealth(self.name, True, ", ".join(names))

    def close(self) -> None:
        """See `SearchEngine`."""
        with self._lock:
            self._open.clear()

    # --- compiling

    def _query(self, wanted: Plan) -> Any:
        chosen = [(Occur.Must, self._unscored(node)) for node in wanted.chosen.values()]
        clauses = [*((Occur.Must, self._unscored(node)) for node in wanted.always), *chosen]
        if wanted.scored is not None:
            clauses.append((Occur.Must, self._compile(wanted.scored, chosen)))
        clauses += [(Occur.MustNot, self._compile(node)) for node in wanted.excluded]
        return Query.boolean_query(clauses)

    def _unscored(self, node: Node) -> Any:
        return Query.const_score_query(self._compile(node), 0.0)

    def _compile(self, node: Node, within: Sequence[tuple[Occur, Any]] = ()) -> Any:
        """The query of a node; its phrases only `within` what must hold besides.

        To look up positions costs more than all else, and above a union tantivy does so for every offer.
        """
        schema = self._schema
        match node:
            case Term(field, value, weight):
                return Query.boost_query(Query.term_query(schema, field, value, "freq"), weight)
            case Phrase(field, (word,)):
                return Query.const_score_query(Query.term_query(schema, field, word, "freq"), 0.0)
            case Phrase(field, words):
                found = Query.phrase_query(schema, field, list(words))
                if within:
                    found = Query.boolean_query([(Occur.Must, found), *within])
                return Query.const_score_query(found, 0.0)
            case Has(field, (value,)):
                return Query.const_score_query(Query.term_query(schema, field, value, "basic"), 0.0)
            case Has(field, values):
                return Query.const_score_query(Query.term_set_query(schema, field, list(values)), 0.0)
            case Between(field, low, high):
                reach = Query.range_query(schema, field, tantivy.FieldType.Integer, low, high)
                return Query.const_score_query(reach, 0.0)
            case Fixed(inner, score):
                return Query.const_score_query(self._compile(inner, within), score)
            case Best(nodes):
                return Query.disjunction_max_query([self._compile(each, within) for each in nodes], TIE)
            case Sum(nodes, minimum, more):
                shoulds = [(Occur.Should, self._compile(each, within)) for each in nodes]
                matched = Query.boolean_query(shoulds, minimum_number_should_match=minimum)
                if not more:
                    return matched
                extras = [(Occur.Should, self._compile(each, within)) for each in more]
                return Query.boolean_query([(Occur.Must, matched), *extras])


def _written(node: Node) -> str:
    """A chosen condition in tantivy's own language, which its aggregations want.

    Of canonical values only, as `CHOICES` reads them: nothing that a reader has typed comes here.
    """
    match node:
        case Has(field, values):
            return "(" + " OR ".join(f'{field}:"{value}"' for value in values) + ")"
        case Between(field, low, high):
            return f"{field}:[{low} TO {high}]"
        case _:
            raise TypeError(f"nobody can choose {node}")


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in WORDS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    for name in CHARACTERS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in KEYWORDS:
        stored = name in ("id", "live")
        builder.add_text_field(name, stored=stored, fast=True, tokenizer_name="raw", index_option="basic")
    for name in INTEGERS:
        builder.add_integer_field(name, stored=name == "version", indexed=True, fast=True)
    for name in ("digest", "source"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


def _opened(folder: Path) -> Any:
    index = tantivy.Index.open(str(folder))
    whitespace = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("whitespace", whitespace)
    return index


def _document(document: OfferDocument) -> Any:
    texts, keywords, integers = index_fields(document)
    made = tantivy.Document()
    for name, text in texts.items():
        made.add_text(name, text)
    for name, values in keywords.items():
        for value in values:
            made.add_text(name, value)
    for name, number in integers.items():
        made.add_integer(name, number)
    source, digest = document.sealed()
    made.add_bytes("digest", digest.encode())
    made.add_bytes("source", source.encode())
    return made


def _identify(searcher: Any, address: Any) -> str:
    id_: str = searcher.doc(address).get_first("id")
    return id_


def _hit(held: Any, score: float, highlighter: Highlighter) -> Hit:
    document = OfferDocument.from_json(bytes(held.get_first("source")).decode())
    return Hit(document, score, highlighter.document(document))


@contextmanager
def _session(folder: Path, arena: int) -> Iterator[tuple[Any, Any]]:
    """The directory's one writer, and a view of the index as the writer before left it.

    Waits while another writer is at work, in this process or another. What is not committed is thrown away.
    """
    give_up = time.monotonic() + _LOCK_WAIT
    with _failures():
        index = _opened(folder)
        while (writer := _writer(index, arena)) is None:
            if time.monotonic() > give_up:
                raise EngineUnavailable("another process is writing to the embedded index")
            time.sleep(0.02)
        index.reload()
    try:
        yield index.searcher(), writer
    except BaseException:
        writer.rollback()
        raise
    finally:
        writer.wait_merging_threads()  # also gives the directory's lock back


def _writer(index: Any, arena: int) -> Any:
    """A writer, or None while another has the lock."""
    try:
        return index.writer(arena, 1)
    except ValueError as error:
        if "LockBusy" in str(error):
            return None
        raise


@contextmanager
def _failures() -> Iterator[None]:
    """A damaged or unreadable index and a full disk are ValueError or OSError in tantivy."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise EngineUnavailable(f"embedded index: {error}") from error
