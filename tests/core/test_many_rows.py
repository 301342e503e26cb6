"""Many rows are written at once on either database, just as they are, or not at all."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications.models import Notification
from tests import factories

TEXTS = ("a\tb", "line\nline", "\\N", "\\", '"', "'; DROP TABLE x; --", "%s %(code)s", "", "𠮷", "\\x00")
NOW = dt.datetime(2026, 11, 20, 2, 0, 0, 123456, tzinfo=dt.UTC)


def rows(organisation_id: int) -> list[dict[str, object]]:
    return [
        {
            "recipient": f"organisation:{organisation_id}",
            "organisation_id": organisation_id,
            "staff_role": None,
            "entry_id": number,
            "code": "offer_live",
            "parameters": {"text": TEXTS[number % len(TEXTS)], "n": number, "none": None},
            "created_at": NOW,
            "read_at": NOW if number % 2 else None,
        }
        for number in range(250)
    ]


def test_many_rows_come_back_as_they_went_in_and_one_wrong_one_keeps_all_out(context: None) -> None:
    with unit_of_work():
        organisation_id = factories.organisation().id
    given = rows(organisation_id)
    with unit_of_work():
        db.session.execute(sa.insert(Notification.__table__), given)  # type: ignore[arg-type]
    query = sa.select(Notification.__table__).order_by(Notification.entry_id)
    found = [{name: row[name] for name in given[0]} for row in db.session.execute(query).mappings()]
    assert found == given
    again = [{**row, "entry_id": int(str(row["entry_id"])) + 1_000} for row in given]
    again[-1]["entry_id"] = 7
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(sa.insert(Notification.__table__), again)  # type: ignore[arg-type]
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Notification)) == len(given)
