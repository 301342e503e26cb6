"""Stock-taking tells whoever acts next and the inventor: once for one patent, once for a bulk action."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask_babel import force_locale

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.stocktaking import jobs, services, setup
from marketplace.notifications.models import Notification
from marketplace.notifications.services import inbox, tell, unread
from marketplace.notifications.texts import Message, render
from tests import factories
from tests.listings.test_stocktaking import House

pytestmark = pytest.mark.usefixtures("context")


class Post:
    """Delivers what has happened since the last delivery: user id → messages."""

    def __init__(self) -> None:
        self.read = db.session.scalar(sa.select(sa.func.max(JournalEntry.id))) or 0

    def deliver(self) -> dict[int | None, list[Message]]:
        query = sa.select(JournalEntry).where(JournalEntry.id > self.read).order_by(JournalEntry.id)
        found: dict[int | None, list[Message]] = {}
        for entry in db.session.scalars(query).all():
            with unit_of_work(), force_locale("en"):
                for row in tell(entry):
                    found.setdefault(row.user_id, []).append(render(row))
            self.read = entry.id
        return found


def test_each_step_is_told_to_whoever_acts_next_and_its_outcome_with_the_comment_to_the_inventor() -> None:
    house = House()
    row_id = house.ready()
    post = Post()
    inventor, unit, head = (who.user_id for who in (house.inventor, house.unit_reviewer, house.head))

    house.do(house.inventor, row_id, "submit")
    told = post.deliver()
    assert list(told) == [unit], "the reviewer of the college above the institute, and nobody else"
    assert told[unit][0].path == f"/holder/stock/{row_id}"

    house.do(house.unit_reviewer, row_id, "return", "请补充应用前景 100%")
    told = post.deliver()
    assert list(told) == [inventor]
    assert "请补充应用前景 100%" in told[inventor][0].body
    assert "returned" in told[inventor][0].title

    house.do(house.inventor, row_id, "submit")
    house.do(house.unit_reviewer, row_id, "approve")
    told = post.deliver()
    assert {who: [one.title for one in some] for who, some in told.items()} == {
        unit: ["Stock-taking: a patent waits for your review"],
        head: ["Stock-taking: a patent waits for your review"],
    }

    house.do(house.head, row_id, "return", "等级偏高")
    told = post.deliver()
    assert set(told) == {inventor, unit}
    assert told[unit][0].title == "Stock-taking: a patent came back to your unit"

    house.do(house.unit_reviewer, row_id, "approve")
    house.do(house.head, row_id, "approve")
    told = post.deliver()
    assert [one.title for one in told[inventor]] == ["Stock-taking: a patent of yours is approved"]
    # In the app each sees only what is theirs, and mail goes to them alone.
    assert unread(house.inventor) == 3
    assert all(row.user_id == unit for row in inbox(house.unit_reviewer))
    mailed = db.session.scalars(sa.select(Task).where(Task.name == "notifications.mail"))
    recipients = {row.id: row.user_id for row in db.session.scalars(sa.select(Notification))}
    assert all(recipients[task.arguments["notification_id"]] == task.arguments["user_id"] for task in mailed)


def test_a_bulk_action_is_told_once_to_each_person_however_many_patents_it_is_on() -> None:
    house = House(patents=7)
    with unit_of_work():
        second = factories.actor(house.organisation)
    with unit_of_work(house.office):
        desk = house.desk(house.office)
        setup.give_role(desk, second.user_id or 0, "inventor", house.institute.id)
    for number, row in enumerate(house.rows()):
        inventor = second if number == 0 else house.inventor
        with unit_of_work(house.head):
            case = services.get_case(house.desk(house.head), row.id)
            services.place(case, {"unit_id": house.institute.id, "inventor_id": inventor.user_id})
            services.edit(case, {"grade": "G1", "wish": ["licence"]})
    post = Post()
    chosen = [row.id for row in house.rows()]

    def bulk(actor: Actor, action: str, comment: str | None = None) -> dict[int | None, list[Message]]:
        with unit_of_work(actor):
            jobs.start(house.desk(actor), action, {"comment": comment}, ids=chosen)
        return post.deliver()

    told = bulk(house.head, "submit")
    assert [(who, len(some)) for who, some in told.items()] == [(house.unit_reviewer.user_id, 1)]
    [message] = told[house.unit_reviewer.user_id]
    assert message.title == "Stock-taking: patents wait for your review: 7"
    assert message.path == "/holder/stock?state=submitted"

    told = bulk(house.unit_reviewer, "return", "请写明应用前景")
    assert {who: [one.title for one in some] for who, some in told.items()} == {
        house.inventor.user_id: ["Stock-taking: patents of yours were returned: 6"],
        second.user_id: ["Stock-taking: a patent of yours was returned"],
    }
    assert all("请写明应用前景" in one.body for some in told.values() for one in some)
    assert bulk(house.head, "set_grade") == {}


def test_without_reviewers_in_a_unit_the_office_is_told_and_nobody_of_what_they_did_themselves() -> None:
    house = House()
    [row, *_] = house.rows()
    with unit_of_work(house.head):
        case = services.get_case(house.desk(house.head), row.id)
        services.place(case, {"unit_id": house.other.id, "inventor_id": house.head.user_id})
        services.edit(case, {"grade": "G1", "wish": ["licence"]})
    post = Post()
    house.do(house.head, row.id, "submit")
    assert post.deliver() == {}
    house.do(house.head, row.id, "approve")
    house.do(house.head, row.id, "approve")
    assert post.deliver() == {}
