"""Migrations run up and down on both databases and equal the models; the journal keeps its triggers."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask, current_app

from marketplace.app import create_app
from marketplace.core import journal, triggers
from marketplace.core.database import db
from marketplace.web.operations import newest_migration
from tests.conftest import Databases, settings_for


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_migrations_go_up_and_down_and_up_again(databases: Databases, tmp_path: Path) -> None:
    app = create_app(settings_for(databases.copy(), tmp_path))
    with app.app_context():
        assert tables() == set(db.metadata.tables)
        flask_migrate.downgrade(revision="base")
        assert tables() == set()
        flask_migrate.upgrade()
        assert tables() == set(db.metadata.tables)
        with db.engine.connect() as connection:
            assert triggers.present(connection) == set(triggers.declared(databases.kind))
        assert journal.verify() == journal.Verification(0, None)
        db.session.remove()
        db.engine.dispose()


def test_migrations_equal_the_models(committed_app: Flask) -> None:
    with committed_app.app_context():
        flask_migrate.check()


def test_the_newest_migration_is_told_by_the_names_of_the_files(committed_app: Flask) -> None:
    with committed_app.app_context():
        folder = current_app.extensions["migrate"].directory
        assert newest_migration() == ScriptDirectory(folder).get_current_head()


def test_upgrading_twice_changes_nothing(committed_app: Flask) -> None:
    with committed_app.app_context():
        flask_migrate.upgrade()
        assert journal.last_id() == 0
