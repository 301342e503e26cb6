"""Orders of know-how and services: a contract of their own beside the licence, never its condition."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts import merging
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices
from marketplace.deals.lookup import licence_of
from marketplace.deals.orders import services
from marketplace.deals.orders.lifecycle import ORDER
from marketplace.deals.orders.models import STATES, ServiceOrder
from marketplace.listings.models import Offer
from marketplace.listings.showcase.models import ListingDetails, SideOffer
from marketplace.notifications.hooks.events import happening
from marketplace.notifications.services import tell
from marketplace.statistics import facts
from tests import factories


@dataclass
class World:
    holder: Actor
    firm: Actor
    stranger: Actor
    offer: Offer
    training: SideOffer
    know_how: SideOffer


@pytest.fixture
def world(context: None) -> World:
    """A free live offer with a training at 5,000 yuan and know-how on request beside it."""
    return made()


def made() -> World:
    with unit_of_work():
        holder, firm, stranger = (factories.organisation() for _ in range(3))
        offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
        training = SideOffer(
            position=0, kind="training", what_zh="现场培训两天", what_en="Two days of training",
            price_minor=500_000, currency="CNY", price_unit="once",
        )  # fmt: skip
        know_how = SideOffer(position=1, kind="know_how", what_zh="工艺包", price_unit="once", currency="CNY")
        db.session.add(
            ListingDetails(offer_id=offer.id, updated_at=clock.now(), side_offers=[training, know_how])
        )
        db.session.flush()
        actors = [factories.actor(one) for one in (holder, firm, stranger)]
        return World(*actors, offer, training, know_how)


def placed(world: World, line: SideOffer | None = None, **values: object) -> ServiceOrder:
    with unit_of_work(world.firm):
        return services.place(world.firm, world.offer.id, (line or world.training).id, **values)  # type: ignore[arg-type]


def test_an_order_goes_from_the_wish_to_the_money_and_each_side_does_its_part(world: World) -> None:
    order = placed(world, wish="希望在苏州工厂培训", wanted_by=dt.date(2026, 12, 20))
    assert (order.state, order.price_minor, order.what_en) == ("ordered", 500_000, "Two days of training")
    with pytest.raises(Forbidden), unit_of_work(world.firm):
        services.accept(world.firm, order.id)
    with pytest.raises(NotFound), unit_of_work(world.stranger):
        services.cancel(world.stranger, order.id)
    with pytest.raises(Invalid, match="order-price"), unit_of_work(world.holder):
        services.accept(world.holder, order.id, price_minor=900_000)
    with unit_of_work(world.holder):
        services.accept(world.holder, order.id, answer="十二月十日到十一日")
    with pytest.raises(Forbidden), unit_of_work(world.holder):
        services.cancel(world.holder, order.id)
    with unit_of_work(world.holder):
        services.finish(world.holder, order.id)
        services.pay(world.holder, order.id)
    assert (order.state, order.done_on, order.paid_on) == ("paid", clock.today(), clock.today())
    entries = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.subject_type == "service_orders").order_by(JournalEntry.id)
    ).all()
    assert [one.action for one in entries] == ["order.placed", "order.accepted", "order.done", "order.paid"]
    sides = {order.provider_id, order.customer_id}
    sent = [happening(one) for one in entries]
    assert all(one is not None and one.told == sides for one in sent), "each step goes out by webhook"
    assert "希望" not in str([one.data for one in entries] + sent)
    messages = set()
    for entry in entries:
        with unit_of_work():
            messages |= {(one.organisation_id, one.code) for one in tell(entry)}
    assert messages == {
        (order.provider_id, "order_placed"), (order.customer_id, "order_accepted"),
        (order.customer_id, "order_done"), (order.customer_id, "order_paid"),
    }  # fmt: skip


def test_a_price_by_agreement_is_named_with_the_acceptance_and_the_customer_may_step_back(
    world: World,
) -> None:
    order = placed(world, world.know_how)
    assert order.price_minor is None
    with pytest.raises(Invalid, match="order-price"), unit_of_work(world.holder):
        services.accept(world.holder, order.id)
    with unit_of_work(world.holder):
        services.accept(world.holder, order.id, price_minor=8_000_000)
    assert order.price_minor == 8_000_000
    with unit_of_work(world.firm):
        services.cancel(world.firm, order.id)
    assert order.state == "cancelled"
    free = placed(world, world.know_how)
    with unit_of_work(world.holder):
        services.accept(world.holder, free.id, price_minor=0)
        services.finish(world.holder, free.id)
    with pytest.raises(Conflict, match="order-free"), unit_of_work(world.holder):
        services.pay(world.holder, free.id)


def test_the_licence_needs_no_order_and_no_order_is_in_its_figures(world: World) -> None:
    order = placed(world)
    with unit_of_work(world.holder):
        services.decline(world.holder, order.id, answer="目前没有人手")
    prepared = notices.prepare_notice(world.firm, world.offer.id)
    with unit_of_work(world.firm):
        licence = licence_of(notices.serve_notice(world.firm, prepared))
    assert licence is not None
    assert licence.state == "in_effect"
    paid = placed(world)
    with unit_of_work(world.holder):
        services.accept(world.holder, paid.id)
        services.finish(world.holder, paid.id)
        services.pay(world.holder, paid.id)
    facts.rebuild()
    found = facts.load()
    of_patent = found.open.patent == found.row_of(world.offer.patent_id)
    assert found.open.amount[of_patent].tolist() == [0]
    with unit_of_work():
        world.offer.status = "withdrawn"
    assert placed(world).state == "ordered", "whoever has a licence may still order"
    with pytest.raises(Conflict, match="offer-not-live"), unit_of_work(world.stranger):
        services.place(world.stranger, world.offer.id, world.training.id)
    with pytest.raises(Conflict, match="own-offer"), unit_of_work(world.holder):
        services.place(world.holder, world.offer.id, world.training.id)


def test_only_the_two_sides_and_staff_see_an_order_and_nobody_answers_his_own(world: World) -> None:
    order = placed(world)
    assert [one.id for one in services.orders(world.holder, side="provider")] == [order.id]
    assert services.orders(world.holder, side="customer") == services.orders(world.stranger) == []
    with pytest.raises(NotFound):
        services.get(world.stranger, order.id)
    with unit_of_work():
        operator = factories.operator()
    assert services.get(operator, order.id) is order
    with pytest.raises(Forbidden), unit_of_work(operator):
        services.accept(operator, order.id)
    both = replace(world.firm, principals=frozenset({world.holder.organisation_id or 0}))
    with pytest.raises(Forbidden), unit_of_work(both):
        services.accept(both, order.id)


def test_each_side_is_reminded_once_of_a_day_that_is_over(world: World) -> None:
    waiting, accepted = placed(world), placed(world, wanted_by=clock.today())
    with unit_of_work(world.holder):
        services.accept(world.holder, accepted.id)
    for days in (0, 9, 20, 21):
        with clock.at(clock.now() + dt.timedelta(days=days)):
            services.remind()
    late = sa.select(JournalEntry.subject_id, JournalEntry.action).where(
        JournalEntry.action.in_(("order.answer_overdue", "order.work_overdue"))
    )
    assert sorted(tuple(one) for one in db.session.execute(late)) == sorted(
        [(waiting.id, "order.answer_overdue"), (accepted.id, "order.work_overdue")]
    )


STEPS = ("accept", "decline", "cancel", "finish", "pay", "accept_own", "finish_own", "cancel_other", "day")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=10), listed=st.booleans())
def test_in_any_order_the_state_follows_the_table_and_the_journal(
    context: None, steps: list[str], listed: bool
) -> None:
    world = made()
    order = placed(world, world.training if listed else world.know_how)
    price = None if listed else 100
    act = {
        "accept": lambda: services.accept(world.holder, order.id, price_minor=price),
        "decline": lambda: services.decline(world.holder, order.id),
        "cancel": lambda: services.cancel(world.firm, order.id),
        "finish": lambda: services.finish(world.holder, order.id),
        "pay": lambda: services.pay(world.holder, order.id),
        "accept_own": lambda: services.accept(world.firm, order.id, price_minor=price),
        "finish_own": lambda: services.finish(world.firm, order.id),
        "cancel_other": lambda: services.cancel(world.holder, order.id),
    }
    for step in steps:
        try:
            if step == "day":
                services.remind()
                continue
            with unit_of_work(world.holder):
                act[step]()
            assert not step.endswith(("_own", "_other"))
        except (Conflict, Forbidden):
            db.session.rollback()
    entries = db.session.scalars(
        sa.select(JournalEntry.action)
        .where(JournalEntry.subject_type == "service_orders", JournalEntry.subject_id == order.id)
        .order_by(JournalEntry.id)
    ).all()
    state = ORDER.initial
    for action in entries[1:]:
        move = next(one for one in ORDER.transitions if one.entry == action)
        assert state in move.sources
        state = move.target
    assert order.state == state
    assert (order.done_on is not None) == (state in ("done", "paid"))
    assert (order.paid_on is not None) == (state == "paid")
    assert order.price_minor is not None or state in ("ordered", "declined", "cancelled")
    assert set(ORDER.states) == set(STATES)


def test_a_merger_of_both_sides_keeps_the_order_as_history(world: World) -> None:
    order = placed(world)
    with unit_of_work(world.holder):
        services.decline(world.holder, order.id, answer="不再提供")
    with unit_of_work():
        person = factories.user(staff_role="operator")
    operator = Actor(user_id=person.id, roles=frozenset({"operator"}))
    name = order.customer.name
    with unit_of_work(operator):
        merging.merge(operator, order.customer_id, order.provider_id, typed=name, source="工商登记档案")
    db.session.expire_all()
    assert order.customer_id == order.provider_id == world.offer.holder_id
