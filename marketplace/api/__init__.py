"""REST for machines."""

from __future__ import annotations

from flask import Flask

import config


def init_app(_app: Flask, _settings: config.Settings) -> None:
    """Register the API."""
