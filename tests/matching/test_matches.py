"""Offers for needs: ranked alike by both engines, within limits, with reasons that can be checked."""

from __future__ import annotations

import collections.abc
import datetime as dt
import decimal
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand, DemandTerm, Recommendation
from marketplace.demands.services import close_demand, publish_demand
from marketplace.listings.models import Offer
from marketplace.matching.services import (
    Match,
    mark,
    match_text,
    matches_for,
    recommendations_of,
)
from marketplace.search import engines, generations
from marketplace.search.models import SearchGeneration
from tests import factories
from tests.conftest import Databases, settings_for

NEED = "含镍电镀废水如何除镍。电镀车间排出的废水含镍超标,现有沉淀法达不到要求。"


@dataclass
class Market:
    """A firm in need and offers about its matter and another one."""

    firm: Actor
    dear: int
    free: int
    royalty: int
    own: int
    elsewhere: int


def offer(
    title: str, holder: object, *, ipc: str = "C02F1/42", application: str | None = None, **terms
) -> Offer:
    patent = factories.patent(holder, title=title, application=application, district="310115")
    patent.classes[0].symbol = ipc
    return factories.live_offer(holder, patent, **terms)


def live(row: Offer) -> int:
    record("offer.verified", row, organisation_id=row.holder_id)
    return row.id


@pytest.fixture(params=["embedded", "elasticsearch"])
def installation(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> collections.abc.Iterator[Flask]:
    """An application with a database of its own, real commits, and each engine in turn."""
    environment = {"SEARCH_ENGINE": request.param}
    if request.param == "elasticsearch":
        environment["ELASTICSEARCH_URL"] = request.getfixturevalue("elasticsearch_url")
    app = create_app(settings_for(databases.copy(), tmp_path, **environment))
    app.testing = True
    yield app
    with app.app_context():
        for generation in db.session.scalars(sa.select(SearchGeneration)):
            engines.engine().drop(generation.name)
        db.session.remove()
        db.engine.dispose()
        engines.engine().close()


@pytest.fixture
def market(installation: Flask) -> collections.abc.Iterator[Market]:
    with installation.app_context():
        with unit_of_work():
            holder, firm = factories.organisation(), factories.organisation()
            market = Market(
                firm=factories.actor(firm),
                dear=live(offer("一种含镍电镀废水的除镍装置", holder, fee_minor=90_000_000)),
                free=live(
                    offer(
                        "一种电镀废水处理方法",
                        holder,
                        fee_form="free",
                        fee_minor=None,
                        application="电镀车间、印染",
                    )
                ),
                royalty=live(
                    offer(
                        "含镍废水除镍树脂的再生方法",
                        holder,
                        fee_form="royalty_net_sales",
                        fee_minor=None,
                        rate_percent=decimal.Decimal(3),
                        rate_base="net_sales",
                    )
                ),
                own=live(offer("一种除镍废水的监测装置", firm)),
                elsewhere=live(offer("葡萄酒发酵罐", holder, ipc="C12G1/00")),
            )
        generations.rebuild()
        yield market
        db.session.remove()


def ids(matches: list[Match]) -> list[int]:
    return [match.offer_id for match in matches]


def reasons(match: Match) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for reason in match.reasons:
        found.setdefault(reason.kind, []).append(reason.value)
    return found


class TestMatches:
    def test_what_is_about_the_need_comes_first_and_what_is_not_is_left_out(self, market: Market) -> None:
        found = match_text(NEED)
        assert found[0].offer_id == market.dear
        assert set(ids(found)) == {market.dear, market.free, market.royalty, market.own}
        assert [match.score for match in found] == sorted((m.score for m in found), reverse=True)
        assert ids(match_text(NEED)) == ids(found)
        assert ids(match_text(NEED, size=2)) == ids(found)[:2]

    def test_term_reasons_are_words_that_stand_in_both_texts(self, market: Market) -> None:
        for match in match_text(NEED):
            words = [str(word) for word in reasons(match)["term"]]
            assert 1 <= len(words) <= 6
            patent = match.offer.patent
            for word in words:
                assert word in NEED
                assert word in f"{patent.title}{patent.abstract}{patent.application}"

    def test_a_budget_leaves_out_what_costs_more_up_front_but_no_royalty(self, market: Market) -> None:
        found = {match.offer_id: reasons(match) for match in match_text(NEED, budget_minor=6_000_000)}
        assert set(found) == {market.free, market.royalty, market.own}
        assert found[market.free]["free"] == [0]
        assert found[market.royalty]["royalty"] == ["royalty_net_sales"]
        assert found[market.own]["fee_within_budget"] == [5_000_000]

    def test_an_organisation_is_not_shown_its_own_offers(self, market: Market) -> None:
        assert market.own not in ids(match_text(NEED, exclude_holder=market.firm.organisation_id))

    def test_class_field_and_district_are_named_and_filter_nothing(self, market: Market) -> None:
        found = {m.offer_id: reasons(m) for m in match_text(NEED, ipc=["C02F 1/28"], district="310115")}
        assert market.dear in found
        assert found[market.free]["ipc"] == ["C02F1"]
        assert found[market.free]["field"] == ["电镀车间"]
        assert found[market.free]["district"] == ["310115"]
        assert (
            "district"
            not in {m.offer_id: reasons(m) for m in match_text(NEED, district="310101")}[market.free]
        )

    def test_an_offer_that_has_ended_is_not_matched_though_the_index_is_stale(self, market: Market) -> None:
        with unit_of_work():
            db.session.get_one(Offer, market.dear).status = "withdrawn"
        assert market.dear not in ids(match_text(NEED))

    def test_english_needs_find_english_titles_and_name_whole_words(self, market: Market) -> None:
        with unit_of_work():
            patent = db.session.get_one(Offer, market.dear).patent
            patent.title_en = "Device for removing nickel from electroplating wastewaters"
            record("patent.changed", patent)
        generations.rebuild()
        (match,) = match_text("We look for nickel removal from wastewater")
        assert match.offer_id == market.dear
        assert {"nickel", "wastewater"} <= {str(word) for word in reasons(match)["term"]}

    def test_a_generic_word_alone_makes_no_match_and_is_no_reason(self, market: Market) -> None:
        # The need shares 方法, 装置 and 监测 with the offers and nothing that says what it is about.
        assert match_text("苹果采摘的方法与装置。需要一套智能监测系统,提高生产效率。") == []
        for match in match_text(NEED):
            assert not {"方法", "装置", "处理", "车间"} & {str(word) for word in reasons(match)["term"]}

    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_an_empty_need_is_refused(self, market: Market, text: str) -> None:
        with pytest.raises(Invalid) as refused:
            match_text(text)
        assert refused.value.code == "text-missing"

    @pytest.mark.parametrize("text", ["的的的", "???!!", "\ud800 x", "需" * 50_000, "AND (x OR", "\x00"])
    def test_strange_needs_do_no_harm(self, market: Market, text: str) -> None:
        assert isinstance(match_text(text), list)


def post(actor: Actor, **values: object) -> int:
    with unit_of_work(actor):
        title, description = NEED.split("。", 1)
        return publish_demand(actor, {"title": title, "description": description, **values}).id


def stored(demand_id: int) -> list[Recommendation]:
    query = (
        sa.select(Recommendation).where(Recommendation.demand_id == demand_id).order_by(Recommendation.rank)
    )
    return list(db.session.scalars(query).unique())


class TestRecommendations:
    def test_a_published_demand_gets_recommendations_from_the_worker_once(
        self, installation: Flask, market: Market
    ) -> None:
        Worker(installation).drain()  # the reader starts now
        demand_id = post(market.firm)
        assert Worker(installation).drain() == 0
        rows = stored(demand_id)
        assert [row.offer_id for row in rows] == ids(matches_for(db.session.get_one(Demand, demand_id)))
        assert market.own not in [row.offer_id for row in rows]
        assert all(row.state == "shown" and row.reasons for row in rows)
        entry = db.session.scalars(
            sa.select(JournalEntry).where(JournalEntry.action == "demand.matched")
        ).one()
        assert entry.organisation_id == market.firm.organisation_id
        assert entry.data["offers"] == [row.offer_id for row in rows]
        Worker(installation).drain()
        assert len(stored(demand_id)) == len(rows)

    def test_a_new_offer_finds_the_demands_that_share_its_rare_words(
        self, installation: Flask, market: Market
    ) -> None:
        Worker(installation).drain()
        demand_id = post(market.firm)
        Worker(installation).drain()
        before = {row.offer_id for row in stored(demand_id)}
        assert db.session.scalar(sa.select(sa.func.count()).select_from(DemandTerm))
        db.session.rollback()
        with unit_of_work():
            holder = factories.organisation()
            new = live(offer("含镍电镀废水深度除镍系统", holder))
            live(offer("一种无人机机翼", holder))
        assert Worker(installation).drain() == 0
        assert {row.offer_id for row in stored(demand_id)} == before | {new}

    def test_a_closed_demand_gets_none(self, installation: Flask, market: Market) -> None:
        Worker(installation).drain()
        demand_id = post(market.firm)
        with unit_of_work(market.firm):
            close_demand(market.firm, demand_id)
        Worker(installation).drain()
        assert stored(demand_id) == []

    def test_the_firm_says_what_became_of_them_and_nobody_else(
        self, installation: Flask, market: Market
    ) -> None:
        Worker(installation).drain()
        demand_id = post(market.firm)
        Worker(installation).drain()
        first, second = stored(demand_id)[:2]
        with unit_of_work():
            stranger = factories.actor(factories.organisation())
        with pytest.raises(NotFound), unit_of_work(stranger):
            mark(stranger, first, "opened")
        with pytest.raises(NotFound):
            recommendations_of(stranger, db.session.get_one(Demand, demand_id))
        with unit_of_work(market.firm):
            mark(market.firm, first, "opened")
            mark(market.firm, first, "contacted")
            mark(market.firm, first, "opened")  # a second look takes nothing back
        with pytest.raises(Invalid), unit_of_work(market.firm):
            mark(market.firm, second, "passed", reason="because")
        with unit_of_work(market.firm):
            mark(market.firm, second, "passed", reason="too_expensive", note=" 太贵 ")
        with pytest.raises((Conflict, Forbidden)), unit_of_work(market.firm):
            mark(market.firm, second, "licensed")
        rows = recommendations_of(market.firm, db.session.get_one(Demand, demand_id))
        assert {row.id: row.state for row in rows}[first.id] == "contacted"
        assert (rows[-1].id, rows[-1].pass_reason, rows[-1].pass_note) == (second.id, "too_expensive", "太贵")
        actions = list(
            db.session.scalars(
                sa.select(JournalEntry.action).where(JournalEntry.subject_type == "recommendations")
            )
        )
        assert actions == ["recommendation.opened", "recommendation.contacted", "recommendation.passed"]

    def test_a_licence_of_a_recommended_offer_marks_it_licensed(
        self, installation: Flask, market: Market
    ) -> None:
        Worker(installation).drain()
        demand_id = post(market.firm)
        Worker(installation).drain()
        with unit_of_work():
            row = db.session.get_one(Offer, market.free)
            licence = Licence(
                number="LX1", kind="open", state="in_effect", offer_id=row.id, patent_id=row.patent_id,
                licensee_id=market.firm.organisation_id, effective_at=clock.now(),
                effective_on=clock.today(), term_to=clock.today() + dt.timedelta(days=30), currency="CNY",
                recordal_state="to_do", created_at=clock.now(),
            )  # fmt: skip
            db.session.add(licence)
            record("licence.in_effect", licence, organisation_id=market.firm.organisation_id)
        assert Worker(installation).drain() == 0
        states = {row.offer_id: row.state for row in stored(demand_id)}
        assert states[market.free] == "licensed"
        assert set(states.values()) == {"shown", "licensed"}
