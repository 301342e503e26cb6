"""How net income is divided: by agreement, by law, and so that no 分 is lost. Pure functions.

Amounts in 分. PL is the Patent Law, TTL the Law on Promoting the Transformation of Scientific and
Technological Achievements, CC the Civil Code, SH-TT the Shanghai Regulations on the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from marketplace.core import clock
from marketplace.core.errors import N_, Invalid

# TTL 45: where nothing else is set or agreed, and for state-established institutions in any case.
FLOOR_PERCENT: Final = Decimal(50)
STATE_ESTABLISHED: Final = ("university", "institute", "hospital")
REPORT_MONTH_DAY: Final = (3, 30)  # SH-TT 18
REMIND_BEFORE: Final = 45  # days
SHANGHAI: Final = "310000"

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Share:
    """A part of something, in per cent."""

    key: int
    percent: Decimal


@dataclass(frozen=True)
class Entry:
    """What a pool gained (above zero) or bore (below) on a day.

    `own` is what another owner has paid out as this book's share: it was divided among the owners there.
    """

    on: dt.date
    amount_minor: int
    own: bool = False


@dataclass(frozen=True)
class Segment:
    """Days between two changes of rules: `since` None is before the first; what there was to divide.

    `own`: it is the book's own share, not to be divided among the owners again.
    """

    since: dt.date | None
    amount_minor: int
    own: bool = False


def divide(total: int, weights: Sequence[tuple[K, Decimal]]) -> dict[K, int]:
    """A sum of zero or more divided by weights, by the largest remainders: the parts add up to it exactly.

    Of equal remainders the earlier weight comes first.

    Raises:
        ValueError: a negative sum or weight, or no weight above zero.
    """
    whole = sum((weight for _key, weight in weights), Decimal(0))
    if total < 0 or whole <= 0 or any(weight < 0 for _key, weight in weights):
        raise ValueError("only what is there can be divided, by weights above zero")
    units = [int(weight.scaleb(4).to_integral_exact()) for _key, weight in weights]
    all_units = sum(units)
    parts = [total * unit // all_units for unit in units]
    remainders = [total * unit % all_units for unit in units]
    order = sorted(range(len(units)), key=lambda place: (-remainders[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return {key: part for (key, _weight), part in zip(weights, parts, strict=True)}


def segments(entries: Iterable[Entry], changes: Iterable[dt.date], carried: int) -> tuple[list[Segment], int]:
    """Net income by the rules of the day on which it came; a loss is borne by what comes after it.

    Args:
        entries: since the last allocation, in any order.
        changes: days from which other rules hold.
        carried: a loss of the last allocation, zero or below.

    Returns:
        What there is to divide, by segment, each above zero; and the loss that is left, zero or below.
    """
    days = sorted(set(changes))
    sums: dict[tuple[dt.date | None, bool], int] = {}
    for entry in entries:
        since = max((day for day in days if day <= entry.on), default=None)
        sums[since, entry.own] = sums.get((since, entry.own), 0) + entry.amount_minor
    found, running = [], carried
    for since, own in sorted(sums, key=lambda key: (key[0] or dt.date.min, key[1])):
        running += sums[since, own]
        if running > 0:
            found.append(Segment(since, running, own))
            running = 0
    return found, running


def apportion(amount: int, due: Sequence[tuple[K, int]]) -> list[tuple[K, int]]:
    """A payment set against what is due, the first first; what is left over goes to the last.

    Args:
        amount: above zero.
        due: what is due for each thing, in order; sums of zero or below are passed over.
    """
    found: list[tuple[K, int]] = []
    for key, owed in due:
        part = min(amount, max(owed, 0))
        if part:
            found.append((key, part))
            amount -= part
    if amount and due:
        key, part = found.pop() if found else (due[-1][0], 0)
        found.append((key, part + amount))
    return found


def is_state_established(said: bool | None, kind: str) -> bool:
    """Whether TTL 45's floor binds: what the organisation says, else what its type makes likely."""
    return kind in STATE_ESTABLISHED if said is None else said


def check_whole(parts: Mapping[int, Decimal]) -> None:
    """Raise `shares-not-whole` unless the parts are above zero and make up 100 per cent."""
    if not parts or any(part <= 0 for part in parts.values()) or sum(parts.values()) != 100:
        said = N_("The parts have to be above zero and make up 100 per cent.")
        raise Invalid("shares-not-whole", said, fields={"parts": [said]})


def check_floor(percent: Decimal, *, bound: bool) -> None:
    """Raise `share-below-floor` for a state-established institution's share of persons below one half."""
    if not 0 <= percent <= 100:
        said = N_("A share is between 0 and 100 per cent.")
        raise Invalid("share-invalid", said, fields={"percent": [said]})
    if bound and percent < FLOOR_PERCENT:
        said = N_(
            "A state-established institution gives at least 50 per cent of net licence income to those who "
            "made and transformed the result (Art. 45 of the law on transforming results)."
        )
        raise Invalid("share-below-floor", said, fields={"percent": [said]})


def report_due(year: int) -> dt.date:
    """The last day for handing in the report on a year: 30 March after it, moved past holidays (SH-TT 18)."""
    return clock.deadline(dt.date(year + 1, *REPORT_MONTH_DAY), days=0).date
