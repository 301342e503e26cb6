"""How a column says that it holds personal data of a user, and whether a law makes us keep it.

It stands at the model, in the column's `info`: this layer names no table of a layer above. A test asks every
table that names a user for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core.database import db

_PERSONAL: Final = "personal"
_NAMES_PARTY: Final = "names_party"


@dataclass(frozen=True)
class Held:
    """Personal data that a table holds of a user.

    Attributes:
        table: where it is.
        user: the column with the user's id.
        columns: what is personal in it.
        kept: why a law makes us keep it, as a code; None where it is erased.
    """

    table: sa.Table
    user: str
    columns: tuple[str, ...]
    kept: str | None


def of_user(user: str = "user_id", *, kept: str | None = None) -> dict[str, Any]:
    """`info` of a column that is personal to the user whose id the row has in its column `user`."""
    return {_PERSONAL: (user, kept)}


def names_party(reason: str) -> dict[str, Any]:
    """`info` of a column with the organisation that a register or a contract names, persons among them."""
    return {_NAMES_PARTY: reason}


def held() -> list[Held]:
    """All personal data of users outside the accounts themselves, by table."""
    found: dict[tuple[str, str, str | None], list[str]] = {}
    for column in _columns():
        if _PERSONAL in column.info:
            user, kept = column.info[_PERSONAL]
            found.setdefault((column.table.name, user, kept), []).append(column.name)
    tables = db.metadata.tables
    return [Held(tables[name], user, tuple(names), kept) for (name, user, kept), names in found.items()]


def parties() -> list[tuple[sa.Column[Any], str]]:
    """Columns that name an organisation as a party, with the reason why the name is kept."""
    return [(column, column.info[_NAMES_PARTY]) for column in _columns() if _NAMES_PARTY in column.info]


def _columns() -> Iterator[sa.Column[Any]]:
    for name in sorted(db.metadata.tables):
        yield from db.metadata.tables[name].columns
