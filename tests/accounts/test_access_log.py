"""Who is shown another's personal data leaves a line, whichever way it came; the lines cannot be changed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import administration, members
from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.access_log.models import Access
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.unit_of_work import unit_of_work
from tests import factories


@pytest.mark.usefixtures("context")
def test_a_look_at_another_is_written_once_and_ones_own_is_not() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        person = factories.user(organisation)
        staff = factories.operator()
        own = factories.actor(organisation)
    administration.get_user(staff, person.id)
    administration.get_user(staff, person.id)
    administration.get_user(staff, staff.user_id or 0)
    members.members_of(own, organisation.id)
    with unit_of_work(staff):
        assert access_log.write("command") == 1
        assert access_log.write("command") == 0
    (line,) = access_log.find(staff, person_id=person.id)
    assert (line.actor_id, line.what, line.channel) == (staff.user_id, "account", "command")
    assert access_log.find(staff, by=staff.user_id, what="members") == []
    assert access_log.first_break() is None
    with pytest.raises(Forbidden):
        access_log.find(own)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("deed", ["UPDATE access_log SET person_id = 1", "DELETE FROM access_log"])
def test_no_line_can_be_changed_or_deleted(deed: str) -> None:
    with unit_of_work():
        person, staff = factories.user(), factories.operator()
    administration.get_user(staff, person.id)
    with unit_of_work(staff):
        access_log.write("page")
    with pytest.raises(sa.exc.DBAPIError), db.session.begin_nested():
        db.session.execute(sa.text(deed))


@pytest.mark.parametrize(
    "address",
    [
        "/operator/accounts?q={name}",
        "/operator/accounts/{user}/erasure",
        "/operator/organisations?q={organisation_name}",
        "/operator/organisations/{organisation}",
    ],
)
def test_a_page_that_shows_a_person_leaves_a_line(app: Flask, address: str) -> None:
    with app.app_context(), unit_of_work():
        organisation = factories.organisation()
        person = factories.user(organisation)
        staff = factories.user(staff_role="operator")
        ids = {
            "user": person.id,
            "name": person.name,
            "organisation": organisation.id,
            "organisation_name": organisation.name,
        }
        login = staff.get_id()
    client: FlaskClient = app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id=login, _fresh=True)
    assert client.get(address.format(**ids)).status_code == 200
    with app.app_context():
        lines = db.session.scalars(sa.select(Access).where(Access.person_id == ids["user"])).all()
        assert [line.channel for line in lines] == ["page"]
