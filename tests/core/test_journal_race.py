"""Six writers with rollbacks and long transactions, readers and writers killed with -9: nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import journal, readers
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader
from marketplace.core.unit_of_work import record, unit_of_work
from tests import factories
from tests.conftest import Databases, settings_for

WRITERS, ENTRIES = 6, 40
PATIENCE = 280  # seconds; a busy machine must not fail a test


def start(url: str, folder: Path, *arguments: object) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DATABASE_URL": url, "INSTANCE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.core.race", *map(str, arguments)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.timeout(600)
def test_every_entry_is_read_once_in_order_and_the_chain_holds(databases: Databases, tmp_path: Path) -> None:
    url = databases.copy()
    writers = [start(url, tmp_path, "write", n, ENTRIES, "live") for n in range(WRITERS)]
    doomed_writer = start(url, tmp_path, "write", 99, ENTRIES, "die")
    doomed_reader = start(url, tmp_path, "read", "first", 10**9, 40)
    assert [process.wait(PATIENCE) for process in writers] == [0] * WRITERS
    assert doomed_writer.wait(PATIENCE) == -9
    assert doomed_reader.wait(PATIENCE) == -9

    app = create_app(settings_for(url, tmp_path))
    with app.app_context():
        total = journal.last_id()
        partly = db.session.scalar(sa.select(sa.func.count()).where(Organisation.type == "agency")) or 0
        assert total >= WRITERS * ENTRIES
        assert partly < total
        # The dead reader's lease still runs; end it, as its time would.
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(sa.text("UPDATE journal_cursors SET lease_until = NULL"))
    survivor = start(url, tmp_path, "read", "second", total, 0)
    assert survivor.wait(PATIENCE) == 0

    with app.app_context():
        assert journal.verify() == journal.Verification(total, None)
        written = db.session.execute(
            sa.select(JournalEntry.id, JournalEntry.data).order_by(JournalEntry.id)
        ).all()
        read = db.session.execute(
            sa.select(Organisation.code, Organisation.name)
            .where(Organisation.type == "agency")
            .order_by(Organisation.id)
        ).all()
        assert [(int(code[1:]), name) for code, name in read] == [
            (number, f"read {data['writer']}-{data['n']}") for number, data in written
        ]
        made = set(db.session.scalars(sa.select(Organisation.name).where(Organisation.type == "enterprise")))
        assert made == {f"{data['writer']}-{data['n']}" for _, data in written}
        for writer in range(WRITERS):
            order = [data["n"] for _, data in written if data["writer"] == writer]
            assert order == list(range(ENTRIES))
        db.session.remove()
        db.engine.dispose()


def test_a_lease_keeps_a_second_worker_away_until_it_ends(committed_app: Flask) -> None:
    seen: list[int] = []

    def busy(entries: Sequence[JournalEntry]) -> None:
        """A second worker comes while the first is at work."""
        if not seen:
            assert readers.step(Reader("leased", inside=take, batch=1), "two") == 0

    def take(entries: Sequence[JournalEntry]) -> None:
        seen.extend(entry.id for entry in entries)

    reader = Reader("leased", inside=take, outside=busy, batch=1)
    with committed_app.app_context():
        for _ in range(3):
            with unit_of_work():
                record("organisation.created", factories.organisation())
        assert readers.step(reader, "one") == 1
        assert readers.step(reader, "two") == 1  # given back with the batch
        # A worker that was killed gives nothing back: its lease has to run out.
        for until, taken in ((readers.wall() + readers.LEASE, 0), (readers.wall(), 1)):
            with unit_of_work():
                held = {"lease_owner": "one", "lease_until": until}
                db.session.execute(sa.update(readers.JournalCursor).values(held))
            time.sleep(0.01)
            assert readers.step(reader, "two") == taken
    assert seen == [1, 2, 3]
