"""Importing from text, and a patent with its holder."""

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
    """Write a text into a file and import it as the operator's command; the counts."""

    def run(text: str, kind: str, **options: Any) -> dict[str, int]:
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        return importing.run(kind, path, **{"actor": OPERATOR_COMMAND} | options).as_json()

    return run
