"""Which engines this process talks to: opened on first use, so never before a fork."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import current_app

from .breaker import Breaker
from .embedded import EmbeddedEngine
from .engine import SearchEngine

Part = TypeVar("Part")


def make(kind: str) -> SearchEngine:
    """A new engine of a kind (`embedded` or `elasticsearch`) with the application's settings."""
    settings = current_app.config["SETTINGS"]
    if kind == "elasticsearch":
        # Here and not above: its client takes some 6 MB, which a process without that server need not pay.
        from .elasticsearch import ElasticsearchEngine

        return ElasticsearchEngine(settings.elasticsearch_url)
    return EmbeddedEngine(settings.instance_dir / "search")


def engine() -> SearchEngine:
    """The engine of the present application."""
    return _kept("marketplace.search", lambda: make(current_app.config["SETTINGS"].search_engine))


def standby() -> SearchEngine | None:
    """The engine that answers while the present one is away; None where none is kept."""
    settings = current_app.config["SETTINGS"]
    if settings.search_standby in ("", settings.search_engine):
        return None
    return _kept("marketplace.search.standby", lambda: make(settings.search_standby))


def kept() -> tuple[SearchEngine, ...]:
    """Every engine whose generations are kept in step with the database, the present one first."""
    spare = standby()
    return (engine(),) if spare is None else (engine(), spare)


def breaker() -> Breaker:
    """This process's memory of whether the present engine answers."""
    return _kept("marketplace.search.breaker", Breaker)


def _kept(name: str, new: Callable[[], Part]) -> Part:
    if name not in current_app.extensions:
        current_app.extensions.setdefault(name, new())  # two threads at once share the first's
    found: Part = current_app.extensions[name]
    return found
