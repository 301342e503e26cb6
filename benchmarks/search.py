"""How fast both engines index and answer over the same generated offers, and what the API adds to that."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import flask_migrate
import sqlalchemy as sa
from flask import Flask

import config
from benchmarks.bare import bare as bare_query
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.matching.terms import Need, rank, weigh
from marketplace.search import engines, generations, language, suggestions
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.query import parse
from tests.search.corpus import OWNERS, offer
from tests.services import elasticsearch

OFFERS = 20_000
SIZES = (10_000, 100_000)
"""Offers in the database, for the whole way through the API (SQLite); `benchmarks.million` has more."""

ROUNDS = 15
GENERATION = "benchmark"
Figure = tuple[str, float, str]

QUERIES = (
    {"q": "锂离子电池回收"},
    {"q": "污水处理 曝气", "kind": "invention"},
    {"q": "solid electrolyte"},
    {"q": '"谐波减速器"', "district": "310115"},
    {"ipc": "H01M", "sort": "fee"},
    {"q": "无人机机翼的检测装置", "fee_max": "50000", "page": "3"},
)
ASKED = (
    {"q": "锂离子电池 回收", "kind": "invention", "fee_form": "fixed"},
    {"q": "污水处理 曝气 检测", "kind": "utility_model", "district": "310115"},
    {"q": "solid electrolyte testing", "ipc": "H01M", "fee_max": "50000"},
    {"q": "无人机 机翼 散热 结构", "owner_type": "university", "district": "310104"},
    {"q": "谐波减速器 控制", "kind": "invention", "ipc": "F16H"},
    {"q": "可降解 支架 医疗", "kind": "invention", "fee_form": "free"},
)
"""Two to four words and two filters each, for the way through the API: all facets, 20 hits with marks."""

NEED = Need(
    "超高性能混凝土的散热与检测",
    "本公司生产预制构件,现有混凝土养护时温升过高、开裂多,希望降低能耗、成本低、结构简单,检测精度达0.5mm。",
)


def run() -> list[Figure]:
    """Name, figure and unit of each measurement; without Elasticsearch those of the embedded engine only."""
    figures: list[Figure] = []
    with _engines() as engines:
        for engine in engines:
            figures += _measure(engine)
    for size in SIZES:
        figures += _told(through_the_api(size))
    return figures


@contextlib.contextmanager
def _engines() -> Iterator[list[SearchEngine]]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        found: list[SearchEngine] = [EmbeddedEngine(Path(folder))]
        if elasticsearch.find() is not None:
            found.append(ElasticsearchEngine(stack.enter_context(elasticsearch.serve()), prefix="benchmark-"))
        for engine in found:
            stack.callback(engine.close)
        yield found


def _measure(engine: SearchEngine) -> list[Figure]:
    engine.create(GENERATION)
    start = time.perf_counter()
    engine.write(GENERATION, (offer(serial) for serial in range(OFFERS)))
    rate = OFFERS / (time.perf_counter() - start)
    figures: list[Figure] = [(f"{engine.name}: index {OFFERS:,} offers", round(rate), "offers/s")]
    for params in QUERIES:
        query = parse(params)
        asked = " ".join(f"{name}={value}" for name, value in params.items())
        figures.append(
            (
                f"{engine.name}: search {asked}",
                _median(lambda query=query: engine.search(GENERATION, query)),  # type: ignore[misc]
                "ms",
            )
        )

    def match() -> None:
        rank(engine, GENERATION, weigh(engine, GENERATION, NEED))

    def one() -> None:
        engine.write(GENERATION, [offer(OFFERS, version=time.monotonic_ns())])

    figures.append((f"{engine.name}: rank offers for a demand", _median(match), "ms"))
    figures.append((f"{engine.name}: write one offer until it can be found", _median(one), "ms"))
    return figures


@dataclass(frozen=True)
class Answers:
    """How the queries were answered over so many offers by one engine; times in ms, one per query.

    Attributes:
        kind: the engine.
        offers: how many it holds.
        rebuilt: offers a second of a rebuild, by the processor time of all but the server.
        matches: how many offers each query finds.
        bare: given to the bare index as finished requests: no check against the database, no order of ties,
            no marks.
        engine: by the engine.
        api: through the API.
        hints: median of suggestions for one character.
    """

    kind: str
    offers: int
    rebuilt: float
    matches: list[int] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    api: list[float] = field(default_factory=list)
    hints: float = 0.0


def kinds() -> tuple[str, ...]:
    """The engines that can be measured here."""
    return ("embedded",) if elasticsearch.find() is None else ("embedded", "elasticsearch")


def through_the_api(size: int) -> list[Answers]:
    """The same contents asked for through the API, of the engine and of the bare index, on each engine.

    All are asked one after the other in each round, both engines too, so that neighbours disturb them alike.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}", "INSTANCE_DIR": folder}
        measured: list[tuple[Flask, Answers]] = []
        for kind in kinds():
            if kind == "elasticsearch":
                heap = "2g" if size > 200_000 else "1g"
                environment["ELASTICSEARCH_URL"] = stack.enter_context(elasticsearch.serve(heap=heap))
            app = create_app(config.Settings.from_environment(environment | {"SEARCH_ENGINE": kind}))
            app.config["RATELIMIT_ENABLED"] = False
            with app.app_context():
                if not measured:
                    flask_migrate.upgrade()
                    _load(size)
                start = time.process_time()
                indexed = generations.rebuild()["documents"]
                rebuilt = indexed / (time.process_time() - start)
                if not measured:
                    suggestions.refresh()
            stack.callback(_let_go, app)
            measured.append((app, Answers(kind, indexed, rebuilt)))
        for params in ASKED:
            calls = [call for app, answers in measured for call in _calls(app, answers, params)]
            times = iter(_in_turn(*calls))
            for _, answers in measured:
                for found in (answers.bare, answers.engine, answers.api):
                    found.append(next(times))
        return [replace(answers, hints=_hints(app)) for app, answers in measured]


def _let_go(app: Flask) -> None:
    with app.app_context():
        engines.engine().close()
        db.engine.dispose()


def _calls(app: Flask, answers: Answers, params: dict[str, str]) -> Iterator[Callable[[], object]]:
    """What asks the bare index, the engine and the API for a query; its matches are counted on the way."""
    client, address = app.test_client(), f"/api/v1/offers?{urlencode(params)}"
    with app.app_context():
        engine, generation = engines.engine(), generations.live(answers.kind)
        if generation is None:
            raise RuntimeError("the rebuild has left no live generation")
        name, query = generation.name, language.widen(parse(params))
        answers.matches.append(engine.search(name, query).total)
        yield bare_query(engine, name, query)
        db.session.remove()

    def alone() -> None:
        with app.app_context():
            engine.search(name, language.widen(parse(params)))

    def asked() -> None:
        if client.get(address).status_code != 200:
            raise RuntimeError(f"{address} is not answered")

    yield from (alone, asked)


def _hints(app: Flask) -> float:
    client = app.test_client()
    return statistics.median(
        _median(lambda typed=typed: client.get(f"/api/v1/suggest?q={typed}"))  # type: ignore[misc]
        for typed in "l电锂"
    )


def _told(found: Sequence[Answers]) -> list[Figure]:
    """The figures of one size, and how the engines compare."""
    figures: list[Figure] = []
    for one in found:
        titled = f"{one.offers:,} offers, {one.kind}"
        ways = {"the bare index": one.bare, "the engine": one.engine, "the API": one.api}
        median = f"median of {len(ASKED)} queries"
        figures += [
            (f"{titled}: rebuild, processor time of all but the server", round(one.rebuilt), "offers/s"),
            *((f"{titled}: {way}, {median}", _middle(times), "ms") for way, times in ways.items()),
            (f"{titled}: the API's time to the engine's, median", _ratio(one.api, one.engine), "×"),
            (f"{titled}: the API's time to the bare index's, median", _ratio(one.api, one.bare), "×"),
            (f"{titled}: the API's time to the bare index's, longest", _ratio(one.api, one.bare, max), "×"),
            (f"{titled}: suggestions for one character", round(one.hints, 1), "ms"),
        ]
    if len(found) == 2:
        embedded, server = found
        titled = (
            f"{embedded.offers:,} offers: the API's time with the embedded engine to that with Elasticsearch"
        )
        figures += [
            (f"{titled}, median", _ratio(embedded.api, server.api), "×"),
            (f"{titled}, longest", _ratio(embedded.api, server.api, max), "×"),
        ]
    return figures


def _ratio(
    ours: list[float], theirs: list[float], of: Callable[[list[float]], float] = statistics.median
) -> float:
    return round(of([one / other for one, other in zip(ours, theirs, strict=True)]), 2)


def _in_turn(*calls: Callable[[], object]) -> list[float]:
    """The median of each call in ms, made in turn; the first round warms up."""
    rounds: list[list[float]] = []
    for _ in range(ROUNDS + 1):
        took = []
        for call in calls:
            start = time.perf_counter()
            call()
            took.append((time.perf_counter() - start) * 1000)
        rounds.append(took)
    return [statistics.median(one) for one in zip(*rounds[1:], strict=True)]


def _load(size: int) -> None:
    """So many offers of the generated catalogue, in rows."""
    now, day = clock.now(), clock.today()
    with unit_of_work():
        holders = [
            Organisation(name=name, type=kind, region="310104", created_at=now) for name, kind in OWNERS
        ]
        db.session.add_all(holders)
        db.session.flush()
        of = {holder.name: holder.id for holder in holders}
    for start in range(1, size + 1, 5_000):
        made = [offer(serial) for serial in range(start, min(start + 5_000, size + 1))]
        with unit_of_work():
            db.session.execute(sa.insert(Patent), [
                {
                    "id": n, "number": one.patent_number, "publication_number": one.publication_number,
                    "kind": one.kind, "title": one.title, "title_en": one.title_en, "abstract": one.abstract,
                    "abstract_en": one.abstract_en, "application": one.application, "problem": one.problem,
                    "advantage": one.advantage, "district": one.district, "created_at": now,
                    "updated_at": now,
                }
                for n, one in enumerate(made, start)
            ])  # fmt: skip
            db.session.execute(sa.insert(PatentParty), [
                {"patent_id": n, "position": place, "organisation_id": of[owner]}
                for n, one in enumerate(made, start) for place, owner in enumerate(one.owners)
            ])  # fmt: skip
            db.session.execute(sa.insert(PatentClass), [
                {"patent_id": n, "position": place, "symbol": symbol}
                for n, one in enumerate(made, start) for place, symbol in enumerate(one.ipc)
            ])  # fmt: skip
            db.session.execute(sa.insert(Offer), [
                {
                    "id": n, "patent_id": n, "holder_id": of[one.owners[0]], "status": "announced",
                    "evidence": "verified", "declaration_number": one.declaration_number,
                    "announced_on": one.announced_on, "term_from": one.announced_on,
                    "term_to": day.replace(year=day.year + 3, day=1), "fee_form": one.fee_form,
                    "fee_minor": one.fee_minor, "rate_percent": one.rate_percent, "rate_base": one.rate_base,
                    "currency": "CNY", "channels": [], "created_at": now,
                }
                for n, one in enumerate(made, start)
            ])  # fmt: skip


def _middle(times: list[float]) -> float:
    return round(statistics.median(times), 1)


def _median(call: Callable[[], object]) -> float:
    """The median of some rounds in ms; the first one warms up."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times[1:]) * 1000, 1)
