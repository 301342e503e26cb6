"""The one database handle, its column types, and how SQLite is made safe for money.

The database is the truth; everything else is derived from it and can be rebuilt.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTC(sa.types.TypeDecorator[dt.datetime]):
    """An instant. Stored in UTC, always aware in Python (SQLite would return naive values)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Rate(sa.types.TypeDecorator[Decimal]):
    """A rate in per cent with four decimals, exact on both databases (SQLite has no decimals: text)."""

    impl = sa.Numeric(9, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(16))
        return dialect.type_descriptor(sa.Numeric(9, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        exact = value.quantize(Decimal("0.0001"))
        return f"{exact:09.4f}" if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).quantize(Decimal("0.0001"))


Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Base of all models."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            dict[str, Any]: Json,
            list[str]: Json,
            list[Any]: Json,
            dt.datetime: UTC(),
            dt.date: sa.Date(),
            Decimal: Rate(),
            bytes: sa.LargeBinary(),
        },
    )


class Versioned:
    """A surrogate key, and a row version that makes a stale write fail instead of winning."""

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    version: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)

    @sa.orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy calls it on the class
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


def Code(length: int = 32) -> sa.String:  # noqa: N802 - reads as a type
    """A column type for a stored code (never shown as such): states, kinds, forms."""
    return sa.String(length)


def one_of(column: str, values: tuple[str, ...] | list[str], name: str | None = None) -> sa.CheckConstraint:
    """A check constraint that `column` holds one of `values` (or nothing)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")


db: SQLAlchemy = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False},
    engine_options={"pool_pre_ping": True},
)

# Flask-SQLAlchemy makes its model class at run time; for the type checker it is the base itself.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


@contextmanager
def turn(bind: Engine | sa.Connection) -> Iterator[None]:
    """Wait for one's turn to write, where only one can write at a time (SQLite).

    SQLite itself lets a writer ask again and again, up to 0.1 s apart: among many, half of the time nobody
    writes, and some wait for seconds. The operating system wakes the one that has waited longest,
    in whichever process it is; the turn of one that is killed ends with it.
    """
    path = bind.engine.url.database if bind.dialect.name == "sqlite" else None
    descriptor = None
    if path and path != ":memory:":
        with suppress(FileNotFoundError):  # where the folder is away, the database says so itself
            descriptor = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT, 0o600)
    if descriptor is None:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_COPIED: Final = 100  # rows; fewer are not worth it
_PLAIN_INSERT: Final = re.compile(
    r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \((?:%\(\w+\)s(?:::[\w ()]+)?(?:, )?)+\)", re.ASCII
)
_PARAMETER: Final = re.compile(r"%\((\w+)\)s", re.ASCII)


def _copy(cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
    """Send many rows of a plain INSERT as one COPY: each row of its own costs more than all of them so."""
    plain = _PLAIN_INSERT.fullmatch(statement) if len(parameters) >= _COPIED else None
    if plain is None:
        return False
    names = _PARAMETER.findall(statement)
    with cursor.copy(f"COPY {plain[1]} ({plain[2]}) FROM STDIN") as copy:
        for row in parameters:
            copy.write_row([row[name] for name in names])
    return True


def tune(engine: Engine) -> None:
    """Make SQLite keep what it was told, and PostgreSQL take many rows at once.

    Without this, SQLite lost most concurrent read-modify-write updates: the driver begins late and
    deferred. Here every transaction begins explicitly, and a unit of work begins IMMEDIATE.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "do_executemany", _copy)
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=20000", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_tx", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
