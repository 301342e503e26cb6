"""The one place that commits, and the guards that keep it the only one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.app import create_app
from marketplace.core import journal
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import NoUnitOfWork, current, lock, record, unit_of_work
from tests import factories
from tests.conftest import Databases, settings_for


def entries() -> list[JournalEntry]:
    return list(db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)))


@pytest.mark.usefixtures("context")
class TestUnitOfWork:
    def test_a_change_and_its_entry_are_committed_together(self) -> None:
        with unit_of_work(Actor(user_id=7, organisation_id=3)):
            row = factories.organisation("甲厂")
            record("organisation.created", row, via="test")
        db.session.expunge_all()
        [entry] = entries()
        assert (entry.id, entry.action, entry.subject_type, entry.subject_id) == (
            1,
            "organisation.created",
            "organisations",
            row.id,
        )
        assert (entry.actor_id, entry.organisation_id, entry.origin) == (7, 3, "live")
        assert entry.data == {"via": "test"}

    def test_an_error_leaves_neither_row_nor_entry(self) -> None:
        with pytest.raises(ZeroDivisionError), unit_of_work():
            record("organisation.created", factories.organisation("乙厂"))
            raise ZeroDivisionError
        assert entries() == []
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 0

    def test_a_rolled_back_savepoint_takes_its_entries_along(self) -> None:
        done: list[str] = []
        with unit_of_work() as unit:
            for name, fails in (("a", False), ("b", True), ("c", False)):
                try:
                    with unit.savepoint():
                        record("organisation.created", factories.organisation(name))
                        unit.then(lambda name=name: done.append(name))
                        if fails:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue
        assert [entry.id for entry in entries()] == [1, 2]
        assert sorted(db.session.scalars(sa.select(Organisation.name))) == ["a", "c"]
        assert done == ["a", "c"]

    def test_a_unit_of_work_is_never_nested(self) -> None:
        with unit_of_work(), pytest.raises(RuntimeError, match="already open"), unit_of_work():
            pass

    def test_a_write_outside_a_unit_of_work_is_refused(self) -> None:
        db.session.add(Organisation(name="x", type="enterprise"))
        with pytest.raises(NoUnitOfWork):
            db.session.flush()
        db.session.rollback()
        with pytest.raises(NoUnitOfWork):
            db.session.execute(sa.update(Organisation).values(name="y"))
        with pytest.raises(NoUnitOfWork):
            current()

    def test_changes_made_before_it_are_refused(self) -> None:
        with unit_of_work():
            row = factories.organisation()
        db.session.scalar(sa.text("SELECT 1"))
        row.name = "changed outside"
        with pytest.raises(RuntimeError, match="outside"), unit_of_work():
            pass
        db.session.rollback()

    def test_a_row_read_before_is_read_afresh_under_the_lock(self) -> None:
        with unit_of_work():
            row = factories.organisation("before")
        db.session.connection().exec_driver_sql(
            f"UPDATE organisations SET name = 'after' WHERE id = {row.id}"
        )
        db.session.commit()
        with unit_of_work():
            assert lock(Organisation, row.id).name == "after"

    def test_the_journal_is_append_only_in_the_database_too(self) -> None:
        with unit_of_work():
            record("organisation.created", factories.organisation())
        for statement in ("UPDATE journal SET action = 'x'", "DELETE FROM journal"):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                db.session.connection().exec_driver_sql(statement)
            db.session.rollback()

    def test_the_request_id_goes_into_the_journal(self) -> None:
        with unit_of_work(SYSTEM, request_id="request-1234"):
            record("organisation.created", factories.organisation())
        assert entries()[0].request_id == "request-1234"


@pytest.mark.usefixtures("context")
class TestSeals:
    def fill(self) -> None:
        for name in "abc":
            with unit_of_work():
                record("organisation.created", factories.organisation(name), name=name)

    def tamper(self, statement: str) -> None:
        connection = db.session.connection()
        if connection.dialect.name == "sqlite":
            for name in ("journal_no_update", "journal_no_delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE journal DISABLE TRIGGER USER")
        connection.exec_driver_sql(statement)

    def test_an_untouched_chain_verifies(self) -> None:
        self.fill()
        assert journal.verify() == journal.Verification(3, None)

    @pytest.mark.parametrize(
        ("statement", "fault"),
        [
            ("UPDATE journal SET action = 'offer.withdrawn' WHERE id = 2", "entry 2 was changed"),
            ("UPDATE journal SET occurred_on = '2020-01-01' WHERE id = 3", "entry 3 was changed"),
            ("DELETE FROM journal WHERE id = 2", "entries 2 to 2 are missing"),
            ("DELETE FROM journal WHERE id = 3", "the tail after entry 2"),
        ],
    )
    def test_tampering_is_found_and_named(self, statement: str, fault: str) -> None:
        self.fill()
        self.tamper(statement)
        found = journal.verify()
        assert not found.ok
        assert fault in (found.fault or "")


def test_writers_of_sqlite_have_their_turn_in_the_order_in_which_they_came(
    sqlite_databases: Databases, tmp_path: Path
) -> None:
    app = create_app(settings_for(sqlite_databases.copy(), tmp_path))
    turns: list[int] = []

    def write(number: int) -> None:
        with app.app_context(), unit_of_work():
            turns.append(number)

    def waiting() -> int:
        """How many wait for the lock, as Linux tells it of the file."""
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        return sum("->" in line and f":{number} " in line for line in lines)

    with app.app_context():
        with unit_of_work():
            number = Path(f"{db.engine.url.database}-turn").stat().st_ino
            writers = [threading.Thread(target=write, args=(one,)) for one in range(12)]
            for come, writer in enumerate(writers):
                writer.start()
                while waiting() <= come:
                    time.sleep(0.001)
        for writer in writers:
            writer.join()
        db.engine.dispose()
    assert turns == list(range(12))


def test_concurrent_changes_of_one_row_are_all_kept(committed_app: Flask) -> None:
    with committed_app.app_context(), unit_of_work():
        row = factories.organisation("0")
        key = row.id
    errors: list[BaseException] = []

    def bump() -> None:
        try:
            for _ in range(20):
                with committed_app.app_context(), unit_of_work():
                    held = lock(Organisation, key)
                    held.name = str(int(held.name) + 1)
                    record("organisation.edited", held)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=bump) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with committed_app.app_context():
        assert db.session.get_one(Organisation, key).name == "120"
        assert journal.verify() == journal.Verification(120, None)
