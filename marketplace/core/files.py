"""Content-addressed files: written and synced before the row that names them commits.

A file is named by the sha256 of its bytes, so writing twice is harmless and nothing is overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, mapped_column

from . import clock
from .database import Code, Key, Model, db
from .errors import Invalid, NotFound
from .scripts_in_files import brings_scripts
from .unit_of_work import current

MAX_UPLOAD = 10 * 1024 * 1024  # bytes
_MAGIC = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}


class StoredFile(Model):
    """A file with its purpose and owner; the bytes lie in the store under the digest."""

    __tablename__ = "files"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(Code(64), index=True)
    size: Mapped[int]
    content_type: Mapped[str] = mapped_column(Code(80))
    name: Mapped[str] = mapped_column(sa.String(200))
    purpose: Mapped[str] = mapped_column(Code(32))
    organisation_id: Mapped[int | None] = mapped_column(Key)
    created_at: Mapped[dt.datetime]


class FileStore:
    """A folder of content-addressed files."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("", "file"):
            raise ValueError(f"FILES_URL: only folders are supported, not {parts.scheme}:")
        self.root = Path(parts.path)

    def path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def write(self, content: bytes) -> str:
        """Store bytes durably. Returns their sha256 in hex."""
        digest = hashlib.sha256(content).hexdigest()
        target = self.path(digest)
        if target.exists():
            return digest
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(self.root)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).replace(target)
        # The name is in the folder, and the folder is a file of its own: without this a power cut after the
        # row's commit could leave a row whose file has no name.
        _sync_folder(target.parent)
        return digest

    def remove(self, digest: str) -> None:
        """Delete a file; harmless when it is gone already."""
        self.path(digest).unlink(missing_ok=True)

    def read(self, digest: str) -> bytes:
        """The bytes of a stored file.

        Raises:
            NotFound: when the store does not have it.
        """
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound("file-missing", "The file is no longer in the store.") from None


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def store() -> FileStore:
    """The store of the present application."""
    found: FileStore = current_app.extensions["marketplace.files"]
    return found


def checked_upload(content: bytes) -> str:
    """The content type of an upload by its first bytes, never by what the sender claims.

    Raises:
        Invalid: `file-empty`, `file-too-large` (10 MB), `file-type` (only PDF, PNG and JPEG), `file-active`
            (a PDF with a script).
    """
    if not content:
        raise Invalid("file-empty", "The file is empty.")
    if len(content) > MAX_UPLOAD:
        raise Invalid("file-too-large", "The file is larger than 10 MB.")
    for content_type, starts in _MAGIC.items():
        if content.startswith(starts):
            if content_type == "application/pdf" and brings_scripts(content):
                raise Invalid(
                    "file-active",
                    "This PDF holds a script or starts a program. Please print it to a new PDF first.",
                )
            return content_type
    raise Invalid("file-type", "Please upload a PDF, PNG or JPEG file.")


def keep(
    content: bytes, *, name: str, content_type: str, purpose: str, organisation_id: int | None = None
) -> StoredFile:
    """Write bytes to the store and add their row to the present unit of work."""
    current()
    row = StoredFile(
        digest=store().write(content),
        size=len(content),
        content_type=content_type,
        name=name[:200],
        purpose=purpose,
        organisation_id=organisation_id,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def forget(row: StoredFile) -> None:
    """Delete a file's row in the present unit of work, and its bytes after the commit.

    Nothing may refer to the row any more. Bytes that another row names (the same content) stay.
    """
    unit = current()
    digest = row.digest
    db.session.delete(row)
    db.session.flush()

    def remove() -> None:
        if db.session.scalar(sa.select(StoredFile.id).where(StoredFile.digest == digest).limit(1)) is None:
            store().remove(digest)

    unit.then(remove)
