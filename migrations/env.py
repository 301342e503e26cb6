"""Alembic's environment: runs migrations in the application's database and puts the triggers back."""

from alembic import context
from flask import current_app

from marketplace.core import triggers
from marketplace.core.database import UTC, Json, Rate, db
from marketplace.core.journal import seed_head


def render_item(kind, item, autogen_context):
    if kind == "type" and isinstance(item, (UTC, Rate)):
        autogen_context.imports.add("from marketplace.core import database")
        return f"database.{type(item).__name__}()"
    if kind == "type" and item is Json:
        autogen_context.imports.add("from marketplace.core import database")
        return "database.Json"
    return False


def _enforce_references(connection, on: bool) -> None:
    """A SQLite batch migration rebuilds tables, so references must not be enforced in between.

    The pragma does nothing inside a transaction: it goes to the driver before one begins.
    """
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def run() -> None:
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect().execution_options(sqlite_tx="IMMEDIATE") as connection:
        _enforce_references(connection, False)
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            transaction_per_migration=False,
            transactional_ddl=True,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()
            triggers.install(connection)
            seed_head(connection)
        _enforce_references(connection, True)


run()
