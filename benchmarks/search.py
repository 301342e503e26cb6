"""How fast both engines index and answer over the same generated offers, and what the API adds to that."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import flask_migrate
import sqlalchemy as sa

import config
from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer, Patent, PatentClass, PatentParty
from marketplace.matching.terms import Need, rank, weigh
from marketplace.search import engines, generations, indexer, language, suggestions
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.query import parse
from tests.search.corpus import OWNERS, offer
from tests.services import elasticsearch

OFFERS = 20_000
SIZES = (10_000, 100_000)
"""Offers in the database, for the whole way through the API (embedded engine, SQLite)."""

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
        figures += _through_the_api(size)
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


def _through_the_api(size: int) -> list[Figure]:
    """The same contents asked for through the API and of the engine alone, in turn."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'bench.db'}"
        app = create_app(config.Settings.from_environment({"DATABASE_URL": url, "INSTANCE_DIR": name}))
        app.config["RATELIMIT_ENABLED"] = False
        with app.app_context():
            flask_migrate.upgrade()
            _load(size)
            start = time.process_time()
            indexed = len(list(indexer.documents(indexer.all_ids())))
            read = time.process_time() - start
            start = time.process_time()
            generations.rebuild()
            whole = time.process_time() - start
            suggestions.refresh()
            db.session.remove()
        client = app.test_client()
        bare: list[float] = []
        through: list[float] = []
        figures: list[Figure] = [
            (
                f"{indexed:,} offers: rebuild, processor time of reading alone",
                round(indexed / read),
                "offers/s",
            ),
            (f"{indexed:,} offers: rebuild, processor time of all", round(indexed / whole), "offers/s"),
        ]
        for params in QUERIES:
            address = f"/api/v1/offers?{urlencode(params)}"

            def alone(params: dict[str, str] = params) -> None:
                with app.app_context():
                    engine, generation = engines.engine(), generations.live("embedded")
                    query = language.widen(parse(params))
                    engine.search(generation.name, query)  # type: ignore[union-attr]

            def asked(address: str = address) -> None:
                assert client.get(address).status_code == 200

            bare.append(_median(alone))
            through.append(_median(asked))
        figures += [
            (f"{indexed:,} offers: the engine alone, median of {len(QUERIES)} queries", _middle(bare), "ms"),
            (f"{indexed:,} offers: through the API, median of the same", _middle(through), "ms"),
            (
                f"{indexed:,} offers: the API's time to the engine's, median",
                round(statistics.median(t / b for t, b in zip(through, bare, strict=True)), 2),
                "×",
            ),
        ]
        hints = [_median(lambda typed=typed: client.get(f"/api/v1/suggest?q={typed}")) for typed in "l电锂"]  # type: ignore[misc]
        figures.append((f"{indexed:,} offers: suggestions for one character", _middle(hints), "ms"))
        with app.app_context():
            engines.engine().close()
            db.engine.dispose()
    return figures


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
