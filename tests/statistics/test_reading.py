"""Rows as arrays: the same from both databases, to the day and to the code."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.database import UTC, Key
from marketplace.statistics.columns import NEVER, day_number, day_of
from marketplace.statistics.reading import Day, LegalDay, read

pytestmark = pytest.mark.usefixtures("context")


def _rows(*values: tuple[object, ...]) -> sa.Select[*tuple[object, ...]]:
    types = {"key": Key, "day": sa.Date(), "instant": UTC(), "flag": sa.Boolean(), "code": sa.String()}
    rows = sa.union_all(
        *(
            sa.select(*(
                sa.literal(value, kind).label(name)
                for value, (name, kind) in zip(row, types.items(), strict=True)
            ))
            for row in values
        )
    ).subquery().c  # fmt: skip
    return sa.select(
        rows.key, Day(rows.day).label("day"), LegalDay(rows.instant).label("legal"), rows.flag, rows.code
    )


def test_a_row_becomes_a_place_in_each_array() -> None:
    noon = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)
    found = read(_rows(
        (3_000_000_000, dt.date(2026, 11, 20), noon, True, "H01M"),
        (1, None, None, False, None),
    ))  # fmt: skip
    order = np.argsort(found["key"])
    assert {name: column[order].tolist() for name, column in found.items()} == {
        "key": [1, 3_000_000_000],
        "day": [NEVER, day_number(dt.date(2026, 11, 20))],
        "legal": [NEVER, day_number(dt.date(2026, 11, 20))],
        "flag": [False, True],
        "code": [None, "H01M"],
    }
    assert [str(column.dtype) for column in found.values()] == ["int64", "int32", "int32", "bool", "object"]


def test_no_rows_are_empty_arrays() -> None:
    found = read(_rows((1, None, None, True, "A")).where(sa.false()))
    assert [len(column) for column in found.values()] == [0] * 5


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-19T15:59:59.999999+00:00", dt.date(2026, 11, 19)),
        ("2026-11-19T16:00:00+00:00", dt.date(2026, 11, 20)),
        ("2026-11-20T15:59:59+00:00", dt.date(2026, 11, 20)),
        ("2027-01-01T00:00:00+00:00", dt.date(2027, 1, 1)),
    ],
)
def test_an_instant_falls_on_its_day_in_shanghai(instant: str, day: dt.date) -> None:
    moment = dt.datetime.fromisoformat(instant)
    assert day == clock.legal_date(moment)
    assert day_of(read(_rows((1, None, moment, True, "A")))["legal"][0]) == day
