"""Saved searches: kept by one person, asked once per run of each engine, told once and only when due."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.mailing.choices import Link, read_link
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.listings.models import Offer
from marketplace.search import engines, generations
from marketplace.search.query import QueryError
from marketplace.search.saved import services, work
from marketplace.search.saved.models import ALERTS, SavedSearch, SavedSearchHit
from marketplace.search.saved.rules import due
from tests import factories
from tests.conftest import NOW


def person(organisation=None) -> Actor:
    organisation = organisation or factories.organisation()
    user = factories.user(organisation)
    return Actor(user.id, organisation.id, frozenset({"member"}))


def announced(holder, title: str, **values) -> int:
    """An offer that goes live, as the verification of its announcement says."""
    offer = factories.live_offer(holder, factories.patent(holder, title=title), **values)
    record("offer.verified", offer, organisation_id=holder.id)
    return offer.id


def told() -> list[tuple[int, list[int]]]:
    rows = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == "saved_search.found").order_by(JournalEntry.id)
    )
    return [(row.subject_id, sorted(row.data["offers"])) for row in rows]


def test_new_offers_are_found_once_per_search_and_told_once(
    installation: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation.app_context():
        worker = Worker(installation)
        with unit_of_work():
            holder = factories.organisation("示例大学")
            announced(holder, "一种旧的磁力泵")
            holder_id = holder.id
            one, other = person(), person()
        generations.rebuild()
        worker.drain()
        with unit_of_work(one):
            first = services.save(one, "泵", {"q": ["磁力泵"], "page": ["3"]}, "at_once").id
            daily = services.save(one, "免费的泵", {"q": ["磁力泵"], "fee_form": ["free"]}, "daily").id
        with unit_of_work(other):
            second = services.save(other, "也是泵", {"q": "磁力泵", "sort": "newest"}).id
            broken = services.save(other, "坏", {"q": "磁力泵"}).id
            # As if the language of searching had changed since.
            db.session.get_one(SavedSearch, broken).parameters = {"colour": ["red"]}

        asked: Counter[str] = Counter()
        engine = engines.engine()
        search = engine.search

        def counting(generation: str, query):
            asked[str(query.fee_forms)] += 1
            return search(generation, query)

        monkeypatch.setattr(engine, "search", counting)
        with unit_of_work():
            holder = db.session.get_one(Organisation, holder_id)
            pump = announced(holder, "一种磁力泵", fee_form="free", fee_minor=None)
            announced(holder, "一种电池隔膜")
        worker.drain()
        assert asked == {"()": 1, "('free',)": 1}  # the equal ones of two persons were asked together
        assert told() == [(first, [pump])]
        assert [row.new for row in services.saved_searches(one)] == [1, 1]
        assert [(row.saved.id, row.new, row.problem and row.problem.field) for row in
                services.saved_searches(other)] == [(second, 1, None), (broken, 0, "colour")]  # fmt: skip
        assert [offer.id for offer in services.new_offers(db.session.get_one(SavedSearch, second))] == [pump]

        # The same offer again: a repeated run, and another entry about it.
        with unit_of_work():
            record("offer.verified", db.session.get_one(Offer, pump), organisation_id=holder_id)
        worker.drain()
        assert told() == [(first, [pump])]

        # A day later, in the morning, the daily one is told.
        with clock.at(NOW + dt.timedelta(days=1)):
            work.tell_all()
            worker.drain()
            work.tell_all()
            worker.drain()
        assert told() == [(first, [pump]), (daily, [pump])]

        with unit_of_work(other):
            services.look(other, second)
        assert [row.new for row in services.saved_searches(other)] == [0, 0]


def test_what_is_withdrawn_meanwhile_is_neither_counted_nor_told(context: None) -> None:
    with unit_of_work():
        holder, actor = factories.organisation(), person()
        offers = [announced(holder, title) for title in ("一种阀", "另一种阀")]
    with unit_of_work(actor):
        saved = services.save(actor, "阀", {"q": "阀"}, "daily")
    with unit_of_work():
        work._keep([(saved.id, offer_id) for offer_id in offers])
        db.session.get_one(Offer, offers[0]).status = "withdrawn"
    assert services.get(actor, saved.id).new == 1
    with unit_of_work():
        assert services.tell(saved.id, NOW + dt.timedelta(days=1)) == [offers[1]]
    with unit_of_work():
        assert services.tell(saved.id, NOW + dt.timedelta(days=2)) == []


def test_a_saved_search_is_its_owners_alone(context: None) -> None:
    with unit_of_work():
        firm = factories.organisation()
        one, colleague = person(firm), person(firm)
        elsewhere = Actor(one.user_id, factories.organisation().id, one.roles)
    with unit_of_work(one):
        saved = services.save(one, " 泵 ", {"q": "泵", "size": "50", "ipc": ["F04D", ""]})
    assert (saved.name, saved.parameters) == ("泵", {"q": ["泵"], "ipc": ["F04D"]})
    for other in (colleague, elsewhere):
        assert services.saved_searches(other) == []
        for verb in (services.look, services.delete, lambda a, i: services.rename(a, i, "x")):
            with pytest.raises(NotFound), unit_of_work(other):
                verb(other, saved.id)
    with pytest.raises(Unauthenticated):
        services.saved_searches(Actor())
    reader = Actor(one.user_id, one.organisation_id, scopes=frozenset({"read"}))
    with pytest.raises(Forbidden), unit_of_work(reader):
        services.set_alert(reader, saved.id, "daily")


def test_names_are_given_once_and_a_search_that_is_not_understood_is_not_kept(context: None) -> None:
    with unit_of_work():
        one = person()
    with unit_of_work(one):
        first = services.save(one, "泵", {"q": "泵"})
        second = services.save(one, "阀", {"q": "阀"})
    for refused, error in (
        (lambda: services.save(one, "泵", {}), Conflict),
        (lambda: services.rename(one, second.id, "泵"), Conflict),
        (lambda: services.save(one, " ", {}), Invalid),
        (lambda: services.save(one, "长" * 121, {}), Invalid),
        (lambda: services.save(one, "新", {}, "hourly"), Invalid),
        (lambda: services.save(one, "新", {"colour": "red"}), QueryError),
    ):
        with pytest.raises(error), unit_of_work(one):
            refused()
    with unit_of_work(one):
        assert services.rename(one, first.id, "泵").name == "泵"
        services.delete(one, second.id)
    assert [row.saved.id for row in services.saved_searches(one)] == [first.id]


def test_the_link_ends_the_mails_and_a_new_beginning_does_not_tell_of_the_past(context: None) -> None:
    with unit_of_work():
        holder, one = factories.organisation(), person()
        offer = announced(holder, "一种阀")
    with unit_of_work(one):
        saved = services.save(one, "阀", {"q": "阀"}, "at_once")
    link = Link(saved.user_id, services.TOPIC, saved.id)
    for _ in range(2):
        with unit_of_work():
            services.stop(link)
        assert saved.alert == "off"
    with pytest.raises(NotFound):
        read_link(link.text[:-1] + ("0" if link.text[-1] != "0" else "1"))
    with unit_of_work():  # nor does somebody else's link end them
        assert services.stop(Link(saved.user_id + 1, services.TOPIC, saved.id)) is None
    with unit_of_work():
        work._keep([(saved.id, offer)])
    with unit_of_work(one):
        services.set_alert(one, saved.id, "at_once")
    with unit_of_work():
        assert services.tell(saved.id, NOW) == []


def test_nobody_is_told_who_has_left_and_nothing_is_kept_of_the_erased(context: None) -> None:
    with unit_of_work():
        holder, one = factories.organisation(), person()
        offer = announced(holder, "一种阀")
    with unit_of_work(one):
        saved = services.save(one, "阀", {"q": "阀"}, "at_once")
    with unit_of_work():
        work._keep([(saved.id, offer)])
        for membership in list(saved.user.memberships):
            db.session.delete(membership)
    with unit_of_work():
        assert services.tell(saved.id, NOW) == []
        services.forget([one.user_id])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SavedSearch)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SavedSearchHit)) == 0


@given(st.sampled_from(ALERTS), st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1)),
       st.integers(0, 24 * 20))  # fmt: skip
def test_alerts_come_in_the_morning_and_never_sooner_than_their_days(
    alert: str, last: dt.datetime, hours: int
) -> None:
    then = last.replace(tzinfo=dt.UTC)
    now = then + dt.timedelta(hours=hours)
    if not due(alert, then, now):
        return
    assert alert != "off"
    if alert != "at_once":
        assert now.astimezone(clock.SHANGHAI).hour >= 8
        days = (clock.legal_date(now) - clock.legal_date(then)).days
        assert days >= {"daily": 1, "weekly": 7}[alert]
