"""Pages for people."""

from __future__ import annotations

from flask import Flask

import config

from . import locale, operations

__all__ = ["init_app", "locale", "operations"]


def init_app(app: Flask, settings: config.Settings) -> None:
    """Register the pages, their error pages and the operations endpoints."""
    app.register_blueprint(operations.blueprint)
