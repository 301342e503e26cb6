"""Which licences the rules are to look at: one statement per kind, whatever the number of licences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.accounts.related import related
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice, Obligation, Receipt
from marketplace.deals.royalties.models import RoyaltyPeriod, RoyaltyStatement
from marketplace.listings.models import Offer

from . import rules
from .rules import Row, Seen

# Who licensed whom, and when. A licence that was ended counts: a sham may be ended once it has served.
_ROW: Final = (Licence.id, Offer.holder_id, Licence.licensee_id, Licence.effective_on)


def seen(today: dt.date) -> Iterator[Seen]:
    """Everything that the rules see on `today`."""
    yield from rules.related(_related(today))
    yield from rules.mutual(_mutual())
    yield from rules.unused(_unused(today))
    yield from rules.bursts(_free_to_joined())


def _licences(*columns: Any) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*_ROW, *columns).join(Offer, Offer.id == Licence.offer_id).where(Licence.kind == "open")


def _free() -> sa.ColumnElement[bool]:
    return sa.and_(Offer.fee_form == "free", sa.func.coalesce(Licence.amount_minor, 0) == 0)


def _rows(query: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
    yield from db.session.execute(query.execution_options(yield_per=10_000))


def _related(today: dt.date) -> Iterator[tuple[Row, str]]:
    pairs = related(today).subquery("related")
    query = _licences(pairs.c.ground).join(
        pairs,
        sa.and_(pairs.c.one_id == Offer.holder_id, pairs.c.other_id == Licence.licensee_id),
    )
    for *row, ground in _rows(query):
        yield Row(*row), ground


def _mutual() -> Iterator[Row]:
    sides = (
        sa.select(Offer.holder_id, Licence.licensee_id)
        .join(Offer, Offer.id == Licence.offer_id)
        .where(Licence.kind == "open", _free())
        .distinct()
        .cte("sides")
    )
    back = sides.alias("back")
    both = (
        sa.select(sides.c.holder_id, sides.c.licensee_id)
        .join(
            back,
            sa.and_(back.c.holder_id == sides.c.licensee_id, back.c.licensee_id == sides.c.holder_id),
        )
        .where(sides.c.holder_id != sides.c.licensee_id)
        .subquery("both_ways")
    )
    query = (
        _licences()
        .join(
            both,
            sa.and_(both.c.holder_id == Offer.holder_id, both.c.licensee_id == Licence.licensee_id),
        )
        .where(_free())
    )
    for row in _rows(query):
        yield Row(*row)


def _unused(today: dt.date) -> Iterator[Row]:
    """Licences taken here alone: of one that was imported, nobody here knows what its notice said."""
    stated = (
        sa.select(RoyaltyStatement.id)
        .join(RoyaltyPeriod, RoyaltyPeriod.id == RoyaltyStatement.period_id)
        .where(RoyaltyPeriod.licence_id == Licence.id)
    )
    paid = (
        sa.select(Receipt.id)
        .join(Obligation, Obligation.id == Receipt.obligation_id)
        .where(Obligation.notice_id == Licence.notice_id)
    )
    query = (
        _licences()
        .join(Notice, Notice.id == Licence.notice_id)
        .where(
            Licence.state == "in_effect",
            Licence.recordal_state == "recorded",
            Licence.recorded_on <= clock.add_months(today, -rules.UNUSED_AFTER),
            sa.func.coalesce(sa.func.trim(Notice.use), "") == "",
            ~stated.exists(),
            ~paid.exists(),
        )
    )
    for row in _rows(query):
        yield Row(*row)


def _free_to_joined() -> Iterator[Row]:
    query = (
        _licences(Organisation.claimed_at)
        .join(Organisation, Organisation.id == Licence.licensee_id)
        .where(_free(), Organisation.claimed_at.is_not(None))
    )
    for licence_id, holder_id, licensee_id, day, joined_at in _rows(query):
        yield Row(licence_id, holder_id, licensee_id, day, clock.legal_date(joined_at))
