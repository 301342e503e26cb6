"""Which engine this process talks to: opened on first use, so never before a fork."""

from __future__ import annotations

from flask import current_app

from .elasticsearch import ElasticsearchEngine
from .embedded import EmbeddedEngine
from .engine import SearchEngine


def make(kind: str) -> SearchEngine:
    """A new engine of a kind (`embedded` or `elasticsearch`) with the application's settings."""
    settings = current_app.config["SETTINGS"]
    if kind == "elasticsearch":
        return ElasticsearchEngine(settings.elasticsearch_url)
    return EmbeddedEngine(settings.instance_dir / "search")


def engine() -> SearchEngine:
    """The engine of the present application."""
    if "marketplace.search" not in current_app.extensions:
        current_app.extensions["marketplace.search"] = make(current_app.config["SETTINGS"].search_engine)
    found: SearchEngine = current_app.extensions["marketplace.search"]
    return found
