"""Stored files as downloads: always saved, never shown inside our pages."""

from __future__ import annotations

import io

from flask import Response, send_file

from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.files import StoredFile, store


def stored(file_id: int | None) -> Response:
    """A file of the store under its own name; whether the reader may have it was asked before.

    Raises:
        NotFound: `file-missing`: there is none, or it is no longer there.
    """
    kept = db.session.get(StoredFile, file_id) if file_id is not None else None
    if kept is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    content = io.BytesIO(store().read(kept.digest))
    return send_file(content, mimetype=kept.content_type, as_attachment=True, download_name=kept.name)
