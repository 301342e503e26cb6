"""Importing from text, for all kinds of lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND

Importing = Callable[..., dict[str, int]]


@pytest.fixture
def imported(context: None, tmp_path: Path) -> Importing:
    """Write a text or bytes into a file and import it; the operator's command unless told otherwise."""

    def run(
        text: str | bytes, kind: str = "patents", name: str = "list.csv", **options: Any
    ) -> dict[str, int]:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return importing.run(kind, path, **{"actor": OPERATOR_COMMAND} | options).as_json()

    return run


def counts(**numbers: int) -> dict[str, int]:
    """A summary with these numbers and zeros."""
    return {"read": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0} | numbers
