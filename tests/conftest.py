"""Fixtures for all tests: every database test runs on SQLite and on PostgreSQL.

`app`: one outer transaction per test, rolled back; a commit of the code under test is the release of a
savepoint. Close an application context before calling the test client: they would share a session.
`committed_app`: a database of its own with real commits, for threads, worker processes and browsers.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import settings

import config
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db

# Speed is measured in benchmarks/: a busy machine must not fail a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

NOW = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)  # 10:00 in Shanghai, a Friday


def settings_for(database_url: str, folder: Path, **environment: str) -> config.Settings:
    """Settings of a test application: everything in `folder`, the clock set to NOW (it ticks on)."""
    return config.Settings.from_environment(
        {
            "DATABASE_URL": database_url,
            "INSTANCE_DIR": str(folder),
            "MARKETPLACE_NOW": NOW.isoformat(),
            **environment,
        }
    )


@dataclass
class Databases:
    """One kind of database: a migrated template, and copies of it."""

    kind: str
    template: str
    copy: Callable[[], str]


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """The migrated template on SQLite."""
    folder = tmp_path_factory.mktemp("sqlite")
    template = folder / "template.db"
    numbers = itertools.count()

    def copy() -> str:
        target = folder / f"copy{next(numbers)}.db"
        shutil.copy(template, target)
        return f"sqlite:///{target}"

    url = f"sqlite:///{template}"
    _migrate(url, folder)
    with sa.create_engine(url).connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Databases("sqlite", url, copy)


@pytest.fixture(scope="session")
def postgresql_databases(
    postgresql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """The migrated template on PostgreSQL."""
    server = sa.make_url(postgresql_url)
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    name = "template_marketplace"
    numbers = itertools.count()

    def create(database: str, template: str) -> str:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return server.set(database=database).render_as_string(hide_password=False)

    url = create(name, "template0")
    _migrate(url, tmp_path_factory.mktemp("postgresql"))
    yield Databases("postgresql", url, lambda: create(f"copy{next(numbers)}", name))
    admin.dispose()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """The migrated template of each kind of database; asked for again, it is still there."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


def _migrate(url: str, folder: Path) -> None:
    app = create_app(settings_for(url, folder))
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def shared_app(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application per kind of database, on a copy of the template."""
    app = create_app(settings_for(databases.copy(), tmp_path_factory.mktemp("instance")))
    app.testing = True
    app.config["WTF_CSRF_ENABLED"] = False
    app.config["RATELIMIT_ENABLED"] = False
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(shared_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application inside one outer transaction that is rolled back after the test."""
    clock.set_now(NOW)
    # Files outlive a transaction: a test reads its own mails only.
    for mail in (shared_app.config["SETTINGS"].instance_dir / "mail").glob("*.eml"):
        mail.unlink()
    with shared_app.app_context():
        engines, engine = db.engines, db.engine
    with engine.connect().execution_options(sqlite_tx="IMMEDIATE") as connection:
        outer = connection.begin()
        monkeypatch.setitem(engines, None, connection)
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
        yield shared_app
        with shared_app.app_context():
            db.session.remove()
        outer.rollback()
    db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """An open application context for tests of services (not together with the test client)."""
    with app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def committed_app(databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database of its own and real commits."""
    app = create_app(settings_for(databases.copy(), tmp_path))
    app.testing = True
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
