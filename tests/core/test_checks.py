"""The journal's check in the background: its result is kept, breaks are named, writers do not disturb it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core import checks, journal
from marketplace.core.database import db
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from tests import factories


def write(count: int = 1) -> None:
    for _ in range(count):
        with unit_of_work():
            record("organisation.created", factories.organisation())


@pytest.mark.usefixtures("context")
class TestChecks:
    def test_nothing_is_told_before_the_first_check(self) -> None:
        write()
        assert checks.last_check() is None

    def test_the_last_check_is_kept_with_time_and_number(self) -> None:
        write(3)
        checks.check_journal()
        write()
        checks.check_journal()
        found = checks.last_check()
        assert found is not None
        assert (found.ok, found.entries, found.kind) == (True, 5, None)
        assert journal.verify() == journal.Verification(6, None)

    def test_the_empty_journal_can_be_checked(self) -> None:
        checks.check_journal()
        found = checks.last_check()
        assert found is not None
        assert (found.ok, found.entries) == (True, 0)

    def test_a_break_is_kept_by_its_kind_and_place(self) -> None:
        write(3)
        connection = db.session.connection()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER journal_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE journal DISABLE TRIGGER USER")
        connection.exec_driver_sql("UPDATE journal SET action = 'offer.withdrawn' WHERE id = 2")
        db.session.commit()
        checks.check_journal()
        found = checks.last_check()
        assert found is not None
        assert (found.ok, found.entries, found.kind) == (False, 1, "changed")


def test_entries_written_during_a_check_are_no_break(
    committed_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_STRIDE", 2)
    left = 5

    def meanwhile(_entries: int) -> None:
        nonlocal left
        if left:
            left -= 1
            write()

    with committed_app.app_context():
        write(4)
        assert journal.verify(meanwhile) == journal.Verification(9, None)


def test_the_worker_checks_when_asked_and_once_a_day(committed_app: Flask) -> None:
    with committed_app.app_context():
        write(2)
        with unit_of_work():
            checks.ask_for_check()
    assert Worker(committed_app).drain() == 0
    with committed_app.app_context():
        found = checks.last_check()
        assert found is not None
        assert found.ok
        assert db.session.scalars(sa.select(Task.id).where(Task.name == checks.TASK)).all() == []
