"""The life of a dispute and of a settlement that is proposed in it, as tables.

A dispute changes nothing about the notice, the payment or the licence that it is over.
"""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict
from marketplace.core.lifecycle import Lifecycle, Transition

from .models import LIVING

_LIVING = frozenset(LIVING)


def _nothing_proposed(dispute: Any) -> None:
    """What is proposed is answered first, so that nothing is agreed behind an exit that was taken."""
    if dispute.settlement == "proposed":
        raise Conflict(
            "settlement-open", "A settlement is proposed: it has to be answered or taken back first."
        )


DISPUTE = Lifecycle(
    "dispute",
    "open",
    (
        Transition("answer", frozenset({"open"}), "answered", "dispute.answer", "dispute.answered"),
        Transition("refer", _LIVING, "referred", "dispute.act", "dispute.referred", _nothing_proposed),
        Transition("return", frozenset({"referred"}), "answered", "dispute.act", "dispute.returned"),
        Transition("decide", frozenset({"referred"}), "decided", "dispute.act", "dispute.decided"),
        Transition("settle", _LIVING, "settled", "dispute.answer_settlement", "dispute.settled"),
        Transition("withdraw", _LIVING, "withdrawn", "dispute.withdraw", "dispute.withdrawn"),
    ),
)

# A text is agreed only when the other side takes it as it stands.
SETTLEMENT = Lifecycle(
    "settlement",
    "none",
    (
        Transition("propose", frozenset({"none"}), "proposed", "dispute.act", "dispute.settlement_proposed"),
        Transition(
            "agree",
            frozenset({"proposed"}),
            "agreed",
            "dispute.answer_settlement",
            "dispute.settlement_agreed",
        ),
        Transition(
            "decline",
            frozenset({"proposed"}),
            "none",
            "dispute.answer_settlement",
            "dispute.settlement_declined",
        ),
        Transition(
            "take_back",
            frozenset({"proposed"}),
            "none",
            "dispute.take_settlement_back",
            "dispute.settlement_taken_back",
        ),
    ),
    attribute="settlement",
)
