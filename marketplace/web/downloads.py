"""Files as downloads: always saved, never shown inside our pages, and kept by no cache."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import AnyStr, Final

from flask import Response, send_file, stream_with_context

from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.files import StoredFile, store

TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def saved(content: bytes, name: str, content_type: str | None = None) -> Response:
    """These bytes under that name; without a content type the name's ending, one of `TYPES`, tells it."""
    kind = content_type or TYPES[name.rpartition(".")[2]]
    answer = send_file(io.BytesIO(content), mimetype=kind, as_attachment=True, download_name=name)
    return _uncached(answer)


def streamed(pieces: Iterator[AnyStr], name: str) -> Response:
    """Pieces that are made while they are sent, under a name whose ending is one of `TYPES`."""
    answer = Response(stream_with_context(pieces), mimetype=TYPES[name.rpartition(".")[2]])
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return _uncached(answer)


def kept(row: StoredFile) -> Response:
    """A file of the store under its own name."""
    return saved(store().read(row.digest), row.name, row.content_type)


def stored(file_id: int | None) -> Response:
    """A file of the store by its id; whether the reader may have it was asked before.

    Raises:
        NotFound: `file-missing`: there is none, or it is no longer there.
    """
    row = db.session.get(StoredFile, file_id) if file_id is not None else None
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return kept(row)


def _uncached(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
