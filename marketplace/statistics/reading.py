"""The rows of a query as arrays, a million of them within seconds.

On PostgreSQL the database packs each column itself, and the whole answer is one row: to make a Python value
of each of fifteen million cells takes longer than all that is then computed from them. SQLite has no wire to
save on; there rows are read in parts, so that they never all stand as Python values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from marketplace.core.database import db
from marketplace.core.lazily import Lazily

from .columns import NEVER, Array

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

_PART: Final = 50_000
_BETWEEN: Final = "\x1f"  # the separator of units in ASCII: no code, region or IPC symbol has it


class DayNumber(sa.types.TypeDecorator[int]):
    """A day as the columns have it (`columns.day_number`)."""

    impl = sa.Integer
    cache_ok = True


class Day(sa.sql.expression.FunctionElement[int]):
    """A date of a row as a number of the columns, NEVER for none, counted by the database."""

    type = DayNumber()
    inherit_cache = True


class LegalDay(Day):
    """The date in Shanghai at an instant of a row (`clock.legal_date`), as a number of the columns.

    SQLite knows no time zones: there it is UTC with eight hours more, which Shanghai has had since 1991;
    and it would round the last half of a millisecond up to the next day, so fractions are cut off.
    """

    inherit_cache = True


@compiles(Day, "postgresql")
def _day_on_postgresql(element: Day, compiler: Any, **values: Any) -> str:
    return f"COALESCE({compiler.process(element.clauses, **values)} - DATE '1970-01-01', {NEVER})"


@compiles(Day, "sqlite")
def _day_on_sqlite(element: Day, compiler: Any, **values: Any) -> str:
    return _counted_by_sqlite(compiler.process(element.clauses, **values))


@compiles(LegalDay, "postgresql")
def _legal_day_on_postgresql(element: LegalDay, compiler: Any, **values: Any) -> str:
    instant = compiler.process(element.clauses, **values)
    return f"COALESCE(({instant} AT TIME ZONE 'Asia/Shanghai')::date - DATE '1970-01-01', {NEVER})"


@compiles(LegalDay, "sqlite")
def _legal_day_on_sqlite(element: LegalDay, compiler: Any, **values: Any) -> str:
    instant = compiler.process(element.clauses, **values)
    return _counted_by_sqlite(f"date(substr({instant}, 1, 19), '+8 hours')")


def _counted_by_sqlite(day: str) -> str:
    return f"COALESCE(CAST(julianday({day}) - 2440587.5 AS INTEGER), {NEVER})"


def read(query: sa.Select[*tuple[Any, ...]]) -> dict[str, Array]:
    """The columns of a query's rows by name, in an order of the database's choosing.

    Args:
        query: of whole numbers, days (`Day`, `LegalDay`), truth values and codes, none of them null but for
            codes. Its own ORDER BY is not kept.

    Returns:
        Arrays of 64 bits for numbers, of 32 for days, of truth values, and of codes or None.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        return _packed(query)
    return _by_rows(query)


def _packed(query: sa.Select[*tuple[Any, ...]]) -> dict[str, Array]:
    # All aggregates of one query see its rows in one and the same order, whichever that is.
    rows = query.order_by(None).subquery()
    packed = db.session.connection().execute(sa.select(*(_pack(column) for column in rows.c))).one()
    return {
        str(column.key): _unpack(column.type, content) for column, content in zip(rows.c, packed, strict=True)
    }


def _pack(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.String):
        return sa.func.string_agg(sa.func.coalesce(column, ""), _BETWEEN, type_=sa.Text())
    send = {np.int64: sa.func.int8send, np.int32: sa.func.int4send, np.bool_: sa.func.boolsend}
    return sa.func.string_agg(
        send[_kind(column.type)](column), sa.literal(b"", sa.LargeBinary()), type_=sa.LargeBinary()
    )


def _unpack(type_: sa.types.TypeEngine[Any], content: Any) -> Array:
    if isinstance(type_, sa.String):
        return np.array(
            [code or None for code in (content or "").split(_BETWEEN)] if content is not None else [], object
        )
    kind = np.dtype(_kind(type_))
    return np.frombuffer(content or b"", kind.newbyteorder(">")).astype(kind)


def _by_rows(query: sa.Select[*tuple[Any, ...]]) -> dict[str, Array]:
    columns = list(query.selected_columns)
    kinds = [object if isinstance(column.type, sa.String) else _kind(column.type) for column in columns]
    parts: list[list[Array]] = [[np.empty(0, kind)] for kind in kinds]
    # Through the connection: the session would make the same rows at twice the cost.
    found = db.session.connection().execute(query, execution_options={"yield_per": _PART})
    for rows in found.partitions():
        for part, kind, values in zip(parts, kinds, zip(*rows, strict=True), strict=True):
            part.append(np.array(values, kind))
    return {str(column.key): np.concatenate(part) for column, part in zip(columns, parts, strict=True)}


def _kind(type_: sa.types.TypeEngine[Any]) -> Any:
    """The kind of the array for a column of numbers or truth values."""
    if isinstance(type_, sa.Boolean):
        return np.bool_
    return np.int32 if isinstance(type_, DayNumber) else np.int64
