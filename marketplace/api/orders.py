"""Orders of know-how and services that holders list beside their offers; never a condition of the licence."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.core.errors import N_, Invalid
from marketplace.deals.orders import services
from marketplace.deals.orders.lifecycle import ORDER
from marketplace.deals.orders.models import STATES, ServiceOrder
from marketplace.listings.services.offers import get_offer
from marketplace.listings.showcase import services as showcase
from marketplace.listings.showcase.models import PRICE_UNITS, SIDE_KINDS

from . import shapes
from .answering import json_answer, once
from .documents import Blueprint

blueprint = Blueprint("orders", "orders of services", "Know-how and services beside a licence.")


class SideOfferView(ma.Schema):
    """What a holder lists beside its offer; the licence comes without any of it."""

    id = shapes.Id(required=True, metadata={"description": "until the holder writes its list anew"})
    kind = fields.String(required=True, metadata={"enum": list(SIDE_KINDS)})
    what_zh = fields.String(required=True)
    what_en = fields.String(required=True, allow_none=True)
    price = fields.Nested(
        shapes.Amount, required=True, allow_none=True, metadata={"description": "null: by agreement"}
    )
    price_unit = fields.String(required=True, metadata={"enum": list(PRICE_UNITS)})


class SideOffers(ma.Schema):
    """The list of one offer."""

    items = fields.List(fields.Nested(SideOfferView), required=True)


class OrderView(SideOfferView):
    """One order, with the words and the price as they stood."""

    id = shapes.Id(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES)})
    offer_id = shapes.Id(required=True)
    provider = fields.String(required=True)
    customer = fields.String(required=True)
    wish = fields.String(required=True, allow_none=True)
    wanted_by = shapes.Day(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True)
    answer_by = shapes.Day(required=True, metadata={"description": "set by the platform, by no law"})
    ordered_at = shapes.Instant(required=True)
    answered_at = shapes.Instant(required=True, allow_none=True)
    done_on = shapes.Day(required=True, allow_none=True)
    paid_on = shapes.Day(required=True, allow_none=True)
    actions = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)


Page = shapes.page_of(OrderView, "Orders")


class OrdersQuery(shapes.After):
    """Which orders."""

    side = fields.String(
        validate=validate.OneOf(("customer", "provider"), error=_l("Give `customer` or `provider`.")),
        metadata={"description": "those of one side alone"},
    )


class OrderRequest(ma.Schema):
    """What is ordered."""

    offer_id = fields.String(required=True, validate=validate.Length(max=20))
    side_offer_id = fields.String(required=True, validate=validate.Length(max=20))
    wish = shapes.text(services.LONGEST_WISH)
    wanted_by = shapes.day()


class AcceptRequest(ma.Schema):
    """The holder's yes."""

    price = fields.Nested(
        shapes.Amount, allow_none=True, metadata={"description": "in CNY, where it is by agreement"}
    )
    answer = shapes.text(services.LONGEST_ANSWER)


class DeclineRequest(ma.Schema):
    """The holder's no."""

    answer = shapes.text(services.LONGEST_ANSWER)


class DayRequest(ma.Schema):
    """The day of a step, by default today."""

    on = shapes.day()


def _line(row: Any) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("id", "kind", "what_zh", "what_en", "price_unit")},
        "price": shapes.money(row.price_minor, row.currency),
    }


def _view(order: ServiceOrder) -> dict[str, Any]:
    plain = (
        "number", "state", "offer_id", "wish", "wanted_by", "answer", "ordered_at", "answered_at", "done_on",
        "paid_on", "version",
    )  # fmt: skip
    return {
        **_line(order),
        **{name: getattr(order, name) for name in plain},
        "provider": order.provider.name,
        "customer": order.customer.name,
        "answer_by": services.answer_by(order),
        "actions": [one.action for one in ORDER.offered(current_actor(), order)],
    }


@blueprint.call("GET", "/offers/<offer_id>/side-offers")
@access("public")
@blueprint.response(200, SideOffers)
def list_side_offers(offer_id: str) -> Response:
    """What the holder lists beside an offer, to be ordered apart."""
    offer = get_offer(current_actor(), offer_id)
    details = showcase.details_of(offer.id)
    lines = [] if details is None else details.side_offers
    return json_answer(SideOffers().dump({"items": [_line(one) for one in lines]}))


@blueprint.call("GET", "/orders")
@access("signed_in")
@blueprint.arguments(OrdersQuery, location="query")
@blueprint.response(200, Page)
def list_orders(query: dict[str, Any]) -> Response:
    """Orders that the token's organisation is a side of (staff: all), newest first."""
    after = query.get("after")
    rows = services.orders(
        current_actor(),
        side=query.get("side"),
        after=int(after) if after else None,
        limit=query["size"] + 1,
    )
    return json_answer(Page().dump(shapes.page(rows, query["size"], _view)))


@blueprint.call("POST", "/orders")
@access("organisation")
@blueprint.arguments(OrderRequest)
@blueprint.response(201, OrderView)
def place_order(body: dict[str, Any]) -> Response:
    """Order what the holder lists; a contract of its own, which no licence depends on."""
    offer_id, line_id = shapes.key_of(body["offer_id"]), shapes.key_of(body["side_offer_id"])

    def act(actor: Actor) -> dict[str, Any]:
        wish, wanted_by = body.get("wish"), body.get("wanted_by")
        return _view(services.place(actor, offer_id, line_id, wish=wish, wanted_by=wanted_by))

    return once(OrderView, act, status=201)


@blueprint.call("GET", "/orders/<order_id>")
@access("signed_in")
@blueprint.response(200, OrderView)
def get_order(order_id: str) -> Response:
    """One order."""
    return json_answer(OrderView().dump(_view(services.get(current_actor(), shapes.key_of(order_id)))))


@blueprint.call("POST", "/orders/<order_id>/actions/accept")
@access("organisation")
@blueprint.arguments(AcceptRequest, required=False)
@blueprint.response(200, OrderView)
def accept_order(body: dict[str, Any], order_id: str) -> Response:
    """The holder takes it, and names the price where the list says that it is by agreement."""
    key, price = shapes.key_of(order_id), body.get("price")
    if price is not None and price["currency"] != "CNY":
        message = N_("Please give the price in yuan.")
        raise Invalid("order-price", message, fields={"price": [message]})
    minor = None if price is None else price["amount_minor"]
    return once(
        OrderView,
        lambda actor: _view(services.accept(actor, key, price_minor=minor, answer=body.get("answer"))),
    )


@blueprint.call("POST", "/orders/<order_id>/actions/decline")
@access("organisation")
@blueprint.arguments(DeclineRequest, required=False)
@blueprint.response(200, OrderView)
def decline_order(body: dict[str, Any], order_id: str) -> Response:
    """The holder does not take it."""
    key = shapes.key_of(order_id)
    return once(OrderView, lambda actor: _view(services.decline(actor, key, answer=body.get("answer"))))


@blueprint.call("POST", "/orders/<order_id>/actions/cancel")
@access("organisation")
@blueprint.response(200, OrderView)
def cancel_order(order_id: str) -> Response:
    """The customer steps back, until it is done."""
    key = shapes.key_of(order_id)
    return once(OrderView, lambda actor: _view(services.cancel(actor, key)))


@blueprint.call("POST", "/orders/<order_id>/actions/finish")
@access("organisation")
@blueprint.arguments(DayRequest, required=False)
@blueprint.response(200, OrderView)
def finish_order(body: dict[str, Any], order_id: str) -> Response:
    """The holder says that it is done."""
    key = shapes.key_of(order_id)
    return once(OrderView, lambda actor: _view(services.finish(actor, key, on=body.get("on"))))


@blueprint.call("POST", "/orders/<order_id>/actions/pay")
@access("organisation")
@blueprint.arguments(DayRequest, required=False)
@blueprint.response(200, OrderView)
def pay_order(body: dict[str, Any], order_id: str) -> Response:
    """The holder says that the money has come; the platform touches none."""
    key = shapes.key_of(order_id)
    return once(OrderView, lambda actor: _view(services.pay(actor, key, on=body.get("on"))))
