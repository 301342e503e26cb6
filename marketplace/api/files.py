"""Files as answers: attachments, never rendered by a browser as a page of ours."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import marshmallow as ma
from flask import Response
from flask_babel import gettext
from marshmallow import fields

from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.files import MAX_UPLOAD, StoredFile, store

from . import shapes

LARGEST_IN_JSON: Final = MAX_UPLOAD * 4 // 3 + 64 * 1024  # bytes, as base64 has it


class Base64(fields.String):
    """Bytes, written in base64."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **named: Any) -> Any:
        text = super()._deserialize(value, attr, data, **named)
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ma.ValidationError(gettext("This is no base64.")) from error


class WithFile(ma.Schema):
    """A request that may bring the paper behind it."""

    file_name = shapes.text(200, lines=False)
    file_base64 = Base64(
        allow_none=True,
        metadata={"contentEncoding": "base64", "description": "PDF, PNG or JPEG, up to 10 MB"},
    )


def sent_along(body: Mapping[str, Any], default: str) -> tuple[str, bytes] | None:
    """Name and bytes of the paper in a `WithFile`; None when it brings none.

    Args:
        default: its name when none was given.
    """
    content = body.get("file_base64")
    return None if content is None else (body.get("file_name") or default, content)


def kept_file(file_id: int | None) -> Response:
    """A stored file as an attachment.

    Raises:
        NotFound: `file-missing`, when there is none.
    """
    row = None if file_id is None else db.session.get(StoredFile, file_id)
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return attachment(store().read(row.digest), row.name)


def pdf(content: bytes, name: str) -> Response:
    """A PDF as an attachment called `name`."""
    return attachment(content, name, "application/pdf")


def attachment(content: bytes, name: str, content_type: str = "application/octet-stream") -> Response:
    """These bytes as an attachment called `name`."""
    response = Response(content, content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
