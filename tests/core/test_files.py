"""A file is on disk under its name before anything that speaks of it is committed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from marketplace.core.errors import NotFound
from marketplace.core.files import FileStore


def test_a_written_file_is_read_back_and_its_folder_is_synced_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own calls are watched and made."""
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        done.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def watched_replace(self: Path, target: Path) -> Path:
        done.append(("rename", str(target)))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    store = FileStore(str(tmp_path / "files"))
    digest = store.write(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert store.read(digest) == b"content"
    target = store.path(digest)
    after = done[done.index(("rename", str(target))) + 1 :]
    assert after == [("sync", str(target.parent))]
    assert done[0] == ("sync", str(store.root))


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "files"))
    assert store.write(b"content") == store.write(b"content")
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [
        hashlib.sha256(b"content").hexdigest()
    ]


def test_a_file_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="file-missing"):
        FileStore(str(tmp_path)).read("0" * 64)
