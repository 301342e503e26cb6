"""The life of an order, from the customer's wish to the money. It touches no offer, notice or licence."""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict
from marketplace.core.lifecycle import Lifecycle, Transition


def _something_to_pay(order: Any) -> None:
    """What costs nothing is over when it is done."""
    if not order.price_minor:
        raise Conflict("order-free", "Nothing is to be paid for this.")


# A price that the holder names is a new offer of the holder (Civil Code 488), so the customer may step back
# from an accepted order as long as nothing is done.
ORDER = Lifecycle(
    "order",
    "ordered",
    (
        Transition("accept", frozenset({"ordered"}), "accepted", "order.provide", "order.accepted"),
        Transition("decline", frozenset({"ordered"}), "declined", "order.provide", "order.declined"),
        Transition(
            "cancel", frozenset({"ordered", "accepted"}), "cancelled", "order.cancel", "order.cancelled"
        ),
        Transition("finish", frozenset({"accepted"}), "done", "order.provide", "order.done"),
        Transition("pay", frozenset({"done"}), "paid", "order.provide", "order.paid", _something_to_pay),
    ),
)
