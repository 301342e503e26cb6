"""What the database itself keeps append-only: triggers, declared once for both databases.

The journal's stand here; a domain with a ledger declares its own beside its models. A SQLite batch migration
copies a table and drops its triggers, so they are put back after every upgrade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True)
class _Kept:
    """The triggers of one table, by name, as statements; PostgreSQL's call one function."""

    table: str
    sqlite: Mapping[str, str]
    postgresql: Mapping[str, str]
    function: str


_tables: dict[str, _Kept] = {}


def declare(
    table: str,
    *,
    sqlite: Mapping[str, tuple[str, str, str]],
    postgresql: Mapping[str, str],
    function: str,
) -> None:
    """Declare the triggers of a table, when its models are loaded.

    Args:
        sqlite: name → when (`BEFORE UPDATE`), under which condition, and the message that refuses it.
        postgresql: name → when; a TRUNCATE is caught per statement, all else per row.
        function: the PL/pgSQL block that all of them call.
    """
    name = f"{table}_append_only"
    _tables[table] = _Kept(
        table,
        {
            key: f"CREATE TRIGGER {key} {when} ON {table} WHEN {condition}\n"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for key, (when, condition, message) in sqlite.items()
        },
        {
            key: f"CREATE TRIGGER {key} {when} ON {table} "
            f"FOR EACH {'STATEMENT' if 'TRUNCATE' in when else 'ROW'} EXECUTE FUNCTION {name}()"
            for key, when in postgresql.items()
        },
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {function} $$",
    )


def append_only(table: str, message: str) -> None:
    """Declare that rows of a table are only ever added; `message` refuses all else."""
    declare(
        table,
        sqlite={
            f"{table}_no_{verb}": (f"BEFORE {verb.upper()}", "1", message) for verb in ("update", "delete")
        },
        postgresql={
            f"{table}_no_update": "BEFORE UPDATE OR DELETE",
            f"{table}_no_truncate": "BEFORE TRUNCATE",
        },
        function=f"BEGIN RAISE EXCEPTION '{message}'; END",
    )


def declared(dialect: str) -> dict[str, str]:
    """Name → statement of all triggers for a database dialect."""
    found: dict[str, str] = {}
    for kept in _tables.values():
        found.update(kept.sqlite if dialect == "sqlite" else kept.postgresql)
    return found


def present(connection: sa.Connection) -> frozenset[str]:
    """Names of the declared tables' triggers that the database has."""
    return frozenset(name for kept in _existing(connection) for name in _present(connection, kept.table))


def install(connection: sa.Connection) -> None:
    """Create the triggers that are missing.

    Raises:
        RuntimeError: when the database still lacks one afterwards.
    """
    for kept in _existing(connection):
        on_sqlite = connection.dialect.name == "sqlite"
        wanted = kept.sqlite if on_sqlite else kept.postgresql
        missing = set(wanted) - _present(connection, kept.table)
        if missing and not on_sqlite:
            connection.exec_driver_sql(kept.function)
        for name in sorted(missing):
            connection.exec_driver_sql(wanted[name])
        if set(wanted) - _present(connection, kept.table):
            raise RuntimeError(f"the triggers of {kept.table} could not be created")


def _existing(connection: sa.Connection) -> Iterator[_Kept]:
    found = set(sa.inspect(connection).get_table_names())
    return (kept for kept in _tables.values() if kept.table in found)


def _present(connection: sa.Connection, table: str) -> frozenset[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal"
    return frozenset(connection.scalars(sa.text(query), {"table": table}))


append_only("journal", "the journal is append-only")
