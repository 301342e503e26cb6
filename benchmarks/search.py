"""How fast both engines index and answer, in one run over the same generated offers."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from marketplace.matching.terms import Need, rank, weigh
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import SearchEngine
from marketplace.search.query import parse
from tests.search.corpus import offer
from tests.services import elasticsearch

OFFERS = 20_000
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


def _median(call: Callable[[], object]) -> float:
    """The median of some rounds in ms; the first one warms up."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times[1:]) * 1000, 1)
