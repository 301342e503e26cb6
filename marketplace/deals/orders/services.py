"""Ordering know-how or a service that a holder lists beside its offer; each order is a contract of its own.

The licence comes by notice and payment alone (PL 51): no order is its condition, and none changes it. The
platform neither holds nor forwards the money, and counts it in no figure of licences.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import numbers
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer
from marketplace.listings.showcase.models import ListingDetails, SideOffer

from .lifecycle import ORDER
from .models import ServiceOrder

NUMBER: Final = "DG"
ANSWER_DAYS: Final = 10
"""Days in which the platform asks the holder to answer an order; no law sets them."""

LONGEST_WISH: Final = 2000
LONGEST_ANSWER: Final = 1000
HIGHEST_PRICE: Final = 10**12  # 分


def listed(offer_id: int, side_offer_id: int) -> SideOffer:
    """What the holder lists beside an offer.

    Raises:
        NotFound: `side-offer-gone`.
    """
    found = db.session.scalar(
        sa.select(SideOffer)
        .join(ListingDetails, ListingDetails.id == SideOffer.details_id)
        .where(SideOffer.id == side_offer_id, ListingDetails.offer_id == offer_id)
    )
    if found is None:
        raise NotFound("side-offer-gone", "The holder does not list this any more.")
    return found


def orderable(actor: Actor, offer: Offer) -> bool:
    """Whether the actor could order something beside this offer now; a visitor, once it has signed in."""
    if actor.user_id is not None and not allowed(actor, "order.place", offer).allowed:
        return False
    try:
        _require_open(actor, offer, actor.organisation_id or 0)
    except Conflict:
        return False
    return True


def place(
    actor: Actor,
    offer_id: int,
    side_offer_id: int,
    *,
    wish: str | None = None,
    wanted_by: dt.date | None = None,
    customer_id: int | None = None,
) -> ServiceOrder:
    """Order what the holder lists beside its offer, with the words and the price as they stand now.

    Args:
        wish: what the customer needs, in its words.
        wanted_by: the day by which it wants it.
        customer_id: one of those that the actor takes licences for; by default its own organisation.

    Raises:
        NotFound: no such offer; `side-offer-gone`. Forbidden. Invalid: `order-text`, `order-day`.
        Conflict: `offer-not-live`, `own-offer`, `provider-absent`.
    """
    offer = db.session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    require(actor, "order.place", offer)
    customer_id = customer_id or actor.organisation_id
    if customer_id is None or customer_id not in actor.licensees:
        raise Forbidden("forbidden", "Your account may not do this.")
    line = listed(offer.id, side_offer_id)
    _require_open(actor, offer, customer_id)
    if wanted_by is not None and wanted_by < clock.today():
        message = N_("This day is over.")
        raise Invalid("order-day", message, fields={"wanted_by": [message]})
    order = ServiceOrder(
        number=numbers.new_number(NUMBER, clock.today()),
        offer=offer,
        provider=offer.holder,
        customer=db.session.get_one(Organisation, customer_id),
        user_id=actor.user_id,
        kind=line.kind,
        what_zh=line.what_zh,
        what_en=line.what_en,
        price_minor=line.price_minor,
        currency=line.currency,
        price_unit=line.price_unit,
        state=ORDER.initial,
        wish=_text(wish, "wish", LONGEST_WISH),
        wanted_by=wanted_by,
        ordered_at=clock.now(),
    )
    db.session.add(order)
    db.session.flush()
    record("order.placed", order, organisation_id=customer_id, offer_id=offer.id, kind=line.kind)
    return order


def get(actor: Actor, order_id: int) -> ServiceOrder:
    """One order.

    Raises:
        NotFound: there is none, or it is others'.
    """
    order = db.session.get(ServiceOrder, order_id)
    if order is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "order.view", order)
    return order


def orders(
    actor: Actor, *, side: str | None = None, after: int | None = None, limit: int = 50
) -> list[ServiceOrder]:
    """Those that the actor is a side of (staff: all), newest first.

    Args:
        side: `provider` or `customer` for those of one side alone.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(ServiceOrder).order_by(ServiceOrder.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(ServiceOrder.id < after)
    if not actor.is_staff:
        sides = {
            "provider": ServiceOrder.provider_id.in_(actor.holders),
            "customer": ServiceOrder.customer_id.in_(actor.licensees),
        }
        query = query.where(sides[side] if side in sides else sa.or_(*sides.values()))
    return list(db.session.scalars(query))


def answer_by(order: ServiceOrder) -> dt.date:
    """The day by which the platform asks the holder for its answer, moved past holidays."""
    return clock.deadline(clock.legal_date(order.ordered_at), days=ANSWER_DAYS).date


def accept(
    actor: Actor, order_id: int, *, price_minor: int | None = None, answer: str | None = None
) -> ServiceOrder:
    """The holder takes the order.

    Args:
        price_minor: the whole price in 分, where the list says that it is by agreement; a listed one stands.
        answer: when and how it is done.

    Raises:
        NotFound, Forbidden. Invalid: `order-price`, `order-text`. Conflict: `illegal-transition`.
    """
    order = _locked(actor, order_id)
    require(actor, "order.provide", order)
    ORDER.find("accept", order.state)
    text = _text(answer, "answer", LONGEST_ANSWER)
    if order.price_minor is None and (price_minor is None or not 0 <= price_minor <= HIGHEST_PRICE):
        message = N_("Please name the price: the list says that it is by agreement.")
        raise Invalid("order-price", message, fields={"price": [message]})
    if order.price_minor is not None and price_minor not in (None, order.price_minor):
        message = N_("The listed price stands.")
        raise Invalid("order-price", message, fields={"price": [message]})

    def effect() -> None:
        order.price_minor = price_minor if order.price_minor is None else order.price_minor
        order.answer, order.answered_at = text, clock.now()

    ORDER.execute(actor, order, "accept", effect=effect, organisation_id=order.customer_id)
    return order


def decline(actor: Actor, order_id: int, *, answer: str | None = None) -> ServiceOrder:
    """The holder does not take the order; the customer's licence, if it has one, stays as it is.

    Raises:
        NotFound, Forbidden. Invalid: `order-text`. Conflict: `illegal-transition`.
    """
    order = _locked(actor, order_id)
    text = _text(answer, "answer", LONGEST_ANSWER)

    def effect() -> None:
        order.answer, order.answered_at = text, clock.now()

    ORDER.execute(actor, order, "decline", effect=effect, organisation_id=order.customer_id)
    return order


def cancel(actor: Actor, order_id: int) -> ServiceOrder:
    """The customer steps back before it is done.

    Raises:
        NotFound, Forbidden. Conflict: `illegal-transition`.
    """
    order = _locked(actor, order_id)
    ORDER.execute(actor, order, "cancel", organisation_id=order.customer_id)
    return order


def finish(actor: Actor, order_id: int, *, on: dt.date | None = None) -> ServiceOrder:
    """The holder says that it is done.

    Args:
        on: the day, by default today.

    Raises:
        NotFound, Forbidden. Invalid: `date-in-future`, `date-too-early`. Conflict: `illegal-transition`.
    """
    order = _locked(actor, order_id)
    day = on or clock.today()

    def effect() -> None:
        _between(clock.legal_date(order.ordered_at), day, "done_on")
        order.done_on = day

    ORDER.execute(actor, order, "finish", effect=effect, organisation_id=order.customer_id, occurred_on=day)
    return order


def pay(actor: Actor, order_id: int, *, on: dt.date | None = None) -> ServiceOrder:
    """The holder, into whose account it went, says that the money has come.

    Args:
        on: the day, by default today; money may have come before the work was done.

    Raises:
        NotFound, Forbidden. Invalid: `date-in-future`, `date-too-early`.
        Conflict: `illegal-transition`, `order-free`.
    """
    order = _locked(actor, order_id)
    day = on or clock.today()

    def effect() -> None:
        _between(clock.legal_date(order.ordered_at), day, "paid_on")
        order.paid_on = day

    ORDER.execute(actor, order, "pay", effect=effect, organisation_id=order.customer_id, occurred_on=day)
    return order


def remind() -> None:
    """Remind the holder of an order without answer, and both of work whose day is over, once each."""
    today = clock.today()
    late = clock.start_of_day_utc(today - dt.timedelta(days=ANSWER_DAYS))
    for action, query in (
        (
            "order.answer_overdue",
            sa.select(ServiceOrder.id).where(ServiceOrder.state == "ordered", ServiceOrder.ordered_at < late),
        ),
        (
            "order.work_overdue",
            sa.select(ServiceOrder.id).where(
                ServiceOrder.state == "accepted", ServiceOrder.wanted_by < today
            ),
        ),
    ):
        for key in list(db.session.scalars(query.where(~_told(action)))):
            with unit_of_work(SYSTEM):
                order = lock(ServiceOrder, key)
                overdue = (
                    order.state == "ordered" and answer_by(order) < today
                    if action == "order.answer_overdue"
                    else order.state == "accepted"
                )
                if overdue:
                    record(action, order, organisation_id=order.customer_id)


def _told(action: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        JournalEntry.subject_type == ServiceOrder.__tablename__,
        JournalEntry.subject_id == ServiceOrder.id,
        JournalEntry.action == action,
    )


def _require_open(actor: Actor, offer: Offer, customer_id: int) -> None:
    """A live offer, or one under which the customer has a licence, of another who is here to answer."""
    if offer.holder_id == customer_id or offer.holder_id in actor.own:
        raise Conflict("own-offer", "This is your own offer.")
    licensed = sa.select(Licence.id).where(
        Licence.offer_id == offer.id, Licence.licensee_id == customer_id, Licence.state == "in_effect"
    )
    if not offer.in_force_on(clock.today()) and db.session.scalar(licensed.limit(1)) is None:
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    if not offer.holder.joined:
        raise Conflict(
            "provider-absent", "The holder has no account here: ask it under the contact that is stated."
        )


def _text(text: str | None, field: str, most: int) -> str | None:
    text = (text or "").strip()
    if len(text) > most:
        message = N_("Please write at most %(most)s characters.")
        raise Invalid("order-text", message, fields={field: [message]}, most=most)
    return text or None


def _between(first: dt.date, day: dt.date, field: str) -> None:
    if day > clock.today():
        message = N_("This day is still to come.")
        raise Invalid("date-in-future", message, fields={field: [message]})
    if day < first:
        message = N_("The order had not been placed yet on this day.")
        raise Invalid("date-too-early", message, fields={field: [message]})


def _locked(actor: Actor, order_id: int) -> ServiceOrder:
    return lock(ServiceOrder, get(actor, order_id).id)
