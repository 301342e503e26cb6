"""Views are added up outside requests, bounded, and never by those who do not count."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from marketplace.statistics import activity
from marketplace.statistics.activity import DROPPED, Buffer, View
from marketplace.statistics.models import Activity
from tests import factories

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
TODAY = dt.date(2026, 11, 20)


def _offer() -> Offer:
    with unit_of_work():
        holder, partner = factories.organisation(), factories.organisation()
        return factories.live_offer(holder, factories.patent(holder, partner))


def _member(organisation_id: int, *, principals: frozenset[int] = frozenset()) -> Actor:
    return Actor(
        user_id=7, organisation_id=organisation_id, roles=frozenset({"member"}), principals=principals
    )


def _counts(app: Flask) -> dict[tuple[str, str, str], int]:
    with app.app_context():
        return {
            (row.kind, row.channel, row.audience): row.count
            for row in db.session.scalars(sa.select(Activity))
        }


@pytest.fixture
def buffered(app: Flask) -> Flask:
    activity.buffer_of(app).take()
    return app


def test_views_of_a_day_are_added_up(buffered: Flask) -> None:
    with buffered.app_context():
        offer = _offer()
        for _ in range(3):
            activity.note("shown", [offer.id, offer.id], "web", VISITOR, BROWSER)
        activity.note("opened", [offer.id], "web", _member(4711), BROWSER)
        activity.note("shown", [offer.id], "api", _member(4711), "python-requests/2.32")
    assert activity.flush(buffered) == 5
    with buffered.app_context():
        activity.note("shown", [offer.id], "web", VISITOR, BROWSER)
    assert activity.flush(buffered) == 1
    assert _counts(buffered) == {
        ("shown", "web", "visitor"): 4,
        ("opened", "web", "member"): 1,
        ("shown", "api", "member"): 1,
    }
    with buffered.app_context():
        assert db.session.scalars(sa.select(Activity.day)).first() == TODAY


def test_bots_staff_and_owners_are_left_out(buffered: Flask) -> None:
    with buffered.app_context():
        offer = _offer()
        partner = offer.patent.parties[1].organisation_id
        bureau = Actor(user_id=1, roles=frozenset({"bureau"}))
        agent = _member(999_999, principals=frozenset({offer.holder_id}))
        for actor in (bureau, _member(offer.holder_id), _member(partner), agent):
            activity.note("opened", [offer.id], "web", actor, BROWSER)
        for agent_header in (GOOGLE, "", None):
            activity.note("opened", [offer.id], "web", VISITOR, agent_header)
        activity.note("opened", [offer.id + 1000], "web", VISITOR, BROWSER)  # no such offer
    assert activity.flush(buffered) == 0
    assert _counts(buffered) == {}


def test_a_full_buffer_drops_and_counts_instead_of_growing() -> None:
    buffer = Buffer(capacity=2)
    before = DROPPED._value.get()
    views = [View(TODAY, number, "shown", "web", "visitor", frozenset()) for number in range(5)]
    for view in views:
        buffer.add({view: 1})
    buffer.add({views[0]: 1})  # what is in it already still counts
    assert len(buffer) == 2
    assert DROPPED._value.get() - before == 3
    assert buffer.wake.is_set()
    assert sum(buffer.take().values()) == 3
    assert len(buffer) == 0


def test_noting_raises_nothing_into_a_request(buffered: Flask) -> None:
    with buffered.app_context():
        activity.note("nonsense", [1], "web", VISITOR, BROWSER)
        activity.note("shown", [], "web", VISITOR, BROWSER)
        activity.note("shown", [1], "carrier pigeon", VISITOR, BROWSER)
    assert len(activity.buffer_of(buffered)) == 0


def test_views_wait_in_the_buffer_while_the_database_is_away(
    buffered: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with buffered.app_context():
        offer = _offer()
        activity.note("shown", [offer.id], "web", VISITOR, BROWSER)
    with buffered.app_context():
        broken = sa.create_engine("sqlite:////nowhere/at/all.db")
        with monkeypatch.context() as away:
            away.setitem(db.engines, None, broken)
            assert activity.flush(buffered) == 0
    assert len(activity.buffer_of(buffered)) == 1
    assert activity.flush(buffered) == 1


def test_a_thread_writes_once_a_second_and_requests_from_many_lose_nothing(committed_app: Flask) -> None:
    with committed_app.app_context():
        offer = _offer()
        offer_id = offer.id
    activity.start(committed_app)

    def look() -> None:
        with committed_app.app_context():
            for _ in range(50):
                activity.note("shown", [offer_id], "web", VISITOR, BROWSER)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if _counts(committed_app).get(("shown", "web", "visitor")) == 400:
            break
        time.sleep(0.1)
    assert _counts(committed_app) == {("shown", "web", "visitor"): 400}
