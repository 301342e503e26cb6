"""Who is told of what stands beside open licences, negotiated ones and orders of services; and the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.deals.disputes import parties
from marketplace.deals.negotiated.models import NegotiatedRecord
from marketplace.deals.orders.models import ServiceOrder

Told = tuple[int, str, dict[str, Any]]
"""To whom (an organisation), the message's code, and its ids."""

_ACROSS: Final = {"holder": "licensee", "licensee": "holder"}

# Who is told of a step of an order.
_ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "order.placed": ("provider",),
    "order.accepted": ("customer",),
    "order.declined": ("customer",),
    "order.cancelled": ("provider",),
    "order.done": ("customer",),
    "order.paid": ("customer",),
    "order.answer_overdue": ("provider",),
    "order.work_overdue": ("customer", "provider"),
}
_NEGOTIATED: Final = (
    "negotiated.stated", "negotiated.confirmed", "negotiated.contested", "negotiated.withdrawn",
)  # fmt: skip
ACTIONS: Final = (*_ORDERS, *_NEGOTIATED)


def told(entry: JournalEntry) -> Iterable[Told]:
    """What an entry of `ACTIONS` gives reason to tell: the side that did not take the step."""
    code = entry.action.replace(".", "_")
    if entry.action in _ORDERS:
        order = db.session.get_one(ServiceOrder, entry.subject_id)
        sides = {"provider": order.provider_id, "customer": order.customer_id}
        for side in _ORDERS[entry.action]:
            yield sides[side], code, {"order": order.id, "organisation": order.customer_id}
        return
    row = db.session.get_one(NegotiatedRecord, entry.subject_id)
    licence = row.licence
    holders = parties.holders_of(licence.patent, licence.offer)
    across = {"licensee": {licence.licensee_id}, "holder": holders}[_ACROSS[entry.data["side"]]]
    for organisation_id in sorted(across):
        yield organisation_id, code, {"negotiated": row.id, "patent": licence.patent_id}


_ORDER: Final = "/orders/%(order_id)s"
_STATEMENT: Final = "/negotiated/%(negotiated_id)s"

WORDINGS: Final[Mapping[str, tuple[Any, Any, str]]] = {
    "order_placed": (
        _l("%(organisation)s orders a service: %(order)s"),
        _l(
            "It is listed beside your offer. Please accept or decline the order; where the price is by "
            "agreement, name it with your acceptance. The licence does not depend on it."
        ),
        _ORDER,
    ),
    "order_accepted": (
        _l("Your order is accepted: %(order)s"),
        _l("See the price and what the holder says of the time. You may step back until it is done."),
        _ORDER,
    ),
    "order_declined": (
        _l("Your order is declined: %(order)s"),
        _l("The holder does not take it. Your licence does not depend on it and stays as it is."),
        _ORDER,
    ),
    "order_cancelled": (
        _l("An order is cancelled: %(order)s"),
        _l("The customer has stepped back before it was done."),
        _ORDER,
    ),
    "order_done": (
        _l("What you ordered is done: %(order)s"),
        _l("The holder says that it is done. Pay it as you have agreed, straight to the holder."),
        _ORDER,
    ),
    "order_paid": (
        _l("Your payment for a service has come: %(order)s"),
        _l("The holder says that the money is there. The order is complete."),
        _ORDER,
    ),
    "order_answer_overdue": (
        _l("An order waits for your answer: %(order)s"),
        _l("The days for the answer are over. Please accept the order or decline it."),
        _ORDER,
    ),
    "order_work_overdue": (
        _l("The day of an order is over: %(order)s"),
        _l("It was wanted by then and is not said to be done. Please talk to each other."),
        _ORDER,
    ),
    "negotiated_stated": (
        _l("Please confirm a negotiated licence on “%(patent)s”"),
        _l(
            "The other side states that you have agreed on an ordinary licence, and shows a paper. Confirm "
            "it, or contest it and say why. It stands apart from open licences and is never counted as one."
        ),
        _STATEMENT,
    ),
    "negotiated_confirmed": (
        _l("A negotiated licence on “%(patent)s” is confirmed"),
        _l("The other side says the same. Either of you may file its recordal with CNIPA."),
        _STATEMENT,
    ),
    "negotiated_contested": (
        _l("A negotiated licence on “%(patent)s” is contested"),
        _l("The other side says that it is not so. See why. Until it confirms it, it counts nowhere."),
        _STATEMENT,
    ),
    "negotiated_withdrawn": (
        _l("A negotiated licence on “%(patent)s” is no longer stated"),
        _l("The other side has taken its statement back."),
        _STATEMENT,
    ),
}
