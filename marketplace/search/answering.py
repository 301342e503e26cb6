"""Which index answers: the engine's, or while it is away the stand-by's if that is not far behind."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from marketplace.core import clock

from . import engines, generations
from .engine import EngineUnavailable, GenerationMissing, SearchEngine
from .models import SearchGeneration

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

PATIENCE: Final = dt.timedelta(seconds=60)
"""How far the stand-by may be behind and still answer."""


@dataclass(frozen=True)
class Source:
    """Where an answer comes from.

    Attributes:
        engine: name of the engine that answered.
        degraded: whether it is a substitute.
        as_of: up to when changes are in the answer.
    """

    engine: str
    degraded: bool
    as_of: dt.datetime


def ask(question: Callable[[SearchEngine, SearchGeneration], Answer]) -> tuple[Answer, Source]:
    """Ask the engine, or the stand-by while the engine is away; a question may be asked twice.

    Args:
        question: is given an engine and its live generation, and asks them as often as it needs.

    Raises:
        EngineUnavailable: neither answers, or what would answer is more than a minute behind.
    """
    breaker = engines.breaker()
    if not breaker.allows():
        return _ask_standby(question, EngineUnavailable("left alone after several failures"))
    try:
        found = _ask(engines.engine(), question, degraded=False)
    except GenerationMissing as error:
        return _ask_standby(question, error)  # the engine is there, so it is asked again next time
    except EngineUnavailable as error:
        breaker.failed()
        return _ask_standby(question, error)
    breaker.succeeded()
    return found


def _ask_standby(
    question: Callable[[SearchEngine, SearchGeneration], Answer], failure: EngineUnavailable
) -> tuple[Answer, Source]:
    log.warning("search engine away", extra={"error": failure.detail})
    standby = engines.standby()
    if standby is None:
        raise failure
    try:
        found = _ask(standby, question, degraded=True)
    except EngineUnavailable as error:
        log.warning("stand-by away", extra={"error": error.detail})
        raise failure from error
    return found


def _ask(
    engine: SearchEngine, question: Callable[[SearchEngine, SearchGeneration], Answer], *, degraded: bool
) -> tuple[Answer, Source]:
    generation = generations.live(engine.name)
    if generation is None:
        raise GenerationMissing("no generation was built yet")
    as_of = generations.up_to(generation)  # before the question, so that it promises no more than it has
    if degraded and (behind := clock.now() - as_of) > PATIENCE:
        raise EngineUnavailable(f"the stand-by is {behind.total_seconds():.0f} s behind")
    return question(engine, generation), Source(engine.name, degraded, as_of)
