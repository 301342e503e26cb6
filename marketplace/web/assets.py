"""Static files: addressed by the hash of their content, so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"
_A_YEAR = 365 * 24 * 3600

blueprint = Blueprint("assets", __name__)


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file below `static/`, with its content's hash.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return url_for("assets.static", name=name, v=_fingerprint(name))


@blueprint.get("/static/<path:name>")
def static(name: str) -> Response:
    """A static file. With its own hash, or from a folder that carries a version, it never changes."""
    response = send_from_directory(FOLDER, name)
    if name.startswith("vendor/") or request.args.get("v") == _fingerprint(name):
        response.cache_control.public = True
        response.cache_control.max_age = _A_YEAR
        response.cache_control.immutable = True
    return response


# Marked without the guard: a style sheet must not cost a look at the session.
static.access = "public"  # type: ignore[attr-defined]
