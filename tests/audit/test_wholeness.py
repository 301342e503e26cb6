"""Whatever proves something is checked: the journal, the log of accesses, and each anchor over both."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from marketplace.accounts import administration
from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.models import Organisation
from marketplace.audit import anchors, exports, wholeness
from marketplace.core import checks, journal
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.core.journal import GENESIS, JournalEntry, JournalHead
from marketplace.core.unit_of_work import record, unit_of_work
from tests import factories


def _write(count: int) -> None:
    for _ in range(count):
        with unit_of_work():
            record("organisation.created", factories.organisation())


def _change(table: str, statement: str) -> None:
    """Change an append-only table as someone could who owns the database."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
    else:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    connection.exec_driver_sql(statement)


def _recompute_all_seals() -> None:
    """As `_change` for entry 2, with every later seal computed anew: the chain alone still holds."""
    _change("journal", "UPDATE journal SET action = 'offer.withdrawn' WHERE id = 2")
    connection, table, seal = db.session.connection(), JournalEntry.__table__, GENESIS
    for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings().all():
        seal = journal.seal_of(seal, row["id"], dict(row))
        connection.execute(sa.update(table).where(table.c.id == row["id"]).values(seal=seal))
    connection.execute(sa.update(JournalHead.__table__).values(seal=seal))
    db.session.commit()


@pytest.mark.usefixtures("context")
def test_an_anchor_shows_a_chain_that_was_computed_anew_and_operators_are_told() -> None:
    _write(3)
    anchors.anchor()
    _write(1)
    assert wholeness.verify().ok
    _recompute_all_seals()
    assert journal.verify().ok
    found = wholeness.verify()
    assert (found.kind, found.fault) == ("anchor", "anchor 1 contradicts the journal up to entry 3")
    anchors.anchor_daily()
    check = checks.last_check()
    assert check is not None
    assert (check.ok, check.entries) == (False, 3)
    with unit_of_work():
        operator = factories.operator()
    organisation = db.session.scalar(sa.select(sa.func.min(Organisation.id))) or 0
    current_app.extensions["marketplace.work"].tasks[checks.TASK]()
    check = checks.last_check()
    assert check is not None
    assert check.kind == "anchor", "the daily check sees it too, and does not call the journal whole"
    with pytest.raises(Conflict, match="journal-broken"):
        exports.export(operator, "organisation", organisation, "案号 1", english=False)


@pytest.mark.usefixtures("context")
def test_a_log_of_accesses_that_was_changed_or_cut_is_a_break() -> None:
    _write(1)
    with unit_of_work():
        people, staff = [factories.user() for _ in range(2)], factories.operator()
    for person in people:
        administration.get_user(staff, person.id)
    with unit_of_work(staff):
        access_log.write("command")
    anchors.anchor()
    assert wholeness.verify().ok
    _change("access_log", "DELETE FROM access_log WHERE id = 2")
    db.session.commit()
    found = wholeness.verify()
    assert found.fault == "anchor 1 contradicts the log of accesses up to line 2"
    _change("access_log", "UPDATE access_log SET what = 'export' WHERE id = 1")
    db.session.commit()
    assert wholeness.verify().kind == "accesses"


def test_metrics_tell_how_far_the_journal_is_verified_and_whether_it_broke(app: Flask) -> None:
    with app.app_context():
        _write(3)
        anchors.anchor()
        _write(2)
    said = app.test_client().get("/metrics").text
    assert "marketplace_journal_unverified_entries 2.0" in said
    assert "marketplace_journal_broken 0.0" in said
    with app.app_context():
        _recompute_all_seals()
        anchors.anchor_daily()
    assert "marketplace_journal_broken 1.0" in app.test_client().get("/metrics").text


@pytest.mark.usefixtures("context")
def test_an_anchor_that_was_changed_is_a_break() -> None:
    _write(2)
    anchors.anchor()
    _change("audit_anchors", "UPDATE audit_anchors SET accesses = 7 WHERE id = 1")
    db.session.commit()
    assert wholeness.verify().fault == "anchor 1 is missing or was changed"
