"""How a table says that it names organisations, so that a merger of two records can follow.

Columns with a foreign key to `organisations` are followed by themselves. All else stands at the model, in the
`info` of its table or column: this layer names no table of a layer above.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core.database import db

# In a column's info, on a column without a foreign key: it holds an organisation's id.
HOLDS: Final = "organisation"
# On a text column: it names one as `organisation:12`. The value: the columns with which a row is there once.
IN_WORDS: Final = "organisation_in_words"
# In a table's info, where a unique key keeps two rows from belonging to one organisation: the row of the
# record that stays counts, and the other is left. Without it the two cannot be merged before one row ends.
FIRST_COUNTS: Final = "first_counts"
# The column of what has places for organisations: where two of one merger have a place, one is enough.
ONE_PLACE_PER: Final = "one_place_per"
# Tables that tell of the records themselves, and answers to repeated requests, which are for their caller.
STAYS: Final = "names_organisations_for_good"

# The layers below know no organisations; what of them names one is said here.
_BELOW: Final = (("files", "organisation_id"),)
_BELOW_STAYS: Final = frozenset({"idempotency_keys", "journal"})


def first_counts() -> dict[str, Any]:
    """Table arguments of a model whose first row counts."""
    return {"info": {FIRST_COUNTS: True}}


def one_place_per(column: str) -> dict[str, Any]:
    """Table arguments of a model that gives organisations places, one each per value of `column`."""
    return {"info": {ONE_PLACE_PER: column}}


def for_good() -> dict[str, Any]:
    """Table arguments of a model that goes on naming the old record."""
    return {"info": {STAYS: True}}


def stays(table: sa.Table) -> bool:
    """Whether a table goes on naming a record that was merged."""
    return bool(table.info.get(STAYS)) or table.name in _BELOW_STAYS


def references() -> Iterator[sa.Column[Any]]:
    """Every column of the database that says which organisation something belongs to, by table."""
    tables = db.metadata.tables
    for name in sorted(tables):
        if stays(tables[name]):
            continue
        for column in tables[name].columns:
            keyed = any(key.column.table.name == "organisations" for key in column.foreign_keys)
            if keyed or column.info.get(HOLDS) or (name, column.name) in _BELOW:
                yield column


def in_words() -> Iterator[tuple[sa.Column[Any], tuple[str, ...]]]:
    """Columns that name an organisation as `organisation:12`, with what makes a row unique beside them."""
    for name in sorted(db.metadata.tables):
        for column in db.metadata.tables[name].columns:
            if IN_WORDS in column.info:
                yield column, tuple(column.info[IN_WORDS])
