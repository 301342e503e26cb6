"""The taxes that a notice's fee may bear, for both sides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from marketplace.core import clock
from marketplace.deals.models import Notice, Obligation
from marketplace.deals.rules import licence_term

from .rules import Tax, abroad, taxes_on


def taxes_of(notice: Notice) -> list[Tax]:
    """What the fee of a notice may bear, by the rules of the day on which it was or would be paid.

    Nothing where no sum is owed, or in another currency than yuan, for which nothing is worked out.
    """
    return _taxes(notice, [one for one in notice.obligations if one.state != "cancelled"])


def taxes_of_obligation(owed: Obligation) -> list[Tax]:
    """As `taxes_of`, of one sum: a royalty, an instalment."""
    return _taxes(owed.notice, [owed])


def _taxes(notice: Notice, owed: Sequence[Obligation]) -> list[Tax]:
    fee = sum(one.amount_minor for one in owed)
    if not fee or any(one.currency != "CNY" for one in owed):
        return []
    day = max((one.paid_on for one in owed if one.paid_on), default=clock.today())
    ends = [end for end in (notice.offer.term_to, notice.offer.patent.expires_on) if end is not None]
    term = licence_term(day, notice.offer.term_to, notice.offer.patent.expires_on) if ends else None
    payee = notice.offer.holder
    return taxes_on(
        fee,
        day,
        payee_abroad=abroad(payee.region),
        payee_type=payee.type,
        years=None if term is None else _whole_years(term.begins, term.ends),
    )


def _whole_years(first: dt.date, last: dt.date) -> int:
    """Whole years from the first to the last day, both inclusive."""
    after = last + dt.timedelta(days=1)
    return after.year - first.year - ((after.month, after.day) < (first.month, first.day))
