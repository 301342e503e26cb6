"""The journal is append-only in the database too: triggers, declared once for both databases.

A SQLite batch migration copies a table and drops its triggers, so they are put back after every upgrade.
"""

from __future__ import annotations

import sqlalchemy as sa

_SQLITE = {
    f"journal_no_{verb}": f"""CREATE TRIGGER journal_no_{verb} BEFORE {verb.upper()} ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
    for verb in ("update", "delete")
}
_POSTGRESQL_FUNCTION = """CREATE OR REPLACE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"""
_POSTGRESQL = {
    "journal_no_update": "CREATE TRIGGER journal_no_update BEFORE UPDATE OR DELETE ON journal "
    "FOR EACH ROW EXECUTE FUNCTION journal_append_only()",
    "journal_no_truncate": "CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal "
    "FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()",
}


def declared(dialect: str) -> dict[str, str]:
    """Name → statement of the triggers for a database dialect."""
    return _SQLITE if dialect == "sqlite" else _POSTGRESQL


def present(connection: sa.Connection) -> frozenset[str]:
    """Names of the journal's triggers that the database has."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'journal'::regclass AND NOT tgisinternal"
    return frozenset(connection.scalars(sa.text(query)))


def install(connection: sa.Connection) -> None:
    """Create the triggers that are missing.

    Raises:
        RuntimeError: when the database still lacks one afterwards.
    """
    if not sa.inspect(connection).has_table("journal"):
        return
    wanted = declared(connection.dialect.name)
    missing = set(wanted) - present(connection)
    if missing and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRESQL_FUNCTION)
    for name in sorted(missing):
        connection.exec_driver_sql(wanted[name])
    if set(wanted) - present(connection):
        raise RuntimeError("the journal's triggers could not be created")
