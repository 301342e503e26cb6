"""How money for several notices is shared out among them, and what makes terms the same. Pure functions.

Sums in minor units (分).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar

MOST: Final = 50
"""How many offers fit into a basket or a bundle."""

# Why a part can be refused; what else may come is told as `other`.
PROBLEMS: Final = (
    "own-offer", "offer-not-live", "notice-open", "licence-in-effect", "offer-changed", "terms-incomplete",
    "term-unknown", "clause-withdrawn", "technology-banned", "technology-class-missing", "seat-unknown",
    "text-not-printable", "font-missing", "not-a-member", "forbidden", "other",
)  # fmt: skip

K = TypeVar("K", bound=Hashable)


def share_out(
    amount: int, counting: Sequence[tuple[K, int]], others: Sequence[tuple[K, int]] = ()
) -> list[tuple[K, int]]:
    """Share one sum out among the debts that it is to pay, in their order.

    The payer has said the order by paying with the bundle's reference (Civil Code 560 ¶1: the debtor says
    which of several debts it performs), so that a part that has come makes as many licences as it can.

    Args:
        amount: what came, above zero.
        counting: what is still owed of each debt, in the payer's order; each above zero.
        others: sums to which nothing is owed any more (lapsed notices, paid ones): what is left goes there,
            to be returned.

    Returns:
        Shares above zero that add up to `amount`. What is too much is with the last debt, or with the first
        of the others when nothing is owed at all.
    """
    shares: dict[K, int] = {}
    left = amount
    for key, owed in (*counting, *others):
        share = min(left, owed)
        if share > 0:
            shares[key] = shares.get(key, 0) + share
            left -= share
    if left > 0:
        surplus = counting[-1][0] if counting else others[0][0]
        shares[surplus] = shares.get(surplus, 0) + left
    return list(shares.items())


def terms_digest(terms: Mapping[str, Any]) -> str:
    """What makes announced terms the same: the sha256 of their values."""
    plain = json.dumps(terms, sort_keys=True, ensure_ascii=False, default=_plain, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def problem_of(code: str) -> str:
    """The code under which a refused part keeps its reason."""
    return code if code in PROBLEMS else "other"
