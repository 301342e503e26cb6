"""What the operator's pages share: the blueprint, and what their addresses ask for."""

from __future__ import annotations

from flask import Blueprint, request

blueprint = Blueprint("operator", __name__, url_prefix="/operator")

_LARGEST = 2**63 - 1  # of the databases' keys


def key_given(name: str) -> int | None:
    """The key after which a list goes on; None when the address names none that there can be."""
    key = request.args.get(name, type=int)
    return key if key is not None and 0 <= key <= _LARGEST else None


def words_given() -> str:
    """What is looked for, at most 200 characters; without the null that PostgreSQL refuses in a text."""
    return request.args.get("q", "").replace("\0", "").strip()[:200]
