"""Files as answers: attachments, never rendered by a browser as a page of ours."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response


def pdf(content: bytes, name: str) -> Response:
    """A PDF as an attachment called `name`."""
    return attachment(content, name, "application/pdf")


def attachment(content: bytes, name: str, content_type: str = "application/octet-stream") -> Response:
    """These bytes as an attachment called `name`."""
    response = Response(content, content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
