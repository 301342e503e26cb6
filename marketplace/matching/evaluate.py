"""How well the ranking does on demands whose offers people have graded.

nDCG@10 with gain 2^grade - 1, inside each demand's judged pool, averaged over the demands with at least ten
judged offers and one of grade 2 or more. Indexes into a scratch generation; an instance's own data and
database are not touched.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from marketplace.core.errors import Invalid
from marketplace.search.document import OfferDocument
from marketplace.search.elasticsearch import ElasticsearchEngine
from marketplace.search.embedded import EmbeddedEngine
from marketplace.search.engine import Ranked, SearchEngine

from . import semantic
from .terms import Need, rank, weigh

_DEPTH: Final = 10
_JUDGED: Final = 10
_GOOD: Final = 2
_LOOKED_AT: Final = 60
_SAMPLES: Final = 10_000
_PATENT: Final = ("id", "title", "abstract")
_GENERATION: Final = "scratch"
_TAG: Final = "marketplace"


@dataclass(frozen=True)
class Evaluation:
    """What came of it: mean nDCG@10 over how many demands, and per demand its judged offers in order.

    `interval` is the 95 % confidence interval of the mean, by bootstrap over the demands.
    """

    ndcg: float
    demands: int
    runs: Mapping[str, Sequence[Ranked]]
    interval: tuple[float, float]
    semantic: bool


def evaluate(
    engine: SearchEngine, offers: Path, demands: Path, qrels: Path, model: semantic.Model | None = None
) -> Evaluation:
    """Index the offers in the engine's generation `scratch` and rank each demand's judged pool.

    Args:
        engine: with nothing in it that matters.
        offers: JSONL with `id`, `title` and perhaps `abstract`.
        demands: JSONL with `id`, `title` and `description`.
        qrels: TREC judgements: demand, 0, offer, grade from 0 up.
        model: ranks by meaning too, if there is one.

    Raises:
        Invalid: `evaluation-file`: a line cannot be read; `evaluation-empty`: no demand can be scored.
        EngineUnavailable: the engine does not answer.
    """
    graded = read_qrels(qrels)
    needs = {
        str(row["id"]): Need(row.get("title") or "", row.get("description") or "")
        for row in _rows(demands, "id")
    }
    engine.create(_GENERATION)
    try:
        judged = {offer for pool in graded.values() for offer in pool}
        texts: dict[str, str] = {}

        def documents() -> Iterator[OfferDocument]:
            for row in _rows(offers, "id", "title"):
                document = _document(row)
                if document.id in judged:
                    texts[document.id] = f"{document.title}\n{document.abstract}".strip()
                yield document

        report = engine.write(_GENERATION, documents())
        if report.rejected:
            raise Invalid(
                "evaluation-file", "The index refused %(count)s offers.", count=len(report.rejected)
            )
        scored = {
            demand: pool
            for demand, pool in graded.items()
            if demand in needs and len(pool) >= _JUDGED and max(pool.values()) >= _GOOD
        }
        meaning = _Meaning(model, {one: texts[one] for one in sorted(judged) if one in texts})
        runs = {
            demand: _run(engine, needs[demand], pool, texts, meaning.closeness(needs[demand], pool))
            for demand, pool in sorted(scored.items())
        }
    finally:
        engine.drop(_GENERATION)
    if not runs:
        raise Invalid(
            "evaluation-empty", "No demand has ten judged offers, one of them with grade 2 or more."
        )
    gains = [ndcg([graded[d][row.id] for row in run], list(graded[d].values())) for d, run in runs.items()]
    return Evaluation(sum(gains) / len(gains), len(gains), runs, interval(gains), model is not None)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of the means of 10,000 samples drawn from the values with replacement, always alike."""
    draw = random.Random(0)  # noqa: S311 - statistics, no secret
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(_SAMPLES))
    return means[int(0.025 * _SAMPLES)], means[int(0.975 * _SAMPLES) - 1]


def ndcg(ranked: Sequence[int], judged: Sequence[int]) -> float:
    """nDCG@10 of the grades `ranked` in order, against the best order of all that are `judged`."""
    ideal = _dcg(sorted(judged, reverse=True))
    return _dcg(ranked) / ideal if ideal else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:_DEPTH]))


class _Meaning:
    """Offers by their vectors; without a model nothing is close to anything."""

    def __init__(self, model: semantic.Model | None, texts: Mapping[str, str]) -> None:
        self._model = model
        if model is not None:
            vectors = [semantic.embed(model, semantic.text_of(*_split(text))) for text in texts.values()]
            matrix = np.stack(vectors) if vectors else np.zeros((0, 0))
            self._rows = {one: row for row, one in enumerate(texts)}
            self._matrix, self._space = matrix, semantic.Space.of(matrix)

    def closeness(self, need: Need, offers: Collection[str]) -> Mapping[str, float]:
        """How close each of the offers is to a need."""
        if self._model is None:
            return {}
        known = [one for one in offers if one in self._rows]
        rows = self._matrix[[self._rows[one] for one in known]]
        values = self._space.closeness(rows, semantic.ask(self._model, *need.gists))
        return dict(zip(known, map(float, values), strict=True))


def _split(text: str) -> tuple[str, str]:
    title, _, abstract = text.partition("\n")
    return title, abstract


def _run(
    engine: SearchEngine,
    need: Need,
    pool: Mapping[str, int],
    texts: Mapping[str, str],
    closeness: Mapping[str, float],
) -> list[Ranked]:
    """The pool in order; what shares nothing with the need, or is not among the offers, comes last by id."""
    weighed = weigh(engine, _GENERATION, need)
    ranked = rank(engine, _GENERATION, weighed, ids=list(pool), size=len(pool))
    scores = dict.fromkeys(sorted(pool), 0.0) | {row.id: row.score for row in ranked}
    fused = semantic.combine(need, scores, texts, closeness)
    return sorted((Ranked(*row) for row in fused.items()), key=lambda row: (-row.score, row.id))


# --- titles and their own abstracts


@dataclass(frozen=True)
class Recognition:
    """How well titles find their own abstracts: mean reciprocal rank among the first ten, of how many."""

    mrr: float
    titles: int
    semantic: bool


def recognise(engine: SearchEngine, patents: Path, model: semantic.Model | None = None) -> Recognition:
    """Ask with every title for its own abstract, the titles themselves not being indexed.

    Args:
        engine: with nothing in it that matters.
        patents: JSONL with `id`, `title` and `abstract`.
        model: ranks by meaning too, if there is one.

    Raises:
        Invalid: `evaluation-file`, `evaluation-empty`.
        EngineUnavailable: the engine does not answer.
    """
    rows = [(str(row["id"]), str(row["title"]), str(row["abstract"])) for row in _rows(patents, *_PATENT)]
    if not rows:
        raise Invalid("evaluation-empty", "The file has no patents.")
    engine.create(_GENERATION)
    try:
        engine.write(
            _GENERATION, (_document({"id": id_, "title": "", "abstract": text}) for id_, _, text in rows)
        )
        texts = {id_: f"\n{text}" for id_, _, text in rows}
        meaning = _Meaning(model, texts)
        reciprocal = 0.0
        for id_, title, _ in rows:
            need = Need(title, "")
            ranked = rank(engine, _GENERATION, weigh(engine, _GENERATION, need), size=_LOOKED_AT)
            by_words = {row.id: row.score for row in ranked}
            scores = semantic.combine(need, by_words, texts, meaning.closeness(need, by_words))
            found = sorted(scores, key=lambda one: (-scores[one], one))[:_DEPTH]
            places = [place for place, one in enumerate(found, start=1) if one == id_]
            reciprocal += 1 / places[0] if places else 0.0
    finally:
        engine.drop(_GENERATION)
    return Recognition(reciprocal / len(rows), len(rows), model is not None)


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Demand → judged offer → grade. Raises Invalid: `evaluation-file`."""
    graded: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 4 or not fields[3].isdecimal():
            raise _unreadable(path, number)
        graded.setdefault(fields[0], {})[fields[2]] = int(fields[3])
    return graded


def write_run(evaluation: Evaluation, path: Path) -> None:
    """Write a TREC run file: demand, Q0, offer, rank from 1, score, tag."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for demand, run in evaluation.runs.items():
            for place, row in enumerate(run, start=1):
                out.write(f"{demand} Q0 {row.id} {place} {row.score:.3f} {_TAG}\n")


@contextmanager
def scratch_engine(kind: str, elasticsearch_url: str) -> Iterator[SearchEngine]:
    """An engine that leaves nothing behind: in a temporary folder, or under an index name of its own.

    Args:
        kind: `embedded` or `elasticsearch`.
        elasticsearch_url: where the server is; not looked at for the embedded engine.
    """
    if kind == "embedded":
        with tempfile.TemporaryDirectory(prefix="match-evaluate-") as folder:
            embedded = EmbeddedEngine(Path(folder))
            yield embedded
            embedded.close()
        return
    server = ElasticsearchEngine(elasticsearch_url, prefix=f"evaluate-{uuid.uuid4().hex}-")
    try:
        yield server
    finally:
        server.close()


def _rows(path: Path, *required: str) -> Iterator[dict[str, Any]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _unreadable(path, number) from error
        if not isinstance(row, dict) or any(row.get(name) in (None, "") for name in required):
            raise _unreadable(path, number)
        yield row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    number = 0
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
        except UnicodeDecodeError as error:
            raise _unreadable(path, number + 1) from error


def _unreadable(path: Path, line: int) -> Invalid:
    return Invalid(
        "evaluation-file",
        "%(file)s: line %(line)s cannot be read.",
        file=path.name,
        line=line,
    )


def _document(row: Mapping[str, Any]) -> OfferDocument:
    """An offer of which only the texts matter."""
    return OfferDocument(
        id=str(row["id"]),
        version=1,
        live=True,
        patent_number="",
        publication_number=None,
        declaration_number=None,
        kind="invention",
        title=str(row["title"]),
        title_en=str(row.get("title_en") or ""),
        abstract=str(row.get("abstract") or row.get("description") or ""),
        abstract_en=str(row.get("abstract_en") or ""),
        application=str(row.get("application") or ""),
        problem=str(row.get("problem") or ""),
        advantage=str(row.get("advantage") or ""),
        ipc=(),
        owners=(),
        owner_types=(),
        district=None,
        fee_form="free",
        fee_minor=None,
        rate_percent=None,
        rate_base=None,
        announced_on=dt.date(2000, 1, 1),
        term_to=dt.date(2100, 1, 1),
        licences=0,
        status="announced",
    )
