"""Counting what is sent to the database, for tests that no list asks once for each of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are sent to the database within the block."""
    seen: list[str] = []

    def note(_connection: sa.Connection, _cursor: object, text: str, *_rest: object) -> None:
        seen.append(text.replace("\n", " "))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
